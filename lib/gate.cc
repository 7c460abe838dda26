#include "callwarden/gate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "lib/decide.h"
#include "lib/decision_builder.h"
#include "lib/gate_impl.h"
#include "lib/monotonic.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::DecisionBuilder;
using internal::GateState;
using internal::GrantAccess;
using internal::GrantEntry;
using internal::HazardRecord;
using internal::MonotonicNs;
using internal::StateReader;

// Whether this thread is inside a decision, of any gate: it then reads a state that it must not wait for.
bool IsReading() noexcept {
  const HazardRecord* const record = internal::ThreadHazards();
  return record != nullptr && record->depth != 0;
}

void WaitUntilUnread(const GateState& state) noexcept {
  // Decisions take microseconds, unless a thread sleeps in the middle of one.
  for (int turn = 0; internal::IsHeld(&state); ++turn) {
    if (turn < 100) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
}

}  // namespace

Gate::Impl::Impl(GateOptions given)
    : options(std::move(given)), clock(options.clock), counters(options.counters) {
  if (clock == nullptr) clock = &own_clock;
  if (counters == nullptr) {
    own_counters =
        std::make_unique<MemoryCounterStore>(MemoryCounterStoreOptions{.clock = clock, .secret = {}});
    counters = own_counters.get();
  }
  no_policy = CompiledPolicy::Compile(R"({"version": "1", "default": "deny"})").policy();
  const bool uniform = internal::IsVisibilityUniform(options.policy.get(), options.grants.get());
  owner = std::make_shared<const GateState>(std::move(options.policy), std::move(options.grants), 1, uniform);
  state.store(owner.get(), std::memory_order_seq_cst);
}

void Gate::Impl::Decide(const Turn& turn, bool charge, Decision& decision) const noexcept {
  const bool has_policy = turn.access.policy != nullptr;
  const CompiledPolicy& policy = has_policy ? *turn.access.policy : *no_policy;
  internal::Decide(internal::PolicyAccess::ProgramOf(policy), turn.call, *counters, turn.now,
                   {.count_namespace = options.count_namespace}, charge, decision, turn.trace, turn.ahead);
  if (!has_policy && decision.reason() == Reason::kNotListed) {
    DecisionBuilder::NoPolicy(DecisionBuilder::VerdictOf(decision));
  }
}

internal::ArgumentsAhead Gate::Impl::ReadAhead(std::string_view grant, std::string_view tool,
                                               std::string_view text) const noexcept {
  const StateReader reader(*this);
  // Whether the grant is good now is for the decision to say, which under another policy reads anew.
  const GrantEntry* const entry = reader->AccessOf(grant, Timestamp()).entry;
  const CompiledPolicy* const policy = entry == nullptr ? reader->policy().get() : entry->grant->policy.get();
  if (policy == nullptr) return {};
  return internal::ReadAhead(internal::PolicyAccess::ProgramOf(*policy), tool, text);
}

void Gate::Impl::Check(const ToolCall& call, Decision& decision, uint64_t ahead) noexcept {
  const int64_t begin_ns = options.audit == nullptr ? 0 : MonotonicNs();
  const Timestamp now = clock->Now();
  const StateReader reader(*this);
  internal::LimitTrace trace;
  Turn turn{*reader, reader->AccessOf(call.grant, now),           call,
            now,     options.audit == nullptr ? nullptr : &trace, ahead};
  if (turn.access.entry != nullptr) turn.call.grant_attributes = turn.access.entry->attributes;
  Held held;
  if (options.approvals == nullptr) {
    Decide(turn, /*charge=*/true, decision);
  } else {
    held = DecideWithApprovals(turn, decision);
  }
  // An allow shows nothing of the policy's; anything else does, and must outlive a swap.
  if ((!decision.allowed() || decision.would() != nullptr) && turn.access.policy != nullptr) {
    DecisionBuilder::Pin(decision, reader->Keep(reader.thread_number()));
  }
  if (options.audit != nullptr || options.audit_required) {
    const std::string_view approval_id =
        held.needed && decision.allowed() ? std::string_view(held.id) : decision.approval_id();
    if (!Record(turn, approval_id, begin_ns, decision) && options.audit_required && decision.allowed()) {
      decision.Complete(Outcome::kNotSent);
      DecisionBuilder::AuditUnavailable(DecisionBuilder::VerdictOf(decision));
    }
  }
  // Last, so that a call which is not recorded does not use up its approval.
  if (!held.id.empty()) SettleApproval(turn, held, begin_ns, decision);
}

bool Gate::Impl::Record(const Turn& turn, std::string_view approval_id, int64_t begin_ns,
                        Decision& decision) noexcept {
  if (options.audit == nullptr) return false;
  std::array<AuditLimit, internal::LimitTrace::kMax> limits;
  for (std::size_t i = 0; i < turn.trace->count; ++i) {
    const internal::LimitUse& use = turn.trace->uses[i];
    limits[i] = {use.limit->id, use.weight, use.used, use.limit->spec.max(), use.limit->shadow};
  }
  const int64_t end_ns = MonotonicNs();
  AuditRecord record;
  record.at = turn.now;
  record.verdict = &decision.verdict();
  record.would = decision.would();
  record.call = &turn.call;
  if (turn.access.entry != nullptr) record.grant_label = turn.access.entry->grant->label;
  if (turn.access.policy != nullptr) record.policy_digest = turn.access.policy->digest();
  record.policy_revision = turn.state.revision();
  record.approval_id = approval_id;
  record.limits = {limits.data(), turn.trace->count};
  record.latency = std::chrono::nanoseconds(end_ns - begin_ns);
  const AuditReceipt receipt = options.audit->Record(record);
  if (receipt.recorded && decision.allowed()) {
    DecisionBuilder::SetListener(decision, *this, receipt.sequence, end_ns);
  }
  return receipt.recorded;
}

void Gate::Impl::OnComplete(uint64_t sequence, int64_t decided_ns, Outcome outcome) noexcept {
  options.audit->Complete({.at = clock->Now(),
                           .sequence = sequence,
                           .outcome = outcome,
                           .duration = std::chrono::nanoseconds(MonotonicNs() - decided_ns)});
}

std::shared_ptr<const GateState> Gate::Impl::Owner() const noexcept {
  const std::lock_guard lock(mutex);
  return owner;
}

SwapReport Gate::Impl::Swap(std::shared_ptr<const CompiledPolicy> policy,
                            std::shared_ptr<const GrantTable> grants) {
  const bool uniform = internal::IsVisibilityUniform(policy.get(), grants.get());
  std::shared_ptr<const GateState> before;
  std::shared_ptr<const GateState> after;
  {
    const std::lock_guard lock(mutex);
    after = std::make_shared<const GateState>(std::move(policy), std::move(grants), owner->revision() + 1,
                                              uniform);
    before = std::exchange(owner, after);
    // In one order with the marks of readers: see HazardReader.
    state.store(after.get(), std::memory_order_seq_cst);
  }
  SwapReport report = internal::Compare(*before, *after);
  Retire(std::move(before));
  return report;
}

void Gate::Impl::Retire(std::shared_ptr<const GateState> old) noexcept {
  if (IsReading()) {
    const std::lock_guard lock(mutex);
    retired.push_back(std::move(old));
    return;
  }
  WaitUntilUnread(*old);
  std::vector<std::shared_ptr<const GateState>> unread;  // dropped after the lock is
  const std::lock_guard lock(mutex);
  const auto first = std::partition(retired.begin(), retired.end(),
                                    [](const auto& one) { return internal::IsHeld(one.get()); });
  unread.assign(std::make_move_iterator(first), std::make_move_iterator(retired.end()));
  retired.erase(first, retired.end());
}

Gate::Gate(GateOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Gate::~Gate() = default;

Decision Gate::Check(const ToolCall& call) noexcept {
  Decision decision;
  impl_->Check(call, decision);
  return decision;
}

SwapReport Gate::Swap(std::shared_ptr<const CompiledPolicy> policy,
                      std::shared_ptr<const GrantTable> grants) {
  return impl_->Swap(std::move(policy), std::move(grants));
}

Authentication Gate::Authenticate(std::string_view token) const {
  const Timestamp now = impl_->clock->Now();
  const StateReader reader(*impl_);
  // The secret is what stands after the last point: base64url has none, ids may.
  const std::size_t point = token.rfind('.');
  const bool has_parts = point != std::string_view::npos && point != 0;
  const std::string_view id = has_parts ? token.substr(0, point) : std::string_view();
  const std::string_view secret = has_parts ? token.substr(point + 1) : token;
  const GrantEntry* const entry =
      reader->grants() == nullptr ? nullptr : GrantAccess::Find(*reader->grants(), id);
  // Without a hash to compare with, the same is done with one that no secret is known for.
  internal::SecretHash hash;
  const bool has_hash = entry != nullptr && internal::ParseSecretHash(entry->grant->secret_hash, hash);
  const bool is_secret = internal::IsSecret(secret, hash);
  Authentication answer;
  if (!has_hash || !is_secret || secret.empty()) return answer;
  if (entry->grant->disabled) {
    answer.status = AuthenticationStatus::kDisabled;
  } else if (now >= entry->expires) {
    answer.status = AuthenticationStatus::kExpired;
  } else if (now < entry->not_before) {
    answer.status = AuthenticationStatus::kNotYetValid;
  } else {
    answer.status = AuthenticationStatus::kOk;
    answer.grant = id;
  }
  return answer;
}

std::shared_ptr<const CompiledPolicy> Gate::PolicyOf(std::string_view grant) const {
  const StateReader reader(*impl_);
  const GateState::Access access = reader->AccessOf(grant, impl_->clock->Now());
  if (access.policy == nullptr) return nullptr;
  return access.entry == nullptr ? reader->policy() : access.entry->grant->policy;
}

bool Gate::uniform_visibility() const noexcept { return StateReader(*impl_)->uniform_visibility(); }
uint64_t Gate::revision() const noexcept { return StateReader(*impl_)->revision(); }
ApprovalStore* Gate::approvals() const noexcept { return impl_->options.approvals; }
const Clock& Gate::clock() const noexcept { return *impl_->clock; }
CounterStore& Gate::counters() const noexcept { return *impl_->counters; }

CALLWARDEN_NAMESPACE_END
