#include "callwarden/approvals.h"

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::Approval;
using callwarden::ApprovalError;
using callwarden::ApprovalState;
using callwarden::ApprovalStatus;
using callwarden::ApprovalStore;
using callwarden::ApprovalStoreOptions;
using callwarden::CallDigest;
using callwarden::DigestCall;
using callwarden::ManualClock;
using callwarden::Verdict;
using callwarden_unit::Call;
using callwarden_unit::kNoon;
using Kind = ApprovalError::Kind;
using std::chrono::minutes;
using std::chrono::seconds;

struct Fixture {
  explicit Fixture(ApprovalStoreOptions options = {}) : clock(kNoon), store(With(std::move(options))) {}
  ApprovalStoreOptions With(ApprovalStoreOptions options) {
    options.clock = &clock;
    return options;
  }
  std::string Ask(std::string_view arguments = "{}") {
    const auto result = store.Request(Call(arguments), Verdict());
    CHECK(result.error.kind == Kind::kNone);
    return result.id;
  }
  ApprovalStatus Present(std::string_view id, std::string_view arguments = "{}") {
    return store.Present(id, *DigestCall(Call(arguments)));
  }
  ApprovalState StateOf(std::string_view id) {
    const auto approval = store.Find(id);
    REQUIRE(approval.has_value());
    return approval->state;
  }

  ManualClock clock;
  ApprovalStore store;
};

TEST_CASE_METHOD(Fixture, "An approval is asked for, given, presented and used once") {
  const std::string id = Ask(R"({"b":1,"a":"x"})");
  CHECK(id.size() == 24);
  CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  const auto asked = store.Find(id);
  REQUIRE(asked.has_value());
  CHECK(asked->id == id);
  CHECK(asked->state == ApprovalState::kPending);
  CHECK(asked->digest == DigestCall(Call(R"({"a":"x","b":1})")));
  CHECK(asked->tool == "t");
  CHECK(asked->grant == "g1");
  CHECK(asked->session == "s1");
  CHECK(asked->rule == "(internal error)");
  CHECK(asked->message == "The call could not be judged");
  CHECK(asked->arguments == R"({"a":"x","b":1})");
  CHECK(asked->requested_at == kNoon);
  CHECK(asked->expires_at == kNoon + minutes(15));
  CHECK(asked->answered_by.empty());

  const std::string_view arguments = R"({"b":1.0,"a":"x"})";
  CHECK(Present(id, arguments) == ApprovalStatus::kPending);
  clock.Advance(minutes(5));
  CHECK(store.Approve(id, "ada", "fine").ok());
  const auto approved = store.Find(id);
  CHECK(approved->state == ApprovalState::kApproved);
  CHECK(approved->answered_by == "ada");
  CHECK(approved->note == "fine");
  CHECK(approved->answered_at == kNoon + minutes(5));
  CHECK(approved->expires_at == kNoon + minutes(20));

  CHECK(Present(id, "{}") == ApprovalStatus::kOtherCall);
  CHECK(Present(id, arguments) == ApprovalStatus::kReady);
  CHECK(Present(id, arguments) == ApprovalStatus::kUsed);  // another call is about to use it
  store.Release(id);
  CHECK(Present(id, arguments) == ApprovalStatus::kReady);
  CHECK(store.Consume(id));
  CHECK_FALSE(store.Consume(id));
  CHECK(Present(id, arguments) == ApprovalStatus::kUsed);
  CHECK(StateOf(id) == ApprovalState::kUsed);
  CHECK(store.Find(id)->arguments.empty());
  CHECK(store.status().ok());
}

TEST_CASE_METHOD(Fixture, "One call has at most one live approval") {
  const std::string id = Ask(R"({"a":1})");
  CHECK(Ask(R"({ "a": 1.0 })") == id);
  const std::string other = Ask(R"({"a":2})");
  CHECK(other != id);
  CHECK(store.Approve(id, "ada").ok());
  const auto again = store.Request(Call(R"({"a":1})"), Verdict());
  CHECK(again.id == id);
  CHECK(again.state == ApprovalState::kApproved);
  // Once it has ended, the same call asks anew.
  CHECK(store.Deny(other, "ada").ok());
  CHECK(Ask(R"({"a":2})") != other);
  CHECK(Present(id, R"({"a":1})") == ApprovalStatus::kReady);
  CHECK(store.Consume(id));
  CHECK(Ask(R"({"a":1})") != id);
}

TEST_CASE_METHOD(Fixture, "An approval is of one grant, session, tool and arguments") {
  const std::string id = Ask();
  REQUIRE(store.Approve(id, "ada").ok());
  callwarden::ToolCall call = Call("{}");
  call.grant = "g2";
  CHECK(store.Present(id, *DigestCall(call)) == ApprovalStatus::kOtherCall);
  call = Call("{}");
  call.session = "s2";
  CHECK(store.Present(id, *DigestCall(call)) == ApprovalStatus::kOtherCall);
  call = Call("{}");
  call.tool = "u";
  CHECK(store.Present(id, *DigestCall(call)) == ApprovalStatus::kOtherCall);
  CHECK(Present(id, R"({"a":null})") == ApprovalStatus::kOtherCall);
  CHECK(Present(id.substr(1)) == ApprovalStatus::kUnknown);
  CHECK(Present(id + "0") == ApprovalStatus::kUnknown);
  CHECK(Present("") == ApprovalStatus::kUnknown);
  CHECK(Present(id) == ApprovalStatus::kReady);
}

TEST_CASE_METHOD(Fixture, "What an answer may do depends on the approval's state") {
  CHECK(store.Approve("nobody", "ada").kind == Kind::kUnknown);
  CHECK(store.Deny("nobody", "ada").kind == Kind::kUnknown);
  const std::string denied = Ask(R"({"a":1})");
  CHECK(store.Deny(denied, "ada", "no").ok());
  CHECK(StateOf(denied) == ApprovalState::kDenied);
  CHECK(store.Find(denied)->note == "no");
  CHECK(store.Find(denied)->arguments.empty());
  CHECK(store.Approve(denied, "bob").kind == Kind::kState);
  CHECK(store.Deny(denied, "bob").kind == Kind::kState);
  CHECK(store.Find(denied)->answered_by == "ada");
  CHECK(Present(denied, R"({"a":1})") == ApprovalStatus::kDenied);
  CHECK_FALSE(store.Consume(denied));

  const std::string approved = Ask(R"({"a":2})");
  CHECK(store.Approve(approved, "ada").ok());
  CHECK(store.Approve(approved, "bob").kind == Kind::kState);
  CHECK(store.Deny(approved, "bob", "changed my mind").ok());
  CHECK(Present(approved, R"({"a":2})") == ApprovalStatus::kDenied);

  // Denied between Present and Consume: the call must not run.
  const std::string late = Ask(R"({"a":3})");
  CHECK(store.Approve(late, "ada").ok());
  CHECK(Present(late, R"({"a":3})") == ApprovalStatus::kReady);
  CHECK(store.Deny(late, "bob").ok());
  CHECK_FALSE(store.Consume(late));

  // Never presented, or released: not consumed.
  const std::string free = Ask(R"({"a":4})");
  CHECK(store.Approve(free, "ada").ok());
  CHECK_FALSE(store.Consume(free));
  CHECK(Present(free, R"({"a":4})") == ApprovalStatus::kReady);
  store.Release(free);
  store.Release("nobody");
  CHECK_FALSE(store.Consume(free));
  CHECK(StateOf(free) == ApprovalState::kApproved);
}

TEST_CASE_METHOD(Fixture, "Approvals expire, before the answer and after it") {
  const std::string unanswered = Ask(R"({"a":1})");
  const std::string answered = Ask(R"({"a":2})");
  clock.Advance(minutes(15) - std::chrono::nanoseconds(1));
  CHECK(StateOf(unanswered) == ApprovalState::kPending);
  CHECK(store.Approve(answered, "ada").ok());
  clock.Advance(std::chrono::nanoseconds(1));
  CHECK(Present(unanswered, R"({"a":1})") == ApprovalStatus::kExpired);
  CHECK(store.Approve(unanswered, "ada").kind == Kind::kState);
  CHECK(store.Deny(unanswered, "ada").kind == Kind::kState);
  CHECK(Present(answered, R"({"a":2})") == ApprovalStatus::kReady);
  store.Release(answered);
  clock.Advance(minutes(15) - std::chrono::nanoseconds(2));
  CHECK(Present(answered, R"({"a":2})") == ApprovalStatus::kReady);
  // What is held does not expire under the hands of the call that holds it.
  clock.Advance(std::chrono::nanoseconds(1));
  CHECK(store.Expire() == 0);
  CHECK(store.Consume(answered));

  const std::string third = Ask(R"({"a":3})");
  clock.Advance(minutes(15));
  CHECK(store.Expire() == 1);
  CHECK(store.Expire() == 0);
  CHECK(StateOf(third) == ApprovalState::kExpired);
  CHECK(store.Find(third)->arguments.empty());
}

TEST_CASE_METHOD(Fixture, "A clock that steps back revives nothing and lets nothing wait for long") {
  const std::string id = Ask(R"({"a":1})");
  CHECK(store.Approve(id, "ada").ok());
  clock.Advance(minutes(15));
  CHECK(Present(id, R"({"a":1})") == ApprovalStatus::kExpired);
  clock.Advance(-minutes(10));
  CHECK(Present(id, R"({"a":1})") == ApprovalStatus::kExpired);
  CHECK(store.Approve(id, "ada").kind == Kind::kState);

  const std::string small_step = Ask(R"({"a":2})");
  CHECK(store.Approve(small_step, "ada").ok());
  clock.Advance(-minutes(15));
  CHECK(Present(small_step, R"({"a":2})") == ApprovalStatus::kReady);
  store.Release(small_step);
  clock.Advance(-std::chrono::nanoseconds(1));
  CHECK(Present(small_step, R"({"a":2})") == ApprovalStatus::kExpired);
}

TEST_CASE_METHOD(Fixture, "Lists are in the order of asking, live ones by default") {
  const std::string first = Ask(R"({"a":1})");
  const std::string second = Ask(R"({"a":2})");
  const std::string third = Ask(R"({"a":3})");
  CHECK(store.Deny(second, "ada").ok());
  std::vector<Approval> list = store.List();
  REQUIRE(list.size() == 2);
  CHECK(list[0].id == first);
  CHECK(list[1].id == third);
  list = store.List(/*live_only=*/false);
  REQUIRE(list.size() == 3);
  CHECK(list[1].id == second);
  CHECK(list[1].state == ApprovalState::kDenied);
  // What ended is forgotten a day later.
  clock.Advance(std::chrono::hours(24));
  CHECK(store.Find(second).has_value());
  clock.Advance(std::chrono::nanoseconds(1));
  CHECK_FALSE(store.Find(second).has_value());
  CHECK(Present(second, R"({"a":2})") == ApprovalStatus::kUnknown);
}

TEST_CASE("No more approvals may wait than the options say") {
  Fixture fixture({.live_max = 2});
  const std::string first = fixture.Ask(R"({"a":1})");
  fixture.Ask(R"({"a":2})");
  const auto third = fixture.store.Request(Call(R"({"a":3})"), Verdict());
  CHECK(third.error.kind == Kind::kFull);
  CHECK(third.id.empty());
  CHECK(fixture.Ask(R"({"a":1})") == first);
  CHECK(fixture.store.Deny(first, "ada").ok());
  fixture.Ask(R"({"a":3})");
  CHECK(fixture.store.status().ok());
}

TEST_CASE("What has ended is remembered within bounds") {
  Fixture fixture({.live_max = 1});
  std::string first;
  for (int i = 0; i < 1001; ++i) {
    const std::string id = fixture.Ask("{\"a\":" + std::to_string(i) + "}");
    if (i == 0) first = id;
    fixture.clock.Advance(seconds(1));
    REQUIRE(fixture.store.Deny(id, "ada").ok());
  }
  CHECK(fixture.store.List(/*live_only=*/false).size() == 1000);
  CHECK_FALSE(fixture.store.Find(first).has_value());
}

TEST_CASE("Arguments are kept as the options say") {
  Fixture none({.keep_arguments = false});
  CHECK(none.store.Find(none.Ask(R"({"a":1})"))->arguments.empty());
  Fixture cut({.arguments_size_max_bytes = 8});
  CHECK(cut.store.Find(cut.Ask(R"({"a":12})"))->arguments == R"({"a":12})");
  CHECK(cut.store.Find(cut.Ask(R"({"a":123})"))->arguments == "{\"a\":123\xE2\x80\xA6");
  // Never inside of a character.
  CHECK(cut.store.Find(cut.Ask("{\"a\":\"x\xE2\x82\xAC\"}"))->arguments == "{\"a\":\"x\xE2\x80\xA6");
}

TEST_CASE_METHOD(Fixture, "Malformed arguments get no approval") {
  CHECK(store.Request(Call(R"({"a":1,"a":2})"), Verdict()).error.kind == Kind::kMalformed);
  CHECK(store.List(false).empty());
}

TEST_CASE_METHOD(Fixture, "Texts of hosts and people are cut and made UTF-8") {
  callwarden::ToolCall call = Call("{}");
  call.grant = "g\xFF";
  const std::string session(2000, 's');
  call.session = session;
  const std::string id = store.Request(call, Verdict()).id;
  CHECK(store.Find(id)->grant == "g\xEF\xBF\xBD");
  CHECK(store.Find(id)->session.size() == 1024);
  CHECK(store.Approve(id, std::string(255, 'w') + "\xC3\xA4", std::string(2000, 'n')).ok());
  CHECK(store.Find(id)->answered_by == std::string(255, 'w'));
  CHECK(store.Find(id)->note.size() == 1024);
  // The digest is of the bytes as they were.
  call.grant = "g\xFE";
  CHECK(store.Present(id, *DigestCall(call)) == ApprovalStatus::kOtherCall);
}

TEST_CASE("Times at the ends of their range do no harm") {
  for (const auto at : {callwarden::Timestamp::min(), callwarden::Timestamp::max()}) {
    for (const auto wait : {seconds::min(), seconds(0), seconds(1), seconds::max()}) {
      Fixture fixture({.time_to_live = wait});
      fixture.clock.Set(at);
      const std::string id = fixture.Ask();
      fixture.clock.Set(callwarden::Timestamp::max());
      CHECK(fixture.StateOf(id) == ApprovalState::kExpired);
      fixture.clock.Set(callwarden::Timestamp::min());
      CHECK(fixture.StateOf(id) == ApprovalState::kExpired);
    }
  }
}

TEST_CASE("Every state and error has a text") {
  CHECK(Name(ApprovalState::kPending) == "pending");
  CHECK(Name(ApprovalState::kApproved) == "approved");
  CHECK(Name(ApprovalState::kDenied) == "denied");
  CHECK(Name(ApprovalState::kExpired) == "expired");
  CHECK(Name(ApprovalState::kUsed) == "used");
  CHECK(Name(static_cast<ApprovalState>(99)).empty());
  std::set<std::string> texts;
  for (int kind = 0; kind <= static_cast<int>(Kind::kUnsafe); ++kind) {
    texts.insert(ApprovalError{static_cast<Kind>(kind)}.message());
  }
  CHECK(texts.size() == static_cast<std::size_t>(Kind::kUnsafe) + 1);
}

}  // namespace
