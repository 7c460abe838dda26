#ifndef CALLWARDEN_LIB_AUDIT_QUEUE_H_
#define CALLWARDEN_LIB_AUDIT_QUEUE_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A bounded queue of records of any size, from many threads to one.
///
/// Source: the claim is that of Agrona's ManyToOneRingBuffer (real-logic/agrona), one compare-and-swap of the
/// tail and padding up to the end where a record would not fit in one piece. Whether a record is complete is
/// told as in Dmitry Vyukov's bounded MPMC queue, by a word beside the data that holds the record's own
/// ticket: what a record holds, which callers choose, can never look like such a word, and nothing needs to
/// be zeroed.
///
/// Thread safety: Claim and Commit from any thread, Peek and Release from one. Lock-free for producers; a
/// producer that stops between Claim and Commit holds up what comes after it.
/// Allocation: once; ok() is false when there was no memory.
class AuditQueue {
 public:
  static constexpr std::size_t kCellSize = 64;
  static constexpr std::size_t kSizeMin = std::size_t{128} << 10;
  static constexpr std::size_t kSizeMax = std::size_t{256} << 20;

  explicit AuditQueue(std::size_t size_bytes) noexcept
      : cells_(std::bit_ceil(size_bytes < kSizeMin   ? kSizeMin
                             : size_bytes > kSizeMax ? kSizeMax
                                                     : size_bytes) /
               kCellSize),
        memory_(static_cast<std::byte*>(
            ::operator new(cells_* kCellSize, std::align_val_t(kCellSize), std::nothrow))),
        complete_(new (std::nothrow) std::atomic<uint64_t>[cells_]) {
    if (complete_ == nullptr) return;
    for (std::size_t i = 0; i < cells_; ++i) complete_[i].store(0, std::memory_order_relaxed);
  }
  AuditQueue(const AuditQueue&) = delete;  // threads hold pointers into it
  AuditQueue& operator=(const AuditQueue&) = delete;

  bool ok() const noexcept { return memory_ != nullptr && complete_ != nullptr; }
  /// Longest record.
  std::size_t record_size_max() const noexcept { return cells_ / 2 * kCellSize; }

  struct Place {
    std::byte* data = nullptr;  ///< null: no room
    uint64_t ticket = 0;        ///< counts the records, from 0
    bool half_full = false;
    uint32_t word = 0;  ///< for Commit
    bool wrapped = false;
  };

  /// Takes the next ticket and `size` bytes (1 to record_size_max()).
  Place Claim(std::size_t size) noexcept {
    const uint64_t needed = CellsOf(size);
    // Not more than the ticket taken below, and not 2^39 less: it tells the upper bits of that.
    const uint64_t tickets_before = released_tickets_.load(std::memory_order_relaxed);
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t position = tail & kPositionMask;
      const uint64_t index = position & (cells_ - 1);
      const bool wraps = index + needed > cells_;
      const uint64_t taken = needed + (wraps ? cells_ - index : 0);
      // Acquire: the writer has read what these cells held before.
      const uint64_t used = (position - released_position_.load(std::memory_order_acquire)) & kPositionMask;
      if (used + taken > cells_) {
        // The position may be one of after the tail was read; then the tail has moved.
        const uint64_t tail_now = tail_.load(std::memory_order_relaxed);
        if (tail_now == tail) return {};
        tail = tail_now;
        continue;
      }
      const uint64_t ticket_bits = tail >> kPositionBits;
      const uint64_t next = ((ticket_bits + 1) << kPositionBits) | ((position + taken) & kPositionMask);
      // Sequentially consistent: see HasClaims.
      if (!tail_.compare_exchange_weak(tail, next, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        continue;
      }
      Place place;
      place.data = memory_.get() + (wraps ? 0 : index) * kCellSize;
      place.ticket = tickets_before + ((ticket_bits - tickets_before) & kTicketMask);
      place.half_full = used + taken > cells_ / 2;
      place.word = static_cast<uint32_t>(index);
      place.wrapped = wraps;
      return place;
    }
  }
  /// Hands the record over to the writer.
  void Commit(const Place& place) noexcept {
    complete_[place.word].store((place.ticket + 1) << 1 | (place.wrapped ? 1 : 0), std::memory_order_release);
  }

  /// Where the writer reads; begins at the first record, goes on with Advance.
  struct Cursor {
    uint64_t position = 0;
    uint64_t ticket = 0;
  };
  /// The record at the cursor; null when it is not there yet.
  const std::byte* Peek(const Cursor& cursor) const noexcept {
    const uint64_t index = cursor.position & (cells_ - 1);
    const uint64_t word = complete_[index].load(std::memory_order_acquire);
    if (word >> 1 != cursor.ticket + 1) return nullptr;
    return memory_.get() + ((word & 1) != 0 ? 0 : index) * kCellSize;
  }
  /// Past the record at the cursor, which is `size` bytes long.
  void Advance(Cursor& cursor, std::size_t size) const noexcept {
    const uint64_t index = cursor.position & (cells_ - 1);
    if ((complete_[index].load(std::memory_order_relaxed) & 1) != 0) cursor.position += cells_ - index;
    cursor.position += CellsOf(size);
    ++cursor.ticket;
  }
  /// Gives back everything before the cursor.
  void Release(const Cursor& cursor) noexcept {
    released_tickets_.store(cursor.ticket, std::memory_order_relaxed);
    released_position_.store(cursor.position & kPositionMask, std::memory_order_release);
  }

  /// Whether a record was claimed that the cursor has not passed. Sequentially consistent, as Claim is: a
  /// writer that says that it goes to sleep, and then finds no claim, is seen by whoever claims afterwards.
  bool HasClaims(const Cursor& cursor) const noexcept {
    return (tail_.load(std::memory_order_seq_cst) >> kPositionBits) != (cursor.ticket & kTicketMask);
  }
  /// How many tickets were taken, as the thread that holds the cursor or a later one of its values sees it.
  uint64_t Tickets() const noexcept {
    const uint64_t before = released_tickets_.load(std::memory_order_relaxed);
    const uint64_t bits = tail_.load(std::memory_order_seq_cst) >> kPositionBits;
    return before + ((bits - before) & kTicketMask);
  }

 private:
  // The tail is one word: position in cells and, above it, ticket, both modulo their size. 2^24 cells are
  // four times the largest queue, and a ticket comes round after 10^12 records.
  static constexpr unsigned kPositionBits = 24;
  static constexpr uint64_t kPositionMask = (uint64_t{1} << kPositionBits) - 1;
  static constexpr uint64_t kTicketMask = (uint64_t{1} << (64 - kPositionBits)) - 1;
  static_assert(kSizeMax / kCellSize * 2 <= kPositionMask + 1);

  static constexpr uint64_t CellsOf(std::size_t size) noexcept { return (size + kCellSize - 1) / kCellSize; }

  struct Free {
    void operator()(std::byte* memory) const noexcept {
      ::operator delete(memory, std::align_val_t(kCellSize));
    }
  };

  const std::size_t cells_;
  const std::unique_ptr<std::byte, Free> memory_;
  // At the cell where a record, or the padding before it, begins: its ticket + 1, and whether it is padded.
  const std::unique_ptr<std::atomic<uint64_t>[]> complete_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) std::atomic<uint64_t> released_position_{0};
  std::atomic<uint64_t> released_tickets_{0};
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_QUEUE_H_
