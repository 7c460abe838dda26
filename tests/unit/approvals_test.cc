#include "callwarden/approvals.h"

#include <chrono>
#include <string>
#include <string_view>

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

}  // namespace
