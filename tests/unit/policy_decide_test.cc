// policy.h: deciding, and what is told of tools.

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "callwarden/policy.h"

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::DecideOptions;
using callwarden::Decision;
using callwarden::Effect;
using callwarden::MemoryCounterStore;
using callwarden::Reason;
using callwarden::ToolCall;
using callwarden_unit::Call;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::Used;

// Decides when its thread ends.
struct LastWord {
  ~LastWord() {
    if (policy == nullptr) return;
    *reason = policy->Decide(Call(R"({"a":[1,2,3],"b":"x"})"), *store, kNoon).reason();
  }
  const CompiledPolicy* policy = nullptr;
  MemoryCounterStore* store = nullptr;
  Reason* reason = nullptr;
};

}  // namespace

TEST_CASE("hide patterns leave tools out of lists, keys list them", "[policy]") {
  const auto policy = Compile(R"({"version": "1", "default": "deny", "hide": ["secret_*", "exactly"],
                                  "tools": {"read": {}, "db_*": {}, "*_log": {}}})");
  CHECK(policy->Hides("exactly"));
  CHECK(policy->Hides("secret_"));
  CHECK(policy->Hides("secret_x"));
  CHECK_FALSE(policy->Hides("read"));
  CHECK_FALSE(policy->Hides("Exactly"));
  CHECK_FALSE(policy->Hides("exactly "));
  CHECK_FALSE(policy->Hides(""));
  CHECK(policy->Lists("read"));
  CHECK(policy->Lists("db_"));
  CHECK(policy->Lists("db_x"));
  CHECK(policy->Lists("x_log"));
  CHECK(policy->Lists("db_log"));
  CHECK(policy->Lists("secret_log"));  // hidden, but a key matches it
  CHECK_FALSE(policy->Lists("exactly"));
  CHECK_FALSE(policy->Lists("Read"));
  CHECK_FALSE(policy->Lists("db"));
  CHECK_FALSE(policy->Lists(""));
}

TEST_CASE("a policy in shadow hides nothing", "[policy]") {
  const auto policy = Compile(R"({"version": "1", "default": "deny", "mode": "shadow", "hide": ["*"]})");
  CHECK_FALSE(policy->Hides("anything"));
  MemoryCounterStore store({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  const Decision decision = policy->Decide(Call("not JSON"), store, kNoon);
  CHECK(decision.allowed());
  CHECK(decision.rule().empty());
  REQUIRE(decision.would() != nullptr);
  CHECK(decision.would()->reason() == Reason::kMalformedCall);
}

TEST_CASE("stars alone hide everything", "[policy]") {
  const auto policy = Compile(R"({"version": "1", "default": "allow", "hide": ["***"]})");
  CHECK(policy->Hides("anything"));
  CHECK(policy->Hides(""));
}

TEST_CASE("the default is for tools that no key matches", "[policy]") {
  MemoryCounterStore store({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  const auto allow = Compile(R"({"version": "1", "default": "allow", "tools": {"u": {}}})");
  const auto deny = Compile(R"({"version": "1", "default": "deny", "tools": {"u": {}}})");
  CHECK(allow->Decide(Call("{}"), store, kNoon).allowed());
  const Decision decision = deny->Decide(Call("{}"), store, kNoon);
  CHECK(decision.reason() == Reason::kNotListed);
  CHECK(decision.rule() == "(default deny)");
  CHECK(decision.message() == "Tool \"t\" is not permitted by policy");
  ToolCall call = Call("{}");
  call.tool = "U";
  CHECK(allow->Decide(call, store, kNoon).reason() == Reason::kConfusableTool);
  call.tool = "u";
  CHECK(deny->Decide(call, store, kNoon).allowed());
}

TEST_CASE("members are found by their whole names, of any size and number", "[policy]") {
  // Names of one size that differ in their last byte only: from `a` to `t`.
  const auto name = [](std::size_t size, std::size_t i) {
    return std::string(size - 1, 'n') + static_cast<char>('a' + i);
  };
  const auto member = [&](std::size_t size, std::size_t i, char value) {
    return '"' + name(size, i) + "\":" + value;
  };
  for (const std::size_t size : {1, 4, 8, 9, 16, 17, 40}) {
    for (const std::size_t count : {1, 8, 9, 20}) {
      CAPTURE(size, count);
      std::string conditions;
      std::string text;
      for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) conditions += ',';
        conditions += R"({"path": "args.)" + name(size, i) + R"(", "op": "eq", "value": 1})";
        if (i != 0) text += ',';
        text += member(size, i, '1');
      }
      const auto policy = CompileEntry(R"({"require": [{"conditions": [)" + conditions + "]}]}");
      MemoryCounterStore store;
      const auto reason = [&](const std::string& members) {
        return policy->Decide(Call('{' + members + '}'), store, kNoon).reason();
      };
      CHECK(reason(text) == Reason::kAllowed);
      CHECK(reason(text + R"(,"z":[{"a":2}])") == Reason::kAllowed);
      CHECK(reason(text + ',' + member(size, 0, '1')) == Reason::kMalformedCall);
      std::string variant = name(size, count - 1);
      variant.back() = static_cast<char>(variant.back() - 'a' + 'A');
      CHECK(reason(text + ",\"" + variant + "\":1") == Reason::kMalformedCall);
      for (const std::size_t i : {std::size_t{0}, count - 1}) {
        std::string wrong = text;
        wrong[wrong.find(member(size, i, '1')) + size + 3] = '2';
        CHECK(reason(wrong) == Reason::kRequirementFailed);
      }
    }
  }
}

TEST_CASE("a denial charges nothing", "[policy]") {
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const auto policy = CompileEntry(R"({
      "require": [{"conditions": [{"path": "args.ok", "op": "eq", "value": true}]}],
      "limits": [{"counter": "a", "window": "minute", "max": 10},
                 {"counter": "b", "window": "hour", "max": 1},
                 {"counter": "c", "window": "day", "max": 100, "amount": "args.n"}]})");
  CHECK(policy->Decide(Call(R"({"ok":false,"n":1})"), store, kNoon).reason() == Reason::kRequirementFailed);
  CHECK(policy->Decide(Call(R"({"ok":true)"), store, kNoon).reason() == Reason::kMalformedCall);
  CHECK(policy->Decide(Call(R"({"ok":true})"), store, kNoon).reason() == Reason::kInvalidAmount);
  CHECK(policy->Decide(Call(R"({"ok":true,"n":101})"), store, kNoon).reason() == Reason::kLimitExceeded);
  CHECK(Used(store) == 0);
  CHECK(policy->Decide(Call(R"({"ok":true,"n":7})"), store, kNoon).allowed());
  CHECK(Used(store) == 9);
  CHECK(policy->Decide(Call(R"({"ok":true,"n":7})"), store, kNoon).rule() == "/tools/t/limits/b");
  CHECK(Used(store) == 9);
}

TEST_CASE("namespaces count apart", "[policy]") {
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const auto policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 1}]})");
  const auto decide = [&](std::string_view count_namespace) {
    const DecideOptions options{count_namespace};
    return policy->Decide(Call("{}"), store, kNoon, options).allowed();
  };
  CHECK(decide(""));
  CHECK_FALSE(decide(""));
  CHECK_FALSE(policy->Decide(Call("{}"), store, kNoon).allowed());  // the default is the empty one
  CHECK(decide("a"));
  CHECK_FALSE(decide("a"));
  CHECK(decide("b"));
  CHECK(decide("ab"));
  CHECK(decide(std::string_view("a\0", 2)));
  CHECK(Used(store) == 5);
  // A namespace is not a scope's value.
  ToolCall call = Call("{}");
  call.grant = "a";
  CHECK(policy->Decide(call, store, kNoon).allowed());
  CHECK(Used(store) == 6);
}

TEST_CASE("a namespace and scopes do not run into each other", "[policy]") {
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const auto both = CompileEntry(
      R"({"limits": [{"counter": "c", "window": "minute", "max": 1, "scope": ["grant", "session"]}]})");
  const auto decide = [&](std::string_view space, std::string_view grant, std::string_view session) {
    ToolCall call = Call("{}");
    call.grant = grant;
    call.session = session;
    return both->Decide(call, store, kNoon, {space}).allowed();
  };
  CHECK(decide("x", "ab", "c"));
  CHECK(decide("x", "a", "bc"));
  CHECK(decide("xa", "b", "c"));
  CHECK(decide("x", "c", "ab"));
  CHECK_FALSE(decide("x", "ab", "c"));
}

TEST_CASE("a scope of many parts counts by all of them", "[policy]") {
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const auto policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 1,
      "scope": ["context.e", "session", "context.a", "context.b", "grant", "context.c", "context.d"]}]})");
  std::array<callwarden::Attribute, 5> context{{{"a", 1}, {"b", true}, {"c", "x"}, {"d", 0.5}, {"e", "y"}}};
  ToolCall call = Call("{}");
  call.context = context;
  CHECK(policy->Decide(call, store, kNoon).allowed());
  CHECK_FALSE(policy->Decide(call, store, kNoon).allowed());
  context[0].value = 1.0;  // the same number
  CHECK_FALSE(policy->Decide(call, store, kNoon).allowed());
  context[0].value = "1";
  CHECK(policy->Decide(call, store, kNoon).allowed());
  context[3].value = 0.25;
  CHECK(policy->Decide(call, store, kNoon).allowed());
  CHECK(policy->Decide(call, store, kNoon, {"space"}).allowed());
  CHECK_FALSE(policy->Decide(call, store, kNoon, {"space"}).allowed());
  context[4].name = "f";
  const Decision decision = policy->Decide(call, store, kNoon);
  CHECK(decision.reason() == Reason::kMissingScope);
  CHECK(decision.message() == "Limit \"c\" needs context.e");
}

TEST_CASE("an error inside a walk does not let the outer decision charge twice", "[policy]") {
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const auto policy = CompileEntry(
      R"({"limits": [{"counter": "c", "window": "minute", "max": 100, "amount": "args.n",
                      "scope": ["grant", "session", "context.a", "context.b"]}]})");
  const std::array<callwarden::Attribute, 2> context{{{"a", 1}, {"b", 2}}};
  const callwarden_unit::Written source([&](callwarden::ArgumentWriter& w) {
    w.BeginObject();
    w.Name("n");
    const Decision inner = policy->Decide(Call(R"({"n":50})"), store, kNoon);
    CHECK(inner.reason() == Reason::kInternalError);
    CHECK(inner.reservation().empty());
    w.Int64(7);
    w.EndObject();
  });
  ToolCall call = callwarden_unit::CallWith(source);
  call.context = context;
  CHECK(policy->Decide(call, store, kNoon).allowed());
  CHECK(Used(store) == 7);
}

TEST_CASE("many threads decide on one policy", "[policy][threads]") {
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const auto policy = Compile(R"({"version": "1", "default": "deny", "hide": ["hidden"], "tools": {
      "t": {"deny_if": [{"name": "big", "conditions": [{"path": "args.n", "op": "gt", "value": 5}]},
                        {"name": "list", "conditions": [{"path": "args.list[*].p", "op": "in",
                                                         "value": [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]}]},
                        {"name": "regex", "conditions": [{"path": "args.s", "op": "regex", "value": "^a+b*c$"}]}],
            "limits": [{"counter": "c", "window": "minute", "max": 1000, "scope": "global"}]},
      "glob_*": {"action": "require_approval"}, "*_glob": {"action": "deny"}}})");
  std::atomic<int> admitted{0};
  std::atomic<int> exceeded{0};
  std::atomic<int> wrong{0};
  const auto run = [&](int thread) {
    const std::string name = "glob_" + std::to_string(thread);
    for (int i = 0; i < kRounds; ++i) {
      ToolCall call = Call(R"({"n":1,"s":"abd","list":[{"p":1},{"p":2}]})");
      const Decision plain = policy->Decide(call, store, kNoon);
      if (plain.allowed()) {
        ++admitted;
      } else if (plain.rule() == "/tools/t/limits/c") {
        ++exceeded;
      } else {
        ++wrong;
      }
      call.arguments = R"({"n":6})";
      if (policy->Decide(call, store, kNoon).rule() != "/tools/t/deny_if/big") ++wrong;
      call.arguments = R"({"list":[{"p":1},{"p":15.0}]})";
      if (policy->Decide(call, store, kNoon).rule() != "/tools/t/deny_if/list") ++wrong;
      call.arguments = R"({"s":"aabc"})";
      if (policy->Decide(call, store, kNoon).rule() != "/tools/t/deny_if/regex") ++wrong;
      call.arguments = R"({"n":6)";
      if (policy->Decide(call, store, kNoon).reason() != Reason::kMalformedCall) ++wrong;
      call.arguments.reset();
      call.tool = name;
      if (policy->Decide(call, store, kNoon).effect() != Effect::kRequireApproval) ++wrong;
      call.tool = "glob_glob";
      if (policy->Decide(call, store, kNoon).reason() != Reason::kToolDenied) ++wrong;
      call.tool = "hidden";
      if (!policy->Hides("hidden") || policy->Decide(call, store, kNoon).reason() != Reason::kHidden) ++wrong;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(run, t);
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(admitted == 1000);
  CHECK(exceeded == kThreads * kRounds - 1000);
  CHECK(Used(store) == 1000);
}

TEST_CASE("a decision at a thread's end, after its scratch is gone, is made or denied", "[policy][threads]") {
  MemoryCounterStore store({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  const auto policy = Compile(R"({"version": "1", "default": "allow"})");
  Reason first = Reason::kInternalError;
  Reason last = Reason::kNoPolicy;
  std::thread([&] {
    static thread_local LastWord last_word;  // made before the scratch, so destroyed after it
    last_word.policy = policy.get();
    last_word.store = &store;
    last_word.reason = &last;
    first = policy->Decide(Call(R"({"a":[1,2,3]})"), store, kNoon).reason();
  }).join();
  CHECK(first == Reason::kAllowed);
  CHECK((last == Reason::kAllowed || last == Reason::kInternalError));
}
