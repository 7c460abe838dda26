#ifndef CALLWARDEN_TESTS_CONTRACT_REFERENCE_STORE_H_
#define CALLWARDEN_TESTS_CONTRACT_REFERENCE_STORE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "callwarden/counter_store.h"

namespace callwarden_test {

__extension__ using Big = __int128;

/// The slow, obvious counter store that others are held against: one mutex, ordered maps, numbers that do not
/// overflow, and no forgetting. Shares no code with the library's own store.
class ReferenceStore final : public callwarden::CounterStore {
 public:
  explicit ReferenceStore(const callwarden::Clock* clock) : clock_(clock) {}

  bool ok() const noexcept override { return true; }
  callwarden::CounterKey Key(const callwarden::LimitSpec& spec,
                             std::span<const callwarden::AttributeValue> scope) const noexcept override;
  callwarden::ReserveResult Reserve(std::span<const callwarden::LimitRequest> requests,
                                    callwarden::Timestamp now,
                                    callwarden::Reservation& reservation) noexcept override;
  callwarden::SettleResult Settle(callwarden::Reservation&& reservation,
                                  std::span<const uint64_t> actual) noexcept override;
  callwarden::PeekResult Peek(const callwarden::LimitRequest& request,
                              callwarden::Timestamp now) const noexcept override;
  callwarden::CounterStats stats() const noexcept override { return {}; }

  /// What a restart at `now` does to a store with snapshots: calls in flight are gone, counts that are over
  /// are forgotten, and new ones begin no earlier than this.
  void Restart(callwarden::Timestamp now);

 private:
  struct Count {
    Big end_ns = 0;  // calendar
    Big used = 0;    // calendar and in flight
    bool unknown = false;
    Big arrival_ns = 0;  // gcra
    Big tolerance_ns = 0;
    callwarden::LimitKind kind = callwarden::LimitKind::kCalendar;
  };
  struct Answer {
    bool fits = true;
    bool never = false;
    Big used = 0;
    Big wait_ns = 0;
    Big end_ns = 0;
  };
  static Answer Judge(const Count& count, const callwarden::LimitSpec& spec, Big weight, Big max, Big now_ns);
  Count Find(uint64_t id, const callwarden::LimitSpec& spec, Big now_ns) const;

  const callwarden::Clock* clock_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, uint64_t> ids_;
  std::map<uint64_t, Count> counts_;
  Big floor_ns_ = 0;
};

/// Where the window that holds `now_s` ends, found by counting; in seconds since the Unix epoch.
int64_t SlowWindowEnd(callwarden::Window window, int64_t now_s);

}  // namespace callwarden_test

#endif  // CALLWARDEN_TESTS_CONTRACT_REFERENCE_STORE_H_
