#include "callwarden/explain.h"

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::Attribute;
using callwarden::CompiledPolicy;
using callwarden::ExplainedEntry;
using callwarden::ExplainedLimit;
using callwarden::ExplainedRule;
using callwarden::ExplainedTest;
using callwarden::ExplainOptions;
using callwarden::Explanation;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Name;
using callwarden::Reason;
using callwarden::RetryAfter;
using callwarden::SeenValue;
using callwarden::ToolCall;
using callwarden::Truth;
using callwarden_unit::Call;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::Used;

Explanation Explain(const CompiledPolicy& policy, const ToolCall& call, bool show_values = false) {
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  ExplainOptions options;
  options.show_values = show_values;
  Explanation explanation = callwarden::Explain(policy, call, store, kNoon, options);
  CHECK(store.stats().inserts == 0);
  return explanation;
}

// A value as `type size value`.
std::string Seen(const SeenValue& seen) {
  return seen.type + ' ' + std::to_string(seen.size) + (seen.value.empty() ? "" : ' ' + seen.value);
}
std::vector<std::string> Seen(const ExplainedTest& test) {
  std::vector<std::string> all;
  for (const SeenValue& seen : test.seen) all.push_back(Seen(seen));
  return all;
}

// The one test of the one rule of t.
ExplainedTest OneTest(std::string_view list, std::string_view test, const ToolCall& call, bool show_values) {
  const auto policy =
      CompileEntry("{\"" + std::string(list) + R"(": [{"conditions": [)" + std::string(test) + "]}]}");
  const Explanation explanation = Explain(*policy, call, show_values);
  REQUIRE(explanation.entries.size() == 1);
  REQUIRE(explanation.entries[0].rules.size() == 1);
  REQUIRE(explanation.entries[0].rules[0].tests.size() == 1);
  return explanation.entries[0].rules[0].tests[0];
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("truths have names", "[explain]") {
  CHECK(Name(Truth::kFalse) == "false");
  CHECK(Name(Truth::kIndeterminate) == "indeterminate");
  CHECK(Name(Truth::kTrue) == "true");
  CHECK(Name(static_cast<Truth>(3)).empty());
}

TEST_CASE("every entry, rule and limit that bears on a call is told", "[explain]") {
  const auto policy = Compile(R"({"version": "1", "default": "deny",
      "all_tools": {"limits": [{"counter": "all", "window": "hour", "max": 100, "scope": "global"}]},
      "tools": {
        "db_write": {
          "rate_limit": "5/90s",
          "limits": [{"counter": "w", "algorithm": "inflight", "max": 2},
                     {"counter": "g", "window": "minute", "algorithm": "gcra", "max": 60, "amount": "args.a",
                      "mode": "shadow"}],
          "require_approval_if": [{"name": "asks", "conditions": []}],
          "deny_if": [{"name": "two", "mode": "shadow", "conditions": [{"any": [
              {"path": "args.a", "op": "eq", "value": 1}, {"not": {"path": "args.b", "op": "in", "value": ["x"]}}]}]}],
          "require": [{"name": "one", "conditions": [{"path": "args.a", "op": "gt", "value": 1},
                                                     {"path": "args.c", "op": "exists", "value": true}]}]},
        "db_*": {"action": "require_approval"},
        "*_write": {},
        "other": {"action": "deny"}}})");
  ToolCall call = Call(R"({"a":1,"c":2})");
  call.tool = "db_write";
  const Explanation explanation = Explain(*policy, call);
  CHECK(explanation.verdict.reason() == Reason::kRequirementFailed);
  CHECK(explanation.verdict.rule() == "/tools/db_write/require/one");
  CHECK_FALSE(explanation.would.has_value());
  CHECK(explanation.listed);
  CHECK_FALSE(explanation.hidden);

  REQUIRE(explanation.entries.size() == 3);  // `*_write` says nothing
  const ExplainedEntry& exact = explanation.entries[0];
  CHECK(exact.id == "/tools/db_write");
  CHECK(exact.match == "exact");
  CHECK(exact.action == "allow");
  CHECK(explanation.entries[1].id == "/tools/db_*");
  CHECK(explanation.entries[1].match == "glob");
  CHECK(explanation.entries[1].action == "require_approval");
  CHECK(explanation.entries[1].rules.empty());
  CHECK(explanation.entries[1].limits.empty());
  CHECK(explanation.entries[2].id == "/all_tools");
  CHECK(explanation.entries[2].match == "all_tools");
  REQUIRE(explanation.entries[2].limits.size() == 1);
  CHECK(explanation.entries[2].limits[0].id == "/all_tools/limits/all");

  REQUIRE(exact.rules.size() == 3);  // in the order of reporting, not of the text
  const ExplainedRule& one = exact.rules[0];
  CHECK(one.id == "/tools/db_write/require/one");
  CHECK(one.list == "require");
  CHECK_FALSE(one.shadow);
  CHECK(one.truth == Truth::kFalse);
  CHECK(one.objects);
  REQUIRE(one.tests.size() == 2);  // both, although the first decides
  CHECK(one.tests[0].path == "args.a");
  CHECK(one.tests[0].op == "gt");
  CHECK(one.tests[0].expected == "1");
  CHECK_FALSE(one.tests[0].negated);
  CHECK(one.tests[0].truth == Truth::kFalse);
  CHECK(one.tests[1].path == "args.c");
  CHECK(one.tests[1].truth == Truth::kTrue);

  const ExplainedRule& two = exact.rules[1];
  CHECK(two.id == "/tools/db_write/deny_if/two");
  CHECK(two.list == "deny_if");
  CHECK(two.shadow);
  CHECK(two.truth == Truth::kTrue);
  CHECK(two.objects);
  REQUIRE(two.tests.size() == 2);
  CHECK(two.tests[1].op == "in");
  CHECK(two.tests[1].expected == R"(["x"])");
  CHECK(two.tests[1].negated);
  CHECK(two.tests[1].truth == Truth::kIndeterminate);

  const ExplainedRule& asks = exact.rules[2];
  CHECK(asks.list == "require_approval_if");
  CHECK(asks.truth == Truth::kTrue);
  CHECK(asks.objects);
  CHECK(asks.tests.empty());

  REQUIRE(exact.limits.size() == 3);
  const ExplainedLimit& inflight = exact.limits[0];
  CHECK(inflight.id == "/tools/db_write/limits/w");
  CHECK(inflight.algorithm == "inflight");
  CHECK(inflight.window.empty());
  CHECK(inflight.problem.empty());
  CHECK(inflight.weight == 1);
  CHECK(inflight.used == 0);
  CHECK(inflight.max == 2);
  CHECK(inflight.fits);
  CHECK(exact.limits[1].id == "/tools/db_write/limits/g");
  CHECK(exact.limits[1].algorithm == "gcra");
  CHECK(exact.limits[1].window == "minute");
  CHECK(exact.limits[1].shadow);
  CHECK(exact.limits[2].id == "/tools/db_write/rate_limit");
  CHECK(exact.limits[2].algorithm == "calendar");
  CHECK(exact.limits[2].window == "90s");
}

TEST_CASE("a rule's truth is Kleene's, and whether it objects depends on its list", "[explain]") {
  const auto rule = [](std::string_view list, std::string_view arguments) {
    const auto policy = CompileEntry("{\"" + std::string(list) +
                                     R"(": [{"conditions": [{"path": "args.a", "op": "lt", "value": 5}]}]})");
    const Explanation explanation = Explain(*policy, Call(arguments));
    REQUIRE(explanation.entries.size() == 1);
    return explanation.entries[0].rules.at(0);
  };
  const std::string_view yes = R"({"a":1})";
  const std::string_view no = R"({"a":9})";
  const std::string_view unknown = R"({"a":"1"})";
  for (const std::string_view list : {"require", "deny_if", "require_approval_if"}) {
    CAPTURE(list);
    const bool require = list == "require";
    CHECK(rule(list, yes).truth == Truth::kTrue);
    CHECK(rule(list, yes).objects == !require);
    CHECK(rule(list, no).truth == Truth::kFalse);
    CHECK(rule(list, no).objects == require);
    CHECK(rule(list, unknown).truth == Truth::kIndeterminate);
    CHECK(rule(list, unknown).objects);
  }
}

TEST_CASE("values that tests saw are told by type and size, and shown only when asked for", "[explain]") {
  const ToolCall call =
      Call(R"({"s":"a\"b\\\n\u007fé","n":1.5,"i":-7,"u":18446744073709551615,"t":true,"f":false,)"
           R"("z":null,"l":[1,2,3],"o":{"p":1},"e":""})");
  const auto seen = [&](std::string_view path, bool show) {
    const ExplainedTest test = OneTest(
        "deny_if", R"({"path": ")" + std::string(path) + R"(", "op": "exists", "value": true})", call, show);
    CHECK(test.seen_count == 1);
    REQUIRE(test.seen.size() == 1);
    return Seen(test.seen[0]);
  };
  CHECK(seen("args.s", false) == "string 8");
  CHECK(seen("args.s", true) == R"(string 8 "a\"b\\\u000a\u007fé")");
  CHECK(seen("args.e", true) == R"(string 0 "")");
  CHECK(seen("args.n", false) == "number 0");
  CHECK(seen("args.n", true) == "number 0 1.5");
  CHECK(seen("args.i", true) == "number 0 -7");
  CHECK(seen("args.u", true) == "number 0 18446744073709551615");
  CHECK(seen("args.t", false) == "boolean 0");
  CHECK(seen("args.t", true) == "boolean 0 true");
  CHECK(seen("args.f", true) == "boolean 0 false");
  CHECK(seen("args.z", true) == "absent 0");
  CHECK(seen("args.none", true) == "absent 0");
  CHECK(seen("args.s.x", true) == "mismatch 0");
  CHECK(seen("args.l", false) == "array 3");
  CHECK(seen("args.l", true) == "array 3");
  CHECK(seen("args.o", true) == "object 1");
  CHECK(seen("args", true) == "object 10");
  CHECK(seen("grant.id", true) == R"(string 2 "g1")");
}

TEST_CASE("an attribute that is not finite is told as such", "[explain]") {
  ToolCall call = Call("{}");
  const Attribute attribute{"a", std::numeric_limits<double>::infinity()};
  call.context = {&attribute, 1};
  const ExplainedTest test =
      OneTest("deny_if", R"({"path": "context.a", "op": "gt", "value": 1})", call, /*show_values=*/true);
  CHECK(Seen(test) == Strings{"number 0 not finite"});
  CHECK(test.truth == Truth::kIndeterminate);
}

TEST_CASE("under a wildcard each element is told, sixteen at most", "[explain]") {
  const std::string_view test = R"({"path": "args.l[*].p", "op": "lt", "value": 5})";
  const auto explain = [&](std::string_view list, std::string_view arguments) {
    return OneTest(list, test, Call(arguments), /*show_values=*/true);
  };
  const ExplainedTest some = explain("require", R"({"l":[{"p":1},{"p":"x"},{"p":9}]})");
  CHECK(Seen(some) == Strings{"number 0 1", "string 1 \"x\"", "number 0 9"});
  CHECK(some.seen_count == 3);
  CHECK(some.truth == Truth::kFalse);
  CHECK(explain("deny_if", R"({"l":[{"p":1},{"p":"x"},{"p":9}]})").truth == Truth::kTrue);
  CHECK(explain("deny_if", R"({"l":[{"p":"x"},{"p":9}]})").truth == Truth::kIndeterminate);

  CHECK(Seen(explain("require", R"({"l":[{"p":1},{},7]})")) ==
        Strings{"absent 0", "mismatch 0", "number 0 1"});
  CHECK(explain("require", R"({"l":[]})").seen.empty());
  CHECK(explain("require", R"({"l":[]})").seen_count == 0);
  CHECK(explain("require", R"({"l":[]})").truth == Truth::kTrue);
  CHECK(explain("deny_if", R"({"l":[]})").truth == Truth::kFalse);
  CHECK(Seen(explain("require", "{}")) == Strings{"absent 0"});
  CHECK(Seen(explain("require", R"({"l":5})")) == Strings{"mismatch 0"});

  std::string many = R"({"l":[{"p":0})";
  for (int i = 1; i < 40; ++i) many += R"(,{"p":)" + std::to_string(i) + '}';
  const ExplainedTest forty = explain("require", many + "]}");
  CHECK(forty.seen_count == 40);
  REQUIRE(forty.seen.size() == 16);
  CHECK(forty.seen.back().value == "15");
}

TEST_CASE("a malformed call has no entries to tell", "[explain]") {
  const auto policy = CompileEntry(R"({"deny_if": [{"conditions": []}]})");
  const Explanation malformed = Explain(*policy, Call("[1]"));
  CHECK(malformed.verdict.reason() == Reason::kMalformedCall);
  CHECK(malformed.verdict.message() == "Arguments refused: not a JSON object at byte 0");
  CHECK(malformed.listed);
  CHECK(malformed.entries.empty());
}

TEST_CASE("what only shadowed rules refuse is told with its entries", "[explain]") {
  const auto policy = CompileEntry(R"({"deny_if": [{"name": "s", "mode": "shadow", "conditions": [
      {"path": "args.a", "op": "eq", "value": 1}]}]})");
  const Explanation explanation = Explain(*policy, Call(R"({"A":1})"));
  CHECK(explanation.verdict.allowed());
  REQUIRE(explanation.would.has_value());
  CHECK(explanation.would->reason() == Reason::kMalformedCall);
  REQUIRE(explanation.entries.size() == 1);
  CHECK(explanation.entries[0].rules.size() == 1);
}

TEST_CASE("a hidden and an unlisted tool are told as such", "[explain]") {
  const auto policy = Compile(R"({"version": "1", "default": "deny", "hide": ["t"],
                                  "all_tools": {"deny_if": [{"conditions": []}]}})");
  const Explanation hidden = Explain(*policy, Call("{}"));
  CHECK(hidden.hidden);
  CHECK_FALSE(hidden.listed);
  CHECK(hidden.verdict.reason() == Reason::kHidden);
  ToolCall call = Call("{}");
  call.tool = "u";
  const Explanation unlisted = Explain(*policy, call);
  CHECK_FALSE(unlisted.hidden);
  CHECK_FALSE(unlisted.listed);
  CHECK(unlisted.verdict.reason() == Reason::kNotListed);
  REQUIRE(unlisted.entries.size() == 1);
  CHECK(unlisted.entries[0].id == "/all_tools");
}

TEST_CASE("limits are looked at and never charged", "[explain]") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 64, .clock = &clock, .secret = {}});
  const auto policy = CompileEntry(R"({"limits": [
      {"counter": "c", "window": "minute", "max": 3, "amount": 2},
      {"counter": "n", "window": "day", "max": 50, "amount": "args.n", "unit": 0.1},
      {"counter": "f", "algorithm": "inflight", "max": 1, "scope": "global"}]})");
  const ToolCall call = Call(R"({"n":1.25})");
  const callwarden::Decision charged = policy->Decide(call, store, kNoon);
  REQUIRE(charged.allowed());
  const uint64_t used = Used(store);
  CHECK(used == 2 + 13 + 1);
  for (int round = 0; round < 3; ++round) {
    const Explanation explanation = callwarden::Explain(*policy, call, store, kNoon);
    CHECK(explanation.verdict.reason() == Reason::kLimitExceeded);
    CHECK(explanation.verdict.rule() == "/tools/t/limits/f");
    REQUIRE(explanation.entries.size() == 1);
    REQUIRE(explanation.entries[0].limits.size() == 3);
    const ExplainedLimit& c = explanation.entries[0].limits[0];
    CHECK(c.used == 2);
    CHECK(c.weight == 2);
    CHECK(c.max == 3);
    CHECK_FALSE(c.fits);
    CHECK(c.retry.kind == RetryAfter::Kind::kAfter);
    CHECK(c.retry.delay == std::chrono::milliseconds(60000));
    const ExplainedLimit& n = explanation.entries[0].limits[1];
    CHECK(n.used == 13);
    CHECK(n.weight == 13);
    CHECK(n.fits);
    const ExplainedLimit& f = explanation.entries[0].limits[2];
    CHECK(f.used == 1);
    CHECK_FALSE(f.fits);
    CHECK(f.retry.kind == RetryAfter::Kind::kOnRelease);
  }
  CHECK(Used(store) == used);
  CHECK(store.stats().admitted == 1);

  // Namespaces are looked at where they count.
  ExplainOptions other;
  other.decide.count_namespace = "other";
  const Explanation apart = callwarden::Explain(*policy, call, store, kNoon, other);
  CHECK(apart.verdict.allowed());
  CHECK(apart.entries[0].limits[0].used == 0);
}

TEST_CASE("a limit that cannot be looked at says why", "[explain]") {
  const auto policy = CompileEntry(R"({"limits": [
      {"counter": "s", "window": "minute", "max": 3, "scope": ["grant", "session", "context.env"]},
      {"counter": "n", "window": "minute", "max": 3, "amount": "args.n", "scope": "global"}]})");
  ToolCall call = Call(R"({"n":-1})");
  call.session = {};
  const Explanation explanation = Explain(*policy, call);
  CHECK(explanation.verdict.reason() == Reason::kMissingScope);
  REQUIRE(explanation.entries.size() == 1);
  REQUIRE(explanation.entries[0].limits.size() == 2);
  CHECK(explanation.entries[0].limits[0].problem == "needs session");
  CHECK_FALSE(explanation.entries[0].limits[0].fits);
  CHECK(explanation.entries[0].limits[1].problem == "needs a number >= 0 at args.n");

  MemoryCounterStore broken({.capacity_keys = 0, .clock = nullptr, .secret = {}});
  const auto plain = CompileEntry(R"({"rate_limit": "1/minute"})");
  const Explanation unavailable = callwarden::Explain(*plain, Call("{}"), broken, kNoon);
  CHECK(unavailable.verdict.reason() == Reason::kLimitUnavailable);
  CHECK(unavailable.entries.at(0).limits.at(0).problem == "the counter store does not answer");
  CHECK_FALSE(unavailable.entries.at(0).limits.at(0).fits);
}

TEST_CASE("what a decision would say is what it says", "[explain]") {
  const auto policy = CompileEntry(R"({"action": "require_approval", "limits": [
      {"counter": "c", "window": "minute", "max": 1}, {"counter": "d", "window": "hour", "max": 1}]})");
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 64, .clock = &clock, .secret = {}});
  ToolCall call = Call("{}");
  for (int round = 0; round < 4; ++round) {
    call.approved = round != 0;
    const Explanation explanation = callwarden::Explain(*policy, call, store, kNoon);
    const callwarden::Decision decision = policy->Decide(call, store, kNoon);
    CHECK(explanation.verdict.effect() == decision.effect());
    CHECK(explanation.verdict.reason() == decision.reason());
    CHECK(explanation.verdict.rule() == decision.rule());
    CHECK(explanation.verdict.message() == decision.message());
    CHECK(explanation.verdict.retry_after() == decision.retry_after());
  }
}

TEST_CASE("an explanation outlives the call it explains", "[explain]") {
  const auto policy =
      CompileEntry(R"({"deny_if": [{"conditions": [{"path": "args.a", "op": "eq", "value": "x"}]}]})");
  Explanation explanation;
  {
    const std::string arguments = R"({"a":"a value of some length"})";
    explanation = Explain(*policy, Call(arguments), /*show_values=*/true);
  }
  CHECK(explanation.entries.at(0).rules.at(0).tests.at(0).seen.at(0).value == R"("a value of some length")");
  CHECK(explanation.verdict.allowed());
}
