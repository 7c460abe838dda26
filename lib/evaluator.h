#ifndef CALLWARDEN_LIB_EVALUATOR_H_
#define CALLWARDEN_LIB_EVALUATOR_H_

#include "callwarden/config.h"
#include "callwarden/decision.h"

#include "lib/program.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The first thing that objects to a call, in the order of reporting.
struct Objection {
  Reason reason = Reason::kAllowed;  ///< kAllowed: nothing objects
  const Entry* entry = nullptr;      ///< whose action or rule it is
  const Rule* rule = nullptr;        ///< null for an action
};

/// Whether a rule's conditions come to at least `bar`, which is all that Kleene's logic is asked for.
bool Reaches(const Program& program, const Rule& rule, Quantifier quantifier, Truth bar,
             const SlotValue* slots, const SlotValue* values) noexcept;

/// Whether a rule's conditions hold: for `require` (which quantifies by kAll), are true; for the other lists,
/// are not false.
inline bool Holds(const Program& program, const Rule& rule, Quantifier quantifier, const SlotValue* slots,
                  const SlotValue* values) noexcept {
  const Truth bar = quantifier == Quantifier::kAll ? Truth::kTrue : Truth::kIndeterminate;
  return Reaches(program, rule, quantifier, bar, slots, values);
}

/// Runs actions and rules, steps 6 to 8 of the language's section 8, over filled slots. `values` is the
/// array that slots of lists and arrays point into. `shadow`: shadowed rules are looked at, too.
/// Complexity: linear in the rules that apply, but for those that an index leaves out. Does not allocate (RE2
/// may).
Objection Evaluate(const Program& program, const Plan& plan, const SlotValue* values, bool approved,
                   bool shadow) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_EVALUATOR_H_
