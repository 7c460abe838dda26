#include "callwarden/decision.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::CounterKey;
using callwarden::Decision;
using callwarden::Effect;
using callwarden::LimitKind;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Name;
using callwarden::Outcome;
using callwarden::Reason;
using callwarden::Reservation;
using callwarden::ReserveResult;
using callwarden::ReserveStatus;
using callwarden::RetryAfter;
using callwarden::SettleResult;
using callwarden::Timestamp;
using callwarden::Verdict;
using callwarden_unit::Call;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::Used;

static_assert(!std::is_copy_constructible_v<Decision>);
static_assert(!std::is_copy_assignable_v<Decision>);
static_assert(std::is_nothrow_move_constructible_v<Decision>);
static_assert(std::is_nothrow_move_assignable_v<Decision>);
static_assert(std::is_nothrow_default_constructible_v<Decision>);
static_assert(static_cast<int>(Effect::kDeny) == 0);
static_assert(static_cast<int>(Reason::kInternalError) == 0);

// A clock that stands at noon, and a store on it.
struct Counters {
  ManualClock clock{kNoon};
  MemoryCounterStore store{{.capacity_keys = 64, .clock = &clock, .secret = {}}};
};

// A policy of one limit of t.
std::shared_ptr<const CompiledPolicy> Limited(std::string_view limit) {
  return CompileEntry(R"({"limits": [)" + std::string(limit) + "]}");
}

// A store that answers as it is told, and never touches a reservation that it is to settle.
class ForgetfulStore final : public callwarden::CounterStore {
 public:
  ReserveResult answer;
  LimitKind kind = LimitKind::kCalendar;
  std::size_t charges = 1;
  int reserves = 0;
  std::vector<std::vector<uint64_t>> settled;

  bool ok() const noexcept override { return true; }
  CounterKey Key(const callwarden::LimitSpec& spec,
                 std::span<const callwarden::AttributeValue>) const noexcept override {
    return {.fp = spec.digest()[0], .check = spec.digest()[1], .hint = 0, .spec_tag = spec.tag()};
  }
  ReserveResult Reserve(std::span<const callwarden::LimitRequest> requests, Timestamp,
                        Reservation& reservation) noexcept override {
    ++reserves;
    if (answer.status == ReserveStatus::kAdmitted) {
      for (std::size_t i = 0; i < requests.size() && i < charges; ++i) {
        callwarden::ReservationToken token;
        token.weight = requests[i].weight;
        token.kind = kind;
        reservation.Add(*this, token, i);
      }
    }
    return answer;
  }
  SettleResult Settle(Reservation&& reservation, std::span<const uint64_t> actual) noexcept override {
    settled.emplace_back(actual.begin(), actual.end());
    SettleResult result;
    result.credited = static_cast<uint16_t>(reservation.size());
    return result;
  }
  callwarden::PeekResult Peek(const callwarden::LimitRequest&, Timestamp) const noexcept override {
    return {};
  }
  callwarden::CounterStats stats() const noexcept override { return {}; }
};

}  // namespace

TEST_CASE("every effect, reason and outcome has its name", "[decision]") {
  CHECK(Name(Effect::kDeny) == "deny");
  CHECK(Name(Effect::kAllow) == "allow");
  CHECK(Name(Effect::kRequireApproval) == "require_approval");
  CHECK(Name(static_cast<Effect>(3)).empty());

  constexpr std::array<std::string_view, 16> kReasons{
      "internal_error",  "malformed_call",    "no_policy",         "hidden",
      "confusable_tool", "not_listed",        "tool_denied",       "requirement_failed",
      "denied_by_rule",  "approval_required", "missing_scope",     "invalid_amount",
      "limit_exceeded",  "limit_unavailable", "audit_unavailable", "allowed"};
  for (std::size_t i = 0; i < kReasons.size(); ++i) CHECK(Name(static_cast<Reason>(i)) == kReasons[i]);
  CHECK(Name(Reason::kAllowed) == "allowed");
  CHECK(Name(static_cast<Reason>(16)).empty());

  CHECK(Name(Outcome::kOk) == "ok");
  CHECK(Name(Outcome::kError) == "error");
  CHECK(Name(Outcome::kLost) == "lost");
  CHECK(Name(Outcome::kNotSent) == "not_sent");
  CHECK(Name(static_cast<Outcome>(4)).empty());
}

TEST_CASE("what was never decided denies", "[decision]") {
  const Decision decision;
  CHECK(decision.effect() == Effect::kDeny);
  CHECK_FALSE(decision.allowed());
  CHECK(decision.reason() == Reason::kInternalError);
  CHECK(decision.rule() == "(internal error)");
  CHECK(decision.message() == "The call could not be judged");
  CHECK_FALSE(decision.retry_after().has_value());
  CHECK(decision.would() == nullptr);
  CHECK(decision.reservation().empty());

  const Verdict verdict;
  CHECK(verdict.reason() == Reason::kInternalError);
  const Verdict copy(verdict);
  CHECK(copy.message() == "The call could not be judged");
  CHECK(copy.rule() == "(internal error)");
}

TEST_CASE("an allow says nothing more", "[decision]") {
  Counters counters;
  const auto policy = CompileEntry("{}");
  const Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(decision.allowed());
  CHECK(decision.reason() == Reason::kAllowed);
  CHECK(decision.rule().empty());
  CHECK(decision.message().empty());
  CHECK(decision.message().data() != nullptr);
  CHECK_FALSE(decision.retry_after().has_value());
  CHECK(decision.would() == nullptr);
  CHECK(decision.reservation().empty());
}

TEST_CASE("a decision that is moved says the same", "[decision]") {
  Counters counters;
  const auto policy = Compile(R"({"version": "1", "default": "deny", "tools": {
      "t": {"limits": [{"counter": "c", "window": "minute", "max": 1}],
            "deny_if": [{"name": "s", "mode": "shadow", "on_deny": "shadowed", "conditions": []}]}}})");
  Decision first = policy->Decide(Call("{}"), counters.store, kNoon);
  REQUIRE(first.allowed());
  REQUIRE(first.would() != nullptr);
  REQUIRE(first.reservation().size() == 1);

  Decision second = std::move(first);
  CHECK(second.allowed());
  CHECK(second.reservation().size() == 1);
  CHECK(second.reservation().weight(0) == 1);
  CHECK(first.reservation().empty());  // NOLINT(bugprone-use-after-move): what is left is harmless
  REQUIRE(second.would() != nullptr);
  CHECK(second.would()->rule() == "/tools/t/deny_if/s");
  CHECK(second.would()->message() == "shadowed");

  Decision denied = policy->Decide(Call("{}"), counters.store, kNoon);
  const std::string message = "Limit \"c\" reached: 1 per minute. Retry in 60 s.";
  REQUIRE(denied.message() == message);
  const char* old = denied.message().data();
  Decision moved = std::move(denied);
  CHECK(moved.message() == message);
  CHECK(moved.message().data() != old);  // composed texts live in the decision
  CHECK(moved.rule() == "/tools/t/limits/c");
  CHECK(moved.retry_after() == std::chrono::milliseconds(60000));
  REQUIRE(moved.would() != nullptr);
  CHECK(moved.would()->reason() == Reason::kDeniedByRule);

  Decision assigned;
  assigned = std::move(moved);
  CHECK(assigned.message() == message);
  CHECK(assigned.rule() == "/tools/t/limits/c");
  REQUIRE(assigned.would() != nullptr);
  CHECK(assigned.would()->message() == "shadowed");
  assigned = Decision();
  CHECK(assigned.would() == nullptr);
  CHECK(assigned.reason() == Reason::kInternalError);

  Decision& self = second;
  second = std::move(self);
  CHECK(second.reservation().size() == 1);
  CHECK(second.would() != nullptr);
}

TEST_CASE("a message is cut at 1024 bytes, between code points, and moved whole", "[decision]") {
  Counters counters;
  std::string counter;
  for (int i = 0; i < 500; ++i) counter += "é€";  // 5 bytes
  const auto policy =
      Limited(R"({"counter": ")" + counter + R"(", "window": "minute", "max": 5, "amount": 6})");
  Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
  std::string expected = "Limit \"";
  while (expected.size() + 5 <= 1024) expected += "é€";
  if (expected.size() + 2 <= 1024) expected += "é";
  CHECK(expected.size() == 1024);
  CHECK(decision.message() == expected);
  const Decision moved = std::move(decision);
  CHECK(moved.message() == expected);
}

TEST_CASE("a verdict is copied whole", "[decision]") {
  Counters counters;
  const auto policy = Compile(R"({"version": "1", "default": "deny"})");
  Verdict kept;
  {
    const Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
    kept = decision.verdict();
  }
  CHECK(kept.message() == "Tool \"t\" is not permitted by policy");
  CHECK(kept.rule() == "(default deny)");
  const Verdict& self = kept;
  kept = self;
  CHECK(kept.message() == "Tool \"t\" is not permitted by policy");
}

TEST_CASE("an outcome decides what is given back", "[decision]") {
  struct Case {
    Outcome outcome;
    uint64_t never;     // what stays charged of 3 with `refund` never
    uint64_t on_error;  // and with on_error
  };
  for (const Case& c : {Case{Outcome::kOk, 3, 3}, Case{Outcome::kError, 3, 0}, Case{Outcome::kLost, 3, 3},
                        Case{Outcome::kNotSent, 0, 0}}) {
    CAPTURE(Name(c.outcome));
    for (const bool on_error : {false, true}) {
      CAPTURE(on_error);
      Counters counters;
      const auto policy =
          Limited(R"({"counter": "c", "window": "minute", "max": 10, "amount": 3, "refund": ")" +
                  std::string(on_error ? "on_error" : "never") + "\"}");
      Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
      REQUIRE(decision.allowed());
      CHECK(Used(counters.store) == 3);
      decision.Complete(c.outcome);
      CHECK(Used(counters.store) == (on_error ? c.on_error : c.never));
      CHECK(decision.reservation().empty());
      CHECK(decision.allowed());
    }
  }
}

TEST_CASE("of several limits each keeps or refunds by itself", "[decision]") {
  Counters counters;
  const auto policy = Limited(
      R"({"counter": "a", "window": "minute", "max": 100, "amount": 1, "refund": "on_error"},
         {"counter": "b", "window": "minute", "max": 100, "amount": 20},
         {"counter": "c", "window": "minute", "max": 100, "amount": 4, "refund": "on_error"})");
  Decision failed = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(failed.reservation().size() == 3);
  CHECK(Used(counters.store) == 25);
  failed.Complete(Outcome::kError);
  CHECK(Used(counters.store) == 20);
  Decision not_sent = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(Used(counters.store) == 45);
  not_sent.Complete(Outcome::kNotSent);
  CHECK(Used(counters.store) == 20);
}

TEST_CASE("only the first report of an outcome counts", "[decision]") {
  Counters counters;
  const auto policy = Limited(R"({"counter": "c", "window": "minute", "max": 10, "refund": "on_error"})");
  Decision kept = policy->Decide(Call("{}"), counters.store, kNoon);
  kept.Complete(Outcome::kOk);
  kept.Complete(Outcome::kError);
  kept.Complete(Outcome::kNotSent);
  CHECK(Used(counters.store) == 1);
  Decision returned = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(Used(counters.store) == 2);
  returned.Complete(Outcome::kError);
  returned.Complete(Outcome::kNotSent);
  CHECK(returned.CompleteWith({}).credited == 0);
  CHECK(Used(counters.store) == 1);
  CHECK(counters.store.stats().refunds_credited == 1);
}

TEST_CASE("what a call really came to is charged", "[decision]") {
  const auto policy = Limited(R"({"counter": "a", "window": "minute", "max": 100, "amount": 10},
                                 {"counter": "b", "window": "minute", "max": 100, "amount": 20})");
  const auto complete = [&](std::vector<uint64_t> actual, SettleResult& result) {
    Counters counters;
    Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
    REQUIRE(Used(counters.store) == 30);
    result = decision.CompleteWith(actual);
    CHECK(decision.reservation().empty());
    const uint64_t used = Used(counters.store);
    decision.Complete(Outcome::kNotSent);
    CHECK(Used(counters.store) == used);
    return used;
  };
  SettleResult result;
  CHECK(complete({10, 20}, result) == 30);
  CHECK(result.credited == 0);
  CHECK(result.debited == 0);
  CHECK(complete({3, 20}, result) == 23);
  CHECK(result.credited == 1);
  CHECK(complete({10, 0}, result) == 10);
  CHECK(result.credited == 2);
  CHECK(complete({15, 25}, result) == 40);
  CHECK(result.debited == 3);
  CHECK(complete({500, 1}, result) == 501);  // even past the maximum
  CHECK(result.debited == 1);
  CHECK(result.credited == 2);
  CHECK(complete({}, result) == 30);  // those not told stay as reserved
  CHECK(complete({4}, result) == 24);
  CHECK(complete({4, 5, 6, 7}, result) == 9);  // more than there are charges
}

TEST_CASE("a decision without charges completes to nothing", "[decision]") {
  Decision none;
  none.Complete(Outcome::kError);
  const uint64_t actual = 5;
  const SettleResult result = none.CompleteWith({&actual, 1});
  CHECK(result.credited == 0);
  CHECK(result.debited == 0);
  CHECK(result.lost == 0);
}

TEST_CASE("whatever ends a call frees its slot", "[decision]") {
  const auto policy = Limited(R"({"counter": "c", "algorithm": "inflight", "max": 1})");
  for (const Outcome outcome : {Outcome::kOk, Outcome::kError, Outcome::kLost, Outcome::kNotSent}) {
    CAPTURE(Name(outcome));
    Counters counters;
    Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
    REQUIRE(decision.allowed());
    const Decision second = policy->Decide(Call("{}"), counters.store, kNoon);
    CHECK(second.reason() == Reason::kLimitExceeded);
    CHECK(second.message() == "Limit \"c\" reached: 1 in flight.");
    CHECK_FALSE(second.retry_after().has_value());
    decision.Complete(outcome);
    CHECK(Used(counters.store) == 0);
    CHECK(policy->Decide(Call("{}"), counters.store, kNoon).allowed());
  }
  Counters counters;
  {
    const Decision dropped = policy->Decide(Call("{}"), counters.store, kNoon);
    CHECK(Used(counters.store) == 1);
  }
  CHECK(Used(counters.store) == 0);
  Decision replaced = policy->Decide(Call("{}"), counters.store, kNoon);
  replaced = Decision();
  CHECK(Used(counters.store) == 0);
  Decision counted = policy->Decide(Call("{}"), counters.store, kNoon);
  const uint64_t actual = 1;
  counted.CompleteWith({&actual, 1});
  CHECK(Used(counters.store) == 0);
}

TEST_CASE("destroying a decision keeps its charges", "[decision]") {
  Counters counters;
  const auto policy = Limited(R"({"counter": "c", "window": "minute", "max": 10, "refund": "on_error"})");
  { const Decision decision = policy->Decide(Call("{}"), counters.store, kNoon); }
  CHECK(Used(counters.store) == 1);
  Decision first = policy->Decide(Call("{}"), counters.store, kNoon);
  Decision second = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(Used(counters.store) == 3);
  first = std::move(second);  // the first is completed, the second's charge moves
  CHECK(Used(counters.store) == 3);
  first.Complete(Outcome::kError);
  CHECK(Used(counters.store) == 2);
}

TEST_CASE("a reservation outlives its policy", "[decision]") {
  Counters counters;
  auto policy =
      Limited(R"({"counter": "c", "window": "minute", "max": 10, "amount": 4, "refund": "on_error"})");
  Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
  policy.reset();
  decision.Complete(Outcome::kError);
  CHECK(Used(counters.store) == 0);
}

TEST_CASE("charges of shadowed limits are settled with the call", "[decision]") {
  Counters counters;
  const auto policy = Limited(R"({"counter": "c", "window": "minute", "max": 10, "mode": "shadow",
                                  "refund": "on_error"},
                                 {"counter": "f", "algorithm": "inflight", "max": 3, "mode": "shadow"})");
  Decision decision = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(decision.reservation().empty());
  CHECK(Used(counters.store) == 2);
  decision.Complete(Outcome::kError);
  CHECK(Used(counters.store) == 0);
  Decision counted = policy->Decide(Call("{}"), counters.store, kNoon);
  CHECK(Used(counters.store) == 2);
  counted.CompleteWith({});
  CHECK(Used(counters.store) == 1);
}

TEST_CASE("a store that forgets nothing is told of an end once", "[decision]") {
  const auto policy =
      Limited(R"({"counter": "a", "window": "minute", "max": 10, "amount": 2, "refund": "on_error"},
                                 {"counter": "b", "window": "minute", "max": 10, "amount": 3})");
  using Settled = std::vector<std::vector<uint64_t>>;
  for (const LimitKind kind : {LimitKind::kCalendar, LimitKind::kInflight}) {
    ForgetfulStore store;
    store.answer.status = ReserveStatus::kAdmitted;
    store.kind = kind;
    store.charges = 2;
    {
      Decision decision = policy->Decide(Call("{}"), store, kNoon);
      REQUIRE(decision.allowed());
      CHECK(decision.reservation().size() == 2);
      CHECK(decision.reservation().store() == &store);
      decision.Complete(Outcome::kError);
      CHECK(decision.reservation().empty());
      decision.Complete(Outcome::kNotSent);
    }
    CHECK(store.settled == Settled{{0, 3}});
    {
      Decision decision = policy->Decide(Call("{}"), store, kNoon);
      Decision moved = std::move(decision);
      decision.Complete(Outcome::kNotSent);
      moved.Complete(Outcome::kNotSent);
    }
    CHECK(store.settled == Settled{{0, 3}, {0, 0}});
    {
      Decision decision = policy->Decide(Call("{}"), store, kNoon);
      const uint64_t actual = 7;
      CHECK(decision.CompleteWith({&actual, 1}).credited == 2);
      CHECK(decision.CompleteWith({&actual, 1}).credited == 0);
    }
    CHECK(store.settled == Settled{{0, 3}, {0, 0}, {7}});
    { const Decision decision = policy->Decide(Call("{}"), store, kNoon); }
    // Nothing changes when a call goes well, unless it was in flight.
    const bool told = kind == LimitKind::kInflight;
    CHECK(store.settled == (told ? Settled{{0, 3}, {0, 0}, {7}, {2, 3}} : Settled{{0, 3}, {0, 0}, {7}}));
    {
      Decision decision = policy->Decide(Call("{}"), store, kNoon);
      decision.Complete(Outcome::kOk);
      CHECK(decision.reservation().empty());
      decision.Complete(Outcome::kNotSent);
    }
    CHECK(store.settled.size() == (told ? 5 : 3));
  }
}

TEST_CASE("a store that charges less than it was asked to", "[decision]") {
  const auto policy = Limited(R"({"counter": "a", "window": "minute", "max": 10},
                                 {"counter": "b", "window": "minute", "max": 10})");
  ForgetfulStore store;
  store.answer.status = ReserveStatus::kAdmitted;
  store.charges = 0;
  {
    Decision decision = policy->Decide(Call("{}"), store, kNoon);
    CHECK(decision.allowed());
    CHECK(decision.reservation().empty());
    decision.Complete(Outcome::kError);
  }
  CHECK(store.settled.empty());
}

TEST_CASE("what a store cannot answer denies", "[decision]") {
  const auto policy = Limited(R"({"counter": "a", "window": "minute", "max": 10},
                                 {"counter": "b", "window": "minute", "max": 10})");
  ForgetfulStore store;
  for (const ReserveStatus status :
       {ReserveStatus::kStoreError, ReserveStatus::kStoreFull, ReserveStatus::kInvalid}) {
    CAPTURE(static_cast<int>(status));
    store.answer = ReserveResult();
    store.answer.status = status;
    const Decision decision = policy->Decide(Call("{}"), store, kNoon);
    CHECK(decision.reason() == Reason::kLimitUnavailable);
    CHECK(decision.rule() == "/tools/t/limits/a");
    CHECK(decision.message() == "Limit \"a\" is unavailable");
    CHECK_FALSE(decision.retry_after().has_value());
  }
  store.answer = ReserveResult();
  store.answer.status = ReserveStatus::kContended;
  store.answer.limit = 1;
  store.answer.retry = {RetryAfter::Kind::kAfter, std::chrono::milliseconds(1)};
  const Decision contended = policy->Decide(Call("{}"), store, kNoon);
  CHECK(contended.reason() == Reason::kLimitUnavailable);
  CHECK(contended.rule() == "/tools/t/limits/b");
  CHECK(contended.retry_after() == std::chrono::milliseconds(1));

  store.answer = ReserveResult();
  store.answer.limit = 9;  // no such request
  CHECK(policy->Decide(Call("{}"), store, kNoon).rule() == "/tools/t/limits/a");
}

TEST_CASE("of the limits that refuse, the one with the longest wait is reported", "[decision]") {
  const auto policy = Limited(R"({"counter": "a", "window": "minute", "max": 10},
                                 {"counter": "b", "window": "minute", "max": 10},
                                 {"counter": "c", "window": "minute", "max": 10})");
  ForgetfulStore store;
  store.answer.status = ReserveStatus::kOverLimit;
  store.answer.short_mask = 0b111;
  const auto after = [](int ms) {
    return RetryAfter{RetryAfter::Kind::kAfter, std::chrono::milliseconds(ms)};
  };
  store.answer.shortages[0] = {10, after(5)};
  store.answer.shortages[1] = {10, after(1001)};
  store.answer.shortages[2] = {10, after(1001)};
  const Decision decision = policy->Decide(Call("{}"), store, kNoon);
  CHECK(decision.reason() == Reason::kLimitExceeded);
  CHECK(decision.rule() == "/tools/t/limits/b");
  CHECK(decision.message() == "Limit \"b\" reached: 10 per minute. Retry in 2 s.");
  CHECK(decision.retry_after() == std::chrono::milliseconds(1001));
  store.answer.short_mask = 0b001;
  CHECK(policy->Decide(Call("{}"), store, kNoon).rule() == "/tools/t/limits/a");
  CHECK(store.settled.empty());
}

TEST_CASE("a store that is not ok denies limited calls only", "[decision]") {
  MemoryCounterStore broken({.capacity_keys = 0, .clock = nullptr, .secret = {}});
  REQUIRE_FALSE(broken.ok());
  CHECK(CompileEntry("{}")->Decide(Call("{}"), broken, kNoon).allowed());
  const auto policy = Limited(R"({"counter": "a", "window": "minute", "max": 10})");
  CHECK(policy->Decide(Call("{}"), broken, kNoon).reason() == Reason::kLimitUnavailable);
}

TEST_CASE("times that cannot be counted deny limited calls only", "[decision]") {
  const auto free = CompileEntry("{}");
  const auto limited = Limited(R"({"counter": "a", "window": "minute", "max": 10})");
  Counters counters;
  for (const Timestamp now : {callwarden::kTimeMin - std::chrono::nanoseconds(1), callwarden::kTimeMax,
                              Timestamp(), (Timestamp::min)(), (Timestamp::max)()}) {
    CHECK(free->Decide(Call("{}"), counters.store, now).allowed());
    const Decision decision = limited->Decide(Call("{}"), counters.store, now);
    CHECK(decision.reason() == Reason::kLimitUnavailable);
    CHECK(decision.rule() == "/tools/t/limits/a");
    CHECK_FALSE(decision.retry_after().has_value());
  }
  CHECK(limited->Decide(Call("{}"), counters.store, callwarden::kTimeMin).allowed());
}

TEST_CASE("a store that denies and does not say which limit still denies", "[decision]") {
  const auto policy = Limited(R"({"counter": "a", "window": "minute", "max": 10},
                                 {"counter": "b", "window": "minute", "max": 10})");
  ForgetfulStore store;
  for (const ReserveStatus status : {ReserveStatus::kOverLimit, ReserveStatus::kNeverFits}) {
    for (const uint16_t mask : {uint16_t{0}, uint16_t{0b100}}) {
      CAPTURE(static_cast<int>(status), mask);
      store.answer = ReserveResult();
      store.answer.status = status;
      store.answer.short_mask = mask;
      const Decision decision = policy->Decide(Call("{}"), store, kNoon);
      CHECK(decision.effect() == Effect::kDeny);
      CHECK(decision.rule().substr(0, 15) == "/tools/t/limits");
    }
  }
}
