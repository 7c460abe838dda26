#ifndef CALLWARDEN_GATE_H_
#define CALLWARDEN_GATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/counter_store.h"
#include "callwarden/decision.h"
#include "callwarden/grants.h"
#include "callwarden/policy.h"
#include "callwarden/tool_call.h"

CALLWARDEN_NAMESPACE_BEGIN

namespace internal {
class GateAccess;
class StateReader;
}  // namespace internal

class ApprovalStore;
class AuditSink;

/// What a gate decides with. Pointers are borrowed and must outlive the gate; null means what is said there.
struct GateOptions {
  /// The policy of calls whose grant `grants` does not name, and of calls without a grant. Null: those are
  /// denied (Reason::kNoPolicy). Hosts with one policy for everybody give this and no grants.
  std::shared_ptr<const CompiledPolicy> policy = {};
  /// Who may call under which policy. Null: nobody is named.
  std::shared_ptr<const GrantTable> grants = {};
  /// Null: a MemoryCounterStore of the gate's own, of the default size.
  CounterStore* counters = nullptr;
  /// Null: a SystemClock of the gate's own.
  const Clock* clock = nullptr;
  /// Keeps approvals. Null: a call that needs one is answered kRequireApproval without an approval id, and an
  /// id that comes with a call counts as none.
  ApprovalStore* approvals = nullptr;
  /// Hears of every decision and of how each admitted call ended. Null: nobody does.
  AuditSink* audit = nullptr;
  /// Whether a call that `audit` cannot record is denied (Reason::kAuditUnavailable), with every charge given
  /// back. Without an audit sink it denies every call.
  bool audit_required = false;
  /// Whether a call that needs an approval is held against approvals given for exactly this call (same grant,
  /// session, tool and arguments) although it names no approval id. Where nothing can carry an id to the next
  /// call, a call is approved by repeating it.
  bool match_approvals = true;
  /// Part of every count's identity: gates with different namespaces share no counts.
  std::string count_namespace = {};
};

/// What a swap did to the counts of one limit.
struct LimitChange {
  enum class Kind : uint8_t {
    kCarriedOver = 0,  ///< the same count, held to the same maximum
    kMaxChanged,       ///< the same count, held to another maximum
    kAdded,            ///< a count that did not exist
    kRemoved,          ///< nothing counts it any more; the store forgets it when its window is over
  };
  Kind kind = Kind::kCarriedOver;
  /// Rule id of the limit, such as `/tools/run_code/limits/writes`; of the new policy unless removed.
  std::string rule;
  uint64_t max_before = 0;
  uint64_t max_after = 0;
};

/// "carried_over", "max_changed", "added", "removed".
CALLWARDEN_EXPORT std::string_view Name(LimitChange::Kind kind) noexcept;

/// What a swap changed. Limits are told apart by the identity of their count and their rule id, over all
/// policies of the set, each once, in the order of their rule ids.
struct SwapReport {
  uint64_t revision = 0;  ///< of the set that is now in force
  std::vector<LimitChange> limits;
  std::vector<std::string> grants_added;
  std::vector<std::string> grants_removed;
  /// Whether some grant (or a call without one) may now see another set of tools in `tools/list`.
  bool visibility_changed = false;
};

/// Decides calls for many grants: finds the policy of the call's grant, decides, keeps approvals, and has
/// every decision recorded.
///
/// Thread safety: every member may be called from any thread. Check takes no lock on policies: an allow
/// touches no reference count that another thread touches; any other decision touches one per shard of
/// threads. Ownership: shares the policies and the grant table; borrows the rest of its options. Must outlive
/// its decisions, which report their completion to it. Allocation: Check as CompiledPolicy::Decide; what the
/// audit sink and the approval store allocate comes on top. Errors: never throws. Whatever goes wrong inside
/// a decision denies it.
class CALLWARDEN_EXPORT Gate {
 public:
  explicit Gate(GateOptions options);
  Gate(const Gate&) = delete;  // an identity: decisions report to it
  Gate& operator=(const Gate&) = delete;
  ~Gate();

  /// Decides one call. The grant is looked up in the grant table: a grant that is not yet valid, expired,
  /// disabled or without a policy denies with Reason::kNoPolicy. For a grant of the table, its attributes
  /// there are what the policy reads, and `call.grant_attributes` is ignored. `call.approval` names an
  /// approval that comes with the call. It lets the call pass where an approval is needed, if it was given
  /// for exactly this call; it is consumed in the same step as the limits are charged, so a call that a limit
  /// denies keeps it, and of two calls that present it at once one is admitted.
  [[nodiscard]] Decision Check(const ToolCall& call) noexcept;

  /// Puts another set of policies in force, as one step: a check sees the old set or the new, never a mix.
  /// Counts carry on, since they belong to the store. Blocks no check; returns when no check uses the old set
  /// any more, which is freed when the last decision that shows texts of it is gone. From inside a decision
  /// (an ArgumentSource, a store, a sink) it does not wait: the old set is then freed by the next swap, or
  /// with the gate. Allocation: yes. Complexity: linear in the limits and grants of both sets.
  SwapReport Swap(std::shared_ptr<const CompiledPolicy> policy, std::shared_ptr<const GrantTable> grants);

  /// Which grant a bearer token `ID.SECRET` stands for. Meant for the opening of a session: it hashes the
  /// secret (several hundred nanoseconds), compares in constant time, and looks at the validity now. Sessions
  /// hand the grant's id to Check afterwards.
  [[nodiscard]] Authentication Authenticate(std::string_view token) const;

  /// The policy that calls under this grant are decided by now; null when such calls are denied with
  /// kNoPolicy. For `tools/list`: a tool is left out when the policy Hides it, and everything is when there
  /// is no policy.
  [[nodiscard]] std::shared_ptr<const CompiledPolicy> PolicyOf(std::string_view grant) const;
  /// Whether every grant, and a call without one, sees the same tools.
  [[nodiscard]] bool uniform_visibility() const noexcept;
  /// Counts the sets of policies that were in force, from 1.
  [[nodiscard]] uint64_t revision() const noexcept;

  ApprovalStore* approvals() const noexcept;
  const Clock& clock() const noexcept CALLWARDEN_LIFETIME_BOUND;
  CounterStore& counters() const noexcept CALLWARDEN_LIFETIME_BOUND;

 private:
  friend class internal::GateAccess;
  friend class internal::StateReader;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_GATE_H_
