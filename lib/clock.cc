#include "callwarden/clock.h"

#include <algorithm>
#include <ctime>

CALLWARDEN_NAMESPACE_BEGIN
namespace {

constexpr int64_t kSlowDivisor = 10;  // a slow map loses one nanosecond in ten
// Keeps every sum below in 64 bits whatever a clock says: 146 and 73 years.
constexpr int64_t kWallMax = int64_t{1} << 62;
constexpr int64_t kMonotonicMax = int64_t{1} << 61;
constexpr std::chrono::nanoseconds kIntervalMin = std::chrono::milliseconds(1);
constexpr std::chrono::nanoseconds kIntervalMax = std::chrono::hours(24);
constexpr std::chrono::nanoseconds kStepMax = std::chrono::hours(24 * 366);

int64_t ReadMachine(clockid_t id) noexcept {
  timespec time{};
  clock_gettime(id, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

clockid_t MonotonicId(bool coarse) noexcept {
#ifdef CLOCK_MONOTONIC_COARSE
  if (coarse) return CLOCK_MONOTONIC_COARSE;
#else
  static_cast<void>(coarse);
#endif
#ifdef CLOCK_BOOTTIME
  return CLOCK_BOOTTIME;
#else
  return CLOCK_MONOTONIC;
#endif
}

int64_t CeilDivide(int64_t value, int64_t divisor) noexcept { return (value + divisor - 1) / divisor; }

}  // namespace

Clock::~Clock() = default;

struct SystemClock::MapValues {
  int64_t monotonic_base_ns;
  int64_t utc_base_ns;
  int64_t slow_until_ns;
  int64_t correct_at_ns;

  // What the map says at full speed after `correct_at_ns`.
  int64_t InTime(int64_t monotonic_ns) const noexcept {
    const int64_t passed = std::max<int64_t>(0, monotonic_ns - monotonic_base_ns);
    const int64_t slow = std::clamp<int64_t>(slow_until_ns - monotonic_base_ns, 0, passed);
    return utc_base_ns + passed - CeilDivide(slow, kSlowDivisor);
  }
  int64_t At(int64_t monotonic_ns) const noexcept {
    if (monotonic_ns < correct_at_ns && slow_until_ns <= monotonic_base_ns) {
      return utc_base_ns + std::max<int64_t>(0, monotonic_ns - monotonic_base_ns);
    }
    const int64_t passed = std::max<int64_t>(0, monotonic_ns - monotonic_base_ns);
    int64_t slow = std::clamp<int64_t>(slow_until_ns - monotonic_base_ns, 0, passed);
    const int64_t full_speed_ends = std::max(correct_at_ns, slow_until_ns);
    slow += std::max<int64_t>(0, monotonic_ns - full_speed_ends);
    return utc_base_ns + passed - CeilDivide(slow, kSlowDivisor);
  }
};

SystemClock::SystemClock(SystemClockOptions options) noexcept : SystemClock(options, nullptr, nullptr) {}

SystemClock::SystemClock(SystemClockOptions options, ReadClocks read, void* context) noexcept
    : interval_ns_(std::clamp(options.reanchor_interval, kIntervalMin, kIntervalMax).count()),
      step_max_ns_(std::clamp(options.max_forward_step, std::chrono::nanoseconds(0), kStepMax).count()),
      coarse_(options.coarse),
      read_(read),
      context_(context) {
  const Reading reading = Read(true);
  Store({.monotonic_base_ns = reading.monotonic_ns,
         .utc_base_ns = reading.wall_ns,
         .slow_until_ns = reading.monotonic_ns,
         .correct_at_ns = reading.monotonic_ns + interval_ns_});
}

SystemClock::~SystemClock() = default;

SystemClock::Reading SystemClock::Read(bool need_wall) const noexcept {
  Reading reading;
  if (read_ != nullptr) {
    reading = read_(context_, need_wall);
  } else {
    reading.monotonic_ns = ReadMachine(MonotonicId(coarse_));
    if (need_wall) reading.wall_ns = ReadMachine(CLOCK_REALTIME);
  }
  reading.monotonic_ns = std::clamp<int64_t>(reading.monotonic_ns, 0, kMonotonicMax);
  reading.wall_ns = std::clamp<int64_t>(reading.wall_ns, 0, kWallMax);
  return reading;
}

// Reads the map that holds, and then the monotonic clock, so that a time is never mapped by a map that
// was replaced before it was read. False: a correction took place meanwhile.
bool SystemClock::Load(Reading& reading, MapValues& values) const noexcept {
  const uint64_t version = version_.load(std::memory_order_acquire);
  const Map& map = maps_[version % 2];
  reading = Read(false);
  values.monotonic_base_ns = map.monotonic_base_ns.load(std::memory_order_acquire);
  values.utc_base_ns = map.utc_base_ns.load(std::memory_order_acquire);
  values.slow_until_ns = map.slow_until_ns.load(std::memory_order_acquire);
  values.correct_at_ns = map.correct_at_ns.load(std::memory_order_acquire);
  return version_.load(std::memory_order_relaxed) == version;
}

void SystemClock::Store(const MapValues& values) const noexcept {
  const uint64_t next = version_.load(std::memory_order_relaxed) + 1;
  Map& map = maps_[next % 2];
  map.monotonic_base_ns.store(values.monotonic_base_ns, std::memory_order_release);
  map.utc_base_ns.store(values.utc_base_ns, std::memory_order_release);
  map.slow_until_ns.store(values.slow_until_ns, std::memory_order_release);
  map.correct_at_ns.store(values.correct_at_ns, std::memory_order_release);
  version_.store(next, std::memory_order_release);
}

Timestamp SystemClock::Now() const noexcept {
  Reading reading;
  MapValues map;
  while (!Load(reading, map)) {
  }
  int64_t now_ns = 0;
  if (reading.monotonic_ns < map.correct_at_ns || correcting_.exchange(true, std::memory_order_acquire)) {
    now_ns = map.At(reading.monotonic_ns);
  } else {
    now_ns = Correct();
    correcting_.store(false, std::memory_order_release);
  }
  return Timestamp(std::chrono::nanoseconds(now_ns));
}

// Runs with `correcting_` taken.
int64_t SystemClock::Correct() const noexcept {
  Reading reading;
  MapValues map;
  while (!Load(reading, map)) {
  }
  if (reading.monotonic_ns < map.correct_at_ns) return map.At(reading.monotonic_ns);  // another just did

  reading = Read(true);
  const int64_t now = reading.monotonic_ns;
  const int64_t expected = map.InTime(now);
  // The nanosecond covers the rounding of the two maps where one takes over from the other.
  const int64_t least = map.At(now) + 1;
  MapValues next{.monotonic_base_ns = now,
                 .utc_base_ns = least,
                 .slow_until_ns = now,
                 .correct_at_ns = now + interval_ns_};
  if (reading.wall_ns - expected > step_max_ns_) {
    next.utc_base_ns = std::max(least, expected + step_max_ns_);
    forward_clamped_.fetch_add(1, std::memory_order_relaxed);
  } else if (reading.wall_ns >= least) {
    next.utc_base_ns = reading.wall_ns;
  } else {
    // Bounded, so that a wall clock set back by years does not overflow; the next correction goes on.
    next.slow_until_ns = now + std::min(least - reading.wall_ns, 2 * interval_ns_) * kSlowDivisor;
  }
  Store(next);
  return next.utc_base_ns;
}

uint64_t SystemClock::forward_clamped() const noexcept {
  return forward_clamped_.load(std::memory_order_relaxed);
}

ManualClock::ManualClock(Timestamp now) noexcept : now_ns_(now.time_since_epoch().count()) {}

ManualClock::~ManualClock() = default;

Timestamp ManualClock::Now() const noexcept {
  return Timestamp(std::chrono::nanoseconds(now_ns_.load(std::memory_order_acquire)));
}

void ManualClock::Set(Timestamp now) noexcept {
  now_ns_.store(now.time_since_epoch().count(), std::memory_order_release);
}

void ManualClock::Advance(std::chrono::nanoseconds step) noexcept {
  now_ns_.fetch_add(step.count(), std::memory_order_acq_rel);
}

CALLWARDEN_NAMESPACE_END
