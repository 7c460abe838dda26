#include "lib/evaluator.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

bool Reaches(const Program& program, const Rule& rule, Quantifier quantifier, Truth bar,
             const SlotValue* slots, const SlotValue* values) noexcept {
  uint32_t at = rule.first_test;
  while (at < kRuleHolds) {
    const Test& test = program.tests[at];
    at = TestSlot(test, slots[test.slot], values, quantifier) >= bar ? test.if_passed : test.if_not;
  }
  return at == kRuleHolds;
}

namespace {

// The first rule of a list that objects, or null.
const Rule* FirstObjecting(const Program& program, Range rules, Quantifier quantifier, const SlotValue* slots,
                           const SlotValue* values, bool shadow) noexcept {
  const bool objects_when = quantifier == Quantifier::kAny;  // `require` objects when it does not hold
  for (uint32_t r = rules.begin; r < rules.end; ++r) {
    const Rule& rule = program.rules[r];
    if (rule.shadow && !shadow) continue;
    if (Holds(program, rule, quantifier, slots, values) == objects_when) return &rule;
  }
  return nullptr;
}

}  // namespace

Objection Evaluate(const Program& program, const Plan& plan, const SlotValue* values, bool approved,
                   bool shadow) noexcept {
  if (!plan.has_rules) return {};
  for (const PlanEntry& at : plan.entries) {
    const Entry& entry = program.entries[at.entry];
    if (entry.action == Action::kDeny) return {Reason::kToolDenied, &entry, nullptr};
  }
  for (const PlanEntry& at : plan.entries) {
    const Entry& entry = program.entries[at.entry];
    const SlotValue* slots = values + at.slot_base;
    if (const Rule* rule = FirstObjecting(program, entry.require, Quantifier::kAll, slots, values, shadow)) {
      return {Reason::kRequirementFailed, &entry, rule};
    }
    if (const Rule* rule = FirstObjecting(program, entry.deny_if, Quantifier::kAny, slots, values, shadow)) {
      return {Reason::kDeniedByRule, &entry, rule};
    }
  }
  if (approved) return {};
  for (const PlanEntry& at : plan.entries) {
    const Entry& entry = program.entries[at.entry];
    if (entry.action == Action::kRequireApproval) return {Reason::kApprovalRequired, &entry, nullptr};
    if (const Rule* rule = FirstObjecting(program, entry.require_approval_if, Quantifier::kAny,
                                          values + at.slot_base, values, shadow)) {
      return {Reason::kApprovalRequired, &entry, rule};
    }
  }
  return {};
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
