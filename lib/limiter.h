#ifndef CALLWARDEN_LIB_LIMITER_H_
#define CALLWARDEN_LIB_LIMITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/counter_store.h"
#include "callwarden/tool_call.h"

#include "lib/decision_builder.h"
#include "lib/limit_trace.h"
#include "lib/program.h"
#include "lib/scratch.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The limits of one call: step 9 of the language's section 8. Puts the counts of the limits that apply to
/// the store, each once, and says which limit refused.
class Limiter {
 public:
  Limiter(const Program& program, const Plan& plan, const SlotValue* values, const ToolCall& call,
          std::string_view count_namespace, CounterStore& store, Timestamp now,
          ScratchVector<AttributeValue>& scope_values, LimitTrace* trace = nullptr) noexcept
      : program_(program),
        plan_(plan),
        values_(values),
        call_(call),
        count_namespace_(count_namespace),
        store_(store),
        now_(now),
        scope_values_(scope_values),
        trace_(trace) {}

  /// What the limits said. `admitted`, or why not; when shortages are what refused, others may refuse for
  /// longer.
  struct Answer {
    bool admitted = true;
    LimitRefusal refusal;
  };

  /// Which limits a look or a charge is about.
  enum class Part : uint8_t { kEnforced, kShadowed, kAll };

  /// Makes room for the keys of all limits. False: there is no memory, and the others must not be asked.
  bool MakeRoom() noexcept { return scope_values_.reserve(program_.scopes_per_limit + std::size_t{1}); }
  /// Finds the first missing scope, then the first invalid amount, then too many limits or a time out of
  /// range. Charges nothing.
  Answer Check(Part part) noexcept;
  /// Checks, then charges all of them or none.
  Answer Charge(Part part, Reservation& reservation, uint16_t& refund_on_error) noexcept;
  /// What Charge would answer, by looks alone.
  Answer Look(Part part) noexcept;
  /// Whether `a` is the longer wait: one that nobody can tell is longer than any that is known, and as long
  /// as any other such.
  static bool IsLonger(const RetryAfter& a, const RetryAfter& b) noexcept;

  /// What one limit weighs for this call, and its key. False: the scope or the amount is lacking, and the
  /// refusal says which.
  bool Weigh(const Limit& limit, const SlotValue* slots, internal::Weight& weight,
             LimitRefusal& refusal) const noexcept;
  CounterKey KeyOf(const Limit& limit, const SlotValue* slots) noexcept;

 private:
  // The counts of the call, and the limits that share them. Arrays are unset past the counts: clearing them
  // would cost more than a decision.
  struct Requests {
    std::size_t count = 0;
    std::size_t limit_count = 0;
    uint16_t keep_on_error = 0;  // bit i: a limit of request i never refunds
    std::array<const Limit*, kLimitsPerCallMax> limits;
    std::array<uint8_t, kLimitsPerCallMax> request_of;
    union {
      std::array<CounterKey, kLimitsPerCallMax> keys;
    };
    union {
      std::array<LimitRequest, kLimitsPerCallMax> requests;
    };
    union {
      std::array<internal::Weight, kLimitsPerCallMax> weights;
    };
    Requests() noexcept {}
  };

  static bool IsIn(const Limit& limit, Part part) noexcept {
    return part == Part::kAll || limit.shadow == (part == Part::kShadowed);
  }
  CounterKey MakeKey(const Limit& limit, const SlotValue* slots) noexcept;
  bool IsGiven(const Scope& scope, const SlotValue* slots) const noexcept;
  bool HasScopes(const Limit& limit, const SlotValue* slots) const noexcept;
  bool WeighAmount(const Limit& limit, const SlotValue* slots, internal::Weight& weight) const noexcept;
  template <class Take>
  void ForEach(Part part, Take&& take) const noexcept;
  [[nodiscard]] bool Gather(Part part, Requests& requests) noexcept;
  void Note(const Requests& requests, const Reservation& reservation) noexcept;
  static Answer Refuse(const Requests& requests, const ReserveResult& result) noexcept;

  const Program& program_;
  const Plan& plan_;
  const SlotValue* values_;
  const ToolCall& call_;
  std::string_view count_namespace_;
  CounterStore& store_;
  Timestamp now_;
  ScratchVector<AttributeValue>& scope_values_;
  LimitTrace* trace_;  // null: nobody asks what was charged
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_LIMITER_H_
