// Counts what a decision allocates, and takes memory away from it. By itself, since it replaces operator new.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if defined(CALLWARDEN_TEST_GATE)
#include "callwarden/audit.h"
#include "callwarden/gate.h"
#endif

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

constexpr uint64_t kNever = ~uint64_t{0};

// What this thread has allocated, and which of its allocations are to fail.
struct Meter {
  uint64_t allocations = 0;
  uint64_t fail_from = kNever;
  uint64_t fail_until = kNever;
  uint64_t failures = 0;
};
thread_local Meter meter;

void* Allocate(std::size_t size, std::size_t alignment) noexcept {
  const uint64_t number = meter.allocations++;
  if (number >= meter.fail_from && number < meter.fail_until) {
    ++meter.failures;
    return nullptr;
  }
  if (size == 0) size = 1;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* AllocateOrThrow(std::size_t size, std::size_t alignment) {
  void* p = Allocate(size, alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

constexpr std::size_t kUsual = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return AllocateOrThrow(size, kUsual); }
void* operator new[](std::size_t size) { return AllocateOrThrow(size, kUsual); }
void* operator new(std::size_t size, std::align_val_t a) {
  return AllocateOrThrow(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return AllocateOrThrow(size, static_cast<std::size_t>(a));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size, kUsual); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size, kUsual); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<std::size_t>(a));
}
// GCC inlines one half of a pair and then takes it for a mismatch.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

namespace {

using callwarden::ArgumentWriter;
using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::Effect;
using callwarden::MemoryCounterStore;
using callwarden::Outcome;
using callwarden::Reason;
using callwarden::ToolCall;
using callwarden_unit::Call;
using callwarden_unit::Compile;
using callwarden_unit::kNoon;

// Everything that a decision may meet, but for regexes that RE2 runs: it allocates while its automaton grows.
constexpr std::string_view kPolicy = R"({"version": "1", "default": "deny", "hide": ["hidden", "no_*"],
  "tools": {
    "plain": {},
    "conditions": {
      "require": [{"name": "currency", "conditions": [
                     {"path": "args.currency", "op": "in", "value": ["usd", "eur", "gbp", "chf", "jpy", "sek", "nok",
                                                                     "dkk", "pln"]}]},
                  {"conditions": [{"path": "args.items[*].price", "op": "lte", "value": 1000}]},
                  {"conditions": [{"path": "args.id", "op": "format", "value": "uuid"}]}],
      "deny_if": [{"name": "amount", "conditions": [{"path": "args.amount", "op": "gt", "value": 10000}]},
                  {"name": "tags", "conditions": [{"path": "args.tags", "op": "contains", "value": "secret"}]},
                  {"name": "literal", "conditions": [{"path": "args.note", "op": "regex", "value": "^drop"}]},
                  {"name": "glob", "conditions": [{"path": "args.note", "op": "glob", "value": "*delete*from*"}]},
                  {"name": "env", "conditions": [{"path": "context.env", "op": "neq", "value": "prod"}]}],
      "require_approval_if": [{"name": "large", "conditions": [{"path": "args.amount", "op": "gt", "value": 500}]}]},
    "glob_*": {"deny_if": [{"conditions": [{"path": "args.a", "op": "eq", "value": 1}]}]},
    "*_glob": {"limits": [{"counter": "g", "window": "minute", "max": 1000000}]},
    "one_limit": {"limits": [{"counter": "one", "window": "minute", "max": 1000000}]},
    "three_limits": {"limits": [{"counter": "a", "window": "minute", "max": 1000000, "amount": "args.amount",
                                 "unit": 0.01, "refund": "on_error"},
                                {"counter": "b", "window": "day", "algorithm": "gcra", "max": 1000000},
                                {"counter": "c", "algorithm": "inflight", "max": 10}]},
    "scopes": {"limits": [{"counter": "s", "window": "minute", "max": 1000000,
                           "scope": ["grant", "session", "context.a", "context.b", "context.c", "context.env"]}]},
    "shadow": {"deny_if": [{"name": "s", "mode": "shadow", "conditions": []}],
               "limits": [{"counter": "sh", "window": "minute", "max": 1000000, "mode": "shadow"}]},
    "denied": {"action": "deny", "reason": "no"},
    "asks": {"action": "require_approval"},
    "full": {"limits": [{"counter": "full", "window": "minute", "max": 1}]},
    "heavy": {"limits": [{"counter": "heavy", "window": "minute", "max": 5, "amount": 6}]}
  }})";

constexpr std::string_view kArguments =
    R"({"currency":"eur","items":[{"price":1},{"price":999.5},{"price":3}],"id":"123e4567-e89b-12d3-a456-426614174000",)"
    R"("amount":12.5,"tags":["a","b\u00e9"],"note":"hello","unread":{"x":[1,2,{"y":null}]}})";

std::shared_ptr<const CompiledPolicy> Policy() {
  const auto result = CompiledPolicy::Compile(kPolicy);
  for (const callwarden::Diagnostic& d : result.diagnostics()) UNSCOPED_INFO(d.code << ' ' << d.pointer);
  REQUIRE(result.ok());
  return result.policy();
}

const std::array<callwarden::Attribute, 4> kContext{{{"env", "prod"}, {"a", 1}, {"b", true}, {"c", 0.5}}};

// A value with nothing to allocate in its walk.
class Tree final : public callwarden::ArgumentSource {
 public:
  void Write(ArgumentWriter& w) const noexcept override {
    w.BeginObject();
    w.Name("currency"), w.String("eur");
    w.Name("id"), w.String("123e4567-e89b-12d3-a456-426614174000");
    w.Name("amount"), w.Double(12.5);
    w.Name("items"), w.BeginArray();
    for (int i = 0; i < 50; ++i) w.BeginObject(), w.Name("price"), w.Int64(i), w.EndObject();
    w.EndArray();
    w.EndObject();
  }
};

class Unended final : public callwarden::ArgumentSource {
 public:
  void Write(ArgumentWriter& w) const noexcept override { w.BeginObject(), w.Name("x"), w.BeginArray(); }
};

// `{"k0":0,"k1":1,...}`
std::string Members(std::size_t count) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) text += ',';
    text += "\"k" + std::to_string(i) + "\":" + std::to_string(i);
  }
  return text + "}";
}

// The arguments of `conditions`, with many items and a long note.
std::string Large(std::size_t items, std::size_t note) {
  std::string text = R"({"currency":"usd","id":"123e4567-e89b-12d3-a456-426614174000","amount":1,"items":[)";
  for (std::size_t i = 0; i < items; ++i)
    text += (i == 0 ? "" : ",") + (R"({"price":)" + std::to_string(i % 900)) + '}';
  return text + R"(],"note":")" + std::string(note, 'n') + R"(\n"})";
}

ToolCall CallOf(std::string_view tool, std::string_view arguments) {
  ToolCall call = Call(arguments);
  call.tool = tool;
  call.context = kContext;
  return call;
}

struct Scenario {
  std::string name;
  ToolCall call;
  Reason reason;
  std::string_view rule;
};

struct Counters {
  callwarden::ManualClock clock{kNoon};
  MemoryCounterStore store{{.capacity_keys = 1024, .clock = &clock, .secret = {}}};
};

// What so many decisions of a warm thread allocate.
uint64_t Allocations(const CompiledPolicy& policy, const ToolCall& call, MemoryCounterStore& store,
                     Reason reason) {
  constexpr int kRounds = 50;
  uint64_t before = 0;
  int wrong = 0;
  for (int round = -3; round < kRounds; ++round) {
    if (round == 0) before = meter.allocations;
    Decision decision = policy.Decide(call, store, kNoon, {round % 2 == 0 ? "" : "space"});
    if (round >= 0 && decision.reason() != reason) ++wrong;
    decision.Complete(static_cast<Outcome>((round + 4) % 4));
  }
  const uint64_t allocations = meter.allocations - before;
  CHECK(wrong == 0);
  return allocations;
}

void CheckNoAllocations(const std::vector<Scenario>& scenarios) {
  const auto policy = Policy();
  for (const Scenario& scenario : scenarios) {
    Counters counters;
    CAPTURE(scenario.name);
    CHECK(Allocations(*policy, scenario.call, counters.store, scenario.reason) == 0);
    const Decision decision = policy->Decide(scenario.call, counters.store, kNoon);
    CHECK(decision.reason() == scenario.reason);
    CHECK(decision.rule() == scenario.rule);
  }
}

}  // namespace

TEST_CASE("this program counts what is allocated") {
  const uint64_t before = meter.allocations;
  const auto p = std::make_unique<int>(1);
  std::unique_ptr<char[]> q(new (std::nothrow) char[5]);
  CHECK(q != nullptr);
  CHECK(meter.allocations == before + 2);
  meter.fail_from = meter.allocations;
  meter.fail_until = meter.allocations + 1;
  q.reset(new (std::nothrow) char[5]);
  meter.fail_from = meter.fail_until = kNever;
  CHECK(q == nullptr);
  CHECK(meter.failures == 1);
}

TEST_CASE("a call that is admitted allocates nothing") {
  static const Tree tree;
  ToolCall absent = CallOf("plain", {});
  absent.arguments.reset();
  ToolCall parsed = absent;
  parsed.tool = "conditions";
  parsed.parsed_arguments = &tree;
  ToolCall parsed_limits = parsed;
  parsed_limits.tool = "three_limits";
  const std::string large = Large(500, 60000);
  const std::string members = Members(3000);
  ToolCall approved = CallOf("asks", "{}");
  approved.approved = true;
  CheckNoAllocations({
      {"absent arguments", absent, Reason::kAllowed, ""},
      {"empty arguments", CallOf("plain", "{}"), Reason::kAllowed, ""},
      {"arguments that nothing reads", CallOf("plain", kArguments), Reason::kAllowed, ""},
      {"conditions", CallOf("conditions", kArguments), Reason::kAllowed, ""},
      {"conditions on a parsed value", parsed, Reason::kAllowed, ""},
      {"64 KiB and a long list", CallOf("conditions", large), Reason::kAllowed, ""},
      {"many members", CallOf("plain", members), Reason::kAllowed, ""},
      {"a glob", CallOf("glob_x", R"({"a":2})"), Reason::kAllowed, ""},
      {"two globs with a limit", CallOf("glob_x_glob", R"({"a":2})"), Reason::kAllowed, ""},
      {"one limit", CallOf("one_limit", "{}"), Reason::kAllowed, ""},
      {"three limits", CallOf("three_limits", R"({"amount":0.07})"), Reason::kAllowed, ""},
      {"three limits on a parsed value", parsed_limits, Reason::kAllowed, ""},
      {"a scope of six", CallOf("scopes", "{}"), Reason::kAllowed, ""},
      {"shadowed rules and limits", CallOf("shadow", "{}"), Reason::kAllowed, ""},
      {"an approval", approved, Reason::kAllowed, ""},
  });
}

TEST_CASE("a denial allocates nothing") {
  static const Unended unended;
  ToolCall parsed = CallOf("plain", {});
  parsed.arguments.reset();
  parsed.parsed_arguments = &unended;
  ToolCall no_session = CallOf("scopes", "{}");
  no_session.session = {};
  CheckNoAllocations({
      {"hidden", CallOf("hidden", "{}"), Reason::kHidden, "(hidden)"},
      {"hidden by a glob", CallOf("no_way", "{}"), Reason::kHidden, "(hidden)"},
      {"confusable", CallOf("Plain", "{}"), Reason::kConfusableTool, "(confusable tool)"},
      {"not listed", CallOf("unknown", "{}"), Reason::kNotListed, "(default deny)"},
      {"action", CallOf("denied", "{}"), Reason::kToolDenied, "/tools/denied/action"},
      {"require", CallOf("conditions", R"({"currency":"xxx"})"), Reason::kRequirementFailed,
       "/tools/conditions/require/currency"},
      {"deny_if", CallOf("glob_x", R"({"a":1})"), Reason::kDeniedByRule, "/tools/glob_*/deny_if/args.a-eq"},
      {"approval", CallOf("asks", "{}"), Reason::kApprovalRequired, "/tools/asks/action"},
      {"missing scope", no_session, Reason::kMissingScope, "/tools/scopes/limits/s"},
      {"invalid amount", CallOf("three_limits", R"({"amount":-1})"), Reason::kInvalidAmount,
       "/tools/three_limits/limits/a"},
      {"too heavy", CallOf("heavy", "{}"), Reason::kLimitExceeded, "/tools/heavy/limits/heavy"},
      {"a tool's name", CallOf("no good", "{}"), Reason::kMalformedCall, "(malformed call)"},
      {"an unended value", parsed, Reason::kMalformedCall, "(malformed call)"},
      {"too long", CallOf("plain", std::string_view()), Reason::kMalformedCall, "(malformed call)"},
  });

  const auto policy = Policy();
  Counters counters;
  const ToolCall call = CallOf("full", "{}");
  Decision held = policy->Decide(call, counters.store, kNoon);
  Decision held_apart = policy->Decide(call, counters.store, kNoon, {"space"});
  REQUIRE(held.allowed());
  REQUIRE(held_apart.allowed());
  CHECK(Allocations(*policy, call, counters.store, Reason::kLimitExceeded) == 0);
  MemoryCounterStore broken({.capacity_keys = 0, .clock = nullptr, .secret = {}});
  CHECK(Allocations(*policy, call, broken, Reason::kLimitUnavailable) == 0);
}

TEST_CASE("arguments that are refused allocate nothing") {
  const std::string too_long = R"({"a":")" + std::string(std::size_t{1} << 20, 'x') + R"("})";
  const std::string too_deep = R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}";
  const auto refused = [](std::string name, std::string_view arguments) {
    return Scenario{std::move(name), CallOf("conditions", arguments), Reason::kMalformedCall,
                    "(malformed call)"};
  };
  CheckNoAllocations({
      refused("no JSON", "nothing"),
      refused("unended", R"({"a":[1,2)"),
      refused("no object", "[1]"),
      refused("a repeated name", R"({"a":1,"b":{"x":1},"a":2})"),
      refused("an escape in a repeated name", R"({"a":1,"\u0061":2})"),
      refused("a number", R"({"a":1e999})"),
      refused("not UTF-8", "{\"a\":\"\xFF\"}"),
      refused("a case variant", R"({"Amount":1})"),
      refused("U+0000", R"({"note":"a\u0000"})"),
      refused("too long", too_long),
      refused("too deep", too_deep),
  });
}

namespace {

// Decides on a thread of its own, whose scratch is new, while its allocations from number `n` on fail, or
// only that one. Then again with all memory. Gives the first decision's reason, and whether any allocation
// failed.
struct Starved {
  Reason reason = Reason::kAllowed;
  std::string rule;
  bool failed = false;
  Reason later = Reason::kInternalError;
};

Starved DecideStarved(const CompiledPolicy& policy, const ToolCall& call, uint64_t n, bool once,
                      const ToolCall* before) {
  Starved starved;
  Counters counters;
  std::thread thread([&] {
    if (before != nullptr && !policy.Decide(*before, counters.store, kNoon).allowed()) return;
    meter = Meter();
    meter.fail_from = n;
    meter.fail_until = once ? n + 1 : kNever;
    Decision decision = policy.Decide(call, counters.store, kNoon);
    meter.fail_from = meter.fail_until = kNever;
    starved.failed = meter.failures != 0;
    starved.reason = decision.reason();
    starved.rule = decision.rule();
    decision.Complete(Outcome::kNotSent);
    starved.later = policy.Decide(call, counters.store, kNoon).reason();
  });
  thread.join();
  return starved;
}

// Takes memory away at every allocation of a first decision in turn, or of the one after the call `before`:
// the call is denied, or decided as ever where the memory was only to remember something by, which two
// allocations of a thread are. Returns how many of them deny.
uint64_t Starve(const CompiledPolicy& policy, const ToolCall& call, Reason reason,
                const ToolCall* before = nullptr) {
  uint64_t least = ~uint64_t{0};
  for (const bool once : {false, true}) {
    uint64_t denied = 0;
    uint64_t remembered = 0;
    for (uint64_t n = 0;; ++n) {
      CAPTURE(n, once);
      REQUIRE(n < 1000);
      const Starved starved = DecideStarved(policy, call, n, once, before);
      CHECK(starved.later == reason);  // a thread recovers when there is memory again
      if (!starved.failed) {
        CHECK(starved.reason == reason);
        break;
      }
      if (starved.reason == Reason::kInternalError) {
        CHECK(starved.rule == "(internal error)");
        ++denied;
      } else {
        CHECK(starved.reason == reason);
        ++remembered;
      }
    }
    CHECK(remembered <= 2);
    least = std::min(least, denied);
  }
  return least;
}

}  // namespace

TEST_CASE("a call for which there is no memory is denied") {
  static const Tree tree;
  const auto policy = Policy();
  ToolCall parsed = CallOf("conditions", {});
  parsed.arguments.reset();
  parsed.parsed_arguments = &tree;
  const std::string large = Large(500, 60000);
  const std::string members = Members(3000);
  struct Case {
    std::string name;
    ToolCall call;
    Reason reason;
    uint64_t least;  // allocations at which it can be starved
  };
  for (const Case& c : std::vector<Case>{
           {"empty arguments", CallOf("plain", "{}"), Reason::kAllowed, 1},
           {"conditions", CallOf("conditions", kArguments), Reason::kAllowed, 5},
           {"conditions on a parsed value", parsed, Reason::kAllowed, 4},
           {"64 KiB and a long list", CallOf("conditions", large), Reason::kAllowed, 8},
           {"many members", CallOf("plain", members), Reason::kAllowed, 8},
           {"two globs with a limit", CallOf("glob_x_glob", R"({"a":2})"), Reason::kAllowed, 5},
           {"three limits", CallOf("three_limits", R"({"amount":0.07})"), Reason::kAllowed, 5},
           {"shadow", CallOf("shadow", kArguments), Reason::kAllowed, 5},
           {"a denial", CallOf("conditions", R"({"currency":"xxx"})"), Reason::kRequirementFailed, 5},
       }) {
    CAPTURE(c.name);
    CHECK(Starve(*policy, c.call, c.reason) >= c.least);
  }
}

TEST_CASE("a call that is larger than those before, and for which there is no memory, is denied") {
  const auto policy = Policy();
  const ToolCall small = CallOf("conditions", kArguments);
  const std::string large = Large(500, 60000);
  CHECK(Starve(*policy, CallOf("conditions", large), Reason::kAllowed, &small) >= 5);
  const std::string members = Members(3000);
  CHECK(Starve(*policy, CallOf("plain", members), Reason::kAllowed, &small) >= 5);
}

TEST_CASE("a scope for whose values there is no memory is denied") {
  const auto policy = Policy();
  CHECK(Starve(*policy, CallOf("scopes", "{}"), Reason::kAllowed) >= 2);
}

TEST_CASE("a malformed call for which there is no memory is denied") {
  const auto policy = Policy();
  const std::string repeated = "{\"\\u006b1\":0," + Members(3000).substr(1);
  for (const std::string_view text :
       std::vector<std::string_view>{"{\"a\":1", "{\"a\":\"\\ud800\"}", repeated}) {
    const ToolCall call = CallOf("plain", text);
    for (const bool once : {false, true}) {
      bool failed = true;
      for (uint64_t n = 0; failed; ++n) {
        CAPTURE(n, once);
        REQUIRE(n < 1000);
        const Starved starved = DecideStarved(*policy, call, n, once, nullptr);
        failed = starved.failed;
        CHECK((starved.reason == Reason::kMalformedCall ||
               (failed && starved.reason == Reason::kInternalError)));
        CHECK(starved.later == Reason::kMalformedCall);
      }
    }
  }
}

#if defined(CALLWARDEN_TEST_GATE)
namespace {

class Nobody final : public callwarden::AuditSink {
 public:
  callwarden::AuditReceipt Record(const callwarden::AuditRecord&) noexcept override {
    return {true, ++records};
  }
  void Complete(const callwarden::AuditCompletion&) noexcept override { ++completions; }
  uint64_t records = 0;
  uint64_t completions = 0;
};

}  // namespace

TEST_CASE("a gate adds no allocation to a decision") {
  Counters counters;
  Nobody sink;
  const auto policy = Policy();
  const auto grants = callwarden::GrantTable::Create(
      {{.id = "g1", .policy = policy, .label = "one", .attributes = {{"team", "blue"}}},
       {.id = "off", .policy = policy, .disabled = true}});
  REQUIRE(grants.ok());
  const bool audited = GENERATE(false, true);
  callwarden::Gate gate({.grants = grants.table(),
                         .counters = &counters.store,
                         .clock = &counters.clock,
                         .audit = audited ? &sink : nullptr});
  struct Turn {
    std::string_view tool, arguments, grant;
    Reason reason;
  };
  const Turn turn = GENERATE(values<Turn>({{"plain", "{}", "g1", Reason::kAllowed},
                                           {"three_limits", R"({"amount":0.07})", "g1", Reason::kAllowed},
                                           {"shadow", "{}", "g1", Reason::kAllowed},
                                           {"denied", "{}", "g1", Reason::kToolDenied},
                                           {"heavy", "{}", "g1", Reason::kLimitExceeded},
                                           {"asks", "{}", "g1", Reason::kApprovalRequired},
                                           {"plain", "{", "nobody", Reason::kMalformedCall},
                                           {"plain", "{}", "off", Reason::kNoPolicy},
                                           {"plain", "{}", "nobody", Reason::kNoPolicy}}));
  CAPTURE(audited, turn.tool, turn.grant);
  ToolCall call = CallOf(turn.tool, turn.arguments);
  call.grant = turn.grant;
  uint64_t before = 0;
  int wrong = 0;
  for (int round = -3; round < 50; ++round) {
    if (round == 0) before = meter.allocations;
    Decision decision = gate.Check(call);
    if (decision.reason() != turn.reason) ++wrong;
    decision.Complete(Outcome::kOk);
  }
  const uint64_t allocations = meter.allocations - before;
  CHECK(allocations == 0);
  CHECK(wrong == 0);
  CHECK(sink.records == (audited ? 53 : 0));
  CHECK(sink.completions == (audited && turn.reason == Reason::kAllowed ? 53 : 0));
}
#endif
