// Threads on one store: exactly as many as fit are admitted, and what is counted is what is held.

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "callwarden/memory_counter_store.h"

#include "catch.h"
#include "contract/stores.h"

using callwarden::AttributeValue;
using callwarden::CounterKey;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::Window;
using std::chrono::seconds;
using namespace callwarden_test;

namespace {

// Reserves `specs` together, from a scope of its own or the one that all share.
class Caller {
 public:
  Caller(MemoryCounterStore& store, const std::vector<LimitSpec>& specs, int scope = 0) : store_(store) {
    const AttributeValue value(scope);
    for (const LimitSpec& spec : specs) keys_.push_back(store.Key(spec, {&value, 1}));
    for (std::size_t i = 0; i < specs.size(); ++i) requests_.push_back({&specs[i], &keys_[i], 1});
  }
  ReserveStatus Take(callwarden::Timestamp now, Reservation& reservation) {
    return store_.Reserve(requests_, now, reservation).status;
  }
  uint64_t Used(std::size_t i, callwarden::Timestamp now) { return store_.Peek(requests_[i], now).used; }

 private:
  MemoryCounterStore& store_;
  std::vector<CounterKey> keys_;
  std::vector<LimitRequest> requests_;
};

template <class F>
void RunThreads(int count, F f) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back(f, t);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("fifty threads are admitted exactly the maximum, and never more at any time") {
  const uint64_t max = GENERATE(uint64_t{1}, uint64_t{20}, uint64_t{10000});
  const std::size_t limits = GENERATE(std::size_t{1}, std::size_t{3});
  CAPTURE(max, limits);
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 64, .clock = &clock, .secret = {}});
  std::vector<LimitSpec> specs{Calendar(Window::Seconds(86400), max, "a")};
  if (limits == 3) {
    specs.push_back(Calendar(Window::Month(), max + 5, "b"));
    specs.push_back(Inflight(max + 9, "c"));
  }
  std::atomic<uint64_t> admitted{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::vector<Reservation>> held(50);
  RunThreads(50, [&](int t) {
    Caller caller(store, specs);
    for (int denials = 0; denials < 3;) {  // one may be of a race
      Reservation reservation;
      if (caller.Take(kNoon, reservation) != ReserveStatus::kAdmitted) {
        ++denials;
        continue;
      }
      held[static_cast<std::size_t>(t)].push_back(std::move(reservation));
      if (++admitted > max) exceeded = true;
    }
  });
  Caller quiet(store, specs);
  Reservation last;
  while (quiet.Take(kNoon, last) == ReserveStatus::kAdmitted) {
    held[0].push_back(std::move(last));
    ++admitted;
  }
  CHECK_FALSE(exceeded);
  CHECK(admitted == max);
  for (std::size_t i = 0; i < limits; ++i) CHECK(quiet.Used(i, kNoon) == max);
  held.clear();
  if (limits == 3) CHECK(quiet.Used(2, kNoon) == 0);
  CHECK(store.stats().admitted == max);
}

TEST_CASE("what threads reserve and refund adds up") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 64, .clock = &clock, .secret = {}});
  const std::vector<LimitSpec> specs{Calendar(Window::Seconds(86400), 40, "a"), Inflight(30, "b"),
                                     Calendar(Window::Seconds(7), 50, "c")};
  std::atomic<uint64_t> standing{0};
  RunThreads(8, [&](int t) {
    std::mt19937 random(static_cast<uint32_t>(t));
    Caller caller(store, specs);
    std::vector<Reservation> held;
    for (int i = 0; i < 4000; ++i) {
      Reservation reservation;
      if (random() % 2 == 0 && caller.Take(kNoon, reservation) == ReserveStatus::kAdmitted) {
        held.push_back(std::move(reservation));
      } else if (!held.empty()) {
        store.Refund(std::move(held.back()));
        held.pop_back();
      }
    }
    standing += held.size();
  });
  Caller quiet(store, specs);
  CHECK(quiet.Used(0, kNoon) == standing);
  CHECK(quiet.Used(1, kNoon) == 0);  // given up when the threads ended
  CHECK(quiet.Used(2, kNoon) == standing);
  const auto stats = store.stats();
  CHECK(stats.keys == 3);
  CHECK(stats.refunds_stale == 0);
}

TEST_CASE("soak: windows roll and slots are reused under threads, and every window adds up") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 16, .clock = &clock, .secret = {}});
  const std::vector<LimitSpec> specs{Calendar(Window::Seconds(1), 10, "a")};
  constexpr int kScopes = 40;  // more than fit at once
  for (int round = 0; round < 60; ++round) {
    const auto now = clock.Now();
    std::array<std::atomic<uint64_t>, kScopes> standing{};
    RunThreads(4, [&](int t) {
      std::mt19937 random(static_cast<uint32_t>(round * 4 + t));
      for (int i = 0; i < 200; ++i) {
        const auto scope = static_cast<int>(random() % kScopes);
        Caller caller(store, specs, scope);
        Reservation reservation;
        if (caller.Take(now, reservation) != ReserveStatus::kAdmitted) continue;
        if (random() % 3 == 0) {
          store.Refund(std::move(reservation));
        } else {
          ++standing[static_cast<std::size_t>(scope)];
        }
      }
    });
    for (int scope = 0; scope < kScopes; ++scope) {
      Caller caller(store, specs, scope);
      const uint64_t used = caller.Used(0, now);
      if (used != standing[static_cast<std::size_t>(scope)] || used > 10)
        FAIL("scope " << scope << " has " << used);
    }
    clock.Advance(seconds(1));
  }
  CHECK(store.stats().reuses > 100);
  CHECK(store.stats().denied_store_full > 0);
}

TEST_CASE("a snapshot taken while threads work is whole") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 256, .clock = &clock, .secret = {}});
  const std::vector<LimitSpec> specs{Calendar(Window::Seconds(86400), 1000000, "a"),
                                     Gcra(Window::Week(), 1000, 900)};
  std::atomic<bool> stop{false};
  std::thread saver([&] {
    while (!stop) {
      const TemporaryFile file;
      MemoryCounterStore restored({.capacity_keys = 256, .clock = &clock, .secret = {}});
      if (!store.Save(file.path()).ok() || !restored.Restore(file.path()).ok()) stop = true;
    }
  });
  RunThreads(3, [&](int t) {
    for (int i = 0; i < 3000; ++i) {
      Caller caller(store, specs,
                    t * 40 + i % 40);  // 240 keys: what holds more than its capacity need not fit again
      Reservation reservation;
      static_cast<void>(caller.Take(kNoon, reservation));
    }
  });
  CHECK_FALSE(stop);
  stop = true;
  saver.join();
}

TEST_CASE("threads beyond those with cells of their own are counted all the same") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 64, .clock = &clock, .secret = {}});
  const std::vector<LimitSpec> specs{Calendar(Window::Seconds(86400), 1000000, "a")};
  constexpr int kThreads = 90;
  std::atomic<int> ready{0};
  RunThreads(kThreads, [&](int) {
    Caller caller(store, specs);
    Reservation reservation;
    static_cast<void>(caller.Take(kNoon, reservation));
    ++ready;
    while (ready < kThreads) std::this_thread::yield();  // all alive at once
    for (int i = 0; i < 10; ++i) static_cast<void>(caller.Take(kNoon, reservation));
  });
  CHECK(store.stats().admitted == kThreads * 11);
}
