#ifndef CALLWARDEN_CLOCK_H_
#define CALLWARDEN_CLOCK_H_

#include <array>
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
  /// for windows of a minute and longer. It does not count time suspended, which then looks like a
  /// forward step of the wall clock.
  bool coarse = false;
};

/// UTC anchored to the monotonic clock (on Linux the boot-time clock, so that suspend counts).
///
/// Never returns less than it returned before in this process. A wall clock that steps forward is
/// followed by at most `max_forward_step` per `reanchor_interval`; one that steps back is met by
/// running at nine tenths of the speed until the two agree. The first reader past the interval corrects
/// the map; those that read meanwhile see at most a tenth of the time overdue less.
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
  // utc = utc_base + (monotonic - monotonic_base), less a tenth of the time before `slow_until_ns` and
  // of the time after `correct_at_ns`. The second is what keeps readers that still use an overdue map
  // from passing those that use its successor.
  struct Map {
    std::atomic<int64_t> monotonic_base_ns{0};
    std::atomic<int64_t> utc_base_ns{0};
    std::atomic<int64_t> slow_until_ns{0};
    std::atomic<int64_t> correct_at_ns{0};
  };
  struct MapValues;
  [[nodiscard]] bool Load(Reading& reading, MapValues& values) const noexcept;
  [[nodiscard]] Reading Read(bool need_wall) const noexcept;
  void Store(const MapValues& values) const noexcept;
  [[nodiscard]] int64_t Correct() const noexcept;

  int64_t interval_ns_;
  int64_t step_max_ns_;
  bool coarse_;
  ReadClocks read_;  // null: the machine's clocks
  void* context_;
  // Two maps; the one that holds is maps_[version_ % 2]. A correction writes the other one and then the
  // version, so a reader starts over only when a whole correction took place while it read.
  mutable std::array<Map, 2> maps_;
  mutable std::atomic<uint64_t> version_{0};
  mutable std::atomic<bool> correcting_{false};
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
