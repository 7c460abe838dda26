// What every counter store must do, with figures worked out by hand. Runs on each implementation.

#include <array>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "catch.h"
#include "contract/stores.h"

using callwarden::CounterKey;
using callwarden::kCountMax;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::RetryAfter;
using callwarden::Timestamp;
using callwarden::Window;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using namespace callwarden_test;

namespace {

constexpr uint64_t kMost = (std::numeric_limits<uint64_t>::max)();

Subject EachStore() {
  return Subject(GENERATE(Implementation::kReference, Implementation::kMemory, Implementation::kRestored));
}

// A key and the request that uses it.
struct Limit {
  Limit(Subject& s, const LimitSpec& which, std::span<const callwarden::AttributeValue> scope = {})
      : spec(which), key(s.store->Key(which, scope)) {}
  LimitRequest Ask(uint64_t weight = 1) { return {&spec, &key, weight}; }
  LimitSpec spec;
  CounterKey key;
};

callwarden::ReserveResult Reserve(Subject& s, const LimitRequest& request, Reservation& reservation) {
  return s.store->Reserve({&request, 1}, s.clock.Now(), reservation);
}

}  // namespace

TEST_CASE("a calendar window ends on its boundary, to the nanosecond") {
  Subject s = EachStore();
  struct Row {
    Window window;
    int64_t inside_s;
    int64_t end_s;
  };
  const Row row = GENERATE(values<Row>({
      {Window::Seconds(1), 1772366400, 1772366401},
      {Window::Seconds(60), 1772366459, 1772366460},
      {Window::Seconds(90), 1772366400, 1772366490},
      {Window::Seconds(86400), 1772366400, 1772409600},
      {Window::Seconds(7 * 86400), 1772366400, 1772668800},  // from Thursday 2026-02-26
      {Window::Week(), 1772366400, 1772409600},              // Sunday noon: until Monday
      {Window::Week(), 1772409600, 1773014400},              // Monday 00:00: a week
      {Window::Month(), 1772366400, 1775001600},             // until 2026-04-01
      {Window::Month(), 1803816000, 1803859200},             // 2027-02-28 noon: until 2027-03-01
      {Window::Month(), 1835395200, 1835481600},             // 2028-02-29: until 2028-03-01
      {Window::Month(), 1798761599, 1798761600},             // 2026-12-31T23:59:59: until the new year
      {Window::Seconds(31536000), 1798761599, 1829088000},   // 58 years of 365 days
      {Window::Seconds(31536000), 2713910399, 2743632000},   // ends after 2056-11, beyond what a word holds
      {Window::Week(), 2713910399, 2714083200},
  }));
  CAPTURE(row.inside_s, row.end_s);
  const LimitSpec spec = Calendar(row.window, 2);
  s.clock.Set(At(row.inside_s));
  REQUIRE(s.Take(spec, 2).status == ReserveStatus::kAdmitted);
  const auto denied = s.Take(spec);
  CHECK(denied.status == ReserveStatus::kOverLimit);
  CHECK(denied.short_mask == 1);
  CHECK(denied.shortages[0].used == 2);
  CHECK(denied.retry.kind == RetryAfter::Kind::kAfter);
  CHECK(denied.retry.delay == seconds(row.end_s - row.inside_s));
  if (At(row.end_s) >= callwarden::kTimeMax) return;

  s.clock.Set(At(row.end_s) - nanoseconds(1));
  const auto last = s.Take(spec);
  CHECK(last.status == ReserveStatus::kOverLimit);
  CHECK(last.retry.delay == nanoseconds(1));
  s.clock.Set(At(row.end_s));
  CHECK(s.Take(spec).status == ReserveStatus::kAdmitted);
  s.clock.Set(At(row.end_s) + nanoseconds(1));
  CHECK(s.Take(spec).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec).status == ReserveStatus::kOverLimit);
}

TEST_CASE("weights up to the maximum fit, heavier ones never do") {
  Subject s = EachStore();
  const uint64_t max = GENERATE(uint64_t{1}, uint64_t{5}, uint64_t{4294967295}, kCountMax);
  CAPTURE(max);
  const LimitSpec spec = Calendar(Window::Seconds(3600), max);
  CHECK(s.Take(spec, 0).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec, max + 1).status == ReserveStatus::kNeverFits);
  CHECK(s.Take(spec, max + 1).retry.kind == RetryAfter::Kind::kNever);
  CHECK(s.Take(spec, kMost).status == ReserveStatus::kNeverFits);
  CHECK(s.Used(spec) == 0);
  CHECK(s.Take(spec, max).status == ReserveStatus::kAdmitted);
  CHECK(s.Used(spec) == max);
  CHECK(s.Take(spec, 0).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec, 1).status == (max == 0 ? ReserveStatus::kNeverFits : ReserveStatus::kOverLimit));
  CHECK(s.Take(spec, kMost).status == ReserveStatus::kNeverFits);
}

TEST_CASE("windows that are not whole minutes count to 2^32-2") {
  Subject s = EachStore();
  const LimitSpec spec = Calendar(Window::Seconds(90), 4294967294);
  CHECK(s.Take(spec, 4294967294).status == ReserveStatus::kAdmitted);
  CHECK(s.Used(spec) == 4294967294);
  CHECK(s.Take(spec, 1).status == ReserveStatus::kOverLimit);
}

TEST_CASE("a maximum of 0 admits weight 0 alone") {
  Subject s = EachStore();
  for (const LimitSpec& spec :
       {Calendar(Window::Seconds(60), 0), Gcra(Window::Seconds(60), 0), Inflight(0)}) {
    CHECK(s.Take(spec, 0).status == ReserveStatus::kAdmitted);
    CHECK(s.Take(spec, 1).status == ReserveStatus::kNeverFits);
  }
}

TEST_CASE("a clock that steps back stays in the later window") {
  Subject s = EachStore();
  const LimitSpec spec = Calendar(Window::Seconds(60), 3);
  REQUIRE(s.Take(spec).status == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(60));
  REQUIRE(s.Take(spec, 2).status == ReserveStatus::kAdmitted);
  s.clock.Advance(-seconds(60));
  CHECK(s.Used(spec) == 2);
  CHECK(s.Take(spec, 1).status == ReserveStatus::kAdmitted);
  const auto denied = s.Take(spec, 1);
  CHECK(denied.status == ReserveStatus::kOverLimit);
  CHECK(denied.retry.delay == seconds(120));
  s.clock.Advance(seconds(119));
  CHECK(s.Take(spec, 1).status == ReserveStatus::kOverLimit);
  s.clock.Advance(seconds(1));
  CHECK(s.Take(spec, 3).status == ReserveStatus::kAdmitted);
}

TEST_CASE("a clock that jumps ahead and back denies longer, never more") {
  Subject s = EachStore();
  const LimitSpec spec = Calendar(Window::Seconds(86400), 1);
  s.clock.Advance(std::chrono::hours(24 * 30));
  REQUIRE(s.Take(spec).status == ReserveStatus::kAdmitted);
  s.clock.Set(kNoon);
  CHECK(s.Take(spec).status == ReserveStatus::kOverLimit);
  CHECK(s.Take(spec).retry.delay == std::chrono::hours(24 * 30 + 12));
}

TEST_CASE("a refund gives back to the window it came from, once") {
  Subject s = EachStore();
  Limit limit(s, Calendar(Window::Seconds(60), 5));
  Reservation first, second;
  REQUIRE(Reserve(s, limit.Ask(3), first).status == ReserveStatus::kAdmitted);
  REQUIRE(Reserve(s, limit.Ask(2), second).status == ReserveStatus::kAdmitted);
  CHECK(first.size() == 1);
  CHECK(first.weight(0) == 3);
  CHECK(first.request_of(0) == 0);
  CHECK(first.store() == s.store.get());

  CHECK(s.store->Refund(std::move(first)).credited == 1);
  CHECK(first.empty());
  CHECK(s.Used(limit.spec) == 2);
  const auto again = s.store->Refund(std::move(first));
  CHECK((again.credited | again.stale) == 0);
  CHECK(s.Used(limit.spec) == 2);

  s.clock.Advance(seconds(60));
  REQUIRE(s.Take(limit.spec, 4).status == ReserveStatus::kAdmitted);
  const auto late = s.store->Refund(std::move(second));
  CHECK(late.credited == 0);
  CHECK(late.stale == 1);
  CHECK(s.Used(limit.spec) == 4);
}

TEST_CASE("a settlement corrects both ways") {
  Subject s = EachStore();
  Limit limit(s, Calendar(Window::Seconds(60), 10));
  const auto settle = [&](uint64_t reserved, uint64_t actual) {
    Reservation reservation;
    REQUIRE(Reserve(s, limit.Ask(reserved), reservation).status == ReserveStatus::kAdmitted);
    return s.store->Settle(std::move(reservation), {&actual, 1});
  };
  CHECK(settle(4, 1).credited == 1);
  CHECK(s.Used(limit.spec) == 1);
  const auto same = settle(4, 4);
  CHECK((same.credited | same.stale | same.debited) == 0);
  CHECK(s.Used(limit.spec) == 5);
  CHECK(settle(4, 20).debited == 1);
  CHECK(s.Used(limit.spec) == 25);
  CHECK(s.Take(limit.spec).status == ReserveStatus::kOverLimit);
  s.clock.Advance(seconds(60));
  CHECK(s.Used(limit.spec) == 0);
}

TEST_CASE("a settlement after the roll debits the present window") {
  Subject s = EachStore();
  Limit limit(s, Calendar(Window::Seconds(60), 10));
  Reservation reservation;
  REQUIRE(Reserve(s, limit.Ask(4), reservation).status == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(60));
  const uint64_t actual = 7;
  CHECK(s.store->Settle(std::move(reservation), {&actual, 1}).debited == 1);
  CHECK(s.Used(limit.spec) == 3);
}

TEST_CASE("a debit that leaves the range saturates, and no refund touches it") {
  Subject s = EachStore();
  const Window window = GENERATE(Window::Seconds(60), Window::Seconds(90));
  Limit limit(s, Calendar(window, 10));
  Reservation kept, reservation;
  REQUIRE(Reserve(s, limit.Ask(2), kept).status == ReserveStatus::kAdmitted);
  REQUIRE(Reserve(s, limit.Ask(2), reservation).status == ReserveStatus::kAdmitted);
  CHECK(s.store->Settle(std::move(reservation), {&kMost, 1}).debited == 1);
  const uint64_t saturated = s.Used(limit.spec);
  CHECK(saturated == (window == Window::Seconds(60) ? kCountMax : callwarden::kCountMaxSeconds) + 1);
  CHECK(s.store->Refund(std::move(kept)).stale == 1);
  CHECK(s.Used(limit.spec) == saturated);
  CHECK(s.Take(limit.spec).status == ReserveStatus::kOverLimit);
  s.clock.Advance(seconds(90));
  CHECK(s.Take(limit.spec, 10).status == ReserveStatus::kAdmitted);
}

TEST_CASE("a debit of a gcra limit has no end that overflows") {
  Subject s = EachStore();
  Limit limit(s, Gcra(Window::Seconds(86400), 1000));
  Reservation kept, reservation;
  REQUIRE(Reserve(s, limit.Ask(2), kept).status == ReserveStatus::kAdmitted);
  REQUIRE(Reserve(s, limit.Ask(2), reservation).status == ReserveStatus::kAdmitted);
  CHECK(s.store->Settle(std::move(reservation), {&kMost, 1}).debited == 1);
  CHECK(s.store->Refund(std::move(kept)).stale == 1);
  const auto denied = s.Take(limit.spec);
  CHECK(denied.status == ReserveStatus::kOverLimit);
  CHECK(denied.retry.delay > std::chrono::hours(24 * 365 * 200));
}

TEST_CASE("a settlement with fewer figures than charges leaves the rest as reserved") {
  Subject s = EachStore();
  Limit a(s, Calendar(Window::Seconds(60), 10, "a")), b(s, Calendar(Window::Seconds(60), 10, "b"));
  const std::array<LimitRequest, 2> requests{a.Ask(4), b.Ask(5)};
  Reservation reservation;
  REQUIRE(s.store->Reserve(requests, s.clock.Now(), reservation).status == ReserveStatus::kAdmitted);
  const uint64_t actual = 1;
  CHECK(s.store->Settle(std::move(reservation), {&actual, 1}).credited == 1);
  CHECK(s.Used(a.spec) == 1);
  CHECK(s.Used(b.spec) == 5);
}

TEST_CASE("several limits are charged all or none, and the longest wait is reported") {
  Subject s = EachStore();
  Limit minute(s, Calendar(Window::Seconds(60), 5, "a")), hour(s, Calendar(Window::Seconds(3600), 2, "b")),
      calls(s, Inflight(1)), never(s, Calendar(Window::Seconds(60), 0, "c"));
  Reservation r;
  const auto take = [&](std::vector<LimitRequest> requests) {
    return s.store->Reserve(requests, s.clock.Now(), r);
  };
  REQUIRE(take({minute.Ask(5), hour.Ask(2)}).status == ReserveStatus::kAdmitted);
  CHECK(r.size() == 2);
  Reservation in_flight = std::move(r);

  const auto timed = take({minute.Ask(), hour.Ask()});
  CHECK(timed.status == ReserveStatus::kOverLimit);
  CHECK(timed.short_mask == 3);
  CHECK(timed.limit == 1);
  CHECK(timed.retry.delay == std::chrono::hours(1));
  CHECK(timed.shortages[0].retry.delay == seconds(60));
  CHECK(timed.shortages[0].used == 5);
  CHECK(r.empty());

  const auto only_one = take({calls.Ask(), hour.Ask()});
  CHECK(only_one.short_mask == 2);
  CHECK(s.Used(calls.spec) == 0);

  REQUIRE(take({calls.Ask()}).status == ReserveStatus::kAdmitted);
  Reservation running = std::move(r);
  const auto unknown = take({hour.Ask(), calls.Ask(), never.Ask()});
  CHECK(unknown.short_mask == 7);
  CHECK(unknown.status == ReserveStatus::kNeverFits);
  CHECK(unknown.limit == 1);  // never and unknown are equally long: the first of them
  CHECK(unknown.retry.kind == RetryAfter::Kind::kOnRelease);
  CHECK(take({never.Ask(), calls.Ask()}).limit == 0);
}

TEST_CASE("a charge tells what is counted with it") {
  Subject s = EachStore();
  Limit minutes(s, Calendar(Window::Seconds(60), 10));
  Limit seconds_only(s, Calendar(Window::Seconds(90), 10));
  Limit paced(s, Gcra(Window::Seconds(60), 10));
  Limit in_flight(s, Inflight(10));
  std::vector<Reservation> held(2);
  for (uint64_t turn = 0; turn < 2; ++turn) {
    const std::array<LimitRequest, 4> requests{minutes.Ask(3), seconds_only.Ask(4), paced.Ask(2),
                                               in_flight.Ask()};
    REQUIRE(s.store->Reserve(requests, s.clock.Now(), held[turn]).status == ReserveStatus::kAdmitted);
    const Reservation& reservation = held[turn];
    REQUIRE(reservation.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::array<uint64_t, 4> once{3, 4, 0, 1};
      const std::size_t request = reservation.request_of(i);
      CAPTURE(turn, request);
      CHECK(reservation.tokens()[i].used == once[request] * (turn + 1));
    }
  }
  Reservation one;
  REQUIRE(Reserve(s, minutes.Ask(1), one).status == ReserveStatus::kAdmitted);
  CHECK(one.tokens()[0].used == 7);
}

TEST_CASE("requests of one key are merged") {
  Subject s = EachStore();
  Limit wide(s, Calendar(Window::Seconds(60), 10)), narrow(s, Calendar(Window::Seconds(60), 6));
  Limit other(s, Calendar(Window::Seconds(60), 10, "other"));
  REQUIRE(wide.key == narrow.key);
  Reservation r;
  const std::array<LimitRequest, 3> three{wide.Ask(3), other.Ask(1), narrow.Ask(3)};
  REQUIRE(s.store->Reserve(three, s.clock.Now(), r).status == ReserveStatus::kAdmitted);
  CHECK(r.size() == 2);
  CHECK(r.weight(0) == 6);
  CHECK(r.request_of(0) == 0);
  CHECK(r.weight(1) == 1);
  CHECK(r.request_of(1) == 1);
  CHECK(s.Used(wide.spec) == 6);

  Reservation denied;
  const auto result = s.store->Reserve(three, s.clock.Now(), denied);
  CHECK(result.status == ReserveStatus::kOverLimit);
  CHECK(result.short_mask == 5);
  CHECK(result.limit == 0);
  const std::array<LimitRequest, 2> heavy{wide.Ask(kMost), narrow.Ask(2)};
  CHECK(s.store->Reserve(heavy, s.clock.Now(), denied).status == ReserveStatus::kNeverFits);
}

TEST_CASE("sixteen limits fit in a call, seventeen do not") {
  Subject s = EachStore();
  std::vector<Limit> limits;
  for (int i = 0; i < 17; ++i)
    limits.emplace_back(s, Calendar(Window::Seconds(60), 1, "limit" + std::to_string(i)));
  std::vector<LimitRequest> requests;
  for (Limit& limit : limits) requests.push_back(limit.Ask());
  Reservation r;
  CHECK(s.store->Reserve(requests, s.clock.Now(), r).status == ReserveStatus::kInvalid);
  CHECK(s.Used(limits[0].spec) == 0);
  const std::span<const LimitRequest> sixteen(requests.data(), 16);
  CHECK(s.store->Reserve(sixteen, s.clock.Now(), r).status == ReserveStatus::kAdmitted);
  CHECK(r.size() == 16);
  Reservation denied;
  CHECK(s.store->Reserve(sixteen, s.clock.Now(), denied).short_mask == 0xFFFF);
  CHECK(s.store->Refund(std::move(r)).credited == 0xFFFF);
  CHECK(s.Used(limits[15].spec) == 0);
}

TEST_CASE("no request at all is admitted and holds nothing") {
  Subject s = EachStore();
  Reservation r;
  CHECK(s.store->Reserve({}, s.clock.Now(), r).status == ReserveStatus::kAdmitted);
  CHECK(r.empty());
}

TEST_CASE("what cannot be asked is invalid") {
  Subject s = EachStore();
  Limit limit(s, Calendar(Window::Seconds(60), 5)), other(s, Calendar(Window::Seconds(61), 5));
  const Timestamp outside = GENERATE(callwarden::kTimeMin - nanoseconds(1), callwarden::kTimeMax,
                                     (Timestamp::max)(), (Timestamp::min)());
  Reservation r;
  const auto status = [&](const LimitRequest& request, Timestamp now) {
    return s.store->Reserve({&request, 1}, now, r).status;
  };
  CHECK(status(limit.Ask(), outside) == ReserveStatus::kInvalid);
  CHECK_FALSE(s.store->Peek(limit.Ask(), outside).ok);
  for (const LimitRequest& request :
       {LimitRequest{nullptr, &limit.key, 1}, LimitRequest{&limit.spec, nullptr, 1},
        LimitRequest{&limit.spec, &other.key, 1}}) {
    CHECK(status(request, kNoon) == ReserveStatus::kInvalid);
    CHECK_FALSE(s.store->Peek(request, kNoon).ok);
    const std::array<LimitRequest, 2> two{limit.Ask(), request};
    CHECK(s.store->Reserve(two, kNoon, r).status == ReserveStatus::kInvalid);
  }
  CHECK(s.Used(limit.spec) == 0);
}

TEST_CASE("the first and the last time that is accepted") {
  Subject s = EachStore();
  const LimitSpec spec = Calendar(Window::Seconds(60), 1);
  const LimitSpec smooth = Gcra(Window::Seconds(60), 1);
  if (s.implementation != Implementation::kRestored) {  // whose counts begin no earlier than its snapshot
    s.clock.Set(callwarden::kTimeMin);
    CHECK(s.Take(spec).status == ReserveStatus::kAdmitted);
    CHECK(s.Take(spec).retry.delay == seconds(60));
    CHECK(s.Take(smooth).status == ReserveStatus::kAdmitted);
    CHECK(s.Take(smooth).retry.delay == seconds(60));
  }
  s.clock.Set(callwarden::kTimeMax - nanoseconds(1));
  CHECK(s.Take(spec).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec).retry.delay == nanoseconds(1));
  CHECK(s.Take(smooth).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(smooth).status == ReserveStatus::kOverLimit);
}

TEST_CASE("in flight is released exactly once, also by destruction") {
  Subject s = EachStore();
  Limit limit(s, Inflight(2));
  Limit counted(s, Calendar(Window::Seconds(60), 9));
  {
    Reservation first, second, third;
    const std::array<LimitRequest, 2> both{limit.Ask(), counted.Ask()};
    REQUIRE(s.store->Reserve(both, s.clock.Now(), first).status == ReserveStatus::kAdmitted);
    REQUIRE(Reserve(s, limit.Ask(), second).status == ReserveStatus::kAdmitted);
    const auto denied = Reserve(s, limit.Ask(), third);
    CHECK(denied.status == ReserveStatus::kOverLimit);
    CHECK(denied.retry.kind == RetryAfter::Kind::kOnRelease);
    CHECK(denied.shortages[0].used == 2);
    const uint64_t whatever = 100;
    CHECK(s.store->Settle(std::move(second), {&whatever, 1}).credited == 1);
    CHECK(s.Used(limit.spec) == 1);
    s.store->Settle(std::move(second), {});
    CHECK(s.Used(limit.spec) == 1);
  }
  CHECK(s.Used(limit.spec) == 0);
  CHECK(s.Used(counted.spec) == 1);  // destruction keeps what was counted
}

TEST_CASE("a reservation that is assigned to or reused settles what it held") {
  Subject s = EachStore();
  Limit limit(s, Inflight(3));
  Reservation a, b;
  REQUIRE(Reserve(s, limit.Ask(), a).status == ReserveStatus::kAdmitted);
  REQUIRE(Reserve(s, limit.Ask(), b).status == ReserveStatus::kAdmitted);
  CHECK(s.Used(limit.spec) == 2);
  a = std::move(b);
  CHECK(s.Used(limit.spec) == 1);
  Reservation& alias = a;
  a = std::move(alias);
  CHECK(s.Used(limit.spec) == 1);
  REQUIRE(Reserve(s, limit.Ask(), a).status == ReserveStatus::kAdmitted);
  CHECK(s.Used(limit.spec) == 1);
  Reservation moved(std::move(a));
  CHECK(a.empty());
  CHECK(s.Used(limit.spec) == 1);
  CHECK(Reserve(s, limit.Ask(4), moved).status == ReserveStatus::kNeverFits);
  CHECK(moved.empty());
  CHECK(s.Used(limit.spec) == 0);
}

TEST_CASE("a reservation outlives the spec and the key it was made with") {
  Subject s = EachStore();
  Reservation calendar, smooth, in_flight;
  {
    Limit a(s, Calendar(Window::Month(), 5)), b(s, Gcra(Window::Week(), 5)), c(s, Inflight(5));
    REQUIRE(Reserve(s, a.Ask(2), calendar).status == ReserveStatus::kAdmitted);
    REQUIRE(Reserve(s, b.Ask(2), smooth).status == ReserveStatus::kAdmitted);
    REQUIRE(Reserve(s, c.Ask(2), in_flight).status == ReserveStatus::kAdmitted);
  }
  const uint64_t actual = 3;
  CHECK(s.store->Settle(std::move(calendar), {&actual, 1}).debited == 1);
  CHECK(s.store->Settle(std::move(smooth), {&actual, 1}).debited == 1);
  CHECK(s.store->Refund(std::move(in_flight)).credited == 1);
  CHECK(s.Used(Calendar(Window::Month(), 5)) == 3);
  CHECK(s.Used(Gcra(Window::Week(), 5)) == 3);
  CHECK(s.Used(Inflight(5)) == 0);
}

TEST_CASE("gcra admits a burst at once and then its rate") {
  Subject s = EachStore();
  const LimitSpec spec = Gcra(Window::Seconds(60), 60, 3);
  for (int i = 0; i < 3; ++i) CHECK(s.Take(spec).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec).retry.delay == seconds(1));
  CHECK(s.Take(spec, 3).retry.delay == seconds(3));
  CHECK(s.Take(spec, 4).status == ReserveStatus::kNeverFits);
  s.clock.Advance(seconds(1) - nanoseconds(1));
  CHECK(s.Take(spec).retry.delay == nanoseconds(1));
  s.clock.Advance(nanoseconds(1));
  CHECK(s.Take(spec).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec).status == ReserveStatus::kOverLimit);
  s.clock.Advance(std::chrono::hours(1));
  CHECK(s.Take(spec, 3).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec).status == ReserveStatus::kOverLimit);
}

TEST_CASE("gcra fits its burst whole, whatever its rate") {
  Subject s = EachStore();
  for (uint64_t max = 1; max < 400; ++max) {
    const LimitSpec spec = Gcra(Window::Seconds(1), max);
    for (uint64_t i = 0; i < max; ++i) {
      if (s.Take(spec).status != ReserveStatus::kAdmitted) FAIL("unit " << i << " of " << max);
    }
    CHECK(s.Take(spec).status == ReserveStatus::kOverLimit);
  }
}

TEST_CASE("a gcra refund gives back what has not drained") {
  Subject s = EachStore();
  Limit limit(s, Gcra(Window::Seconds(60), 60, 5));
  Reservation r;
  REQUIRE(Reserve(s, limit.Ask(4), r).status == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(3));
  CHECK(s.store->Refund(std::move(r)).credited == 1);  // 1 of 4 units had not drained
  CHECK(s.Used(limit.spec) == 0);
  CHECK(s.Take(limit.spec, 5).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(limit.spec, 1).status == ReserveStatus::kOverLimit);

  Reservation drained;
  s.clock.Advance(std::chrono::minutes(1));
  REQUIRE(Reserve(s, limit.Ask(2), drained).status == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(2));
  CHECK(s.store->Refund(std::move(drained)).stale == 1);
}

TEST_CASE("two gcra refunds in a row do not make a burst") {
  Subject s = EachStore();
  Limit limit(s, Gcra(Window::Seconds(60), 60, 10));
  Reservation a, b;
  REQUIRE(Reserve(s, limit.Ask(5), a).status == ReserveStatus::kAdmitted);
  REQUIRE(Reserve(s, limit.Ask(5), b).status == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(4));  // 10 - 4 = 6 units of debt; of each call 1 has not drained
  CHECK(s.store->Refund(std::move(a)).credited == 1);
  CHECK(s.Used(limit.spec) == 5);
  CHECK(s.store->Refund(std::move(b)).credited == 1);
  CHECK(s.Used(limit.spec) == 4);
}

TEST_CASE("a maximum lowered or raised counts at once") {
  Subject s = EachStore();
  const LimitSpec ten = Calendar(Window::Seconds(60), 10), four = Calendar(Window::Seconds(60), 4);
  REQUIRE(s.Take(ten, 6).status == ReserveStatus::kAdmitted);
  const auto lowered = s.Take(four, 1);
  CHECK(lowered.status == ReserveStatus::kOverLimit);
  CHECK(lowered.shortages[0].used == 6);
  CHECK(s.Take(ten, 4).status == ReserveStatus::kAdmitted);
  CHECK(s.Take(Calendar(Window::Seconds(60), 11), 1).status == ReserveStatus::kAdmitted);
  const LimitSpec other_window = Calendar(Window::Seconds(120), 10);
  CHECK(s.Used(other_window) == 0);
}

TEST_CASE("a peek tells and changes nothing") {
  Subject s = EachStore();
  Limit limit(s, Calendar(Window::Seconds(60), 5));
  auto peek = s.store->Peek(limit.Ask(5), s.clock.Now());
  CHECK(peek.ok);
  CHECK(peek.fits);
  CHECK(peek.used == 0);
  CHECK(peek.max == 5);
  CHECK(peek.window_end == kNoon + seconds(60));
  REQUIRE(s.Take(limit.spec, 3).status == ReserveStatus::kAdmitted);
  for (int i = 0; i < 3; ++i) {
    peek = s.store->Peek(limit.Ask(3), s.clock.Now());
    CHECK_FALSE(peek.fits);
    CHECK(peek.used == 3);
    CHECK(peek.retry.delay == seconds(60));
  }
  CHECK(s.store->Peek(limit.Ask(2), s.clock.Now()).fits);
  CHECK(s.store->Peek(limit.Ask(6), s.clock.Now()).retry.kind == RetryAfter::Kind::kNever);
  CHECK(s.store->Peek(limit.Ask(0), s.clock.Now()).fits);
  CHECK(s.store->Peek(limit.Ask(3), s.clock.Now() + seconds(60)).fits);

  Limit calls(s, Inflight(1));
  Reservation r;
  REQUIRE(Reserve(s, calls.Ask(), r).status == ReserveStatus::kAdmitted);
  CHECK(s.store->Peek(calls.Ask(), s.clock.Now()).retry.kind == RetryAfter::Kind::kOnRelease);
  CHECK(s.store->Peek(calls.Ask(), s.clock.Now()).used == 1);
}

TEST_CASE("counts of different scopes, counters and kinds are apart") {
  Subject s = EachStore();
  const callwarden::AttributeValue anna("anna"), bert("bert");
  const LimitSpec spec = Calendar(Window::Seconds(60), 1);
  Limit a(s, spec, {&anna, 1}), b(s, spec, {&bert, 1}),
      c(s, Calendar(Window::Seconds(60), 1, "x"), {&anna, 1});
  Reservation r;
  CHECK(Reserve(s, a.Ask(), r).status == ReserveStatus::kAdmitted);
  CHECK(Reserve(s, a.Ask(), r).status == ReserveStatus::kOverLimit);
  CHECK(Reserve(s, b.Ask(), r).status == ReserveStatus::kAdmitted);
  CHECK(Reserve(s, c.Ask(), r).status == ReserveStatus::kAdmitted);
}
