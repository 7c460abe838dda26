#include "callwarden/memory_counter_store.h"

#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"

namespace {

using callwarden::AttributeValue;
using callwarden::CounterKey;
using callwarden::kCountMax;
using callwarden::LimitKind;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::RetryAfter;
using callwarden::Timestamp;
using callwarden::Window;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Timestamp kNoon{seconds(1772366400)};  // 2026-03-01T12:00:00Z

LimitSpec Calendar(Window window, uint64_t max, std::string_view identity = "count") {
  const auto spec = LimitSpec::Create({.window = window, .max = max, .burst = {}, .identity = identity});
  REQUIRE(spec.has_value());
  return *spec;
}

struct Store {
  explicit Store(std::size_t capacity = 1024)
      : store({.capacity_keys = capacity, .clock = &clock, .secret = {}}) {}
  ManualClock clock{kNoon};
  MemoryCounterStore store;

  ReserveStatus Take(const LimitSpec& spec, CounterKey& key, uint64_t weight = 1) {
    Reservation reservation;
    const LimitRequest request{&spec, &key, weight};
    return store.Reserve({&request, 1}, clock.Now(), reservation).status;
  }
};

}  // namespace

TEST_CASE("a new store is ok and empty") {
  MemoryCounterStore store;
  CHECK(store.ok());
  CHECK(store.stats().keys == 0);
  CHECK(store.stats().capacity_keys == 65536);
}

TEST_CASE("a store without room or without memory denies and says so") {
  const std::size_t capacity = GENERATE(std::size_t{0}, (std::numeric_limits<std::size_t>::max)());
  MemoryCounterStore store({.capacity_keys = capacity, .clock = nullptr, .secret = {}});
  CHECK_FALSE(store.ok());
  const LimitSpec spec = Calendar(Window::Seconds(60), 5);
  CounterKey key = store.Key(spec, {});
  const LimitRequest request{&spec, &key, 1};
  Reservation reservation;
  CHECK(store.Reserve({&request, 1}, kNoon, reservation).status == ReserveStatus::kStoreError);
  CHECK(reservation.empty());
  CHECK_FALSE(store.Peek(request, kNoon).ok);
  CHECK(store.stats().denied_store_error == 1);
}

TEST_CASE("a window admits its maximum and no more, and the next one starts afresh") {
  Store s;
  const LimitSpec spec = Calendar(Window::Seconds(60), 3);
  CounterKey key = s.store.Key(spec, {});
  for (int i = 0; i < 3; ++i) CHECK(s.Take(spec, key) == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec, key) == ReserveStatus::kOverLimit);
  s.clock.Advance(seconds(60) - std::chrono::nanoseconds(1));
  CHECK(s.Take(spec, key) == ReserveStatus::kOverLimit);
  s.clock.Advance(std::chrono::nanoseconds(1));
  CHECK(s.Take(spec, key) == ReserveStatus::kAdmitted);
}

TEST_CASE("keys tell values apart by type and value, and numbers by value alone") {
  Store s;
  const LimitSpec spec = Calendar(Window::Seconds(60), 3);
  const auto key = [&](AttributeValue value) { return s.store.Key(spec, {&value, 1}); };
  CHECK(key(1) == key(1.0));
  CHECK(key(1) == key(1u));
  CHECK(key(0.0) == key(-0.0));
  CHECK(key(-5) == key(-5.0));
  CHECK(key(uint64_t{1} << 63) == key(9223372036854775808.0));
  CHECK_FALSE(key(1) == key("1"));
  CHECK_FALSE(key(1) == key(true));
  CHECK_FALSE(key(-1) == key((std::numeric_limits<uint64_t>::max)()));
  CHECK_FALSE(key(0.5) == key(1));
  const std::array<AttributeValue, 2> split{"ab", "c"}, other{"a", "bc"};
  CHECK_FALSE(s.store.Key(spec, split) == s.store.Key(spec, other));
  CHECK_FALSE(s.store.Key(spec, {}) == s.store.Key(Calendar(Window::Seconds(61), 3), {}));
  CHECK(s.store.Key(spec, {}) == s.store.Key(Calendar(Window::Seconds(60), 4), {}));
}

TEST_CASE("a scope value of a mebibyte is a key like any other") {
  Store s;
  const LimitSpec spec = Calendar(Window::Seconds(60), 1);
  const std::string big(std::size_t{1} << 20, 'x');
  const AttributeValue value(big);
  CounterKey key = s.store.Key(spec, {&value, 1});
  CHECK(s.Take(spec, key) == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec, key) == ReserveStatus::kOverLimit);
}

TEST_CASE("a full table denies new keys, keeps the old ones, and takes over expired ones") {
  Store s(1);  // one group of 16 slots
  const LimitSpec spec = Calendar(Window::Seconds(60), 2);
  std::vector<CounterKey> keys;
  for (int i = 0; i < 17; ++i) {
    const AttributeValue value(i);
    keys.push_back(s.store.Key(spec, {&value, 1}));
  }
  for (int i = 0; i < 16; ++i)
    CHECK(s.Take(spec, keys[static_cast<std::size_t>(i)]) == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec, keys[16]) == ReserveStatus::kStoreFull);
  CHECK(s.Take(spec, keys[0]) == ReserveStatus::kAdmitted);
  CHECK(s.store.stats().denied_store_full == 1);
  CHECK(s.store.stats().keys == 16);
  CHECK(s.store.stats().above_85_percent);
  s.clock.Advance(seconds(60));
  CHECK(s.store.stats().keys_expired == 16);
  CHECK(s.Take(spec, keys[16]) == ReserveStatus::kAdmitted);
  CHECK(s.store.stats().reuses == 1);
  CHECK(s.store.stats().keys == 16);
  CHECK(s.Take(spec, keys[16]) == ReserveStatus::kAdmitted);
  CHECK(s.Take(spec, keys[16]) == ReserveStatus::kOverLimit);
}

TEST_CASE("a clock that stepped back does not open a dropped window again") {
  Store s(1);
  const LimitSpec spec = Calendar(Window::Seconds(60), 1);
  std::vector<CounterKey> keys;
  for (int i = 0; i < 32; ++i) {
    const AttributeValue value(i);
    keys.push_back(s.store.Key(spec, {&value, 1}));
  }
  for (std::size_t i = 0; i < 16; ++i) CHECK(s.Take(spec, keys[i]) == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(60));
  for (std::size_t i = 16; i < 32; ++i) CHECK(s.Take(spec, keys[i]) == ReserveStatus::kAdmitted);
  s.clock.Advance(seconds(60));
  const AttributeValue value(0);
  CounterKey again = s.store.Key(spec, {&value, 1});
  s.clock.Advance(-seconds(120));
  // The old window of key 0 is forgotten, so it must not be charged: nothing is idle at that time.
  CHECK(s.Take(spec, again) == ReserveStatus::kStoreFull);
}

TEST_CASE("several limits are charged all or none") {
  Store s;
  const LimitSpec minute = Calendar(Window::Seconds(60), 5, "minute");
  const LimitSpec day = Calendar(Window::Seconds(86400), 2, "day");
  CounterKey minute_key = s.store.Key(minute, {}), day_key = s.store.Key(day, {});
  const std::array<LimitRequest, 2> requests{{{&minute, &minute_key, 1}, {&day, &day_key, 1}}};
  Reservation a, b, c;
  CHECK(s.store.Reserve(requests, kNoon, a).status == ReserveStatus::kAdmitted);
  CHECK(a.size() == 2);
  CHECK(s.store.Reserve(requests, kNoon, b).status == ReserveStatus::kAdmitted);
  const auto denied = s.store.Reserve(requests, kNoon, c);
  CHECK(denied.status == ReserveStatus::kOverLimit);
  CHECK(denied.limit == 1);
  CHECK(denied.short_mask == 2);
  CHECK(denied.retry.kind == RetryAfter::Kind::kAfter);
  CHECK(denied.retry.delay == std::chrono::hours(12));
  CHECK(denied.shortages[1].used == 2);
  CHECK(c.empty());
  CHECK(s.store.Peek(requests[0], kNoon).used == 2);
  CHECK(s.store.Refund(std::move(a)).credited == 3);
  CHECK(s.store.Peek(requests[0], kNoon).used == 1);
  CHECK(s.store.Peek(requests[1], kNoon).used == 1);
}

TEST_CASE("ForEach shows the live counts") {
  Store s;
  const LimitSpec spec = Calendar(Window::Seconds(60), 9);
  CounterKey key = s.store.Key(spec, {});
  CHECK(s.Take(spec, key, 4) == ReserveStatus::kAdmitted);
  int seen = 0;
  s.store.ForEach(kNoon, [&](const callwarden::CounterRecord& record) {
    ++seen;
    CHECK(record.identity == std::array<uint64_t, 2>{key.fp, key.check});
    CHECK(record.spec_tag == spec.tag());
    CHECK(record.kind == LimitKind::kCalendar);
    CHECK(record.used == 4);
    CHECK(record.until == kNoon + seconds(60));
  });
  CHECK(seen == 1);
  s.store.ForEach(kNoon + seconds(60), [&](const callwarden::CounterRecord&) { ++seen; });
  CHECK(seen == 1);
}

TEST_CASE("threads that race for one limit are admitted exactly its maximum") {
  const uint64_t max = GENERATE(uint64_t{1}, uint64_t{20}, uint64_t{10000});
  Store s;
  const LimitSpec spec = Calendar(Window::Seconds(86400), max);
  std::atomic<uint64_t> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      CounterKey key = s.store.Key(spec, {});
      uint64_t mine = 0;
      while (s.Take(spec, key) == ReserveStatus::kAdmitted) ++mine;
      admitted += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(admitted == max);
  CHECK(s.store.stats().admitted == max);
}
