#ifndef CALLWARDEN_LIB_DECISION_BUILDER_H_
#define CALLWARDEN_LIB_DECISION_BUILDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "callwarden/config.h"
#include "callwarden/decision.h"

#include "lib/evaluator.h"
#include "lib/program.h"
#include "lib/slot_filler.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// How a limit refused a call.
struct LimitRefusal {
  enum class Kind : uint8_t { kMissingScope, kInvalidAmount, kExceeded, kUnavailable };
  Kind kind = Kind::kUnavailable;
  const Limit* limit = nullptr;
  std::string_view scope;  ///< kMissingScope: the first that is lacking
  Weight weight;           ///< kExceeded: what was to be charged
  uint64_t used = 0;       ///< kExceeded: what was counted; for gcra 0
  RetryAfter retry;        ///< kExceeded; kUnavailable may give a delay
};

/// Writes verdicts, and holds the parts of decisions that hosts cannot set.
class DecisionBuilder {
 public:
  static void Allow(Verdict& verdict) noexcept;
  static void Malformed(Verdict& verdict, std::string_view detail, std::size_t offset) noexcept;
  /// kHidden, kConfusableTool or kNotListed.
  static void Tool(Verdict& verdict, Reason reason, std::string_view tool) noexcept;
  static void Object(Verdict& verdict, const Objection& objection, std::string_view tool) noexcept;
  static void RefuseLimit(Verdict& verdict, const LimitRefusal& refusal) noexcept;
  /// Steps 2 and 10 of the language's section 8.
  static void NoPolicy(Verdict& verdict) noexcept;
  static void AuditUnavailable(Verdict& verdict) noexcept;

  static Verdict& VerdictOf(Decision& decision) noexcept { return decision.verdict_; }
  static Reservation& ReservationOf(Decision& decision) noexcept { return decision.reservation_; }
  static Reservation& ShadowReservationOf(Decision& decision) noexcept {
    return decision.shadow_reservation_;
  }
  static void SetRefundOnError(Decision& decision, uint16_t charges, uint16_t shadow_charges) noexcept {
    decision.refund_on_error_ = charges;
    decision.shadow_refund_on_error_ = shadow_charges;
  }
  static void SetWould(Decision& decision, const Verdict& would) noexcept;
  static void SetApprovalStatus(Decision& decision, ApprovalStatus status) noexcept {
    decision.approval_status_ = status;
  }
  /// Ids beyond Decision::kApprovalIdMax are left out.
  static void SetApprovalId(Decision& decision, std::string_view id) noexcept;
  static void SetListener(Decision& decision, CompletionListener& listener, uint64_t sequence,
                          int64_t decided_ns) noexcept {
    decision.listener_ = &listener;
    decision.sequence_ = sequence;
    decision.decided_ns_ = decided_ns;
  }
  /// Keeps what the verdict's texts point into.
  static void Pin(Decision& decision, std::shared_ptr<const void> pin) noexcept {
    decision.pin_ = std::move(pin);
  }

 private:
  static void Set(Verdict& verdict, Effect effect, Reason reason, std::string_view rule) noexcept;
  static void SetText(Verdict& verdict, std::string_view text) noexcept;
  // Puts the parts together in the verdict's own buffer, cut to its size between code points.
  template <class... Parts>
  static void Compose(Verdict& verdict, Parts... parts) noexcept;
};

/// What a refusal of arguments is called.
std::string_view Describe(Refusal refusal) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_DECISION_BUILDER_H_
