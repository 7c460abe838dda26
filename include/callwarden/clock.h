#ifndef CALLWARDEN_CLOCK_H_
#define CALLWARDEN_CLOCK_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

/// A UTC time in whole nanoseconds since the Unix epoch, leap seconds not counted.
/// Integers throughout: a double holds epoch seconds to 238 ns only.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Tells the time of decisions. A host may bring its own.
///
/// Thread safety: Now() may be called from any thread.
/// Errors: cannot fail. Counter stores stay exact whatever the clock does; a clock that runs ahead
/// opens windows early, one that runs behind only denies longer.
class CALLWARDEN_EXPORT Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;  // an identity: stores and gates keep pointers to it
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock();

  /// The current time. Does not allocate or block.
  [[nodiscard]] virtual Timestamp Now() const noexcept = 0;
};

/// How a SystemClock follows the machine's wall clock.
struct SystemClockOptions {
  /// How often the map from the monotonic clock to UTC is corrected, and the span over which
  /// `max_forward_step` is granted once. One minute: a step is noticed soon, at no cost to decisions.
  std::chrono::nanoseconds reanchor_interval = std::chrono::seconds(60);
  /// The furthest that one correction goes forward; the rest waits for the next. A forward step opens
  /// windows early, so it is the dangerous one.
  std::chrono::nanoseconds max_forward_step = std::chrono::seconds(60);
  /// Reads the coarse monotonic clock, a few nanoseconds a read with a tick of about 4 ms. Good enough
  /// for windows of a minute and longer.
  bool coarse = false;
};

/// UTC anchored to the monotonic clock (on Linux the boot-time clock, so that suspend counts).
///
/// Never returns less than it returned before in this process. A wall clock that steps forward is
/// followed by at most `max_forward_step` per `reanchor_interval`; one that steps back is met by
/// running at nine tenths of the speed until the two agree.
///
/// Thread safety: any member may be called from any thread; Now() takes no lock and never waits for
/// another thread's correction.
/// Allocation: none.
class CALLWARDEN_EXPORT SystemClock final : public Clock {
 public:
  explicit SystemClock(SystemClockOptions options = {}) noexcept;
  ~SystemClock() override;

  [[nodiscard]] Timestamp Now() const noexcept override;

  /// How many corrections were cut to `max_forward_step`.
  [[nodiscard]] uint64_t forward_clamped() const noexcept;

  /// One reading of the two clocks that this clock is made of, in nanoseconds. For tests.
  struct Reading {
    int64_t monotonic_ns = 0;
    int64_t wall_ns = 0;
  };
  /// Where readings come from; replaced in tests only. Must be callable from any thread.
  using ReadClocks = Reading (*)(void* context, bool need_wall) noexcept;
  SystemClock(SystemClockOptions options, ReadClocks read, void* context) noexcept;

 private:
  struct Map;
  void Reanchor(Reading reading) const noexcept;

  SystemClockOptions options_;
  ReadClocks read_;
  void* context_;
  // The map, under a sequence lock: utc = utc_base + (monotonic - monotonic_base) * slope, where slope
  // is 1, or 9/10 while the map runs ahead of the wall clock.
  mutable std::atomic<uint64_t> sequence_{0};
  mutable std::atomic<int64_t> monotonic_base_ns_{0};
  mutable std::atomic<int64_t> utc_base_ns_{0};
  mutable std::atomic<int64_t> slow_until_ns_{0};  // monotonic time at which the slope is 1 again
  mutable std::atomic<int64_t> reanchor_at_ns_{0};
  mutable std::atomic<bool> reanchoring_{false};
  mutable std::atomic<uint64_t> forward_clamped_{0};
};

/// A clock that stands still until it is told otherwise; for tests, of users too.
///
/// Thread safety: any member may be called from any thread.
class CALLWARDEN_EXPORT ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp now = Timestamp{}) noexcept;
  ~ManualClock() override;

  [[nodiscard]] Timestamp Now() const noexcept override;
  /// Sets the time; it may go backwards.
  void Set(Timestamp now) noexcept;
  /// Moves the time by `step`, which may be negative.
  void Advance(std::chrono::nanoseconds step) noexcept;

 private:
  std::atomic<int64_t> now_ns_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_CLOCK_H_
