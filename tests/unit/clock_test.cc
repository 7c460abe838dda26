#include "callwarden/clock.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "catch.h"

namespace {

using callwarden::ManualClock;
using callwarden::SystemClock;
using callwarden::SystemClockOptions;
using callwarden::Timestamp;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Timestamp kNoon{seconds(1772366400)};  // 2026-03-01T12:00:00Z

// The machine's two clocks, told by the test.
struct Machine {
  std::atomic<int64_t> monotonic_ns{5'000'000'000};
  std::atomic<int64_t> wall_ns{kNoon.time_since_epoch().count()};
  std::atomic<int> wall_reads{0};

  void Pass(nanoseconds time) { Pass(time, time); }
  void Pass(nanoseconds monotonic, nanoseconds wall) {
    monotonic_ns += monotonic.count();
    wall_ns += wall.count();
  }
  static SystemClock::Reading Read(void* context, bool need_wall) noexcept {
    auto* machine = static_cast<Machine*>(context);
    if (need_wall) ++machine->wall_reads;
    return {machine->monotonic_ns, need_wall ? machine->wall_ns.load() : 0};
  }
  SystemClock Clock(SystemClockOptions options = {}) { return SystemClock(options, &Read, this); }
};

}  // namespace

TEST_CASE("a manual clock stands where it is put") {
  ManualClock clock;
  CHECK(clock.Now() == Timestamp{});
  clock.Set(kNoon);
  clock.Advance(seconds(5));
  CHECK(clock.Now() == kNoon + seconds(5));
  clock.Advance(-seconds(10));
  CHECK(clock.Now() == kNoon - seconds(5));
}

TEST_CASE("the system clock tells the time of the machine and does not go back") {
  for (const bool coarse : {false, true}) {
    SystemClockOptions options;
    options.coarse = coarse;
    const SystemClock clock(options);
    const auto before = std::chrono::system_clock::now();
    Timestamp last = clock.Now();
    CHECK(last > before - seconds(60));
    CHECK(last < before + seconds(60));
    for (int i = 0; i < 1000; ++i) {
      const Timestamp now = clock.Now();
      if (now < last) FAIL("went back");
      last = now;
    }
    CHECK(clock.forward_clamped() == 0);
  }
}

TEST_CASE("time follows the monotonic clock, and the wall clock is read once an interval") {
  Machine machine;
  SystemClock clock = machine.Clock();
  CHECK(clock.Now() == kNoon);
  CHECK(machine.wall_reads == 1);
  machine.Pass(seconds(59));
  CHECK(clock.Now() == kNoon + seconds(59));
  CHECK(machine.wall_reads == 1);
  machine.Pass(seconds(1));
  CHECK(clock.Now() - (kNoon + seconds(60)) <= nanoseconds(1));
  CHECK(machine.wall_reads == 2);
  CHECK(clock.Now() > kNoon);
  CHECK(machine.wall_reads == 2);
}

TEST_CASE("a small forward step is followed at the next correction") {
  Machine machine;
  SystemClock clock = machine.Clock();
  machine.Pass(seconds(30), seconds(40));
  CHECK(clock.Now() == kNoon + seconds(30));
  machine.Pass(seconds(30));
  CHECK(clock.Now() == kNoon + seconds(70));
  CHECK(clock.forward_clamped() == 0);
}

TEST_CASE("a large forward step is followed a bounded step an interval") {
  Machine machine;
  SystemClock clock = machine.Clock();
  machine.Pass(seconds(60), seconds(60) + seconds(150));
  CHECK(clock.Now() == kNoon + seconds(60 + 60));
  CHECK(clock.forward_clamped() == 1);
  machine.Pass(seconds(60));
  CHECK(clock.Now() == kNoon + seconds(120 + 120));
  machine.Pass(seconds(60));
  CHECK(clock.Now() == kNoon + seconds(180 + 150));
  CHECK(clock.forward_clamped() == 2);
}

TEST_CASE("a step back is met by running at nine tenths of the speed") {
  Machine machine;
  SystemClock clock = machine.Clock();
  machine.Pass(seconds(60), seconds(58));
  const Timestamp before = clock.Now();
  CHECK(before - (kNoon + seconds(60)) <= nanoseconds(1));
  machine.Pass(seconds(10));
  CHECK(clock.Now() - before == seconds(9));
  machine.Pass(seconds(10));  // 2 s and a nanosecond at a tenth: 20 s
  const Timestamp met = clock.Now();
  CHECK(met - (kNoon + seconds(78)) <= nanoseconds(2));
  machine.Pass(seconds(10));
  CHECK(clock.Now() - met >= seconds(10) - nanoseconds(2));
  CHECK(clock.forward_clamped() == 0);
}

TEST_CASE("a step back of years keeps time going forward, slowly") {
  Machine machine;
  SystemClock clock = machine.Clock();
  Timestamp last = clock.Now();
  machine.Pass(seconds(60), -hours(24 * 3650));
  for (int i = 0; i < 200; ++i) {
    machine.Pass(seconds(7));
    const Timestamp now = clock.Now();
    CHECK(now - last >= seconds(6));
    CHECK(now - last <= seconds(67));
    last = now;
  }
  CHECK(last - kNoon <= seconds(60 + 1400));
  CHECK(last - kNoon >= seconds(54 + 1260));
}

TEST_CASE("a process that slept through many intervals is on time at its first reading") {
  Machine machine;
  SystemClock clock = machine.Clock();
  machine.Pass(hours(10));
  CHECK(clock.Now() == kNoon + hours(10));
  CHECK(clock.forward_clamped() == 0);
}

TEST_CASE("readings without sense are bounded") {
  Machine machine;
  machine.wall_ns = INT64_MAX;
  machine.monotonic_ns = INT64_MIN;
  SystemClock clock =
      machine.Clock({.reanchor_interval = nanoseconds(-5), .max_forward_step = nanoseconds(-5)});
  Timestamp last = clock.Now();
  for (const int64_t odd : {int64_t{0}, INT64_MAX, int64_t{-1}, int64_t{1}, INT64_MAX}) {
    machine.monotonic_ns = odd;
    machine.wall_ns = ~odd;
    CHECK(clock.Now() >= kNoon);
  }
  CHECK(last >= kNoon);
}

TEST_CASE("threads never see time go back, across corrections and steps") {
  Machine machine;
  SystemClock clock = machine.Clock({.reanchor_interval = milliseconds(1)});
  std::atomic<int64_t> latest{0};
  std::atomic<bool> stop{false};
  std::atomic<int> backwards{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const int64_t seen = latest.load();
        const int64_t now = clock.Now().time_since_epoch().count();
        if (now < seen) ++backwards;
        int64_t expected = latest.load();
        while (expected < now && !latest.compare_exchange_weak(expected, now)) {
        }
      }
    });
  }
  for (int i = 0; i < 20000; ++i) {
    const int64_t wall_step = i % 7 == 0 ? -3'000'000 : i % 5 == 0 ? 4'000'000 : 300'000;
    machine.Pass(nanoseconds(300'000), nanoseconds(wall_step));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(backwards == 0);
}
