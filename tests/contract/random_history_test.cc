// Random calls on a store and on the reference, which must answer alike; and every wait that is told against
// the earliest time at which the same request is in fact admitted.

#include <array>
#include <cstdlib>
#include <random>
#include <utility>
#include <vector>

#include "catch.h"
#include "contract/reference_store.h"
#include "contract/stores.h"

using callwarden::CounterKey;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::PeekResult;
using callwarden::Reservation;
using callwarden::ReserveResult;
using callwarden::ReserveStatus;
using callwarden::RetryAfter;
using callwarden::Timestamp;
using callwarden::Window;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using namespace callwarden_test;

namespace {

bool Same(const RetryAfter& a, const RetryAfter& b) { return a.kind == b.kind && a.delay == b.delay; }

bool Same(const ReserveResult& a, const ReserveResult& b) {
  if (a.status != b.status || a.limit != b.limit || a.short_mask != b.short_mask || !Same(a.retry, b.retry)) {
    return false;
  }
  for (std::size_t i = 0; i < a.shortages.size(); ++i) {
    if ((a.short_mask >> i & 1) == 0) continue;
    if (a.shortages[i].used != b.shortages[i].used || !Same(a.shortages[i].retry, b.shortages[i].retry))
      return false;
  }
  return true;
}

bool Same(const PeekResult& a, const PeekResult& b) {
  return a.ok == b.ok && a.fits == b.fits && a.used == b.used && a.max == b.max &&
         a.window_end == b.window_end && Same(a.retry, b.retry);
}

bool Same(const callwarden::SettleResult& a, const callwarden::SettleResult& b) {
  return a.credited == b.credited && a.stale == b.stale && a.debited == b.debited && a.lost == b.lost;
}

// Limits of every kind and several windows, some of which share a count.
std::vector<LimitSpec> Specs() {
  return {Calendar(Window::Seconds(1), 3),
          Calendar(Window::Seconds(7), 20),
          Calendar(Window::Seconds(60), 10),
          Calendar(Window::Seconds(60), 6),
          Calendar(Window::Seconds(86400), 50),
          Calendar(Window::Week(), 500),
          Calendar(Window::Month(), 2000),
          Gcra(Window::Seconds(1), 3),
          Gcra(Window::Seconds(60), 7, 4),
          Gcra(Window::Seconds(86400), 1000000, 9),
          Inflight(4),
          Inflight(2)};
}

// The two stores side by side.
struct Pair {
  Pair(Implementation implementation, uint32_t seed)
      : subject(implementation), reference(&subject.clock), random(seed), specs(Specs()) {
    if (implementation == Implementation::kRestored) reference.Restart(subject.clock.Now());
  }

  uint64_t Below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(random); }

  struct Open {
    Reservation real;
    Reservation expected;
  };

  void Reserve() {
    const std::size_t count = Below(3) == 0 ? 1 + Below(5) : 1;
    std::vector<CounterKey> keys(count), reference_keys(count);
    std::vector<LimitRequest> requests, reference_requests;
    for (std::size_t i = 0; i < count; ++i) {
      const LimitSpec& spec = specs[Below(specs.size())];
      const callwarden::AttributeValue scope(Below(3));
      keys[i] = subject.store->Key(spec, {&scope, 1});
      reference_keys[i] = reference.Key(spec, {&scope, 1});
      const uint64_t weight = Below(20) == 0 ? Below(60) : Below(4);
      requests.push_back({&spec, &keys[i], weight});
      reference_requests.push_back({&spec, &reference_keys[i], weight});
    }
    const Timestamp now = subject.clock.Now() - nanoseconds(Below(4) == 0 ? Below(2'000'000'000) : 0);
    for (std::size_t i = 0; i < count; ++i) {
      REQUIRE(Same(subject.store->Peek(requests[i], now), reference.Peek(reference_requests[i], now)));
    }
    Open both;
    const ReserveResult result = subject.store->Reserve(requests, now, both.real);
    REQUIRE(Same(result, reference.Reserve(reference_requests, now, both.expected)));
    REQUIRE(both.real.size() == both.expected.size());
    if (result.status == ReserveStatus::kAdmitted) open.push_back(std::move(both));
  }

  void Finish() {
    if (open.empty()) return;
    std::swap(open[Below(open.size())], open.back());
    Open both = std::move(open.back());
    open.pop_back();
    if (Below(4) == 0) return;  // dropped
    std::array<uint64_t, 16> actual{};
    for (std::size_t i = 0; i < both.real.size(); ++i) {
      REQUIRE(both.real.weight(i) == both.expected.weight(i));
      actual[i] = Below(50) == 0 ? ~uint64_t{0} >> Below(64) : Below(6);
    }
    const std::span<const uint64_t> some(actual.data(), Below(17));
    REQUIRE(Same(subject.store->Settle(std::move(both.real), some),
                 reference.Settle(std::move(both.expected), some)));
  }

  void Step() {
    switch (Below(8)) {
      case 0: {
        constexpr std::array<int64_t, 6> kMost{1'000'000,      1'000'000'000,      10'000'000'000,
                                               60'000'000'000, 86'400'000'000'000, 2'700'000'000'000'000};
        const auto step =
            static_cast<int64_t>(Below(static_cast<uint64_t>(kMost[Below(Below(8) == 0 ? 6 : 3)])));
        subject.clock.Advance(nanoseconds(Below(10) == 0 ? -step / 4 : step));
        break;
      }
      case 1:
      case 2:
      case 3:
        Finish();
        break;
      default:
        Reserve();
        break;
    }
  }

  Subject subject;
  ReferenceStore reference;
  std::mt19937 random;
  std::vector<LimitSpec> specs;
  std::vector<Open> open;
};

std::vector<uint32_t> Seeds() {
  std::vector<uint32_t> seeds{1, 2, 3, 4, 5, 6, 7, 8};
  if (const char* more = std::getenv("CALLWARDEN_TEST_SEED")) {
    seeds.push_back(static_cast<uint32_t>(std::strtoul(more, nullptr, 10)));
  }
  return seeds;
}

// The first time from `now` on at which the request fits, found by halving: nothing else happens meanwhile,
// so that what fits goes on fitting.
Timestamp EarliestFit(const callwarden::CounterStore& store, const LimitRequest& request, Timestamp now) {
  Timestamp low = now, high = now + std::chrono::hours(24 * 400);
  REQUIRE(store.Peek(request, high).fits);
  while (high - low > nanoseconds(1)) {
    const Timestamp middle = low + (high - low) / 2;
    (store.Peek(request, middle).fits ? high : low) = middle;
  }
  return high;
}

}  // namespace

TEST_CASE("random histories answer as the reference does") {
  const Implementation implementation = GENERATE(Implementation::kMemory, Implementation::kRestored);
  for (const uint32_t seed : Seeds()) {
    CAPTURE(seed);
    Pair pair(implementation, seed);
    for (int i = 0; i < 4000; ++i) {
      CAPTURE(i);
      pair.Step();
    }
  }
}

TEST_CASE("a snapshot carries every count over") {
  for (const uint32_t seed : Seeds()) {
    CAPTURE(seed);
    Pair pair(Implementation::kMemory, seed);
    for (int round = 0; round < 12; ++round) {
      for (int i = 0; i < 200; ++i) pair.Step();
      pair.open.clear();  // reservations die with the process, and what was in flight with them
      pair.subject.RoundTrip();
      pair.reference.Restart(pair.subject.clock.Now());
    }
  }
}

TEST_CASE("the wait that is told is enough, and less is not") {
  std::size_t checked = 0;
  for (const uint32_t seed : Seeds()) {
    CAPTURE(seed);
    Pair pair(Implementation::kMemory, seed);
    for (int i = 0; i < 2000; ++i) {
      CAPTURE(i);
      pair.Step();
      const LimitSpec& spec = pair.specs[pair.Below(pair.specs.size())];
      const callwarden::AttributeValue scope(pair.Below(3));
      CounterKey key = pair.subject.store->Key(spec, {&scope, 1});
      const LimitRequest request{&spec, &key, 1 + pair.Below(5)};
      const Timestamp now = pair.subject.clock.Now();
      CounterKey reference_key = pair.reference.Key(spec, {&scope, 1});
      const LimitRequest reference_request{&spec, &reference_key, request.weight};
      Pair::Open both;
      const ReserveResult result = pair.subject.store->Reserve({&request, 1}, now, both.real);
      REQUIRE(Same(result, pair.reference.Reserve({&reference_request, 1}, now, both.expected)));
      pair.open.push_back(std::move(both));
      if (result.status != ReserveStatus::kOverLimit || result.retry.kind != RetryAfter::Kind::kAfter)
        continue;
      if (result.retry.delay > std::chrono::hours(24 * 399)) continue;  // a debit that saturated
      const nanoseconds exact = EarliestFit(*pair.subject.store, request, now) - now;
      CHECK(result.retry.delay == exact);
      ++checked;
    }
  }
  CHECK(checked > 1000);
}
