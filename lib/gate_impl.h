#ifndef CALLWARDEN_LIB_GATE_IMPL_H_
#define CALLWARDEN_LIB_GATE_IMPL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/approvals.h"
#include "callwarden/audit.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/gate.h"
#include "callwarden/memory_counter_store.h"

#include "lib/arguments_ahead.h"
#include "lib/completion_listener.h"
#include "lib/gate_state.h"
#include "lib/hazard.h"
#include "lib/limit_trace.h"
#include "lib/mutex.h"

CALLWARDEN_NAMESPACE_BEGIN

struct Gate::Impl final : internal::CompletionListener {
  explicit Impl(GateOptions given);

  /// One call on its way to a decision.
  struct Turn {
    const internal::GateState& state;
    internal::GateState::Access access;
    ToolCall call;  ///< with the attributes of the table's grant
    Timestamp now;
    internal::LimitTrace* trace;  ///< null unless somebody records
    uint64_t ahead = 0;           ///< of the call's arguments, see internal::ReadAhead
  };

  /// An approval that this call holds, until it is consumed or released.
  struct Held {
    std::string id;       ///< empty: none
    bool needed = false;  ///< it is what lets the call pass
  };

  /// See internal::ReadAhead, for a call under `grant`.
  internal::ArgumentsAhead ReadAhead(std::string_view grant, std::string_view tool,
                                     std::string_view text) const noexcept;
  /// `decision` comes as it is made.
  void Check(const ToolCall& call, Decision& decision, uint64_t ahead = 0) noexcept;
  SwapReport Swap(std::shared_ptr<const CompiledPolicy> policy, std::shared_ptr<const GrantTable> grants);

  /// What the policy says; without one, step 1 of the language's section 8 and then step 2.
  void Decide(const Turn& turn, bool charge, Decision& decision) const noexcept;
  /// Decides, with what the approval store knows of the call.
  Held DecideWithApprovals(Turn& turn, Decision& decision) noexcept;
  /// The approval that came with the call; `status` tells what became of it.
  Held PresentGiven(Turn& turn, ApprovalStatus& status) noexcept;
  /// Asks for an approval, after the decision that one is needed; decides anew when it was given before.
  Held AskForApproval(Turn& turn, Decision& decision, ApprovalStatus& status) noexcept;
  /// Uses up the approval that let the call pass, or lets go of it.
  void SettleApproval(const Turn& turn, const Held& held, int64_t begin_ns, Decision& decision) noexcept;
  /// Has the decision recorded, and then its end. False: it is not in the log.
  bool Record(const Turn& turn, std::string_view approval_id, int64_t begin_ns, Decision& decision) noexcept;
  void OnComplete(uint64_t sequence, int64_t decided_ns, Outcome outcome) noexcept override;

  std::shared_ptr<const internal::GateState> Owner() const noexcept;
  /// Frees a state as soon as nobody reads it; later, when this thread is what may be reading it.
  void Retire(std::shared_ptr<const internal::GateState> old) noexcept;

  GateOptions options;  // `policy` and `grants` have moved on into the state
  SystemClock own_clock;
  std::unique_ptr<MemoryCounterStore> own_counters;
  const Clock* clock;
  CounterStore* counters;
  /// Lists no tool: says of any call what can be said without a policy.
  std::shared_ptr<const CompiledPolicy> no_policy;

  // Read by every check; on a line that nothing else is written to.
  alignas(64) std::atomic<const internal::GateState*> state{nullptr};
  alignas(64) mutable internal::Mutex mutex;
  std::shared_ptr<const internal::GateState> owner;                 // of `state`; guarded by `mutex`
  std::vector<std::shared_ptr<const internal::GateState>> retired;  // guarded by `mutex`
};

namespace internal {

/// Reaches into a gate, for the parts of the library that are not its members.
class GateAccess {
 public:
  static Gate::Impl& ImplOf(Gate& gate) noexcept { return *gate.impl_; }
};

/// The state that is in force, for as long as this lives.
class StateReader {
 public:
  explicit StateReader(const Gate::Impl& impl) noexcept : hazard_(impl.state) {
    if (hazard_.get() == nullptr) [[unlikely]]
      owner_ = impl.Owner();
  }
  const GateState& operator*() const noexcept { return hazard_.get() == nullptr ? *owner_ : *hazard_.get(); }
  const GateState* operator->() const noexcept { return &**this; }
  uint32_t thread_number() const noexcept { return hazard_.thread_number(); }

 private:
  HazardReader<GateState> hazard_;
  std::shared_ptr<const GateState> owner_;
};

}  // namespace internal

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_GATE_IMPL_H_
