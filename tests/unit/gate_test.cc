#include "callwarden/gate.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "callwarden/audit.h"

#include "tests/catch.h"
#include "tests/unit/gate_fixture.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::Attribute;
using callwarden::AuditSink;
using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::Effect;
using callwarden::Gate;
using callwarden::GateOptions;
using callwarden::Grant;
using callwarden::GrantTable;
using callwarden::LimitChange;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Name;
using callwarden::Outcome;
using callwarden::Reason;
using callwarden::SwapReport;
using callwarden::ToolCall;
using callwarden_unit::CallOf;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::RecordingSink;
using callwarden_unit::Table;
using std::chrono::seconds;

std::shared_ptr<const CompiledPolicy> Allowing(std::string_view tool) {
  return Compile(R"({"version": "1", "default": "deny", "tools": {")" + std::string(tool) + R"(": {}}})");
}

}  // namespace

TEST_CASE("a gate with one policy decides as the policy does") {
  ManualClock clock(kNoon);
  Gate gate({.policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 2}]})"),
             .clock = &clock});
  CHECK(gate.Check(CallOf("t", "g1")).allowed());
  CHECK(gate.Check(CallOf("t", "g1")).allowed());
  const Decision denied = gate.Check(CallOf("t", "g1"));
  CHECK(denied.reason() == Reason::kLimitExceeded);
  CHECK(denied.rule() == "/tools/t/limits/c");
  CHECK(denied.retry_after() == std::chrono::milliseconds(60000));
  CHECK(gate.Check(CallOf("t", "g2")).allowed());
  clock.Advance(seconds(60));
  CHECK(gate.Check(CallOf("t", "g1")).allowed());
  CHECK(gate.revision() == 1);
  CHECK(gate.approvals() == nullptr);
  CHECK(&gate.clock() == &clock);
}

TEST_CASE("a gate without options of its own has a clock and counters") {
  Gate gate({.policy = CompileEntry(R"({"rate_limit": "1/day"})")});
  CHECK(gate.Check(CallOf("t", "g", "s")).allowed());
  const Decision second = gate.Check(CallOf("t", "g", "s"));
  CHECK(second.reason() == Reason::kLimitExceeded);
  CHECK(gate.counters().ok());
  CHECK(gate.clock().Now() > callwarden::kTimeMin);
}

TEST_CASE("without a policy a call is denied, and malformed calls are told so first") {
  Gate gate(GateOptions{});
  const Decision decision = gate.Check(CallOf("t"));
  CHECK(decision.effect() == Effect::kDeny);
  CHECK(decision.reason() == Reason::kNoPolicy);
  CHECK(decision.rule() == "(no policy)");
  CHECK(decision.message() == "No policy applies to this call");
  CHECK_FALSE(decision.retry_after());
  CHECK(decision.would() == nullptr);
  CHECK(gate.PolicyOf("anybody") == nullptr);

  CHECK(gate.Check(CallOf("")).reason() == Reason::kMalformedCall);
  CHECK(gate.Check(CallOf("a tool")).reason() == Reason::kMalformedCall);
  CHECK(gate.Check(CallOf(std::string(129, 'a'))).reason() == Reason::kMalformedCall);
  for (const char* arguments : {"", "null", "[]", R"({"a":1,"a":2})", R"({"a":1e999})", "{} {}"}) {
    CAPTURE(arguments);
    ToolCall call = CallOf("t");
    call.arguments = arguments;
    CHECK(gate.Check(call).reason() == Reason::kMalformedCall);
  }
}

TEST_CASE("the grant of a call finds its policy") {
  const auto a = Allowing("a");
  const auto b = Allowing("b");
  Gate gate({.policy = Allowing("other"),
             .grants = Table({{.id = "A", .policy = a}, {.id = "B", .policy = b}, {.id = "none"}})});
  CHECK(gate.Check(CallOf("a", "A")).allowed());
  CHECK(gate.Check(CallOf("b", "A")).reason() == Reason::kNotListed);
  CHECK(gate.Check(CallOf("b", "B")).allowed());
  CHECK(gate.Check(CallOf("a", "B")).reason() == Reason::kNotListed);
  CHECK(gate.Check(CallOf("other", "unknown")).allowed());
  CHECK(gate.Check(CallOf("other")).allowed());
  CHECK(gate.Check(CallOf("other", "A")).reason() == Reason::kNotListed);
  CHECK(gate.Check(CallOf("other", "none")).reason() == Reason::kNoPolicy);
  CHECK(gate.PolicyOf("A") == a);
  CHECK(gate.PolicyOf("B") == b);
  CHECK(gate.PolicyOf("none") == nullptr);
  CHECK(gate.PolicyOf("")->Lists("other"));
}

TEST_CASE("without a policy for everybody, an unknown grant is denied") {
  Gate gate({.grants = Table({{.id = "A", .policy = Allowing("a")}})});
  CHECK(gate.Check(CallOf("a", "A")).allowed());
  CHECK(gate.Check(CallOf("a", "B")).reason() == Reason::kNoPolicy);
  CHECK(gate.Check(CallOf("a")).reason() == Reason::kNoPolicy);
}

TEST_CASE("a grant decides within its time, and not while disabled") {
  ManualClock clock(kNoon);
  Gate gate({.grants = Table({{.id = "A",
                               .policy = Allowing("a"),
                               .not_before = kNoon + seconds(10),
                               .expires = kNoon + seconds(20)},
                              {.id = "off", .policy = Allowing("a"), .disabled = true}}),
             .clock = &clock});
  const auto reason_at = [&](int64_t second, int64_t nanoseconds = 0) {
    clock.Set(kNoon + seconds(second) + std::chrono::nanoseconds(nanoseconds));
    const bool has_policy = gate.PolicyOf("A") != nullptr;
    const Reason reason = gate.Check(CallOf("a", "A")).reason();
    CHECK(has_policy == (reason != Reason::kNoPolicy));
    return reason;
  };
  CHECK(reason_at(0) == Reason::kNoPolicy);
  CHECK(reason_at(10, -1) == Reason::kNoPolicy);
  CHECK(reason_at(10) == Reason::kAllowed);
  CHECK(reason_at(20, -1) == Reason::kAllowed);
  CHECK(reason_at(20) == Reason::kNoPolicy);
  CHECK(gate.Check(CallOf("a", "off")).reason() == Reason::kNoPolicy);
  CHECK(gate.PolicyOf("off") == nullptr);
}

TEST_CASE("a policy reads the attributes of the table's grant, not those of the call") {
  const auto policy = CompileEntry(R"({"require": [
      {"name": "team", "conditions": [{"path": "grant.team", "op": "eq", "value": "blue"}]},
      {"name": "level", "conditions": [{"path": "grant.level", "op": "gte", "value": 3}]},
      {"name": "label", "conditions": [{"path": "grant.label", "op": "eq", "value": "The blue one"}]},
      {"name": "id", "conditions": [{"path": "grant.id", "op": "eq", "value": "A"}]}]})");
  Gate gate({.policy = policy,
             .grants = Table({{.id = "A",
                               .policy = policy,
                               .label = "The blue one",
                               .attributes = {{"team", "blue"}, {"level", int64_t{3}}, {"ratio", 0.5}}}})});
  CHECK(gate.Check(CallOf("t", "A")).allowed());
  const std::vector<Attribute> claimed{{"team", "red"}};
  ToolCall call = CallOf("t", "A");
  call.grant_attributes = claimed;
  CHECK(gate.Check(call).allowed());
  // A grant that the table does not know is the host's to describe.
  call.grant = "B";
  CHECK(gate.Check(call).rule() == "/tools/t/require/team");
}

TEST_CASE("an id that the table keeps as a hash is found by the id") {
  // printf %s agent-42 | sha256sum
  const std::string hash = "91b175c653e709215353389251066b9324b4eff1c4e0f431fd8263f9f3a63ac4";
  Gate gate({.grants = Table(
                 {{.id_sha256 = hash, .policy = Allowing("a")}, {.id = "plain", .policy = Allowing("b")}})});
  CHECK(gate.Check(CallOf("a", "agent-42")).allowed());
  CHECK(gate.Check(CallOf("a", "agent-43")).reason() == Reason::kNoPolicy);
  CHECK(gate.Check(CallOf("a", hash)).reason() == Reason::kNoPolicy);
  CHECK(gate.Check(CallOf("b", "plain")).allowed());
}

TEST_CASE("gates of different namespaces share no counts, others do") {
  ManualClock clock(kNoon);
  MemoryCounterStore counters({.clock = &clock, .secret = {}});
  const auto policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 1}]})");
  Gate one({.policy = policy, .counters = &counters, .clock = &clock});
  Gate same({.policy = policy, .counters = &counters, .clock = &clock});
  Gate other({.policy = policy, .counters = &counters, .clock = &clock, .count_namespace = "other"});
  CHECK(one.Check(CallOf("t", "g")).allowed());
  CHECK_FALSE(same.Check(CallOf("t", "g")).allowed());
  CHECK(other.Check(CallOf("t", "g")).allowed());
}

TEST_CASE("every decision is recorded, and how each admitted call ended") {
  ManualClock clock(kNoon);
  RecordingSink sink;
  const auto policy = CompileEntry(R"({"limits": [
      {"counter": "units", "window": "minute", "max": 5, "amount": "args.n", "refund": "on_error"},
      {"counter": "paced", "window": "minute", "max": 9, "algorithm": "gcra"},
      {"counter": "trial", "window": "minute", "max": 3, "amount": "args.n", "mode": "shadow"}]})");
  Gate gate(
      {.grants = Table({{.id = "A", .policy = policy, .label = "Ada"}}), .clock = &clock, .audit = &sink});
  ToolCall call = CallOf("t", "A", "s");
  call.arguments = R"({"n": 2})";
  {
    Decision decision = gate.Check(call);
    REQUIRE(decision.allowed());
    REQUIRE(sink.records.size() == 1);
    CHECK(sink.completions.empty());
    decision.Complete(Outcome::kError);
    decision.Complete(Outcome::kOk);
  }
  const RecordingSink::Heard& first = sink.records[0];
  CHECK(first.at == kNoon);
  CHECK(first.reason == Reason::kAllowed);
  CHECK(first.grant == "A");
  CHECK(first.label == "Ada");
  CHECK(first.session == "s");
  CHECK(first.policy_digest == policy->digest());
  CHECK(first.revision == 1);
  CHECK(first.latency.count() >= 0);
  CHECK_FALSE(first.has_would);
  CHECK(first.limits == std::vector<std::string>{"/tools/t/limits/units 2 2/5", "/tools/t/limits/paced 1 0/9",
                                                 "/tools/t/limits/trial 2 2/3 shadow"});
  REQUIRE(sink.completions.size() == 1);
  CHECK(sink.completions[0].sequence == 1);
  CHECK(sink.completions[0].outcome == Outcome::kError);
  CHECK(sink.completions[0].at == kNoon);
  CHECK(sink.completions[0].duration.count() >= 0);

  // The units were given back, so that this counts from 0; the trial's were not, and it would refuse.
  { const Decision decision = gate.Check(call); }
  CHECK(sink.records[1].limits == std::vector<std::string>{"/tools/t/limits/units 2 2/5",
                                                           "/tools/t/limits/paced 1 0/9",
                                                           "/tools/t/limits/trial 2 2/3 shadow"});
  CHECK(sink.records[1].has_would);
  CHECK(sink.completions[1].sequence == 2);
  CHECK(sink.completions[1].outcome == Outcome::kOk);

  call.arguments = R"({"n": 4})";
  CHECK(gate.Check(call).reason() == Reason::kLimitExceeded);
  CHECK(sink.records[2].reason == Reason::kLimitExceeded);
  CHECK(sink.records[2].limits.front() == "/tools/t/limits/units 4 2/5");

  call.grant = "nobody";
  CHECK(gate.Check(call).reason() == Reason::kNoPolicy);
  CHECK(sink.records[3].policy_digest.empty());
  CHECK(sink.records[3].label.empty());
  CHECK(sink.records[3].limits.empty());
  CHECK(gate.Check(CallOf("", "A")).reason() == Reason::kMalformedCall);
  CHECK(sink.records.size() == 5);
  CHECK(sink.completions.size() == 2);  // denials do not end
}

TEST_CASE("a call that must be recorded and cannot be is denied, and charges nothing") {
  ManualClock clock(kNoon);
  RecordingSink sink;
  Gate gate({.policy = Compile(R"({"version": "1", "default": "deny", "tools": {
                 "t": {"limits": [{"counter": "c", "window": "minute", "max": 1},
                                  {"counter": "f", "algorithm": "inflight", "max": 1}]},
                 "asks": {"action": "require_approval"}, "no": {"action": "deny"}}})"),
             .clock = &clock,
             .audit = &sink,
             .audit_required = true});
  sink.full = true;
  for (int turn = 0; turn < 3; ++turn) {
    const Decision decision = gate.Check(CallOf("t", "g"));
    CHECK(decision.effect() == Effect::kDeny);
    CHECK(decision.reason() == Reason::kAuditUnavailable);
    CHECK(decision.rule() == "(audit unavailable)");
    CHECK(decision.message() == "The call could not be recorded");
    CHECK(decision.reservation().empty());
  }
  // What is denied anyway is denied for its own reason, as the language's section 8 orders them.
  CHECK(gate.Check(CallOf("no", "g")).reason() == Reason::kToolDenied);
  CHECK(gate.Check(CallOf("asks", "g")).reason() == Reason::kApprovalRequired);
  CHECK(sink.completions.empty());
  sink.full = false;
  CHECK(gate.Check(CallOf("t", "g")).allowed());
  CHECK(sink.completions.size() == 1);
}

TEST_CASE("a gate that must record and has nobody to record denies every call") {
  Gate gate({.policy = CompileEntry("{}"), .audit_required = true});
  CHECK(gate.Check(CallOf("t")).reason() == Reason::kAuditUnavailable);
}

TEST_CASE("a call that need not be recorded stands without its record") {
  RecordingSink sink;
  sink.full = true;
  Gate gate({.policy = CompileEntry("{}"), .audit = &sink});
  CHECK(gate.Check(CallOf("t")).allowed());
  CHECK(sink.completions.empty());
}

TEST_CASE("a shadowed refusal is recorded as what would be") {
  RecordingSink sink;
  Gate gate({.policy = CompileEntry(R"({"deny_if": [{"name": "s", "mode": "shadow", "conditions": []}]})"),
             .audit = &sink});
  const Decision decision = gate.Check(CallOf("t"));
  REQUIRE(decision.allowed());
  REQUIRE(decision.would() != nullptr);
  CHECK(decision.would()->rule() == "/tools/t/deny_if/s");
  CHECK(sink.records[0].has_would);
}

TEST_CASE("a decision shows its texts after its policy was replaced") {
  std::weak_ptr<const CompiledPolicy> watch;
  std::optional<Decision> denied;
  std::optional<Decision> would;
  {
    auto policy = CompileEntry(R"({"deny_if": [
        {"name": "no", "conditions": [{"path": "args.a", "op": "eq", "value": 1}], "on_deny": "Not with a one"},
        {"name": "maybe", "mode": "shadow", "conditions": [], "on_deny": "Not at all"}]})");
    watch = policy;
    Gate gate({.policy = std::move(policy)});
    ToolCall call = CallOf("t");
    would.emplace(gate.Check(call));
    call.arguments = R"({"a": 1})";
    denied.emplace(gate.Check(call));
    gate.Swap(Allowing("other"), nullptr);
    CHECK_FALSE(watch.expired());
    CHECK(denied->message() == "Not with a one");
    CHECK(denied->rule() == "/tools/t/deny_if/no");
    CHECK(would->would()->message() == "Not at all");
    const Decision moved = std::move(*denied);
    CHECK(moved.message() == "Not with a one");
    denied.reset();
  }
  CHECK_FALSE(watch.expired());
  would.reset();
  CHECK(watch.expired());
}

TEST_CASE("an allow does not keep its policy") {
  std::weak_ptr<const CompiledPolicy> watch;
  auto policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 2}]})");
  watch = policy;
  Gate gate({.policy = std::move(policy)});
  Decision decision = gate.Check(CallOf("t", "g"));
  REQUIRE(decision.allowed());
  gate.Swap(nullptr, nullptr);
  CHECK(watch.expired());
  decision.Complete(Outcome::kNotSent);
}

TEST_CASE("a swap tells what became of each limit") {
  ManualClock clock(kNoon);
  const auto policy_of = [](std::string_view limits) {
    return CompileEntry(R"({"limits": [)" + std::string(limits) + "]}");
  };
  Gate gate({.policy = policy_of(R"({"counter": "kept", "window": "minute", "max": 3},
                                    {"counter": "raised", "window": "hour", "max": 3},
                                    {"counter": "gone", "window": "day", "max": 3},
                                    {"counter": "paced", "window": "day", "max": 3, "algorithm": "gcra"})"),
             .clock = &clock});
  CHECK(gate.Check(CallOf("t", "g")).allowed());
  const SwapReport report = gate.Swap(policy_of(R"({"counter": "raised", "window": "hour", "max": 7},
                                                   {"counter": "kept", "window": "minute", "max": 3},
                                                   {"counter": "fresh", "window": "minute", "max": 1},
                                                   {"counter": "paced", "window": "day", "max": 4, "algorithm": "gcra"})"),
                                      nullptr);
  CHECK(report.revision == 2);
  CHECK(gate.revision() == 2);
  CHECK_FALSE(report.visibility_changed);
  std::vector<std::string> changes;
  for (const LimitChange& change : report.limits) {
    changes.push_back(change.rule.substr(sizeof("/tools/t/limits")) + " " + std::string(Name(change.kind)) +
                      " " + std::to_string(change.max_before) + " " + std::to_string(change.max_after));
  }
  CHECK(changes == std::vector<std::string>{"fresh added 0 1", "gone removed 3 0", "kept carried_over 3 3",
                                            "paced added 0 4", "paced removed 3 0",
                                            "raised max_changed 3 7"});
  // The counts went on: `kept` has two left, not three.
  gate.Swap(policy_of(R"({"counter": "kept", "window": "minute", "max": 3})"), nullptr);
  CHECK(gate.Check(CallOf("t", "g")).allowed());
  CHECK(gate.Check(CallOf("t", "g")).allowed());
  CHECK(gate.Check(CallOf("t", "g")).reason() == Reason::kLimitExceeded);
}

TEST_CASE("a limit that moved to another rule carries its count over") {
  Gate gate({.policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 3}]})")});
  const SwapReport report = gate.Swap(Compile(R"({"version": "1", "default": "deny",
                            "all_tools": {"limits": [{"counter": "c", "window": "minute", "max": 5}]}})"),
                                      nullptr);
  REQUIRE(report.limits.size() == 1);
  CHECK(report.limits[0].rule == "/all_tools/limits/c");
  CHECK(report.limits[0].kind == LimitChange::Kind::kMaxChanged);
  CHECK(report.limits[0].max_before == 3);
  CHECK(report.limits[0].max_after == 5);
}

TEST_CASE("a swap tells which grants came and went") {
  const auto policy = Allowing("a");
  const std::string hash = "aaa9402664f1a41f40ebbc52c9993eb66aeb366602958fdfaa283b71e64db123";
  Gate gate({.grants = Table({{.id = "stays", .policy = policy}, {.id = "goes", .policy = policy}})});
  const SwapReport report = gate.Swap(nullptr, Table({{.id = "comes", .policy = policy},
                                                      {.id_sha256 = hash, .policy = policy},
                                                      {.id = "stays", .policy = policy}}));
  CHECK(report.grants_added == std::vector<std::string>{"comes", "sha256:" + hash});
  CHECK(report.grants_removed == std::vector<std::string>{"goes"});
}

TEST_CASE("visibility is what hide patterns and grants make it") {
  const auto hiding = [](std::string_view hide, std::string_view mode = "enforce") {
    return Compile(R"({"version": "1", "default": "allow", "mode": ")" + std::string(mode) +
                   R"(", "hide": [)" + std::string(hide) + "]}");
  };
  const auto one = hiding(R"("x", "y_*")");
  const auto same = hiding(R"("y_*", "x")");
  const auto other = hiding(R"("x")");
  const auto shadowed = hiding(R"("x")", "shadow");
  const auto nothing_hidden = hiding("");
  const auto uniform = [](GateOptions options) { return Gate(std::move(options)).uniform_visibility(); };
  CHECK(uniform({}));
  CHECK(uniform({.policy = one}));
  CHECK(uniform({.policy = one, .grants = Table({{.id = "A", .policy = same}})}));
  CHECK(uniform({.policy = shadowed, .grants = Table({{.id = "A", .policy = nothing_hidden}})}));
  CHECK_FALSE(uniform({.policy = one, .grants = Table({{.id = "A", .policy = other}})}));
  CHECK_FALSE(uniform({.grants = Table({{.id = "A", .policy = one}})}));
  CHECK_FALSE(uniform({.policy = one, .grants = Table({{.id = "A", .policy = one, .disabled = true}})}));
  CHECK_FALSE(uniform({.policy = one, .grants = Table({{.id = "A", .policy = one, .expires = kNoon}})}));
  CHECK(uniform({.grants = Table({{.id = "A", .policy = one, .disabled = true}})}));

  const auto changes = [](GateOptions before, std::shared_ptr<const CompiledPolicy> policy,
                          std::shared_ptr<const GrantTable> grants) {
    Gate gate(std::move(before));
    return gate.Swap(std::move(policy), std::move(grants)).visibility_changed;
  };
  CHECK_FALSE(changes({.policy = one}, same, nullptr));
  CHECK(changes({.policy = one}, other, nullptr));
  CHECK(changes({.policy = one}, nullptr, nullptr));
  CHECK_FALSE(changes({.policy = shadowed}, nothing_hidden, nullptr));
  const auto table = [&](std::shared_ptr<const CompiledPolicy> policy) {
    return Table({{.id = "A", .policy = std::move(policy)}});
  };
  CHECK_FALSE(changes({.policy = one, .grants = table(one)}, one, table(same)));
  CHECK(changes({.policy = one, .grants = table(one)}, one, table(other)));
  CHECK_FALSE(changes({.policy = one, .grants = table(one)}, one, nullptr));
  CHECK(changes({.policy = one, .grants = table(other)}, one, nullptr));
  CHECK(changes({.policy = one}, one, table(other)));
  CHECK_FALSE(changes({.policy = one}, one, table(same)));
  CHECK(changes({.policy = one, .grants = table(one)}, one,
                Table({{.id = "A", .policy = one, .expires = kNoon}})));
}

TEST_CASE("a token opens a session when its secret and its grant are right") {
  ManualClock clock(kNoon);
  const auto policy = Allowing("a");
  Gate gate(
      {.grants = Table(
           {{.id = "agent.42", .policy = policy, .secret_hash = callwarden::HashSecret("s3cret")},
            {.id_sha256 = "e564b4081d7a9ea4b00dada53bdae70c99b87b6fce869f0c3dd4d2bfa1e53e1c",
             .policy = policy,
             .secret_hash = callwarden::HashSecret("h")},
            {.id = "none", .policy = policy},
            {.id = "off", .policy = policy, .disabled = true, .secret_hash = callwarden::HashSecret("o")},
            {.id = "old", .policy = policy, .expires = kNoon, .secret_hash = callwarden::HashSecret("e")},
            {.id = "new",
             .policy = policy,
             .not_before = kNoon + seconds(1),
             .secret_hash = callwarden::HashSecret("n")}}),
       .clock = &clock});
  const auto status = [&](std::string_view token) {
    return std::string(Name(gate.Authenticate(token).status));
  };
  CHECK(gate.Authenticate("agent.42.s3cret").ok());
  CHECK(gate.Authenticate("agent.42.s3cret").grant == "agent.42");
  CHECK(gate.Authenticate("hidden.h").grant == "hidden");
  for (const char* token :
       {"agent.42.s3cre", "agent.42.s3crets", "agent.42.", "agent.42", "agent.43.s3cret", "", ".", ".s3cret",
        "s3cret", "none.", "none.x", "hidden.s3cret", "off.x", "old.x"}) {
    CAPTURE(token);
    CHECK(status(token) == "refused");
    CHECK(gate.Authenticate(token).grant.empty());
  }
  CHECK(status("off.o") == "disabled");
  CHECK(status("old.e") == "expired");
  CHECK(status("new.n") == "not_yet_valid");
  CHECK(gate.Authenticate("new.n").grant.empty());
  clock.Advance(seconds(1));
  CHECK(status("new.n") == "ok");
}
