// What must hold between two decisions, whatever the decisions are (docs/policy-language.md, section 1), on
// policies and calls drawn at random. Every test prints the seed of a failure.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/differential/compare.h"
#include "tests/differential/generate.h"
#include "tests/differential/generate_values.h"
#include "tests/differential/random.h"

namespace {

using differential::Decided;
using differential::Focus;
using differential::Random;
using reference::List;
using reference::Member;
using reference::PolicyTest;
using reference::TestStep;
using reference::Value;

constexpr uint64_t kRounds = 1500;

std::shared_ptr<const callwarden::CompiledPolicy> CompileOrFail(const Value& policy) {
  const std::string text = reference::WriteJson(policy);
  std::string errors;
  auto compiled = differential::Compile(text, errors);
  CAPTURE(text, errors);
  REQUIRE(compiled != nullptr);
  return compiled;
}

/// Decides all steps one after another on one store.
std::vector<Decided> DecideAll(const Value& policy, const PolicyTest& test) {
  differential::Library library(CompileOrFail(policy), test.steps.size());
  std::vector<Decided> decided(test.steps.size());
  for (std::size_t i = 0; i < test.steps.size(); ++i) {
    const TestStep& step = test.steps[i];
    if (step.completes) {
      library.Complete(step.completed, step.outcome, step.at);  // of a denied call: changes nothing
      continue;
    }
    decided[i] = library.Decide(i, step.call, step.at);
    if (!step.open) library.Complete(i, step.outcome, step.at);
  }
  return decided;
}

/// Decides one call on a store of its own.
Decided DecideOne(const Value& policy, const TestStep& step) {
  return differential::Library(CompileOrFail(policy), 1).Decide(0, step.call, step.at);
}

/// 0 for allow, 1 for require_approval, 2 for deny.
int Strictness(const Decided& decided) {
  if (decided.verdict.effect == "allow") return 0;
  return decided.verdict.effect == "require_approval" ? 1 : 2;
}

void ShuffleMembers(Random& random, Value& value) {
  random.Shuffle(value.members);
  for (Member& member : value.members) ShuffleMembers(random, member.value);
  for (Value& item : value.items) ShuffleMembers(random, item);
}

void ShuffleAll(Random& random, Value& value) {
  random.Shuffle(value.members);
  random.Shuffle(value.items);
  for (Member& member : value.members) ShuffleAll(random, member.value);
  for (Value& item : value.items) ShuffleAll(random, item);
}

/// Calls `visit` for every test of a rule, with whether an odd number of `not` stands over it.
void VisitTests(const Value& condition, bool negated, const std::function<void(const Value&, bool)>& visit) {
  if (const Value* inner = condition.Find("not")) {
    VisitTests(*inner, !negated, visit);
    return;
  }
  for (const char* name : {"all", "any", "conditions"}) {
    if (const Value* list = condition.Find(name)) {
      for (const Value& item : list->items) VisitTests(item, negated, visit);
    }
  }
  if (condition.Find("op") != nullptr) visit(condition, negated);
}

bool HoldsBoolean(const Value& value) {
  return value.is_boolean() || std::any_of(value.items.begin(), value.items.end(), HoldsBoolean);
}

/// A rule for which the argument that is changed below can only be of use to whoever sends it by being what
/// the rule asks for: it asks neither for absence (`exists`), nor for a type, nor for a boolean, nor for
/// anything of `args` as a whole.
bool AsksForValuesOnly(const Value& rule) {
  bool good = true;
  VisitTests(rule, false, [&](const Value& test, bool) {
    const std::string& op = test.Find("op")->string;
    const bool compares = op == "eq" || op == "neq" || op == "in" || op == "not_in";
    good = good && op != "exists" && op != "type" && test.Find("path")->string != "args" &&
           !(compares && HoldsBoolean(*test.Find("value")));
  });
  return good;
}

/// A policy of one tool with one rule, enforced.
Value OneRulePolicy(const char* list, Value rule) {
  std::erase_if(rule.members, [](const Member& m) { return m.name == "mode"; });
  Value policy = Value::Object();
  policy.Add("version", Value::String("1"));
  policy.Add("default", Value::String("deny"));
  Value& entry = policy.Add("tools", Value::Object()).Add("run", Value::Object());
  entry.Add(list, Value::Array({std::move(rule)}));
  return policy;
}

TestStep RunStep(Random& random, const Value& policy, const Value& arguments) {
  TestStep step;
  step.at = 1772361000000000000;
  step.call = differential::RandomCall(random, policy, Focus::kRules);
  step.call.tool = "run";
  step.call.arguments = reference::WriteJson(arguments);
  return step;
}

}  // namespace

TEST_CASE("the order of tools, rules, conditions and limits never changes an effect") {
  for (uint64_t seed = 1; seed <= kRounds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Focus focus = differential::RandomFocus(random);
    const Value policy = differential::RandomPolicy(random, focus);
    const PolicyTest test = differential::RandomTest(random, policy, focus, 10);
    Value shuffled = policy;
    ShuffleAll(random, shuffled);
    CAPTURE(reference::WriteJson(policy), reference::WriteJson(shuffled));
    const std::vector<Decided> before = DecideAll(policy, test);
    const std::vector<Decided> after = DecideAll(shuffled, test);
    for (std::size_t i = 0; i < before.size(); ++i) {
      CAPTURE(i);
      REQUIRE(before[i].verdict.effect == after[i].verdict.effect);
      // What it would be differs from the decision in effect, or only in what is reported.
      const Decided would_before{before[i].would.value_or(before[i].verdict), {}};
      const Decided would_after{after[i].would.value_or(after[i].verdict), {}};
      REQUIRE(Strictness(would_before) == Strictness(would_after));
    }
  }
}

TEST_CASE("the order of keys in the policy and of members in the arguments changes nothing") {
  for (uint64_t seed = 1; seed <= kRounds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Focus focus = differential::RandomFocus(random);
    const Value policy = differential::RandomPolicy(random, focus);
    const PolicyTest test = differential::RandomTest(random, policy, focus, 10);
    Value shuffled = policy;
    ShuffleMembers(random, shuffled);
    PolicyTest respelled = test;
    for (TestStep& step : respelled.steps) {
      if (!step.call.arguments) continue;
      const reference::ReadResult read = reference::ReadJson(*step.call.arguments, reference::ReadLimits());
      if (!read.value) continue;
      Value arguments = *read.value;
      ShuffleMembers(random, arguments);
      std::string text = differential::Spell(random, arguments);
      if (text.size() < 10000) step.call.arguments = std::move(text);
    }
    CAPTURE(reference::WriteJson(policy), reference::WriteJson(shuffled));
    const std::vector<Decided> before = DecideAll(policy, test);
    const std::vector<Decided> after = DecideAll(shuffled, respelled);
    for (std::size_t i = 0; i < before.size(); ++i) {
      CAPTURE(i, before[i].verdict.reason);
      REQUIRE(before[i].verdict.effect == after[i].verdict.effect);
      REQUIRE(before[i].verdict.reason == after[i].verdict.reason);
      REQUIRE(before[i].verdict.rule == after[i].verdict.rule);
      REQUIRE(before[i].verdict.retry_after_ms == after[i].verdict.retry_after_ms);
      REQUIRE(before[i].would.has_value() == after[i].would.has_value());
      if (before[i].would) REQUIRE(before[i].would->rule == after[i].would->rule);
    }
  }
}

TEST_CASE("adding a denying rule to an entry never makes a decision less strict") {
  int stricter = 0;
  for (uint64_t seed = 1; seed <= kRounds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Focus focus = differential::RandomFocus(random);
    const Value policy = differential::RandomPolicy(random, focus);
    if (policy.Find("tools")->members.empty()) continue;
    const bool deny_if = random.Percent(50);
    Value rule = differential::RandomRule(random, deny_if ? List::kDenyIf : List::kRequire);
    std::erase_if(rule.members, [](const Member& m) { return m.name == "mode"; });
    // A member that the new rule itself reads is no longer a case variant of another; `k` and `K` are the
    // only names of paths that differ by case.
    const std::string rule_text = reference::WriteJson(rule);
    if (rule_text.find("args.k") != std::string::npos || rule_text.find("args.K") != std::string::npos)
      continue;
    Value stricter_policy = policy;
    std::vector<Member>& tools = stricter_policy.Find("tools")->members;
    Member& tool = tools[random.Below(tools.size())];
    const char* list = deny_if ? "deny_if" : "require";
    if (tool.value.Find(list) == nullptr) tool.value.Add(list, Value::Array());
    std::vector<Value>& rules = tool.value.Find(list)->items;
    rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(random.Below(rules.size() + 1)), rule);
    for (int n = 0; n < 4; ++n) {
      TestStep step;
      step.at = 1772361000000000000;
      step.call = differential::RandomCall(random, policy, focus);
      if (random.Percent(60)) step.call.tool = tool.name;
      CAPTURE(reference::WriteJson(policy), reference::WriteJson(stricter_policy), step.call.tool,
              step.call.arguments.value_or("absent"));
      // A store each: a denial charges nothing, so that a later call may find room.
      const Decided before = DecideOne(policy, step);
      const Decided after = DecideOne(stricter_policy, step);
      REQUIRE(Strictness(before) <= Strictness(after));
      if (Strictness(before) < Strictness(after)) ++stricter;
    }
  }
  REQUIRE(stricter > 100);  // the rules do deny
}

TEST_CASE("leaving out an argument never satisfies a require rule") {
  int refused = 0;
  for (uint64_t seed = 1; seed <= 4 * kRounds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Value rule = differential::RandomRule(random, List::kRequire);
    if (!AsksForValuesOnly(rule)) continue;
    const Value policy = OneRulePolicy("require", std::move(rule));
    Value arguments = differential::RandomArguments(random);
    if (arguments.members.empty()) continue;
    const TestStep step = RunStep(random, policy, arguments);
    if (DecideOne(policy, step).verdict.reason != "requirement_failed") continue;
    arguments.members.erase(arguments.members.begin() +
                            static_cast<std::ptrdiff_t>(random.Below(arguments.members.size())));
    TestStep without = step;
    without.call.arguments = reference::WriteJson(arguments);
    CAPTURE(reference::WriteJson(policy), *step.call.arguments, *without.call.arguments);
    REQUIRE(DecideOne(policy, without).verdict.reason == "requirement_failed");
    ++refused;
  }
  REQUIRE(refused > 300);
}

TEST_CASE("another type never satisfies a require rule and never dodges a deny_if") {
  int judged = 0;
  for (uint64_t seed = 1; seed <= 4 * kRounds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const bool deny_if = random.Percent(50);
    Value rule = differential::RandomRule(random, deny_if ? List::kDenyIf : List::kRequire);
    if (!AsksForValuesOnly(rule)) continue;
    const Value policy = OneRulePolicy(deny_if ? "deny_if" : "require", std::move(rule));
    Value arguments = differential::RandomArguments(random);
    if (arguments.members.empty()) continue;
    const TestStep step = RunStep(random, policy, arguments);
    const std::string reason = DecideOne(policy, step).verdict.reason;
    if (reason != "requirement_failed" && reason != "denied_by_rule") continue;
    // A boolean is what no test of the rule can be meant for.
    arguments.members[random.Below(arguments.members.size())].value = Value::Boolean(random.Percent(50));
    TestStep changed = step;
    changed.call.arguments = reference::WriteJson(arguments);
    CAPTURE(reference::WriteJson(policy), *step.call.arguments, *changed.call.arguments);
    REQUIRE(DecideOne(policy, changed).verdict.reason == reason);
    ++judged;
  }
  REQUIRE(judged > 300);
}

TEST_CASE("shadowed rules and limits never change a decision") {
  int shadowed = 0;
  for (uint64_t seed = 1; seed <= kRounds; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Focus focus = differential::RandomFocus(random);
    const Value policy = differential::RandomPolicy(random, focus);
    const PolicyTest test = differential::RandomTest(random, policy, focus, 10);
    Value with_shadow = policy;
    for (Member& tool : with_shadow.Find("tools")->members) {
      const List list = random.Pick({List::kRequire, List::kDenyIf, List::kRequireApprovalIf});
      const char* name = list == List::kRequire  ? "require"
                         : list == List::kDenyIf ? "deny_if"
                                                 : "require_approval_if";
      const bool limit = random.OneIn(4);
      Value added = limit ? differential::RandomLimit(random) : differential::RandomRule(random, list);
      std::erase_if(added.members, [](const Member& m) { return m.name == "mode"; });
      added.Add("mode", Value::String("shadow"));
      const char* key = limit ? "limits" : name;
      if (tool.value.Find(key) == nullptr) tool.value.Add(key, Value::Array());
      tool.value.Find(key)->items.push_back(std::move(added));
    }
    std::string errors;
    // One limit too many for a call is an error, shadowed or not.
    if (differential::Compile(reference::WriteJson(with_shadow), errors) == nullptr) {
      REQUIRE(errors.find("bound_exceeded") != std::string::npos);
      continue;
    }
    CAPTURE(reference::WriteJson(policy), reference::WriteJson(with_shadow));
    const std::vector<Decided> before = DecideAll(policy, test);
    const std::vector<Decided> after = DecideAll(with_shadow, test);
    for (std::size_t i = 0; i < before.size(); ++i) {
      CAPTURE(i, before[i].verdict.reason);
      REQUIRE(before[i].verdict.effect == after[i].verdict.effect);
      REQUIRE(before[i].verdict.reason == after[i].verdict.reason);
      REQUIRE(before[i].verdict.rule == after[i].verdict.rule);
      REQUIRE(before[i].verdict.message == after[i].verdict.message);
      REQUIRE(before[i].verdict.retry_after_ms == after[i].verdict.retry_after_ms);
      if (after[i].would && !before[i].would) ++shadowed;
    }
  }
  REQUIRE(shadowed > 100);  // the shadowed ones would have decided otherwise
}
