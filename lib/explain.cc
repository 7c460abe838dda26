#include "callwarden/explain.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/engine.h"
#include "lib/limiter.h"

CALLWARDEN_NAMESPACE_BEGIN

std::string_view Name(Truth truth) noexcept {
  switch (truth) {
    case Truth::kFalse:
      return "false";
    case Truth::kIndeterminate:
      return "indeterminate";
    case Truth::kTrue:
      return "true";
  }
  return {};
}

namespace internal {
namespace {

using Type = SlotValue::Type;

constexpr std::size_t kSeenMax = 16;

std::string NumberText(Number number) {
  std::array<char, 32> text;
  std::to_chars_result end{};
  switch (number.kind) {
    case Number::Kind::kInt64:
      end = std::to_chars(text.data(), text.data() + text.size(), number.i);
      break;
    case Number::Kind::kUint64:
      end = std::to_chars(text.data(), text.data() + text.size(), number.u);
      break;
    case Number::Kind::kDouble:
      end = std::to_chars(text.data(), text.data() + text.size(), number.d);
      break;
  }
  return std::string(text.data(), end.ptr);
}

std::string JsonText(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (b < 0x20 || b == 0x7F) {
      out += "\\u00";
      out += kHex[b >> 4];
      out += kHex[b & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

SeenValue Describe(const SlotValue& value, bool show_values) {
  SeenValue seen;
  switch (value.type) {
    case Type::kAbsent:
      seen.type = "absent";
      break;
    case Type::kMismatch:
      seen.type = "mismatch";
      break;
    case Type::kUntestable:
      seen.type = "number";
      if (show_values) seen.value = "not finite";
      break;
    case Type::kString:
      seen.type = "string";
      seen.size = value.size;
      if (show_values) seen.value = JsonText(value.text());
      break;
    case Type::kBoolean:
      seen.type = "boolean";
      if (show_values) seen.value = value.boolean ? "true" : "false";
      break;
    case Type::kNumber:
      seen.type = "number";
      if (show_values) seen.value = NumberText(value.number());
      break;
    case Type::kArray:
    case Type::kObject:
      seen.type = value.type == Type::kArray ? "array" : "object";
      seen.size = value.size;
      break;
    case Type::kList:
      break;
  }
  return seen;
}

// Puts what a call meets into words, entry by entry.
class Explainer {
 public:
  Explainer(const Program& program, const PreparedCall& prepared, Limiter& limiter, CounterStore& counters,
            Timestamp now, bool show_values)
      : program_(program),
        prepared_(prepared),
        limiter_(limiter),
        counters_(counters),
        now_(now),
        show_values_(show_values) {}

  ExplainedEntry Explain(const PlanEntry& at) const {
    const Entry& entry = program_.entries[at.entry];
    ExplainedEntry explained;
    explained.id = entry.id;
    explained.match = entry.kind == Entry::Kind::kExact  ? "exact"
                      : entry.kind == Entry::Kind::kGlob ? "glob"
                                                         : "all_tools";
    explained.action = entry.action == Action::kAllow  ? "allow"
                       : entry.action == Action::kDeny ? "deny"
                                                       : "require_approval";
    const SlotValue* slots = prepared_.values + at.slot_base;
    AddRules(entry.require, "require", Quantifier::kAll, slots, explained);
    AddRules(entry.deny_if, "deny_if", Quantifier::kAny, slots, explained);
    AddRules(entry.require_approval_if, "require_approval_if", Quantifier::kAny, slots, explained);
    for (uint32_t l = entry.limits.begin; l < entry.limits.end; ++l) {
      explained.limits.push_back(Explain(program_.limits[l], slots));
    }
    return explained;
  }

 private:
  void AddRules(Range rules, std::string_view list, Quantifier quantifier, const SlotValue* slots,
                ExplainedEntry& entry) const {
    for (uint32_t r = rules.begin; r < rules.end; ++r) {
      const Rule& rule = program_.rules[r];
      ExplainedRule explained;
      explained.id = rule.id;
      explained.list = list;
      explained.shadow = rule.shadow;
      for (const Truth bar : {Truth::kIndeterminate, Truth::kTrue}) {
        if (Reaches(program_, rule, quantifier, bar, slots, prepared_.values)) explained.truth = bar;
      }
      explained.objects =
          Holds(program_, rule, quantifier, slots, prepared_.values) == (quantifier == Quantifier::kAny);
      for (uint32_t t = rule.first_test; t < rule.tests_end; ++t) {
        explained.tests.push_back(Explain(t, slots, quantifier));
      }
      entry.rules.push_back(std::move(explained));
    }
  }

  ExplainedTest Explain(uint32_t index, const SlotValue* slots, Quantifier quantifier) const {
    const Test& test = program_.tests[index];
    const TestSource& source = program_.test_sources[index];
    const SlotValue& slot = slots[test.slot];
    ExplainedTest explained;
    explained.path = source.path;
    explained.op = source.op;
    explained.expected = source.value;
    explained.negated = source.under_not;
    explained.truth = TestSlot(test, slot, prepared_.values, quantifier);
    const auto see = [&](const SlotValue& value) {
      if (explained.seen_count++ < kSeenMax) explained.seen.push_back(Describe(value, show_values_));
    };
    if (slot.type != Type::kList) {
      see(slot);
      return explained;
    }
    if (slot.list_has_absent()) see(SlotValue());
    if (slot.list_has_mismatch()) see(SlotValue::Of(Type::kMismatch));
    for (uint32_t i = slot.first; i != SlotValue::kNone; i = prepared_.values[i].next)
      see(prepared_.values[i]);
    return explained;
  }

  ExplainedLimit Explain(const Limit& limit, const SlotValue* slots) const {
    ExplainedLimit explained;
    explained.id = limit.id;
    explained.shadow = limit.shadow;
    explained.window = limit.window;
    explained.algorithm = limit.spec.kind() == LimitKind::kCalendar ? "calendar"
                          : limit.spec.kind() == LimitKind::kGcra   ? "gcra"
                                                                    : "inflight";
    explained.max = limit.spec.max();
    Weight weight;
    LimitRefusal refusal;
    if (!limiter_.Weigh(limit, slots, weight, refusal)) {
      explained.problem = refusal.kind == LimitRefusal::Kind::kMissingScope
                              ? "needs " + std::string(refusal.scope)
                              : "needs a number >= 0 at " + std::string(limit.amount_path);
      return explained;
    }
    explained.weight = weight.units;
    CounterKey key = limiter_.KeyOf(limit, slots);
    const PeekResult peek = counters_.Peek({&limit.spec, &key, weight.units}, now_);
    if (!peek.ok) {
      explained.problem = "the counter store does not answer";
      return explained;
    }
    explained.used = peek.used;
    explained.fits = peek.fits;
    explained.retry = peek.retry;
    return explained;
  }

  const Program& program_;
  const PreparedCall& prepared_;
  Limiter& limiter_;
  CounterStore& counters_;
  Timestamp now_;
  bool show_values_;
};

}  // namespace
}  // namespace internal

Explanation Explain(const CompiledPolicy& policy, const ToolCall& call, CounterStore& counters, Timestamp now,
                    const ExplainOptions& options) {
  const internal::Program& program = internal::PolicyAccess::ProgramOf(policy);
  Explanation explanation;
  Decision decision;
  internal::Decide(program, call, counters, now, options.decide, /*charge=*/false, decision);
  explanation.verdict = decision.verdict();
  if (decision.would() != nullptr) explanation.would = *decision.would();

  const internal::ScratchLease lease;
  if (lease.get() == nullptr) return explanation;
  const internal::PreparedCall prepared = internal::Prepare(program, call, *lease.get());
  if (!prepared.memory) return explanation;
  explanation.listed = prepared.match.listed;
  explanation.hidden = prepared.match.hidden;
  if (prepared.read.enforced != internal::Refusal::kNone && prepared.read.all != internal::Refusal::kNone) {
    return explanation;
  }
  internal::Limiter limiter(program, *prepared.plan, prepared.values, call, options.decide.count_namespace,
                            counters, now, lease.get()->scope_values);
  if (!limiter.MakeRoom()) return explanation;
  const internal::Explainer explainer(program, prepared, limiter, counters, now, options.show_values);
  for (const internal::PlanEntry& at : prepared.plan->entries)
    explanation.entries.push_back(explainer.Explain(at));
  return explanation;
}

CALLWARDEN_NAMESPACE_END
