// What a gate does with approvals; the store's own tests are in approvals_test.cc.

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "callwarden/approvals.h"
#include "callwarden/gate.h"

#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/unit/gate_fixture.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::ApprovalState;
using callwarden::ApprovalStatus;
using callwarden::ApprovalStore;
using callwarden::Decision;
using callwarden::Effect;
using callwarden::Gate;
using callwarden::GateOptions;
using callwarden::ManualClock;
using callwarden::Name;
using callwarden::Outcome;
using callwarden::Reason;
using callwarden::ToolCall;
using callwarden_unit::CallOf;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::RecordingSink;

constexpr std::string_view kAsking = R"({"action": "require_approval", "reason": "Ask Ada",
    "limits": [{"counter": "c", "window": "minute", "max": 2}]})";

struct Fixture {
  explicit Fixture(bool match = true, std::string_view entry = kAsking)
      : clock(kNoon),
        store({.clock = &clock}),
        gate({.policy = CompileEntry(entry),
              .clock = &clock,
              .approvals = &store,
              .audit = &sink,
              .match_approvals = match}) {}

  ToolCall Call(std::string_view arguments = R"({"a":1,"b":2})", std::string_view approval = {}) {
    ToolCall call = CallOf("t", "g", "s");
    call.arguments = arguments;
    call.approval = approval;
    return call;
  }
  // An id that a person approved for Call().
  std::string Approved() {
    const Decision decision = gate.Check(Call());
    const std::string id(decision.approval_id());
    CHECK(store.Approve(id, "ada").ok());
    return id;
  }
  ApprovalState StateOf(std::string_view id) { return store.Find(id).value().state; }

  ManualClock clock;
  RecordingSink sink;
  ApprovalStore store;
  Gate gate;
};
struct WithoutMatching : Fixture {
  WithoutMatching() : Fixture(false) {}
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a call that needs an approval gets an id, the same while it waits") {
  const Decision first = gate.Check(Call());
  CHECK(first.effect() == Effect::kRequireApproval);
  CHECK(first.reason() == Reason::kApprovalRequired);
  CHECK(first.message() == "Ask Ada");
  CHECK(first.approval_status() == ApprovalStatus::kNone);
  REQUIRE_FALSE(first.approval_id().empty());
  CHECK(sink.records[0].approval_id == first.approval_id());
  CHECK(gate.Check(Call(R"({"b": 2, "a": 1.0})")).approval_id() == first.approval_id());
  CHECK(gate.Check(Call(R"({"a":1,"b":3})")).approval_id() != first.approval_id());
  const auto asked = store.Find(first.approval_id());
  REQUIRE(asked);
  CHECK(asked->rule == "/tools/t/action");
  CHECK(asked->message == "Ask Ada");
  CHECK(asked->arguments == R"({"a":1,"b":2})");
  const Decision moved = gate.Check(Call());
  CHECK(Decision(gate.Check(Call())).approval_id() == moved.approval_id());
}

TEST_CASE_METHOD(WithoutMatching, "an approved id lets exactly its call pass, once") {
  const std::string id = Approved();
  CHECK(gate.Check(Call(R"({"a":1,"b":3})", id)).approval_status() == ApprovalStatus::kOtherCall);
  ToolCall other = Call({}, id);
  other.arguments = Call().arguments;
  other.grant = "h";
  CHECK(gate.Check(other).approval_status() == ApprovalStatus::kOtherCall);
  other = Call(R"({"a":1,"b":2})", id);
  other.session = "s2";
  CHECK(gate.Check(other).approval_status() == ApprovalStatus::kOtherCall);
  CHECK(gate.Check(Call()).effect() == Effect::kRequireApproval);  // it must be named

  {
    const Decision decision = gate.Check(Call(R"({"b":2,"a":1})", id));
    CHECK(decision.allowed());
    CHECK(decision.approval_status() == ApprovalStatus::kReady);
    CHECK(decision.approval_id().empty());
    CHECK(sink.records.back().approval_id == id);
  }
  CHECK(StateOf(id) == ApprovalState::kUsed);
  const Decision again = gate.Check(Call(R"({"a":1,"b":2})", id));
  CHECK(again.effect() == Effect::kRequireApproval);
  CHECK(again.approval_status() == ApprovalStatus::kUsed);
  CHECK_FALSE(again.approval_id().empty());
  CHECK(again.approval_id() != id);
}

TEST_CASE_METHOD(Fixture, "repeating an approved call lets it pass, once") {
  const std::string id = Approved();
  const Decision decision = gate.Check(Call());
  CHECK(decision.allowed());
  CHECK(decision.approval_status() == ApprovalStatus::kReady);
  CHECK(StateOf(id) == ApprovalState::kUsed);
  CHECK(gate.Check(Call()).effect() == Effect::kRequireApproval);
}

TEST_CASE_METHOD(Fixture, "ids that are pending, denied, expired or made up let nothing pass") {
  const std::string id(gate.Check(Call()).approval_id());
  const auto status = [&](std::string_view approval) {
    const Decision decision = gate.Check(Call(R"({"a":1,"b":2})", approval));
    CHECK(decision.effect() == Effect::kRequireApproval);
    return decision.approval_status();
  };
  CHECK(status(id) == ApprovalStatus::kPending);
  CHECK(status("nonsense") == ApprovalStatus::kUnknown);
  CHECK(store.Deny(id, "ada").ok());
  CHECK(status(id) == ApprovalStatus::kDenied);
  const std::string second(gate.Check(Call()).approval_id());
  CHECK(second != id);
  CHECK(store.Approve(second, "ada").ok());
  clock.Advance(std::chrono::hours(1));
  CHECK(status(second) == ApprovalStatus::kExpired);
}

TEST_CASE_METHOD(Fixture, "a call that a limit denies keeps its approval") {
  for (int i = 0; i < 2; ++i) {
    Approved();
    CHECK(gate.Check(Call()).allowed());
  }
  const std::string id = Approved();
  const Decision denied = gate.Check(Call(R"({"a":1,"b":2})", id));
  CHECK(denied.reason() == Reason::kLimitExceeded);
  CHECK(denied.approval_status() == ApprovalStatus::kReady);
  CHECK(sink.records.back().approval_id.empty());
  CHECK(StateOf(id) == ApprovalState::kApproved);
  CHECK(gate.Check(Call()).reason() == Reason::kLimitExceeded);
  CHECK(StateOf(id) == ApprovalState::kApproved);
  clock.Advance(std::chrono::minutes(1));
  CHECK(gate.Check(Call()).allowed());
  CHECK(StateOf(id) == ApprovalState::kUsed);
}

TEST_CASE_METHOD(Fixture, "an approval that is not needed any more is not used up") {
  const std::string id = Approved();
  gate.Swap(CompileEntry("{}"), nullptr);
  CHECK(gate.Check(Call(R"({"a":1,"b":2})", id)).allowed());
  CHECK(StateOf(id) == ApprovalState::kApproved);
  gate.Swap(CompileEntry(R"({"action": "deny"})"), nullptr);
  CHECK(gate.Check(Call(R"({"a":1,"b":2})", id)).reason() == Reason::kToolDenied);
  CHECK(StateOf(id) == ApprovalState::kApproved);
}

TEST_CASE_METHOD(Fixture, "an approval satisfies what is in shadow, too") {
  const std::string id = Approved();
  gate.Swap(CompileEntry(R"({"require_approval_if": [{"mode": "shadow", "conditions": []}]})"), nullptr);
  CHECK(gate.Check(Call()).would() != nullptr);
  CHECK(gate.Check(Call(R"({"a":1,"b":2})", id)).would() == nullptr);
  CHECK(StateOf(id) == ApprovalState::kApproved);
}

TEST_CASE_METHOD(Fixture, "a host that vouches for an approval does not ask the store") {
  ToolCall call = Call();
  call.approved = true;
  call.approval = "anything";
  const Decision decision = gate.Check(call);
  CHECK(decision.allowed());
  CHECK(decision.approval_status() == ApprovalStatus::kNone);
  CHECK(store.List(false).empty());
}

TEST_CASE("without a store a call that needs an approval gets no id") {
  Gate gate({.policy = CompileEntry(kAsking)});
  ToolCall call = CallOf("t", "g");
  call.approval = "anything";
  const Decision decision = gate.Check(call);
  CHECK(decision.effect() == Effect::kRequireApproval);
  CHECK(decision.approval_id().empty());
  CHECK(decision.approval_status() == ApprovalStatus::kNone);
}

TEST_CASE("malformed calls are malformed, whatever approval comes with them") {
  Fixture f;
  CHECK(f.gate.Check(f.Call("{", "x")).reason() == Reason::kMalformedCall);
  CHECK(f.store.List(false).empty());
}

TEST_CASE("a full store leaves a call without an id") {
  ManualClock clock(kNoon);
  ApprovalStore store({.clock = &clock, .live_max = 1});
  Gate gate({.policy = CompileEntry(kAsking), .clock = &clock, .approvals = &store});
  CHECK_FALSE(gate.Check(CallOf("t", "a")).approval_id().empty());
  const Decision second = gate.Check(CallOf("t", "b"));
  CHECK(second.effect() == Effect::kRequireApproval);
  CHECK(second.approval_id().empty());
  CHECK(second.approval_status() == ApprovalStatus::kFailed);
}

TEST_CASE("a call that cannot be recorded keeps its approval") {
  ManualClock clock(kNoon);
  RecordingSink sink;
  ApprovalStore store({.clock = &clock});
  Gate gate({.policy = CompileEntry(kAsking),
             .clock = &clock,
             .approvals = &store,
             .audit = &sink,
             .audit_required = true});
  const std::string id(gate.Check(CallOf("t", "g")).approval_id());
  CHECK(store.Approve(id, "ada").ok());
  sink.full = true;
  for (int i = 0; i < 3; ++i) CHECK(gate.Check(CallOf("t", "g")).reason() == Reason::kAuditUnavailable);
  CHECK(store.Find(id)->state == ApprovalState::kApproved);
  sink.full = false;
  CHECK(gate.Check(CallOf("t", "g")).allowed());
  CHECK(store.Find(id)->state == ApprovalState::kUsed);
}

TEST_CASE("an approval whose use cannot be written down admits nothing and charges nothing") {
  const callwarden_test::TemporaryFolder folder;
  const std::string path = folder / "approvals";
  ManualClock clock(kNoon);
  ApprovalStore store({.path = path, .clock = &clock});
  // Another process on the same file, which takes the approval back while this one holds it.
  ApprovalStore elsewhere({.path = path, .clock = &clock});
  struct Denying final : callwarden::AuditSink {
    ApprovalStore* store = nullptr;
    std::string id;
    std::vector<Reason> reasons;
    std::vector<Outcome> outcomes;
    callwarden::AuditReceipt Record(const callwarden::AuditRecord& record) noexcept override {
      reasons.push_back(record.verdict->reason());
      if (record.verdict->allowed()) CHECK(store->Deny(id, "bob").ok());
      return {true, reasons.size()};
    }
    void Complete(const callwarden::AuditCompletion& completion) noexcept override {
      outcomes.push_back(completion.outcome);
    }
  } sink;
  sink.store = &elsewhere;
  Gate gate({.policy = CompileEntry(R"({"action": "require_approval",
                                        "limits": [{"counter": "c", "window": "minute", "max": 1}]})"),
             .clock = &clock,
             .approvals = &store,
             .audit = &sink});
  sink.id = gate.Check(CallOf("t", "g")).approval_id();
  CHECK(store.Approve(sink.id, "ada").ok());
  const Decision decision = gate.Check(CallOf("t", "g"));
  CHECK(decision.effect() == Effect::kDeny);
  CHECK(decision.reason() == Reason::kInternalError);
  CHECK(decision.approval_status() == ApprovalStatus::kFailed);
  CHECK(decision.reservation().empty());
  CHECK(sink.reasons ==
        std::vector<Reason>{Reason::kApprovalRequired, Reason::kAllowed, Reason::kInternalError});
  CHECK(sink.outcomes == std::vector<Outcome>{Outcome::kNotSent});
  Gate quiet({.policy = CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 1}]})"),
              .counters = &gate.counters(),
              .clock = &clock});
  CHECK(quiet.Check(CallOf("t", "g")).allowed());
}

TEST_CASE("of calls that present one approval at once, one is admitted", "[threads]") {
  constexpr int kThreads = 8;
  ManualClock clock(kNoon);
  ApprovalStore store({.clock = &clock});
  Gate gate(
      {.policy = CompileEntry(R"({"action": "require_approval"})"), .clock = &clock, .approvals = &store});
  for (int round = 0; round < 50; ++round) {
    const std::string arguments = R"({"round":)" + std::to_string(round) + "}";
    ToolCall call = CallOf("t", "g");
    call.arguments = arguments;
    const std::string id(gate.Check(call).approval_id());
    REQUIRE(store.Approve(id, "ada").ok());
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        ToolCall mine = call;
        if (t % 2 == 0) mine.approval = id;  // half of them repeat the call, half name the id
        if (gate.Check(mine).allowed()) ++admitted;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(admitted.load() == 1);
    CHECK(store.Find(id)->state == ApprovalState::kUsed);
  }
}
