#include "tests/differential/reference.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/differential/formats.h"
#include "tests/differential/malformed.h"
#include "tests/differential/numbers.h"

namespace reference {
namespace {

constexpr std::size_t kLimitsPerCallMax = 16;
constexpr Nanos kTimeMin = 1735689600000000000;  // 2025-01-01
constexpr Nanos kTimeMax = 2713910400000000000;  // 2056-01-01

Int128 DivideUp(Int128 value, Int128 by) { return (value + by - 1) / by; }

constexpr std::size_t kMessageMax = 1024;

/// The longest beginning that is not too long and cuts no code point.
std::string Cut(std::string message) {
  while (message.size() > kMessageMax || !IsUtf8(message)) message.pop_back();
  return message;
}

Verdict Allowed() { return Verdict{"allow", "allowed", "", "", std::nullopt}; }

Verdict Deny(std::string reason, std::string rule, std::string message) {
  return Verdict{"deny", std::move(reason), std::move(rule), Cut(std::move(message)), std::nullopt};
}

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

/// Attributes as an object; `own_name` always names the call's own id.
Value AttributeObject(const std::vector<Attribute>& attributes, const std::string& own_name,
                      const std::string& own_value) {
  Value object = Value::Object();
  if (!own_value.empty()) object.Add(own_name, Value::String(own_value));
  for (const Attribute& attribute : attributes) {
    if (attribute.name == own_name || object.Find(attribute.name) != nullptr) continue;
    object.Add(attribute.name, attribute.value);
  }
  return object;
}

void CollectReads(const std::vector<Condition>& conditions, std::vector<ReadPathUse>& out) {
  for (const Condition& condition : conditions) {
    if (condition.kind != Condition::Kind::kTest) {
      CollectReads(condition.children, out);
    } else if (condition.path.root == Path::Root::kArgs) {
      out.push_back(ReadPathUse{&condition.path, condition.op == "contains"});
    }
  }
}

std::string WindowName(const Window& window) {
  if (window.kind == Window::Kind::kWeek) return "week";
  if (window.kind == Window::Kind::kMonth) return "month";
  if (window.seconds == 1) return "second";
  if (window.seconds == 60) return "minute";
  if (window.seconds == 3600) return "hour";
  if (window.seconds == 86400) return "day";
  return WriteInteger(window.seconds) + "s";
}

std::string LimitMessage(const Limit& limit, Int128 weight, const Wait& wait) {
  if (limit.on_deny) return *limit.on_deny;
  const std::string start = "Limit " + Quoted(limit.counter) + " reached: ";
  const std::string max = WriteInteger(limit.max);
  if (limit.algorithm == Limit::Algorithm::kInflight) return start + max + " in flight.";
  const std::string max_per_window = max + " per " + WindowName(limit.window) + ".";
  if (wait.never) {
    const Int128 most = (Int128{1} << 64) - 1;
    const std::string weighs = weight > most ? "more than " + WriteInteger(most) : WriteInteger(weight);
    return start + "this call weighs " + weighs + " of " + max_per_window;
  }
  return start + max_per_window + " Retry in " + WriteInteger(DivideUp(wait.ns, 1000000000)) + " s.";
}

std::string RuleMessage(const Rule& rule) { return rule.text.value_or("Denied by rule " + Quoted(rule.k)); }

bool Longer(const Wait& a, const Wait& b) {
  if (!b.known) return false;  // never and unknown are equal, and longer than any number
  return !a.known || a.ns > b.ns;
}

/// The weight, or nothing when the amount is none.
std::optional<Int128> Weigh(const Limit& limit, const Roots& roots) {
  if (!limit.amount_path) return ScaleUp(limit.amount, limit.unit_digits);
  const Found found = Walk(*limit.amount_path, roots).front();
  if (found.kind != Found::Kind::kValue || !found.value->is_number()) return std::nullopt;
  if (CompareNumbers(*found.value, Value::Integer(0)) < 0) return std::nullopt;
  return ScaleUp(*found.value, limit.unit_digits);
}

/// The value of a scope such as "grant", "session" or "context.tenant"; null when the call lacks it.
const Value* ScopeValue(const std::string& scope, const Roots& roots) {
  if (scope == "grant") return roots.grant.Find("id");
  if (scope == "session") return roots.context.Find("session");
  return roots.context.Find(ReadPath(scope)->steps[0].name);
}

}  // namespace

std::vector<const Entry*> Evaluator::EntriesFor(const std::string& tool) const {
  std::vector<const Entry*> exact;
  std::vector<const Entry*> globs;
  for (const Entry& entry : policy_.tools) {
    if (!IsGlob(entry.key)) {
      if (entry.key == tool) exact.push_back(&entry);
    } else if (MatchesGlob(entry.key, tool)) {
      globs.push_back(&entry);
    }
  }
  const auto literals = [](const Entry* entry) {
    return entry->key.size() -
           static_cast<std::size_t>(std::count(entry->key.begin(), entry->key.end(), '*'));
  };
  std::sort(globs.begin(), globs.end(), [&](const Entry* a, const Entry* b) {
    return literals(a) != literals(b) ? literals(a) > literals(b) : a->key < b->key;
  });
  std::vector<const Entry*> entries = exact;
  entries.insert(entries.end(), globs.begin(), globs.end());
  if (policy_.all_tools) entries.push_back(&*policy_.all_tools);
  return entries;
}

bool Evaluator::IsMalformed(const Call& call, const std::vector<const Entry*>& entries, bool with_shadowed,
                            Roots& roots) const {
  const auto spelled_out = [&] {
    for (const Entry& entry : policy_.tools) {
      if (!IsGlob(entry.key) && entry.key == call.tool) return true;
    }
    for (const std::string& pattern : policy_.hide) {
      if (!IsGlob(pattern) && pattern == call.tool) return true;
    }
    return false;
  };
  if (!IsUsualToolName(call.tool) && !spelled_out()) return true;

  roots.args = Value::Object();
  if (call.arguments) {
    ReadResult read = ReadJson(*call.arguments, options_.arguments);
    if (!read.value || !read.value->is_object()) return true;
    roots.args = std::move(*read.value);
  }

  std::vector<ReadPathUse> reads;
  for (const Entry* entry : entries) {
    for (const std::vector<Rule>* list : {&entry->require, &entry->deny_if, &entry->require_approval_if}) {
      for (const Rule& rule : *list) {
        if (with_shadowed || !rule.shadow) CollectReads(rule.conditions, reads);
      }
    }
    for (const Limit& limit : entry->limits) {
      if (limit.amount_path && (with_shadowed || !limit.shadow)) {
        reads.push_back(ReadPathUse{&*limit.amount_path, false});
      }
    }
  }
  return (options_.refuse_case_variants && HasCaseVariant(reads, roots)) ||
         (options_.refuse_nul_strings && HasNulString(reads, roots));
}

bool Evaluator::IsHidden(const std::string& tool) const {
  for (const std::string& pattern : policy_.hide) {
    if (MatchesGlob(pattern, tool)) return true;
  }
  return false;
}

bool Evaluator::IsConfusable(const std::string& tool) const {
  std::vector<std::string> patterns = policy_.hide;
  bool matched = false;
  for (const Entry& entry : policy_.tools) {
    if (entry.key == tool) return false;
    matched = matched || MatchesGlob(entry.key, tool);
    patterns.push_back(entry.key);
  }
  const std::string folded = FoldToolName(tool);
  for (const std::string& pattern : patterns) {
    const std::string folded_pattern = FoldToolName(pattern);
    if (!IsGlob(pattern) && folded_pattern == folded) return true;
    if (IsGlob(pattern) && !matched && MatchesGlob(folded_pattern, folded)) return true;
  }
  return false;
}

Evaluator::Judgement Evaluator::Judge(const Call& call, bool with_shadowed, Nanos now) const {
  const std::vector<const Entry*> entries = EntriesFor(call.tool);
  const std::string tool = "Tool " + Quoted(call.tool);
  Roots roots;
  roots.grant = AttributeObject(call.grant_attributes, "id", call.grant);
  roots.context = AttributeObject(call.context, "session", call.session);

  // The numbers are those of section 8.
  // 1
  if (IsMalformed(call, entries, with_shadowed, roots)) {
    return {Deny("malformed_call", "(malformed call)", "Arguments refused: "), {}};
  }
  // 3
  if (IsHidden(call.tool)) return {Deny("hidden", "(hidden)", tool + " is hidden by policy"), {}};
  // 4
  if (IsConfusable(call.tool)) {
    return {Deny("confusable_tool", "(confusable tool)", tool + " is not permitted by policy"), {}};
  }
  // 5
  const bool listed = std::any_of(policy_.tools.begin(), policy_.tools.end(),
                                  [&](const Entry& entry) { return MatchesGlob(entry.key, call.tool); });
  if (!listed && !policy_.default_allow) {
    return {Deny("not_listed", "(default deny)", tool + " is not permitted by policy"), {}};
  }
  // 6
  for (const Entry* entry : entries) {
    if (entry->action == Entry::Action::kDeny) {
      const std::string message = entry->reason.value_or(tool + " is denied by policy");
      return {Deny("tool_denied", entry->id + "/action", message), {}};
    }
  }
  // 7
  for (const Entry* entry : entries) {
    for (const Rule& rule : entry->require) {
      if (rule.shadow && !with_shadowed) continue;
      if (Evaluate(rule, List::kRequire, roots) != Truth::kTrue) {
        return {Deny("requirement_failed", rule.id, RuleMessage(rule)), {}};
      }
    }
    for (const Rule& rule : entry->deny_if) {
      if (rule.shadow && !with_shadowed) continue;
      if (Evaluate(rule, List::kDenyIf, roots) != Truth::kFalse) {
        return {Deny("denied_by_rule", rule.id, RuleMessage(rule)), {}};
      }
    }
  }
  // 8
  for (const Entry* entry : entries) {
    if (call.approved) break;
    const auto ask = [&](const std::string& rule, const std::optional<std::string>& reason) {
      const std::string message = reason.value_or(tool + " requires approval");
      return Judgement{{"require_approval", "approval_required", rule, Cut(message), std::nullopt}, {}};
    };
    if (entry->action == Entry::Action::kRequireApproval) return ask(entry->id + "/action", entry->reason);
    for (const Rule& rule : entry->require_approval_if) {
      if (rule.shadow && !with_shadowed) continue;
      if (Evaluate(rule, List::kRequireApprovalIf, roots) != Truth::kFalse) return ask(rule.id, rule.text);
    }
  }
  // 9, 11
  return JudgeLimits(entries, roots, with_shadowed, now);
}

Evaluator::Judgement Evaluator::JudgeLimits(const std::vector<const Entry*>& entries, const Roots& roots,
                                            bool with_shadowed, Nanos now) const {
  std::vector<const Limit*> limits;
  for (const Entry* entry : entries) {
    for (const Limit& limit : entry->limits) {
      if (with_shadowed || !limit.shadow) limits.push_back(&limit);
    }
  }
  const auto start = [](const Limit& limit) { return "Limit " + Quoted(limit.counter); };
  const auto unavailable = [&](const Limit& limit) {
    return Judgement{Deny("limit_unavailable", limit.id, start(limit) + " is unavailable"), {}};
  };
  std::vector<std::string> identities;
  for (const Limit* limit : limits) {
    std::vector<const Value*> scope_values;
    for (const std::string& scope : limit->scopes) {
      const Value* value = ScopeValue(scope, roots);
      if (value == nullptr) {
        return {Deny("missing_scope", limit->id, start(*limit) + " needs " + scope), {}};
      }
      scope_values.push_back(value);
    }
    identities.push_back(CountIdentity(*limit, scope_values));
  }

  std::vector<Charge> charges;  // one a count
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Limit& limit = *limits[i];
    const std::optional<Int128> weight = Weigh(limit, roots);
    if (!weight) {
      const std::string message = start(limit) + " needs a number >= 0 at " + limit.amount_path->text;
      return {Deny("invalid_amount", limit.id, message), {}};
    }
    auto charge = std::find_if(charges.begin(), charges.end(),
                               [&](const Charge& c) { return c.identity == identities[i]; });
    if (charge == charges.end()) charge = charges.insert(charge, Charge{identities[i], limit, 0, true});
    charge->weight = std::max(charge->weight, *weight);
    charge->refund_on_error = charge->refund_on_error && limit.refund_on_error;
  }
  const bool out_of_range = now < kTimeMin || now >= kTimeMax;
  if (limits.size() > kLimitsPerCallMax || (!limits.empty() && out_of_range)) return unavailable(*limits[0]);

  const Limit* refusing = nullptr;
  Wait longest;
  Int128 refused_weight = 0;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    for (const Charge& charge : charges) {
      if (charge.identity != identities[i]) continue;
      const std::optional<Wait> wait = counts_.Refuses(*limits[i], identities[i], charge.weight, now);
      if (!wait) continue;
      if (refusing == nullptr || Longer(*wait, longest)) {
        refusing = limits[i];
        longest = *wait;
        refused_weight = charge.weight;
      }
    }
  }
  if (refusing == nullptr) return {Allowed(), charges};
  Verdict verdict = Deny("limit_exceeded", refusing->id, LimitMessage(*refusing, refused_weight, longest));
  if (longest.known) verdict.retry_after_ms = static_cast<int64_t>(DivideUp(longest.ns, 1000000));
  return {verdict, {}};
}

Result Evaluator::Decide(const Call& call, Nanos now) {
  const Judgement enforced = policy_.shadow ? Judgement{Allowed(), {}} : Judge(call, false, now);
  const Judgement all = Judge(call, true, now);
  Result result;
  result.verdict = enforced.verdict;
  if (all.verdict.effect != enforced.verdict.effect || all.verdict.reason != enforced.verdict.reason ||
      all.verdict.rule != enforced.verdict.rule) {
    result.would = all.verdict;
  }
  // Enforced limits are charged when the first decision admits, shadowed ones when the second does.
  for (const Judgement* judgement : {&enforced, &all}) {
    for (const Charge& charge : judgement->charges) {
      const bool mine = charge.limit.shadow == (judgement == &all);
      if (mine && charge.weight > 0) result.charged.push_back(counts_.Apply(charge, now));
    }
  }
  return result;
}

void Evaluator::Complete(const Result& result, Outcome outcome, Nanos now) {
  for (const Charged& charged : result.charged) counts_.Settle(charged, outcome, now);
}

}  // namespace reference
