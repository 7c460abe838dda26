#include "tests/differential/model.h"

#include <cmath>
#include <cstdlib>
#include <set>
#include <utility>

#include <re2/re2.h>

#include "tests/differential/numbers.h"

namespace reference {
namespace {

/// Thrown out of the depths of a document that is not valid; never leaves this file.
struct NotValid {};

const Value& Required(const Value& object, std::string_view name) {
  const Value* value = object.Find(name);
  if (value == nullptr) throw NotValid();
  return *value;
}

std::optional<std::string> OptionalText(const Value& object, std::string_view name) {
  const Value* value = object.Find(name);
  if (value == nullptr) return std::nullopt;
  return value->string;
}

/// A text for people; an empty one says nothing and counts as none.
std::optional<std::string> Text(const Value& object, std::string_view name) {
  const std::optional<std::string> text = OptionalText(object, name);
  return text == "" ? std::nullopt : text;
}

bool IsShadow(const Value& object) { return OptionalText(object, "mode") == "shadow"; }

Int128 Integer(const Value& value) {
  const std::optional<Int128> integer = AsInteger(value);
  if (!integer) throw NotValid();
  return *integer;
}

std::string EscapePointer(const std::string& token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

Condition ReadCondition(const Value& value) {
  Condition condition;
  if (const Value* all = value.Find("all")) {
    condition.kind = Condition::Kind::kAll;
    for (const Value& child : all->items) condition.children.push_back(ReadCondition(child));
  } else if (const Value* any = value.Find("any")) {
    condition.kind = Condition::Kind::kAny;
    for (const Value& child : any->items) condition.children.push_back(ReadCondition(child));
  } else if (const Value* negated = value.Find("not")) {
    condition.kind = Condition::Kind::kNot;
    condition.children.push_back(ReadCondition(*negated));
  } else {
    const std::optional<Path> path = ReadPath(Required(value, "path").string);
    if (!path) throw NotValid();
    condition.path = *path;
    condition.op = Required(value, "op").string;
    condition.value = Required(value, "value");
    if (condition.op == "regex") {
      re2::RE2::Options options;
      options.set_log_errors(false);
      condition.regex = std::make_shared<const re2::RE2>(condition.value.string, options);
      if (!condition.regex->ok()) throw NotValid();
    }
  }
  return condition;
}

/// The first test in depth-first document order.
const Condition* FirstTest(const std::vector<Condition>& conditions) {
  for (const Condition& condition : conditions) {
    if (condition.kind == Condition::Kind::kTest) return &condition;
    if (const Condition* test = FirstTest(condition.children)) return test;
  }
  return nullptr;
}

std::string FirstFree(const std::string& k, std::set<std::string>& taken) {
  std::string candidate = k;
  for (int n = 2; !taken.insert(candidate).second; ++n) candidate = k + "#" + std::to_string(n);
  return candidate;
}

std::vector<Rule> ReadRules(const Value& entry, const std::string& list, const std::string& entry_id,
                            bool shadow) {
  std::vector<Rule> rules;
  const Value* values = entry.Find(list);
  if (values == nullptr) return rules;
  std::set<std::string> taken;
  for (const Value& value : values->items) {
    if (const Value* name = value.Find("name")) taken.insert(name->string);
  }
  for (std::size_t i = 0; i < values->items.size(); ++i) {
    const Value& value = values->items[i];
    Rule rule;
    for (const Value& condition : Required(value, "conditions").items) {
      rule.conditions.push_back(ReadCondition(condition));
    }
    if (const Value* name = value.Find("name")) {
      rule.k = name->string;
    } else if (const Condition* test = FirstTest(rule.conditions)) {
      rule.k = FirstFree(test->path.text + "-" + test->op, taken);
    } else {
      rule.k = FirstFree(std::to_string(i), taken);
    }
    rule.id = entry_id + "/" + list + "/" + EscapePointer(rule.k);
    rule.text = Text(value, list == "require_approval_if" ? "reason" : "on_deny");
    rule.shadow = shadow || IsShadow(value);
    rules.push_back(std::move(rule));
  }
  return rules;
}

Window Seconds(Int128 seconds) { return Window{Window::Kind::kSeconds, seconds}; }

Window ReadWindow(const Value& value) {
  if (!value.is_string()) return Seconds(Integer(value));
  const std::string& text = value.string;
  if (text == "second") return Seconds(1);
  if (text == "minute") return Seconds(60);
  if (text == "hour") return Seconds(3600);
  if (text == "day") return Seconds(86400);
  if (text == "week") return Window{Window::Kind::kWeek, 604800};
  if (text == "month") return Window{Window::Kind::kMonth, 0};
  if (text.empty()) throw NotValid();
  const Int128 n = std::atoll(text.c_str());
  switch (text.back()) {
    case 's':
      return Seconds(n);
    case 'm':
      return Seconds(n * 60);
    case 'h':
      return Seconds(n * 3600);
    case 'd':
      return Seconds(n * 86400);
    default:
      throw NotValid();
  }
}

std::vector<std::string> ReadScopes(const Value& value) {
  std::vector<std::string> scopes;
  for (const Value& item : value.is_array() ? value.items : std::vector<Value>{value}) {
    if (item.string == "global") continue;
    scopes.push_back(item.string == "context.session" ? "session" : item.string);
  }
  return scopes;
}

int ReadUnit(const Value& value) {
  static constexpr double kUnits[] = {1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001};
  for (int digits = 0; digits < 7; ++digits) {
    if (CompareNumbers(value, Value::Real(kUnits[digits])) == 0) return digits;
  }
  throw NotValid();
}

Limit ReadLimit(const Value& value, bool shadow) {
  Limit limit;
  limit.counter = Required(value, "counter").string;
  limit.max = Integer(Required(value, "max"));
  const std::string algorithm = OptionalText(value, "algorithm").value_or("calendar");
  if (algorithm == "gcra") limit.algorithm = Limit::Algorithm::kGcra;
  if (algorithm == "inflight") limit.algorithm = Limit::Algorithm::kInflight;
  if (limit.algorithm != Limit::Algorithm::kInflight) limit.window = ReadWindow(Required(value, "window"));
  const Value* scope = value.Find("scope");
  limit.scopes = ReadScopes(scope == nullptr ? Value::String("grant") : *scope);
  limit.amount = Value::Integer(1);
  for (const char* name : {"amount", "increment", "increment_from"}) {
    const Value* amount = value.Find(name);
    if (amount == nullptr) continue;
    if (amount->is_string()) {
      limit.amount_path = ReadPath(amount->string);
      if (!limit.amount_path) throw NotValid();
    } else {
      limit.amount = Value::Integer(Integer(*amount));
    }
  }
  if (const Value* unit = value.Find("unit")) limit.unit_digits = ReadUnit(*unit);
  const Value* burst = value.Find("burst");
  limit.burst = burst == nullptr ? limit.max : Integer(*burst);
  limit.refund_on_error = OptionalText(value, "refund") == "on_error";
  limit.on_deny = Text(value, "on_deny");
  limit.shadow = shadow || IsShadow(value);
  return limit;
}

Limit ReadRateLimit(const Value& value, const std::string& key, bool shadow) {
  Limit limit;
  limit.counter = key + ":rate_limit";
  limit.amount = Value::Integer(1);
  limit.scopes = {"session"};
  limit.shadow = shadow;
  if (value.is_string()) {
    const std::size_t slash = value.string.find('/');
    if (slash == std::string::npos) throw NotValid();
    limit.max = std::atoll(value.string.substr(0, slash).c_str());
    limit.window = ReadWindow(Value::String(value.string.substr(slash + 1)));
  } else {
    limit.max = Integer(Required(value, "max"));
    limit.window = ReadWindow(Required(value, "window"));
  }
  limit.burst = limit.max;
  return limit;
}

Entry ReadEntry(const Value& value, const std::string& key, const std::string& id, bool shadow) {
  Entry entry;
  entry.key = key;
  entry.id = id;
  const std::string action = OptionalText(value, "action").value_or("allow");
  if (action == "deny") entry.action = Entry::Action::kDeny;
  if (action == "require_approval") entry.action = Entry::Action::kRequireApproval;
  entry.reason = Text(value, "reason");
  entry.require = ReadRules(value, "require", id, shadow);
  entry.deny_if = ReadRules(value, "deny_if", id, shadow);
  entry.require_approval_if = ReadRules(value, "require_approval_if", id, shadow);
  if (const Value* limits = value.Find("limits")) {
    std::set<std::string> taken;
    for (const Value& item : limits->items) {
      Limit limit = ReadLimit(item, shadow);
      limit.id = id + "/limits/" + EscapePointer(FirstFree(limit.counter, taken));
      entry.limits.push_back(std::move(limit));
    }
  }
  if (const Value* rate_limit = value.Find("rate_limit")) {
    Limit limit = ReadRateLimit(*rate_limit, key, shadow);
    limit.id = id + "/rate_limit";
    entry.limits.push_back(std::move(limit));
  }
  return entry;
}

}  // namespace

bool IsGlob(std::string_view pattern) { return pattern.find('*') != std::string_view::npos; }

std::optional<Path> ReadPath(const std::string& text) {
  Path path;
  path.text = text;
  std::size_t at = text.find_first_of(".[");
  if (at == std::string::npos) at = text.size();
  const std::string root = text.substr(0, at);
  if (root == "args") {
    path.root = Path::Root::kArgs;
  } else if (root == "grant") {
    path.root = Path::Root::kGrant;
  } else if (root == "context") {
    path.root = Path::Root::kContext;
  } else {
    return std::nullopt;
  }
  while (at < text.size()) {
    Step step;
    if (text[at] == '.') {
      const std::size_t end = std::min(text.find_first_of(".[]", at + 1), text.size());
      step.name = text.substr(at + 1, end - at - 1);
      at = end;
    } else if (text.compare(at, 3, "[*]") == 0) {
      step.kind = Step::Kind::kEach;
      at += 3;
    } else if (text.compare(at, 2, "[\"") == 0) {
      // The name is a JSON string; find the quote that ends it.
      std::size_t end = at + 2;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      if (end + 1 >= text.size() || text[end + 1] != ']') return std::nullopt;
      const ReadResult name = ReadJson(text.substr(at + 1, end - at), ReadLimits());
      if (!name.value) return std::nullopt;
      step.name = name.value->string;
      at = end + 2;
    } else {
      const std::size_t end = text.find(']', at);
      if (text[at] != '[' || end == std::string::npos) return std::nullopt;
      step.kind = Step::Kind::kIndex;
      step.index = std::atoll(text.substr(at + 1, end - at - 1).c_str());
      at = end + 1;
    }
    path.steps.push_back(std::move(step));
  }
  return path;
}

std::optional<Policy> ReadPolicy(std::string_view text) {
  const ReadResult read = ReadLargeJson(text);
  if (!read.value) return std::nullopt;
  const Value& document = *read.value;
  try {
    Policy policy;
    policy.shadow = IsShadow(document);
    policy.default_allow = Required(document, "default").string == "allow";
    if (const Value* hide = document.Find("hide")) {
      for (const Value& pattern : hide->items) policy.hide.push_back(pattern.string);
    }
    if (const Value* tools = document.Find("tools")) {
      for (const Member& tool : tools->members) {
        policy.tools.push_back(
            ReadEntry(tool.value, tool.name, "/tools/" + EscapePointer(tool.name), policy.shadow));
      }
    }
    if (const Value* all_tools = document.Find("all_tools")) {
      policy.all_tools = ReadEntry(*all_tools, "", "/all_tools", policy.shadow);
    }
    return policy;
  } catch (const NotValid&) {
    return std::nullopt;
  }
}

}  // namespace reference
