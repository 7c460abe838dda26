// What was read ahead is used for the very call that it was read for, and for no other.
#include <optional>
#include <string>
#include <string_view>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "lib/decide.h"
#include "lib/program.h"
#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::Reason;
using callwarden::ToolCall;
using callwarden::internal::ArgumentsAhead;
using callwarden::internal::PolicyAccess;
using callwarden::internal::Program;
using callwarden::internal::ReadAhead;

constexpr std::string_view kPolicy = R"({
  "version": "1", "default": "deny",
  "tools": {
    "pay": {"require": [{"conditions": [{"path": "args.amount", "op": "lte", "value": 50},
                                        {"path": "context.region", "op": "eq", "value": "eu"}]}]},
    "pay_*": {"require": [{"conditions": [{"path": "args.amount", "op": "lte", "value": 50}]}]},
    "echo": {}
  }
})";

struct Judge {
  std::shared_ptr<const CompiledPolicy> policy = callwarden_unit::Compile(kPolicy);
  callwarden::MemoryCounterStore counters;

  const Program& program() const { return PolicyAccess::ProgramOf(*policy); }
  Reason Ask(const ToolCall& given, uint64_t ahead) {
    const callwarden::Attribute region{"region", "eu"};
    ToolCall call = given;
    call.context = {&region, 1};
    Decision decision;
    Decide(program(), call, counters, callwarden_unit::kNoon, {}, /*charge=*/true, decision, nullptr, ahead);
    return decision.reason();
  }
};

std::string_view ObjectOf(std::string_view text, const ArgumentsAhead& ahead) {
  return text.substr(0, ahead.size);
}

}  // namespace

TEST_CASE("arguments are read ahead up to their closing brace", "[engine]") {
  const Judge judge;
  const auto size_of = [&](std::string_view text) { return ReadAhead(judge.program(), "pay", text).size; };
  CHECK(size_of(R"({"amount":1})") == 12);
  CHECK(size_of(R"({"amount":1}},"id":1})") == 12);
  CHECK(size_of(R"({"a":{"b":["}"]},"amount":1}  }})") == 28);
  CHECK(size_of("{} {") == 2);
  CHECK(size_of("{}\xFF") == 2);
  // Whatever is to be refused is left to who asks for the decision.
  for (const std::string_view bad :
       {"", "{", "[1]", "5", R"({"amount":1)", R"({"a":1,"a":2}})", R"({"Amount":1}})", "{\"a\":\"\xFF\"}}",
        R"({"a":1e999}})", R"({"a":1]})", R"({"a\u0000":1}})"}) {
    CAPTURE(std::string(bad));
    const ArgumentsAhead ahead = ReadAhead(judge.program(), "pay", bad);
    CHECK(ahead.number == 0);
    CHECK(ahead.size == 0);
  }
}

TEST_CASE("the decision takes what was read ahead, and once more what it takes", "[engine]") {
  Judge judge;
  for (const std::string_view tool : {"pay", "pay_more", "pay_less"}) {
    const std::string few = R"({"amount":50}})";
    const std::string many = R"({"amount":51}})";
    ArgumentsAhead ahead = ReadAhead(judge.program(), tool, few);
    REQUIRE(ahead.number != 0);
    for (int i = 0; i < 3; ++i) {
      CHECK(judge.Ask({.tool = tool, .arguments = ObjectOf(few, ahead)}, ahead.number) == Reason::kAllowed);
    }
    ahead = ReadAhead(judge.program(), tool, many);
    for (int i = 0; i < 3; ++i) {
      CHECK(judge.Ask({.tool = tool, .arguments = ObjectOf(many, ahead)}, ahead.number) ==
            Reason::kRequirementFailed);
    }
  }
}

TEST_CASE("what was read ahead for another call means nothing", "[engine]") {
  Judge judge;
  const std::string few = R"({"amount":50}})";
  const std::string many = R"({"amount":51}})";
  const std::string_view too_much = std::string_view(many).substr(0, many.size() - 1);
  const ArgumentsAhead first = ReadAhead(judge.program(), "pay", few);
  REQUIRE(first.number != 0);

  SECTION("other bytes") {
    CHECK(judge.Ask({.tool = "pay", .arguments = too_much}, first.number) == Reason::kRequirementFailed);
  }
  SECTION("other bytes in the same place, read ahead since") {
    std::string place = few;
    const ArgumentsAhead before = ReadAhead(judge.program(), "pay", place);
    place = many;
    const ArgumentsAhead after = ReadAhead(judge.program(), "pay", place);
    CHECK(before.number != after.number);
    CHECK(judge.Ask({.tool = "pay", .arguments = ObjectOf(place, after)}, before.number) ==
          Reason::kRequirementFailed);
  }
  SECTION("other bytes in the same place, after another decision") {
    std::string place = few;
    const ArgumentsAhead before = ReadAhead(judge.program(), "pay", place);
    CHECK(judge.Ask({.tool = "echo", .arguments = "{}"}, 0) == Reason::kAllowed);
    place = many;
    CHECK(judge.Ask({.tool = "pay", .arguments = ObjectOf(place, before)}, before.number) ==
          Reason::kRequirementFailed);
  }
  SECTION("fewer bytes, or more") {
    CHECK(judge.Ask({.tool = "pay", .arguments = few}, first.number) == Reason::kMalformedCall);
    CHECK(judge.Ask({.tool = "pay", .arguments = ObjectOf(few, first).substr(0, 5)}, first.number) ==
          Reason::kMalformedCall);
  }
  SECTION("no arguments") { CHECK(judge.Ask({.tool = "pay"}, first.number) == Reason::kRequirementFailed); }
  SECTION("another tool") {
    const ArgumentsAhead echo = ReadAhead(judge.program(), "echo", many);
    CHECK(judge.Ask({.tool = "pay", .arguments = ObjectOf(many, echo)}, echo.number) ==
          Reason::kRequirementFailed);
    CHECK(judge.Ask({.tool = "pay_more", .arguments = ObjectOf(many, echo)}, echo.number) ==
          Reason::kRequirementFailed);
  }
  SECTION("another policy") {
    const auto lax = callwarden_unit::Compile(R"({"version": "1", "default": "deny", "tools": {"pay": {}}})");
    const ArgumentsAhead ahead = ReadAhead(PolicyAccess::ProgramOf(*lax), "pay", many);
    REQUIRE(ahead.number != 0);
    CHECK(judge.Ask({.tool = "pay", .arguments = ObjectOf(many, ahead)}, ahead.number) ==
          Reason::kRequirementFailed);
  }
  SECTION("a number that was never given") {
    CHECK(judge.Ask({.tool = "pay", .arguments = too_much}, first.number + 1) == Reason::kRequirementFailed);
  }
}
