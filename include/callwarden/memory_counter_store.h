#ifndef CALLWARDEN_MEMORY_COUNTER_STORE_H_
#define CALLWARDEN_MEMORY_COUNTER_STORE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/counter_store.h"

CALLWARDEN_NAMESPACE_BEGIN

struct MemoryCounterStoreOptions {
  /// Keys to make room for. The table has half as many slots again, 74 bytes each, so that a new key
  /// finds a place while no more than this many are live. 0, or more than memory holds: the store is not
  /// ok() and denies everything. At most 2^31.
  std::size_t capacity_keys = 65536;
  /// The clock whose readings are passed to Reserve as `now`; refunds of gcra limits and debits read it.
  /// Must outlive the store. Null: a SystemClock of the store's own.
  const Clock* clock = nullptr;
  /// The key of the hash that identities are made with; drawn at random when absent. Anybody who knows it
  /// can choose scope values that collide. Give one to restore snapshots of another store that has it.
  std::optional<std::array<uint64_t, 2>> secret = {};
  /// How often a Reserve of several limits that lost a race starts over before it denies kContended.
  int retries_max = 3;
};

/// One live count of a MemoryCounterStore.
struct CounterRecord {
  std::array<uint64_t, 2> identity{};  ///< CounterKey::fp and check; scope values cannot be told from it
  uint32_t spec_tag = 0;               ///< LimitSpec::tag of the limit
  LimitKind kind = LimitKind::kCalendar;
  uint64_t used = 0;  ///< counted or in flight; 0 for kGcra
  /// kCalendar: the window's end. kGcra: when the debt is paid. kInflight: Timestamp::max().
  Timestamp until{};
};

/// Why a snapshot could not be saved or restored.
struct SnapshotError {
  enum class Kind : uint8_t {
    kNone = 0,
    kUnavailable,  ///< the store is not ok()
    kFile,         ///< the file could not be opened, read, written, synced or renamed; see system_error
    kForeign,      ///< not a snapshot of counters
    kVersion,      ///< a snapshot in a format that this version does not read
    kDamaged,      ///< cut short, or a checksum does not match
    kSecret,       ///< made with another secret, so that its identities mean nothing here
    kNotEmpty,     ///< the store holds keys already
    kTooSmall,     ///< the snapshot holds more keys than the store has room for
  };
  Kind kind = Kind::kNone;
  int system_error = 0;  ///< errno, for kFile

  bool ok() const noexcept { return kind == Kind::kNone; }
  /// One sentence in English, without the file's name; a constant.
  CALLWARDEN_EXPORT const char* message() const noexcept;
};

/// Counts in memory: a table of fixed size, allocated once, where the counts of a call are charged all or
/// none without a lock.
///
/// Thread safety: every member may be called from any thread, except Restore, which wants to be first.
/// Calls on keys in the table are lock-free; the first use of a key and the reuse of an expired slot take
/// a short lock on two groups of 16 slots.
/// Ownership: must outlive its reservations; keeps the pointer to options.clock.
/// Allocation: once, when constructed, zero pages that the system fills in as they are touched.
/// Errors: a full table denies new keys (kStoreFull); live counts are never evicted. A denial creates no
/// slot, unless another of the same call's new keys met a full table, or the clock went back to before
/// the reuse of a slot.
/// Algorithm: docs/counters.md.
class CALLWARDEN_EXPORT MemoryCounterStore final : public CounterStore {
 public:
  explicit MemoryCounterStore(const MemoryCounterStoreOptions& options = {}) noexcept;
  ~MemoryCounterStore() override;

  [[nodiscard]] bool ok() const noexcept override;
  [[nodiscard]] CounterKey Key(const LimitSpec& spec,
                               std::span<const AttributeValue> scope) const noexcept override;
  [[nodiscard]] ReserveResult Reserve(std::span<const LimitRequest> requests, Timestamp now,
                                      Reservation& reservation) noexcept override;
  SettleResult Settle(Reservation&& reservation, std::span<const uint64_t> actual) noexcept override;
  [[nodiscard]] PeekResult Peek(const LimitRequest& request, Timestamp now) const noexcept override;
  /// Complexity: O(capacity), for `keys_expired`.
  [[nodiscard]] CounterStats stats() const noexcept override;

  /// Calls `record(const CounterRecord&)` for each count that is live at `now`. Each record is read
  /// atomically; the set is not of one instant. Complexity: O(capacity).
  template <class F>
  void ForEach(Timestamp now, F&& record) const {
    Visit(
        now, [](void* f, const CounterRecord& r) { (*static_cast<std::remove_reference_t<F>*>(f))(r); },
        const_cast<void*>(static_cast<const volatile void*>(&record)));
  }

  /// Writes the live calendar and gcra counts to a file that replaces `path` whole or not at all: written
  /// beside it with mode 0600, synced, renamed, and the directory synced. The file holds the store's
  /// secret, unless that was given in the options. A reservation half made at the time may be in it, which
  /// counts too much. What is charged afterwards is lost with the process.
  /// Thread safety: as the others; decisions go on meanwhile.
  [[nodiscard]] SnapshotError Save(const char* path) const noexcept;
  /// Reads what Save wrote into this store, which must be empty. The file is verified whole before the
  /// store changes, and on any error the store stays empty; whether to go on with it is for the caller to
  /// decide, since it means fresh limits for everybody. Counts whose windows are over are left out.
  /// A table takes more keys than its capacity while they happen to find room, so a snapshot with more keys
  /// than `capacity_keys` may be kTooSmall even for a store of the size that wrote it: give a larger one.
  /// Without a secret in the options the store takes the file's: make keys afterwards, keys made before
  /// name other counts.
  /// Thread safety: no other member may run at the same time.
  [[nodiscard]] SnapshotError Restore(const char* path) noexcept;

 private:
  struct Impl;
  void Visit(Timestamp now, void (*record)(void*, const CounterRecord&), void* context) const;

  Impl* impl_ = nullptr;  // null: no memory for it
  std::atomic<uint64_t> denied_store_error_{0};
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_MEMORY_COUNTER_STORE_H_
