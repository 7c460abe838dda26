#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "tests/differential/generate.h"
#include "tests/differential/generate_values.h"
#include "tests/differential/model.h"

namespace differential {
namespace {

using reference::Int128;
using reference::List;
using reference::Value;

constexpr std::size_t kLimitsPerCallMax = 16;

Value RandomList(Random& random, Value (*element)(Random&)) {
  Value list = Value::Array();
  for (std::size_t n = 1 + random.Below(4); n > 0; --n) list.items.push_back(element(random));
  return list;
}

std::string RandomOperator(Random& random, Shape shape) {
  if (random.OneIn(7)) {
    return random.Pick({"eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "exists", "regex", "contains",
                        "starts_with", "ends_with", "glob", "type", "format", "min_length", "max_length"});
  }
  switch (shape) {
    case Shape::kNumber:
      return random.Pick(
          {"eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "lte", "gt", "exists", "type"});
    case Shape::kString:
      return random.Pick({"eq", "neq", "in", "not_in", "regex", "contains", "starts_with", "ends_with",
                          "glob", "exists", "type", "min_length", "max_length"});
    case Shape::kFormatted:
      return random.Pick({"format", "format", "format", "regex", "exists"});
    case Shape::kBoolean:
      return random.Pick({"eq", "neq", "exists", "in", "not_in"});
    case Shape::kScalars:
    case Shape::kNumbers:
      return random.Pick({"contains", "contains", "contains", "min_length", "max_length", "type", "exists"});
    case Shape::kGrid:
    case Shape::kObject:
    case Shape::kInner:
    case Shape::kItems:
      return random.Pick({"exists", "type", "min_length", "max_length", "contains"});
    case Shape::kAny:
      break;
  }
  return random.Pick({"eq", "neq", "in", "not_in", "lt", "exists", "contains", "type"});
}

std::string RandomPattern(Random& random) {
  return random.Pick<std::string>({"",         "a",        "^a",           "b$",          "^a$",
                                   "^ab",      "(?i)^A",   "^prod$|^dev$", "(prod|dev)",  "^(us|eu)$",
                                   "\\brm\\b", "^[a-z]+$", "^\\w+$",       "\\d",         "^.$",
                                   "^..$",     "a.b",      "a\\.b",        "(?s)^.*$",    "^$",
                                   "\\s",      "é",        "^[^/]+$",      "a{2,4}",      "(?m)^a$",
                                   "a\\n",     "\\Aab\\z", "^a\\x{e9}",    "[[:alpha:]]", "\\pL",
                                   "^prod",    "main$",    "\\Qa.b\\E",    "(?U)a+",      "^(?:a|ab)c?$",
                                   "\\x00"});
}

Value RandomOperand(Random& random, const std::string& op, Shape shape) {
  const bool numeric = shape == Shape::kNumber || shape == Shape::kNumbers;
  const auto scalar = [&] {
    if (random.OneIn(8)) return RandomScalar(random);
    if (shape == Shape::kBoolean) return Value::Boolean(random.Percent(50));
    if (shape == Shape::kAny) return RandomScalar(random);
    return numeric ? RandomNumber(random) : RandomString(random);
  };
  if (op == "eq" || op == "neq" || op == "contains") return scalar();
  if (op == "in" || op == "not_in") {
    if (random.OneIn(20)) {  // long enough for other ways to look things up
      Value list = RandomList(random, RandomScalar);
      for (int i = 0; i < 40; ++i) list.items.push_back(Value::String("v" + std::to_string(i)));
      for (int i = 20; i < 40; ++i) list.items.push_back(Value::Integer(i));
      return list;
    }
    return RandomList(random, random.OneIn(4) ? RandomScalar : numeric ? RandomNumber : RandomString);
  }
  if (op == "lt" || op == "lte" || op == "gt" || op == "gte") return RandomNumber(random);
  if (op == "exists") return Value::Boolean(random.Percent(65));
  if (op == "regex") return Value::String(RandomPattern(random));
  if (op == "starts_with" || op == "ends_with") {
    Value value = RandomString(random);
    return value.string.empty() ? Value::String("a") : value;
  }
  if (op == "glob") {
    return Value::String(
        random.Pick<std::string>({"", "*", "a*", "*b", "a*b", "**", "a*b*", "*a*", "*.b", "a/*", "prod",
                                  "d*v", "é*", "*\"*", "a\\*", "?", "*\n", "a**a"}));
  }
  if (op == "type") {
    const auto type = [](Random& r) {
      return Value::String(
          r.Pick<const char*>({"string", "number", "integer", "boolean", "array", "object"}));
    };
    return random.OneIn(3) ? RandomList(random, type) : type(random);
  }
  if (op == "format") {
    return Value::String(
        random.Pick<const char*>({"uuid", "email", "ipv4", "ipv6", "date", "date-time", "hostname", "uri"}));
  }
  // min_length, max_length
  return random.OneIn(6) ? Value::Real(static_cast<double>(random.Below(5)))
                         : Value::Integer(static_cast<Int128>(random.Below(5)));
}

Value RandomTestCondition(Random& random) {
  const KnownPath path = random.OneIn(6)    ? random.Pick(AttributePaths())
                         : random.OneIn(12) ? RandomPath(random)
                                            : random.Pick(ArgumentPaths());
  Value test = Value::Object();
  const std::string op = RandomOperator(random, path.shape);
  test.Add("path", Value::String(path.text));
  test.Add("op", Value::String(op));
  test.Add("value", RandomOperand(random, op, path.shape));
  if (random.OneIn(4)) random.Shuffle(test.members);
  return test;
}

/// `over`: how many combinators stand over the condition; a test may have 16.
Value RandomCondition(Random& random, std::size_t over) {
  const bool leaf = over >= 16 || random.Percent(over == 0 ? 72 : 60 + static_cast<int>(over));
  if (leaf) return RandomTestCondition(random);
  Value combinator = Value::Object();
  if (random.Percent(40)) {
    // Now and then a whole chain of them.
    if (over == 0 && random.OneIn(20)) {
      Value inner = RandomTestCondition(random);
      for (std::size_t n = 1 + random.Below(16); n > 0; --n) {
        Value outer = Value::Object();
        outer.Add("not", std::move(inner));
        inner = std::move(outer);
      }
      return inner;
    }
    combinator.Add("not", RandomCondition(random, over + 1));
    return combinator;
  }
  Value list = Value::Array();
  for (std::size_t n = 1 + random.Below(3); n > 0; --n)
    list.items.push_back(RandomCondition(random, over + 1));
  combinator.Add(random.Percent(50) ? "all" : "any", std::move(list));
  return combinator;
}

/// Many rules that ask what one argument is equal to, as lists of commands do: mostly at once and for
/// strings, so that they can be looked up by its value, with others among them that cannot.
Value RandomEqualityRules(Random& random) {
  Value rules = Value::Array();
  const std::string path =
      random.Pick<const char*>({"args.name", "args.name", "args.n", "args.list[*]", "context.env"});
  const std::size_t mixed = random.Pick<std::size_t>({2, 3, 10, 1000});  // one in so many is any scalar
  const auto operand = [&](Random& r) {
    if (r.OneIn(mixed)) return RandomScalar(r);
    if (path == "args.n")
      return r.Percent(50) ? RandomNumber(r) : Value::Integer(static_cast<Int128>(r.Below(60)));
    return r.OneIn(3) ? RandomString(r) : Value::String("v" + std::to_string(r.Below(60)));
  };
  for (std::size_t n = random.Pick<std::size_t>({4, 9, 20, 70}); n > 0; --n) {
    Value test = Value::Object();
    const bool list = random.OneIn(3);
    test.Add("path", Value::String(random.OneIn(15) ? "args.task" : path));
    const bool negated = random.OneIn(15);
    test.Add("op", Value::String(list ? (negated ? "not_in" : "in") : (negated ? "neq" : "eq")));
    Value value = list ? Value::Array() : operand(random);
    for (std::size_t k = list ? 1 + random.Below(5) : 0; k > 0; --k) value.items.push_back(operand(random));
    test.Add("value", std::move(value));
    Value rule = Value::Object();
    if (random.OneIn(12)) {
      Value list_of_one = Value::Array();
      list_of_one.items.push_back(std::move(test));
      if (random.Percent(50)) list_of_one.items.push_back(RandomTestCondition(random));
      test = Value::Object();
      test.Add(random.Percent(50) ? "all" : "any", std::move(list_of_one));
    }
    Value conditions = Value::Array();
    if (random.OneIn(6)) conditions.items.push_back(RandomCondition(random, 0));
    conditions.items.push_back(std::move(test));
    if (random.OneIn(6)) conditions.items.push_back(RandomTestCondition(random));
    rule.Add("conditions", std::move(conditions));
    if (random.OneIn(10)) rule.Add("mode", Value::String("shadow"));
    rules.items.push_back(std::move(rule));
  }
  return rules;
}

Value RandomRules(Random& random, List list, std::size_t count_max) {
  Value rules = Value::Array();
  std::set<std::string> names;
  if (count_max > 1 && random.OneIn(12)) return RandomEqualityRules(random);
  for (std::size_t n = random.Below(count_max + 1); n > 0; --n) {
    Value rule = RandomRule(random, list);
    if (random.OneIn(5)) {
      const std::string name = random.Pick<std::string>(
          {"a", "b", "0", "1", "args.n-gt", "args.n-eq#2", "x/y", "a~b", "no \"quotes\"", "größe"});
      const std::size_t longest =
          random.OneIn(30) ? random.Pick<std::size_t>({1005, 1006, 1007, 1008, 1009, 1010, 1500}) : 0;
      const std::string filled = name + std::string(longest, 'x') + (longest == 0 ? "" : "éé");
      if (names.insert(filled).second) rule.Add("name", Value::String(filled));
    }
    if (random.OneIn(6)) random.Shuffle(rule.members);
    rules.items.push_back(std::move(rule));
  }
  return rules;
}

Value RandomWindow(Random& random, bool gcra) {
  if (gcra) {
    return random.OneIn(4) ? Value::Integer(random.Pick<Int128>({1, 7, 60, 90, 86400}))
                           : Value::String(random.Pick<const char*>(
                                 {"second", "minute", "hour", "day", "week", "90s", "1m", "2h"}));
  }
  if (random.OneIn(4)) {
    const Int128 seconds = random.Pick<Int128>({1, 2, 7, 60, 90, 3600, 86400, 604800, 2592000, 31536000});
    return random.OneIn(5) ? Value::Real(static_cast<double>(seconds)) : Value::Integer(seconds);
  }
  return Value::String(random.Pick<const char*>({"second", "minute", "minute", "hour", "day", "week", "month",
                                                 "60s", "1m", "90s", "15m", "24h", "1d", "7d", "30d"}));
}

Value RandomScope(Random& random) {
  const auto array = [](std::initializer_list<const char*> names) {
    Value out = Value::Array();
    for (const char* name : names) out.items.push_back(Value::String(name));
    return out;
  };
  switch (random.Below(12)) {
    case 0:
      return array({"grant", "session"});
    case 1:
      return array({"session", "grant"});
    case 2:
      return array({"context.env", "session"});
    case 3:
      return array({"context.env", "context.n"});
    case 4:
      return array({"grant"});
    case 5:
      return Value::String("context.env");
    case 6:
      return Value::String("context.n");
    case 7:
      return Value::String(random.Pick<const char*>({"context.session", "context.night"}));
    case 8:
    case 9:
      return Value::String("session");
    case 10:
      return Value::String("grant");
    default:
      return Value::String("global");
  }
}

void AddMode(Random& random, Value& object, std::size_t one_in) {
  if (random.OneIn(one_in))
    object.Add("mode", Value::String("shadow"));
  else if (random.OneIn(25))
    object.Add("mode", Value::String("enforce"));
}

std::size_t CountLimits(const Value& entry) {
  const Value* limits = entry.Find("limits");
  return (limits == nullptr ? 0 : limits->items.size()) + (entry.Find("rate_limit") == nullptr ? 0 : 1);
}

Value RandomRateLimit(Random& random) {
  const int max = static_cast<int>(random.Below(4));
  if (random.Percent(50)) {
    return Value::String(std::to_string(max) + random.Pick<const char*>({"/second", "/minute", "/hour",
                                                                         "/90s", "/1m", "/day", "/month"}));
  }
  Value object = Value::Object();
  object.Add("max", Value::Integer(max));
  object.Add("window", RandomWindow(random, false));
  return object;
}

/// A limit that has the count of `limit`, but for a mode or a gcra's `max`, and weighs and bounds it
/// otherwise.
Value SharingLimit(Random& random, const Value& limit) {
  static const std::vector<std::string> kCount = {"counter", "window", "scope", "algorithm", "unit"};
  Value other = RandomLimit(random);
  std::erase_if(other.members, [&](const reference::Member& m) {
    const bool of_count = std::find(kCount.begin(), kCount.end(), m.name) != kCount.end();
    return of_count || (m.name == "mode" && random.Percent(70));
  });
  for (const std::string& name : kCount) {
    if (const Value* value = limit.Find(name)) other.Add(name, *value);
  }
  const Value* algorithm = limit.Find("algorithm");
  const std::string kind = algorithm == nullptr ? "calendar" : algorithm->string;
  std::erase_if(other.members, [&](const reference::Member& m) {
    const bool weighs =
        m.name == "amount" || m.name == "increment" || m.name == "increment_from" || m.name == "refund";
    return (m.name == "burst" && kind != "gcra") || (weighs && kind == "inflight");
  });
  // Within what every window takes.
  *other.Find("max") = Value::Integer(random.Pick<Int128>({0, 1, 2, 3, 5, 10, 100}));
  if (const Value* max = limit.Find("max"); kind == "gcra" && random.Percent(70)) {
    *other.Find("max") = *max;
    std::erase_if(other.members, [](const reference::Member& m) { return m.name == "burst"; });
    if (const Value* burst = limit.Find("burst")) other.Add("burst", *burst);
  }
  return other;
}

/// A key of few letters, with and without `*`, never of `*` alone.
std::string RandomPatternKey(Random& random) {
  std::string key;
  for (std::size_t n = 1 + random.Below(5); n > 0; --n)
    key += random.Pick({'a', 'b', 'a', '*', '_', 'B', ' '});
  return key.find_first_not_of('*') == std::string::npos ? key + "a" : key;
}

/// `key` is empty for `all_tools`.
Value RandomEntry(Random& random, Focus focus, const std::string& key) {
  Value entry = Value::Object();
  const bool all_tools = key.empty();
  std::string action = "allow";
  if (!all_tools && random.OneIn(focus == Focus::kLimits ? 15 : 6)) {
    action = random.Pick<const char*>({"allow", "deny", "require_approval", "require_approval"});
    entry.Add("action", Value::String(action));
    if (action != "allow" && random.Percent(40)) entry.Add("reason", Value::String("Because of policy"));
  }
  const bool few_rules = focus == Focus::kLimits || focus == Focus::kNames || focus == Focus::kArguments;
  const std::size_t rules = focus == Focus::kRules ? 3 : few_rules ? 0 : 1;
  if (random.Percent(40)) entry.Add("require", RandomRules(random, List::kRequire, (rules + 1) / 2));
  if (random.Percent(70)) entry.Add("deny_if", RandomRules(random, List::kDenyIf, rules));
  if (random.Percent(30)) {
    entry.Add("require_approval_if", RandomRules(random, List::kRequireApprovalIf, (rules + 1) / 2));
  }
  const std::size_t limits = focus == Focus::kLimits  ? 3
                             : focus == Focus::kMixed ? 2
                             : random.OneIn(5)        ? 1
                                                      : 0;
  if (limits > 0) {
    Value list = Value::Array();
    for (std::size_t n = random.Below(limits + 1); n > 0; --n) {
      // Every other one shares the count of the one before it.
      const bool shares = !list.items.empty() && random.Percent(50);
      list.items.push_back(shares ? SharingLimit(random, list.items.back()) : RandomLimit(random));
    }
    entry.Add("limits", std::move(list));
    if (!all_tools && random.OneIn(5)) entry.Add("rate_limit", RandomRateLimit(random));
  }
  if (random.OneIn(4)) random.Shuffle(entry.members);
  return entry;
}

/// Takes limits away until no exact key has more than a call may have.
void BoundLimits(Value& policy) {
  const Value* all_tools = policy.Find("all_tools");
  Value* tools = policy.Find("tools");
  if (tools == nullptr) return;
  for (reference::Member& tool : tools->members) {
    if (reference::IsGlob(tool.name)) continue;
    std::size_t count = all_tools == nullptr ? 0 : CountLimits(*all_tools);
    for (const reference::Member& other : tools->members) {
      if (other.name == tool.name || reference::IsGlob(other.name)) count += CountLimits(other.value);
    }
    if (count > kLimitsPerCallMax) {
      std::erase_if(tool.value.members,
                    [](const reference::Member& m) { return m.name == "limits" || m.name == "rate_limit"; });
    }
  }
}

}  // namespace

Focus RandomFocus(Random& random) {
  return random.Pick({Focus::kRules, Focus::kRules, Focus::kRules, Focus::kLimits, Focus::kLimits,
                      Focus::kLimits, Focus::kArguments, Focus::kMixed, Focus::kMixed, Focus::kNames});
}

Value RandomRule(Random& random, List list) {
  Value rule = Value::Object();
  Value conditions = Value::Array();
  const std::size_t count = random.OneIn(25) ? 0 : random.Pick<std::size_t>({1, 1, 1, 2, 2, 3});
  for (std::size_t n = count; n > 0; --n) conditions.items.push_back(RandomCondition(random, 0));
  rule.Add("conditions", std::move(conditions));
  if (random.OneIn(4)) {
    std::string text = random.Pick<const char*>({"Not like this", "größer", "no \"way\"", ""});
    if (random.OneIn(40)) text = std::string(1022, 'x') + "é";  // the longest
    rule.Add(list == List::kRequireApprovalIf ? "reason" : "on_deny", Value::String(text));
  }
  AddMode(random, rule, 8);
  return rule;
}

Value RandomLimit(Random& random) {
  Value limit = Value::Object();
  limit.Add("counter",
            Value::String(random.Pick<const char*>({"c1", "c1", "c2", "c/3", "c1#2", "run:rate_limit"})));
  const std::string algorithm = random.Pick<const char*>(
      {"", "", "", "", "", "calendar", "gcra", "gcra", "gcra", "inflight", "inflight"});
  if (!algorithm.empty()) limit.Add("algorithm", Value::String(algorithm));
  if (random.Percent(80)) limit.Add("scope", RandomScope(random));
  if (random.OneIn(6)) limit.Add("on_deny", Value::String("Limit says no"));
  AddMode(random, limit, 7);
  Int128 max = random.Pick<Int128>({0, 1, 1, 2, 2, 3, 3, 5, 10, 60});
  if (algorithm == "inflight") {
    limit.Add("max", Value::Integer(max % 4));
    if (random.OneIn(4)) random.Shuffle(limit.members);
    return limit;
  }
  limit.Add("window", RandomWindow(random, algorithm == "gcra"));
  if (random.OneIn(12) && algorithm != "gcra") {
    max = random.Pick<Int128>({4294967294, 4294967293, 1000000});
    const Value& window = *limit.Find("window");
    if (random.Percent(50) && window.is_string() && window.string == "minute") max = (Int128{1} << 40) - 2;
  }
  const int unit_digits = random.OneIn(3) ? static_cast<int>(random.Below(7)) : 0;
  for (int i = 0; i < unit_digits && max < 100000 && random.Percent(85); ++i) max *= 10;
  limit.Add("max", random.OneIn(10) ? Value::Real(static_cast<double>(max)) : Value::Integer(max));
  if (unit_digits > 0 || random.OneIn(10)) {
    limit.Add("unit", unit_digits == 0 ? Value::Integer(1)
                                       : Value::Real(std::stod("1e-" + std::to_string(unit_digits))));
  }
  if (random.Percent(30)) {
    std::vector<KnownPath> amounts;
    for (const KnownPath& path : ArgumentPaths()) {
      const bool likely = path.text == "args.n" || path.text == "args.m" || random.OneIn(5);
      if (path.fixed && likely && (path.shape == Shape::kNumber || random.OneIn(20))) amounts.push_back(path);
    }
    limit.Add(random.OneIn(4) ? "increment_from" : "amount", Value::String(random.Pick(amounts).text));
  } else if (random.OneIn(3)) {
    limit.Add(random.OneIn(3) ? "increment" : "amount", Value::Integer(static_cast<Int128>(random.Below(4))));
  }
  if (algorithm == "gcra" && random.Percent(50)) {
    limit.Add("burst", Value::Integer(random.Pick<Int128>({1, 2, 3, max + 1, 2 * max + 1})));
  }
  if (random.Percent(50)) limit.Add("refund", Value::String(random.Percent(80) ? "on_error" : "never"));
  if (random.OneIn(4)) random.Shuffle(limit.members);
  return limit;
}

Value RandomPolicy(Random& random, Focus focus) {
  Value policy = Value::Object();
  policy.Add("version", Value::String("1"));
  policy.Add("default", Value::String(random.Percent(60) ? "deny" : "allow"));
  if (random.OneIn(12)) policy.Add("mode", Value::String("shadow"));
  if (random.OneIn(15)) policy.Add("description", Value::String("drawn at random"));
  const std::vector<std::string> keys =
      focus == Focus::kNames
          ? std::vector<std::string>{"run",       "read_a", "read_b", "write",  "x/y",     "a~b",
                                     "send mail", "größe",  " pad ",  "RUN",    "read_*",  "*_a",
                                     "r*",        "x/*",    "*ad_*",  "Read_*", "**b",     "WRITE*",
                                     "*mail",     "* pad",  "*.*",    "a~b/*:", "read_a*", "re*_*a"}
          : std::vector<std::string>{"run", "run", "read_a", "read_b", "read_*", "r*", "*_a", "x/y"};
  if (random.OneIn(focus == Focus::kNames ? 2 : 12)) {
    Value hide = Value::Array();
    for (std::size_t n = 1 + random.Below(3); n > 0; --n) {
      hide.items.push_back(
          Value::String(random.Pick<const char*>({"drop", "drop_*", "read_b", "*_b", "Write", "drop it",
                                                  "*DROP", "x/y", "READ*", "d*p", " run", "e*"})));
    }
    if (random.OneIn(40)) hide.items.push_back(Value::String("*"));
    policy.Add("hide", std::move(hide));
  }
  Value tools = Value::Object();
  const std::size_t count = focus == Focus::kNames ? 1 + random.Below(7) : 1 + random.Below(4);
  const bool many = focus == Focus::kNames && random.OneIn(6);
  for (std::size_t n = many ? 40 : count; n > 0; --n) {
    const std::string key =
        many || (focus == Focus::kNames && random.Percent(40)) ? RandomPatternKey(random) : random.Pick(keys);
    if (tools.Find(key) == nullptr) tools.Add(key, RandomEntry(random, focus, key));
  }
  if (random.OneIn(200)) {
    // More limits than a call may have, by way of globs.
    for (const char* key : {"lots*", "*of", "l*f"}) {
      Value entry = Value::Object();
      Value limits = Value::Array();
      for (int i = 0; i < 6; ++i) limits.items.push_back(RandomLimit(random));
      entry.Add("limits", std::move(limits));
      tools.Add(key, std::move(entry));
    }
  }
  if (random.OneIn(50)) tools.members.clear();
  policy.Add("tools", std::move(tools));
  if (random.Percent(30)) policy.Add("all_tools", RandomEntry(random, focus, ""));
  BoundLimits(policy);
  if (random.OneIn(5)) random.Shuffle(policy.members);
  return policy;
}

}  // namespace differential
