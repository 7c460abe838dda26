#ifndef CALLWARDEN_LIB_COUNTER_STATS_H_
#define CALLWARDEN_LIB_COUNTER_STATS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What a store counts about itself.
enum class Tally : uint32_t {
  kAdmitted = 0,
  kOverLimit,
  kNeverFits,
  kStoreFull,
  kContended,
  kInvalid,
  kRollbacks,
  kRetries,
  kCredited,
  kStale,
  kDebits,
  kDebitsOverMax,
  kDebitsLost,
  kSaturations,
  kInserts,
  kReuses,
  kCount,
};

/// Threads that have cells of their own; the rest share some.
inline constexpr uint32_t kOwnedCells = 64;
inline constexpr uint32_t kSharedCells = 16;
inline constexpr uint32_t kNoCell = 0xFFFFFFFFu;

/// This thread's cell, the same in every store, or kNoCell when none was asked for yet.
extern constinit thread_local uint32_t thread_cell;
/// Gives this thread a cell: one of its own, returned when the thread ends, or else one that it shares.
uint32_t AcquireThreadCell() noexcept;

/// Totals that many threads add to without sharing a cache line.
///
/// Thread safety: any member may be called from any thread. Totals are exact once threads are quiet.
class ShardedTallies {
 public:
  void Add(Tally tally, uint64_t n = 1) noexcept {
    uint32_t cell = thread_cell;
    if (cell == kNoCell) [[unlikely]]
      cell = AcquireThreadCell();
    std::atomic<uint64_t>& value = cells_[cell].values[static_cast<std::size_t>(tally)];
    if (cell < kOwnedCells) [[likely]] {
      value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    } else {
      value.fetch_add(n, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] uint64_t Sum(Tally tally) const noexcept {
    uint64_t sum = 0;
    for (const Cell& cell : cells_) {
      sum += cell.values[static_cast<std::size_t>(tally)].load(std::memory_order_relaxed);
    }
    return sum;
  }

 private:
  struct alignas(64) Cell {
    std::array<std::atomic<uint64_t>, static_cast<std::size_t>(Tally::kCount)> values{};
  };
  std::array<Cell, kOwnedCells + kSharedCells> cells_{};
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_COUNTER_STATS_H_
