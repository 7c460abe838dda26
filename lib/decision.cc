#include "callwarden/decision.h"

#include <cstring>
#include <new>
#include <utility>

#include "lib/completion_listener.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

// The weights that a failed call leaves charged: those that no limit gives back.
SettleResult SettleWith(Reservation& reservation, uint16_t refunded) noexcept {
  if (refunded == 0 && !reservation.releases()) {  // nothing changes, so the store need not hear of it
    reservation.Forget();
    return {};
  }
  std::array<uint64_t, kLimitsPerCallMax> actual;
  const std::size_t size = reservation.size();
  for (std::size_t i = 0; i < size; ++i) actual[i] = (refunded >> i & 1) != 0 ? 0 : reservation.weight(i);
  const SettleResult result = reservation.store()->Settle(std::move(reservation), {actual.data(), size});
  reservation.Forget();  // whatever the store did, these charges are settled
  return result;
}

}  // namespace

std::string_view Name(Effect effect) noexcept {
  switch (effect) {
    case Effect::kDeny:
      return "deny";
    case Effect::kAllow:
      return "allow";
    case Effect::kRequireApproval:
      return "require_approval";
  }
  return {};
}

std::string_view Name(Reason reason) noexcept {
  switch (reason) {
    case Reason::kInternalError:
      return "internal_error";
    case Reason::kMalformedCall:
      return "malformed_call";
    case Reason::kNoPolicy:
      return "no_policy";
    case Reason::kHidden:
      return "hidden";
    case Reason::kConfusableTool:
      return "confusable_tool";
    case Reason::kNotListed:
      return "not_listed";
    case Reason::kToolDenied:
      return "tool_denied";
    case Reason::kRequirementFailed:
      return "requirement_failed";
    case Reason::kDeniedByRule:
      return "denied_by_rule";
    case Reason::kApprovalRequired:
      return "approval_required";
    case Reason::kMissingScope:
      return "missing_scope";
    case Reason::kInvalidAmount:
      return "invalid_amount";
    case Reason::kLimitExceeded:
      return "limit_exceeded";
    case Reason::kLimitUnavailable:
      return "limit_unavailable";
    case Reason::kAuditUnavailable:
      return "audit_unavailable";
    case Reason::kAllowed:
      return "allowed";
  }
  return {};
}

std::string_view Name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kError:
      return "error";
    case Outcome::kLost:
      return "lost";
    case Outcome::kNotSent:
      return "not_sent";
  }
  return {};
}

std::string_view Name(ApprovalStatus status) noexcept {
  switch (status) {
    case ApprovalStatus::kNone:
      return "none";
    case ApprovalStatus::kReady:
      return "ready";
    case ApprovalStatus::kPending:
      return "pending";
    case ApprovalStatus::kDenied:
      return "denied";
    case ApprovalStatus::kExpired:
      return "expired";
    case ApprovalStatus::kUsed:
      return "used";
    case ApprovalStatus::kOtherCall:
      return "other_call";
    case ApprovalStatus::kUnknown:
      return "unknown";
    case ApprovalStatus::kFailed:
      return "failed";
  }
  return {};
}

void Verdict::CopyFrom(const Verdict& other) noexcept {
  effect_ = other.effect_;
  reason_ = other.reason_;
  message_size_ = other.message_size_;
  retry_after_ms_ = other.retry_after_ms_;
  rule_ = other.rule_;
  message_ = other.message_;
  if (message_ == nullptr) std::memcpy(buffer_.data(), other.buffer_.data(), message_size_);
}

Decision::Decision(Decision&& other) noexcept
    : verdict_(other.verdict_),
      reservation_(std::move(other.reservation_)),
      shadow_reservation_(std::move(other.shadow_reservation_)),
      refund_on_error_(other.refund_on_error_),
      shadow_refund_on_error_(other.shadow_refund_on_error_),
      has_would_(other.has_would_) {
  TakeGateParts(other);
  if (has_would_) ::new (&would_) Verdict(other.would_);
}

Decision& Decision::operator=(Decision&& other) noexcept {
  if (this == &other) return *this;
  Complete(Outcome::kOk);
  verdict_ = other.verdict_;
  reservation_ = std::move(other.reservation_);
  shadow_reservation_ = std::move(other.shadow_reservation_);
  refund_on_error_ = other.refund_on_error_;
  shadow_refund_on_error_ = other.shadow_refund_on_error_;
  has_would_ = other.has_would_;
  TakeGateParts(other);
  if (has_would_) ::new (&would_) Verdict(other.would_);
  return *this;
}

void Decision::TakeGateParts(Decision& other) noexcept {
  approval_status_ = other.approval_status_;
  approval_id_size_ = other.approval_id_size_;
  if (approval_id_size_ != 0) std::memcpy(approval_id_.data(), other.approval_id_.data(), approval_id_size_);
  listener_ = std::exchange(other.listener_, nullptr);
  if (listener_ != nullptr) {
    sequence_ = other.sequence_;
    decided_ns_ = other.decided_ns_;
  }
  pin_ = std::move(other.pin_);
}

void Decision::Tell(Outcome outcome) noexcept {
  internal::CompletionListener* const listener = std::exchange(listener_, nullptr);
  if (listener != nullptr) listener->OnComplete(sequence_, decided_ns_, outcome);
}

void Decision::Settle(Outcome outcome) noexcept {
  uint16_t refunded = 0;
  uint16_t shadow_refunded = 0;
  if (outcome == Outcome::kNotSent) {
    refunded = shadow_refunded = 0xFFFF;
  } else if (outcome == Outcome::kError) {
    refunded = refund_on_error_;
    shadow_refunded = shadow_refund_on_error_;
  }
  if (!reservation_.empty()) SettleWith(reservation_, refunded);
  if (!shadow_reservation_.empty()) SettleWith(shadow_reservation_, shadow_refunded);
  Tell(outcome);
}

SettleResult Decision::CompleteWith(std::span<const uint64_t> actual) noexcept {
  SettleResult result;
  if (!reservation_.empty()) {
    result = reservation_.store()->Settle(std::move(reservation_), actual);
    reservation_.Forget();
  }
  if (!shadow_reservation_.empty()) SettleWith(shadow_reservation_, 0);
  Tell(Outcome::kOk);
  return result;
}

CALLWARDEN_NAMESPACE_END
