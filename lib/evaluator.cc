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

// Whether a rule objects: `require` does when it does not hold.
bool Objects(const Program& program, uint32_t rule, Quantifier quantifier, const SlotValue* slots,
             const SlotValue* values, bool shadow) noexcept {
  const Rule& r = program.rules[rule];
  if (r.shadow && !shadow) return false;
  return Holds(program, r, quantifier, slots, values) == (quantifier == Quantifier::kAny);
}

// The first rule of a list that objects, or null.
const Rule* FirstObjecting(const Program& program, Range rules, Quantifier quantifier, const SlotValue* slots,
                           const SlotValue* values, bool shadow) noexcept {
  for (uint32_t r = rules.begin; r < rules.end; ++r) {
    if (Objects(program, r, quantifier, slots, values, shadow)) return &program.rules[r];
  }
  return nullptr;
}

// The same for a list that may have an index.
const Rule* FirstFiring(const Program& program, Range rules, const RuleIndex* index, const SlotValue* slots,
                        const SlotValue* values, bool shadow) noexcept {
  RuleIndex::Candidates candidates;
  if (index == nullptr || !index->Find(slots[index->slot()], candidates)) {
    return FirstObjecting(program, rules, Quantifier::kAny, slots, values, shadow);
  }
  // Both in one, in the order of the document.
  const auto [always, by_value] = candidates;
  for (std::size_t a = 0, v = 0; a < always.size() || v < by_value.size();) {
    const bool from_always = v == by_value.size() || (a < always.size() && always[a] < by_value[v]);
    const uint32_t rule = from_always ? always[a++] : by_value[v++];
    if (Objects(program, rule, Quantifier::kAny, slots, values, shadow)) return &program.rules[rule];
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
    if (entry.deny_if.empty()) continue;
    if (const Rule* rule = FirstFiring(program, entry.deny_if, entry.deny_if_index, slots, values, shadow)) {
      return {Reason::kDeniedByRule, &entry, rule};
    }
  }
  if (approved) return {};
  for (const PlanEntry& at : plan.entries) {
    const Entry& entry = program.entries[at.entry];
    if (entry.action == Action::kRequireApproval) return {Reason::kApprovalRequired, &entry, nullptr};
    if (entry.require_approval_if.empty()) continue;
    if (const Rule* rule = FirstFiring(program, entry.require_approval_if, entry.require_approval_if_index,
                                       values + at.slot_base, values, shadow)) {
      return {Reason::kApprovalRequired, &entry, rule};
    }
  }
  return {};
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
