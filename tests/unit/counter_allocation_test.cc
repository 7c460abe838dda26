// Counts what the store allocates once it is made: nothing.

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include "callwarden/memory_counter_store.h"

#include "catch.h"
#include "contract/stores.h"

namespace {

std::atomic<uint64_t> allocations{0};

void* Allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

}  // namespace

void* operator new(std::size_t size) {
  void* p = Allocate(size, alignof(std::max_align_t));
  if (p == nullptr) std::abort();
  return p;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

using namespace callwarden;
using namespace callwarden_test;

TEST_CASE("no call of a store allocates") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 16, .clock = &clock, .secret = {}});
  const std::array<LimitSpec, 3> specs{Calendar(Window::Seconds(60), 3), Gcra(Window::Seconds(60), 5),
                                       Inflight(2)};
  const std::string big(100000, 'x');
  const AttributeValue scope(big);
  const TemporaryFile file;

  // The first key of a thread makes its memory of keys.
  static_cast<void>(store.Key(specs[0], {&scope, 1}));
  const uint64_t before = allocations;
  uint64_t statuses = 0;
  for (int round = 0; round < 200; ++round) {
    std::array<CounterKey, 3> keys;
    std::array<LimitRequest, 3> requests;
    const AttributeValue number(round);
    for (std::size_t i = 0; i < 3; ++i) {
      keys[i] = store.Key(specs[i], {round % 2 == 0 ? &scope : &number, 1});
      requests[i] = {&specs[i], &keys[i], 1};
    }
    for (int i = 0; i < 6; ++i) {
      Reservation all, one;
      statuses |= uint64_t{1} << static_cast<int>(store.Reserve(requests, clock.Now(), all).status);
      statuses |= uint64_t{1} << static_cast<int>(store.Reserve({&requests[0], 1}, clock.Now(), one).status);
      static_cast<void>(store.Peek(requests[1], clock.Now()));
      const uint64_t actual = 5;
      if (i == 0) store.Settle(std::move(all), {&actual, 1});
      if (i == 1) store.Refund(std::move(one));
    }
    clock.Advance(std::chrono::seconds(1));
  }
  static_cast<void>(store.stats());
  const bool saved = store.Save(file.path()).ok();
  const uint64_t after = allocations;
  CHECK(after == before);
  CHECK(saved);
  CHECK((statuses >> static_cast<int>(ReserveStatus::kAdmitted) & 1) == 1);
  CHECK((statuses >> static_cast<int>(ReserveStatus::kOverLimit) & 1) == 1);
  CHECK((statuses >> static_cast<int>(ReserveStatus::kStoreFull) & 1) == 1);
}
