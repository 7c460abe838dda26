#ifndef CALLWARDEN_DECISION_H_
#define CALLWARDEN_DECISION_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/counter_store.h"

CALLWARDEN_NAMESPACE_BEGIN

namespace internal {
class CompletionListener;
class DecisionBuilder;
}  // namespace internal

/// What the host is to do with a call. Zero denies.
enum class Effect : uint8_t { kDeny = 0, kAllow, kRequireApproval };

/// Why a decision fell so; docs/policy-language.md, section 8.
enum class Reason : uint8_t {
  kInternalError = 0,
  kMalformedCall,
  kNoPolicy,
  kHidden,
  kConfusableTool,
  kNotListed,
  kToolDenied,
  kRequirementFailed,
  kDeniedByRule,
  kApprovalRequired,
  kMissingScope,
  kInvalidAmount,
  kLimitExceeded,
  kLimitUnavailable,
  kAuditUnavailable,
  kAllowed,
};

/// How an admitted call ended, as the host reports it.
enum class Outcome : uint8_t {
  kOk = 0,   ///< it ran; charges are kept
  kError,    ///< it failed; charges whose limits all say `refund: on_error` are given back
  kLost,     ///< it may have run; charges are kept
  kNotSent,  ///< it never left the host; every charge is given back
};

/// What became of the approval that came with a call. Only kReady lets it pass where one is needed.
enum class ApprovalStatus : uint8_t {
  kNone = 0,   ///< none came with the call, or nobody keeps approvals
  kReady,      ///< given for exactly this call; used up when the call is admitted
  kPending,    ///< nobody has answered it yet
  kDenied,     ///< a person denied it
  kExpired,    ///< answered or presented too late
  kUsed,       ///< another call used it, or is about to
  kOtherCall,  ///< given for another grant, session, tool or other arguments
  kUnknown,    ///< no such approval
  kFailed,     ///< the store could not tell
};

/// "deny", "allow", "require_approval"; the token of a reason such as "limit_exceeded"; "ok", "error", ...;
/// "none", "ready", "pending", ...
CALLWARDEN_EXPORT std::string_view Name(Effect effect) noexcept;
CALLWARDEN_EXPORT std::string_view Name(Reason reason) noexcept;
CALLWARDEN_EXPORT std::string_view Name(Outcome outcome) noexcept;
CALLWARDEN_EXPORT std::string_view Name(ApprovalStatus status) noexcept;

/// Effect, reason, rule, message and wait: what a decision says.
///
/// Thread safety: a value. Ownership: rule() and message() are views into the policy or into the object
/// itself; they die with either, and with a move.
/// Allocation: none.
class CALLWARDEN_EXPORT Verdict {
 public:
  /// Longest message, in bytes.
  static constexpr std::size_t kMessageMax = 1024;

  /// Denies with kInternalError.
  Verdict() noexcept {}
  Verdict(const Verdict& other) noexcept { CopyFrom(other); }
  Verdict& operator=(const Verdict& other) noexcept {
    if (this != &other) CopyFrom(other);
    return *this;
  }

  Effect effect() const noexcept { return effect_; }
  Reason reason() const noexcept { return reason_; }
  bool allowed() const noexcept { return effect_ == Effect::kAllow; }
  /// Id of the rule that decided, such as `/tools/run_code/limits/run_code_rate`; empty for an allow.
  std::string_view rule() const noexcept CALLWARDEN_LIFETIME_BOUND { return rule_; }
  /// Text for the caller or the approver: UTF-8, at most kMessageMax bytes, never argument values.
  std::string_view message() const noexcept CALLWARDEN_LIFETIME_BOUND {
    return {message_ == nullptr ? buffer_.data() : message_, message_size_};
  }
  /// The wait after which the same call could fit, rounded up to the millisecond; absent when waiting
  /// cannot help or nobody knows.
  std::optional<std::chrono::milliseconds> retry_after() const noexcept {
    if (retry_after_ms_ < 0) return std::nullopt;
    return std::chrono::milliseconds(retry_after_ms_);
  }

 private:
  friend class internal::DecisionBuilder;
  void CopyFrom(const Verdict& other) noexcept;

  Effect effect_ = Effect::kDeny;
  Reason reason_ = Reason::kInternalError;
  uint16_t message_size_ = kInternalErrorMessage.size();
  int64_t retry_after_ms_ = -1;
  std::string_view rule_ = "(internal error)";
  static constexpr std::string_view kInternalErrorMessage = "The call could not be judged";
  const char* message_ = kInternalErrorMessage.data();  // null: the message is in buffer_
  union {
    std::array<char, kMessageMax> buffer_;  // unset unless used
  };
};

/// The answer to one call, with what it reserved.
///
/// Thread safety: a value; one thread at a time.
/// Ownership: move-only, since it owns the reservation. Destroying it completes it with Outcome::kOk, so
/// an in-flight slot cannot leak. It must not outlive the counter store, and, as long as rule() or
/// message() is used, not the policy. A decision that a Gate made keeps its policy alive by itself, but must
/// not outlive the gate.
/// Allocation: none.
class CALLWARDEN_EXPORT Decision {
 public:
  /// Longest approval id, in bytes.
  static constexpr std::size_t kApprovalIdMax = 32;

  /// Denies with Reason::kInternalError.
  Decision() noexcept {}
  Decision(Decision&& other) noexcept;
  Decision& operator=(Decision&& other) noexcept;
  Decision(const Decision&) = delete;  // two copies could each complete the call
  Decision& operator=(const Decision&) = delete;
  ~Decision() {
    // Else nothing changes, and nobody hears of it.
    if (reservation_.releases() || shadow_reservation_.releases() || listener_ != nullptr) {
      Complete(Outcome::kOk);
    }
  }

  bool allowed() const noexcept { return verdict_.allowed(); }
  Effect effect() const noexcept { return verdict_.effect(); }
  Reason reason() const noexcept { return verdict_.reason(); }
  std::string_view rule() const noexcept CALLWARDEN_LIFETIME_BOUND { return verdict_.rule(); }
  std::string_view message() const noexcept CALLWARDEN_LIFETIME_BOUND { return verdict_.message(); }
  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return verdict_.retry_after(); }
  const Verdict& verdict() const noexcept CALLWARDEN_LIFETIME_BOUND { return verdict_; }

  /// What the decision would be with every shadowed rule and limit enforced; null unless that differs in
  /// effect, reason or rule.
  const Verdict* would() const noexcept CALLWARDEN_LIFETIME_BOUND { return has_would_ ? &would_ : nullptr; }

  /// Id of the approval that the call waits for; empty unless a Gate with an ApprovalStore answered
  /// kRequireApproval and the store took the request up.
  std::string_view approval_id() const noexcept CALLWARDEN_LIFETIME_BOUND {
    return {approval_id_.data(), approval_id_size_};
  }
  /// What became of the approval that came with the call.
  ApprovalStatus approval_status() const noexcept { return approval_status_; }

  /// What the call has charged to enforced limits; empty for a denial and for a call without limits.
  const Reservation& reservation() const noexcept CALLWARDEN_LIFETIME_BOUND { return reservation_; }

  /// Reports how the call ended and settles its charges, those of shadowed limits too. The first report
  /// counts, later ones do nothing.
  void Complete(Outcome outcome) noexcept {
    if (!reservation_.empty() || !shadow_reservation_.empty() || listener_ != nullptr) Settle(outcome);
  }
  /// Reports that the call ran and what each charge of reservation() really came to, in the limit's
  /// units; charges past the end of `actual` stay as reserved. Less is given back, more is charged.
  /// Returns what changed; nothing when the call was completed before.
  SettleResult CompleteWith(std::span<const uint64_t> actual) noexcept;

 private:
  friend class internal::DecisionBuilder;
  void Settle(Outcome outcome) noexcept;
  void TakeGateParts(Decision& other) noexcept;
  void Tell(Outcome outcome) noexcept;

  Verdict verdict_;
  Reservation reservation_;
  Reservation shadow_reservation_;  // charges of shadowed limits
  uint16_t refund_on_error_ = 0;    // bit i: charge i is given back when the call fails
  uint16_t shadow_refund_on_error_ = 0;
  bool has_would_ = false;
  ApprovalStatus approval_status_ = ApprovalStatus::kNone;
  uint8_t approval_id_size_ = 0;
  internal::CompletionListener* listener_ = nullptr;  // hears of the end, once; null: nobody does
  uint64_t sequence_;                                 // set with listener_: the decision's number in its log
  int64_t decided_ns_;                                // set with listener_: monotonic time of the decision
  std::shared_ptr<const void> pin_;               // what rule() and message() point into, when a gate made it
  std::array<char, kApprovalIdMax> approval_id_;  // the first approval_id_size_ are set
  union {
    Verdict would_;  // built only when has_would_
  };
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_DECISION_H_
