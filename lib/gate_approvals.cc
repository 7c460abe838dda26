#include <optional>
#include <string>
#include <utility>

#include "callwarden/approvals.h"
#include "callwarden/decision.h"

#include "lib/decision_builder.h"
#include "lib/gate_impl.h"

CALLWARDEN_NAMESPACE_BEGIN

using internal::DecisionBuilder;

Gate::Impl::Held Gate::Impl::DecideWithApprovals(Turn& turn, Decision& decision) noexcept {
  if (turn.call.approved) {  // the host vouches for one, so the store is not asked
    Decide(turn, /*charge=*/true, decision);
    return {};
  }
  Held held;
  ApprovalStatus status = ApprovalStatus::kNone;
  if (!turn.call.approval.empty()) held = PresentGiven(turn, status);
  Decide(turn, /*charge=*/true, decision);
  if (decision.effect() == Effect::kRequireApproval) held = AskForApproval(turn, decision, status);
  turn.call.approved = false;  // as it came, for the record
  DecisionBuilder::SetApprovalStatus(decision, status);
  return held;
}

Gate::Impl::Held Gate::Impl::PresentGiven(Turn& turn, ApprovalStatus& status) noexcept {
  const std::optional<CallDigest> digest = DigestCall(turn.call);
  if (!digest) return {};  // malformed, as the decision will find
  status = options.approvals->Present(turn.call.approval, *digest);
  if (status != ApprovalStatus::kReady) return {};
  // Presented where none is needed, an approval is not used up. Steps 1 to 8 of the language's section 8 come
  // before the limits, so a look tells.
  Turn look = turn;
  look.trace = nullptr;
  Decision without;
  Decide(look, /*charge=*/false, without);
  turn.call.approved = true;
  return {std::string(turn.call.approval), without.effect() == Effect::kRequireApproval};
}

Gate::Impl::Held Gate::Impl::AskForApproval(Turn& turn, Decision& decision, ApprovalStatus& status) noexcept {
  ApprovalStore& approvals = *options.approvals;
  ApprovalStore::RequestResult asked = approvals.Request(turn.call, decision.verdict());
  if (!asked.error.ok()) {
    if (status == ApprovalStatus::kNone) status = ApprovalStatus::kFailed;
    return {};
  }
  if (asked.state != ApprovalState::kApproved || !options.match_approvals) {
    DecisionBuilder::SetApprovalId(decision, asked.id);
    return {};
  }
  const std::optional<CallDigest> digest = DigestCall(turn.call);
  status = digest ? approvals.Present(asked.id, *digest) : ApprovalStatus::kFailed;
  if (status != ApprovalStatus::kReady) return {};  // another call took it just now
  // What was decided so far has charged nothing: approval is asked for before limits are.
  decision = Decision();
  if (turn.trace != nullptr) turn.trace->count = 0;
  turn.call.approved = true;
  Decide(turn, /*charge=*/true, decision);
  return {std::move(asked.id), true};
}

void Gate::Impl::SettleApproval(const Turn& turn, const Held& held, int64_t begin_ns,
                                Decision& decision) noexcept {
  if (!held.needed || !decision.allowed()) return options.approvals->Release(held.id);
  if (options.approvals->Consume(held.id)) return;
  // It is not written down that the approval was used, so the call must not run: give everything back and,
  // since the log has it as admitted, tell it that it was not sent and why.
  decision.Complete(Outcome::kNotSent);
  DecisionBuilder::VerdictOf(decision) = Verdict();
  DecisionBuilder::SetApprovalStatus(decision, ApprovalStatus::kFailed);
  if (turn.trace == nullptr) return;
  turn.trace->count = 0;
  static_cast<void>(Record(turn, {}, begin_ns, decision));
}

CALLWARDEN_NAMESPACE_END
