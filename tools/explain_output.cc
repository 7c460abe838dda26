#include "explain_output.h"

#include <utility>

#include "printable.h"
#include "utc_time.h"

namespace callwarden::tool {
namespace {

/// Says what each entry, rule and limit contributed to the decision.
class Roles {
 public:
  Roles(const Explanation& explanation, bool approved) : explanation_(explanation), approved_(approved) {}

  /// What became of something that objects to the call: "decides", or why it did not.
  std::string OfObjection(const std::string& id, bool shadow, bool asks_approval) const {
    const Verdict& verdict = explanation_.verdict;
    const bool decides_would = explanation_.would.has_value() && explanation_.would->rule() == id;
    if (verdict.rule() == id) return "decides";
    if (decides_would) return "shadowed: decides what the decision would be";
    if (shadow || (verdict.allowed() && explanation_.would.has_value())) return "shadowed: not enforced";
    if (asks_approval && approved_) return "covered by the approval that came with the call";
    if (verdict.rule().empty()) return "does not decide";
    return Printable(verdict.rule()) + " comes first";
  }

 private:
  const Explanation& explanation_;
  bool approved_;
};

std::string Arrow(const std::string& role, const Style& style) {
  return "  <- " + (role == "decides" ? style.Bold(role) : style.Dim(role));
}

std::string SeenText(const SeenValue& seen) {
  if (seen.type == "absent") return "nothing there";
  if (seen.type == "mismatch") return "a path mismatch";
  std::string text = seen.type;
  if (seen.type == "string") text += " of " + Count(seen.size, "byte");
  if (seen.type == "array") text += " of " + Count(seen.size, "item");
  if (seen.type == "object") text += " of " + Count(seen.size, "member");
  if (!seen.value.empty()) text += " " + Printable(seen.value);
  return text;
}

std::string TestText(const ExplainedTest& test, const Style& style) {
  std::string line = "        " + std::string(test.negated ? "not " : "") + Printable(test.path) + " " +
                     test.op + " " + Printable(test.expected) + ": " + std::string(Name(test.truth)) +
                     "; saw ";
  if (test.seen.empty()) line += "no elements";
  for (std::size_t i = 0; i < test.seen.size(); ++i) {
    line += (i == 0 ? "" : ", ") + style.Dim(SeenText(test.seen[i]));
  }
  if (test.seen_count > test.seen.size()) {
    line += " and " + std::to_string(test.seen_count - test.seen.size()) + " more";
  }
  return line + "\n";
}

std::string RuleText(const ExplainedRule& rule, const Roles& roles, const Style& style) {
  const bool requires_truth = rule.list == "require";
  std::string line = "    " + rule.list + " " + Printable(rule.id) + ": ";
  if (requires_truth) {
    line += rule.truth == Truth::kTrue ? "satisfied" : "not satisfied";
  } else {
    line += rule.truth == Truth::kFalse ? "does not fire" : "fires";
  }
  line += " (" + std::string(Name(rule.truth)) + ")";
  if (rule.shadow) line += ", shadowed";
  if (rule.objects)
    line += Arrow(roles.OfObjection(rule.id, rule.shadow, rule.list == "require_approval_if"), style);
  line += "\n";
  for (const ExplainedTest& test : rule.tests) line += TestText(test, style);
  return line;
}

std::string LimitText(const ExplainedLimit& limit, const Roles& roles, const Style& style) {
  std::string line = "    limit " + Printable(limit.id) + ": ";
  if (!limit.problem.empty()) {
    line += Printable(limit.problem);
  } else {
    line += std::to_string(limit.used) + " of " + std::to_string(limit.max) + " used";
    if (!limit.window.empty()) line += " per " + limit.window;
    line += ", " + limit.algorithm + ", weight " + std::to_string(limit.weight) + ": ";
    line += limit.fits ? "fits" : "does not fit";
    if (!limit.fits) {
      switch (limit.retry.kind) {
        case RetryAfter::Kind::kNever:
          line += ", and never will";
          break;
        case RetryAfter::Kind::kOnRelease:
          line += " until a call in flight ends";
          break;
        case RetryAfter::Kind::kAfter:
          line += " for " + WaitText(std::chrono::ceil<std::chrono::milliseconds>(limit.retry.delay));
          break;
      }
    }
  }
  if (limit.shadow) line += ", shadowed";
  if (!limit.problem.empty() || !limit.fits) {
    line += Arrow(roles.OfObjection(limit.id, limit.shadow, /*asks_approval=*/false), style);
  }
  return line + "\n";
}

std::string EntryText(const ExplainedEntry& entry, const Roles& roles, const Style& style) {
  std::string text = style.Bold(Printable(entry.id)) + " (" + entry.match;
  if (entry.match != "all_tools") text += ", action " + entry.action;  // all_tools has none
  text += ")";
  if (entry.action == "deny" || entry.action == "require_approval") {
    text += Arrow(roles.OfObjection(entry.id + "/action", false, entry.action == "require_approval"), style);
  }
  text += "\n";
  for (const ExplainedRule& rule : entry.rules) text += RuleText(rule, roles, style);
  for (const ExplainedLimit& limit : entry.limits) text += LimitText(limit, roles, style);
  if (entry.rules.empty() && entry.limits.empty()) text += "    no rules, no limits\n";
  return text;
}

std::string EffectText(const Verdict& verdict, const Style& style) {
  const std::string name(Name(verdict.effect()));
  std::string text = verdict.allowed()                   ? style.Green(name)
                     : verdict.effect() == Effect::kDeny ? style.Red(name)
                                                         : style.Yellow(name);
  if (!verdict.allowed()) text += " (" + std::string(Name(verdict.reason())) + ")";
  return text;
}

Json ToJson(const SeenValue& seen) {
  Json json;
  json["type"] = seen.type;
  json["size"] = seen.size;
  if (!seen.value.empty()) json["value"] = Json::parse(seen.value, nullptr, /*allow_exceptions=*/false);
  return json;
}

Json ToJson(const ExplainedTest& test);
Json ToJson(const ExplainedRule& rule);
Json ToJson(const ExplainedLimit& limit);
Json ToJson(const ExplainedEntry& entry);

template <typename T>
Json ToJsonArray(const std::vector<T>& items) {
  Json json = Json::array();
  for (const T& item : items) json.push_back(ToJson(item));
  return json;
}

Json ToJson(const ExplainedTest& test) {
  Json json;
  json["path"] = test.path;
  json["op"] = test.op;
  json["expected"] = Json::parse(test.expected, nullptr, /*allow_exceptions=*/false);
  json["negated"] = test.negated;
  json["truth"] = std::string(Name(test.truth));
  json["seen"] = ToJsonArray(test.seen);
  json["seen_count"] = test.seen_count;
  return json;
}

Json ToJson(const ExplainedRule& rule) {
  Json json;
  json["id"] = rule.id;
  json["list"] = rule.list;
  json["shadow"] = rule.shadow;
  json["truth"] = std::string(Name(rule.truth));
  json["objects"] = rule.objects;
  json["tests"] = ToJsonArray(rule.tests);
  return json;
}

Json ToJson(const ExplainedLimit& limit) {
  Json json;
  json["id"] = limit.id;
  json["shadow"] = limit.shadow;
  json["problem"] = limit.problem.empty() ? Json() : Json(limit.problem);
  json["window"] = limit.window.empty() ? Json() : Json(limit.window);
  json["algorithm"] = limit.algorithm;
  json["weight"] = limit.weight;
  json["used"] = limit.used;
  json["max"] = limit.max;
  json["fits"] = limit.fits;
  const bool has_delay = !limit.fits && limit.retry.kind == RetryAfter::Kind::kAfter;
  json["retry_after_ms"] =
      has_delay ? Json(std::chrono::ceil<std::chrono::milliseconds>(limit.retry.delay).count()) : Json();
  return json;
}

Json ToJson(const ExplainedEntry& entry) {
  Json json;
  json["id"] = entry.id;
  json["match"] = entry.match;
  json["action"] = entry.action;
  json["rules"] = ToJsonArray(entry.rules);
  json["limits"] = ToJsonArray(entry.limits);
  return json;
}

}  // namespace

std::string ExplanationText(const Explanation& explanation, const ToolCall& call, Timestamp now,
                            const Style& style) {
  const Verdict& verdict = explanation.verdict;
  std::string text = "tool      " + Printable(call.tool) + ", " +
                     (explanation.listed ? "listed" : "not listed") + ", " +
                     (explanation.hidden ? "hidden" : "not hidden") + "\n";
  text += "at        " + UtcTimeText(now) + "\n";
  text += "decision  " + EffectText(verdict, style) + "\n";
  if (!verdict.rule().empty()) text += "rule      " + Printable(verdict.rule()) + "\n";
  if (!verdict.message().empty()) text += "message   " + Printable(verdict.message()) + "\n";
  if (const auto wait = verdict.retry_after()) text += "retry     in " + WaitText(*wait) + "\n";
  if (explanation.would.has_value()) {
    text += "would     be " + EffectText(*explanation.would, style);
    if (!explanation.would->rule().empty()) text += ", " + Printable(explanation.would->rule());
    text += ", if nothing were shadowed\n";
  }
  const Roles roles(explanation, call.approved);
  for (const ExplainedEntry& entry : explanation.entries) text += "\n" + EntryText(entry, roles, style);
  if (explanation.entries.empty()) text += "\nno entry of the policy was looked at\n";
  return text;
}

Json ExplanationJson(const Explanation& explanation, const ToolCall& call, Timestamp now) {
  Json json;
  json["tool"] = std::string(call.tool);
  json["at"] = UtcTimeText(now);
  json["decision"] = tool::ToJson(explanation.verdict);
  json["would"] = explanation.would.has_value() ? tool::ToJson(*explanation.would) : Json();
  json["listed"] = explanation.listed;
  json["hidden"] = explanation.hidden;
  json["entries"] = ToJsonArray(explanation.entries);
  return json;
}

}  // namespace callwarden::tool
