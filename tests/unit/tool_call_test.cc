#include "callwarden/tool_call.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::Attribute;
using callwarden::Reason;
using callwarden::ToolCall;
using callwarden_unit::Call;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;

callwarden::Decision Decide(const callwarden::CompiledPolicy& policy, const ToolCall& call) {
  static callwarden::MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  return policy.Decide(call, store, kNoon);
}

// A policy that allows t when the test holds.
std::shared_ptr<const callwarden::CompiledPolicy> Requires(std::string_view test) {
  return CompileEntry(R"({"require": [{"conditions": [)" + std::string(test) + "]}]}");
}

}  // namespace

TEST_CASE("a call that is left out is malformed", "[tool_call]") {
  const auto policy = Compile(R"({"version": "1", "default": "allow"})");
  const callwarden::Decision decision = Decide(*policy, ToolCall());
  CHECK(decision.reason() == Reason::kMalformedCall);
  CHECK(decision.message() == "Arguments refused: the tool name is empty at byte 0");
}

TEST_CASE("grant.id and context.session are the call's own, whatever the host's attributes say",
          "[tool_call]") {
  const Attribute id{"id", "forged"};
  const Attribute session{"session", "forged"};
  ToolCall call = Call("{}");
  call.grant_attributes = {&id, 1};
  call.context = {&session, 1};
  CHECK(Decide(*Requires(R"({"path": "grant.id", "op": "eq", "value": "g1"})"), call).allowed());
  CHECK(Decide(*Requires(R"({"path": "context.session", "op": "eq", "value": "s1"})"), call).allowed());
  CHECK(Decide(*Requires(R"({"path": "grant[\"id\"]", "op": "eq", "value": "g1"})"), call).allowed());
  // The other root's names are ordinary.
  CHECK_FALSE(
      Decide(*Requires(R"({"path": "grant.session", "op": "exists", "value": true})"), call).allowed());
  CHECK_FALSE(Decide(*Requires(R"({"path": "context.id", "op": "exists", "value": true})"), call).allowed());

  call.grant = {};
  call.session = {};
  CHECK(Decide(*Requires(R"({"path": "grant.id", "op": "exists", "value": false})"), call).allowed());
  CHECK(Decide(*Requires(R"({"path": "context.session", "op": "exists", "value": false})"), call).allowed());
}

TEST_CASE("an attribute of grant or session never stands for a scope", "[tool_call]") {
  const auto by_session = CompileEntry(R"({"rate_limit": "1/minute"})");
  const auto by_grant =
      CompileEntry(R"({"limits": [{"counter": "c", "window": "minute", "max": 1, "scope": "grant"}]})");
  const std::array<Attribute, 3> attributes{{{"session", "forged"}, {"grant", "forged"}, {"id", "forged"}}};
  ToolCall call = Call("{}");
  call.grant = {};
  call.session = {};
  call.context = attributes;
  call.grant_attributes = attributes;
  CHECK(Decide(*by_session, call).reason() == Reason::kMissingScope);
  CHECK(Decide(*by_session, call).message() == "Limit \"t:rate_limit\" needs session");
  CHECK(Decide(*by_grant, call).reason() == Reason::kMissingScope);
  CHECK(Decide(*by_grant, call).message() == "Limit \"c\" needs grant");
}

TEST_CASE("of attributes with one name the first counts", "[tool_call]") {
  const std::array<Attribute, 4> context{{{"env", "prod"}, {"env", "dev"}, {"", "empty"}, {"", "second"}}};
  ToolCall call = Call("{}");
  call.context = context;
  CHECK(Decide(*Requires(R"({"path": "context.env", "op": "eq", "value": "prod"})"), call).allowed());
  CHECK_FALSE(Decide(*Requires(R"({"path": "context.env", "op": "eq", "value": "dev"})"), call).allowed());
  CHECK(Decide(*Requires(R"({"path": "context[\"\"]", "op": "eq", "value": "empty"})"), call).allowed());
  // Names are told apart byte for byte, and the roots are apart.
  CHECK_FALSE(Decide(*Requires(R"({"path": "context.Env", "op": "exists", "value": true})"), call).allowed());
  CHECK_FALSE(Decide(*Requires(R"({"path": "grant.env", "op": "exists", "value": true})"), call).allowed());
}

TEST_CASE("a name that an attribute only begins with is another name", "[tool_call]") {
  const std::array<Attribute, 2> context{{{"environment", "x"}, {"en", "y"}}};
  ToolCall call = Call("{}");
  call.context = context;
  CHECK_FALSE(Decide(*Requires(R"({"path": "context.env", "op": "exists", "value": true})"), call).allowed());
}

TEST_CASE("attributes are never taken from arguments, nor arguments from attributes", "[tool_call]") {
  const Attribute admin{"admin", true};
  ToolCall call = Call(R"({"grant":{"admin":true},"context":{"admin":true},"admin":true})");
  CHECK_FALSE(Decide(*Requires(R"({"path": "grant.admin", "op": "exists", "value": true})"), call).allowed());
  CHECK_FALSE(
      Decide(*Requires(R"({"path": "context.admin", "op": "exists", "value": true})"), call).allowed());
  call.arguments = "{}";
  call.context = {&admin, 1};
  call.grant_attributes = {&admin, 1};
  CHECK_FALSE(Decide(*Requires(R"({"path": "args.admin", "op": "exists", "value": true})"), call).allowed());
}

TEST_CASE("absent arguments are an empty object", "[tool_call]") {
  ToolCall call = Call({});
  call.arguments.reset();
  CHECK(Decide(*Requires(R"({"path": "args", "op": "type", "value": "object"})"), call).allowed());
  CHECK(Decide(*Requires(R"({"path": "args", "op": "max_length", "value": 0})"), call).allowed());
  CHECK(Decide(*Requires(R"({"path": "args.a", "op": "exists", "value": false})"), call).allowed());
  CHECK_FALSE(Decide(*Requires(R"({"path": "args.a", "op": "exists", "value": true})"), call).allowed());
}

TEST_CASE("views need no terminator", "[tool_call]") {
  const std::string_view buffer = R"(t_and_more{"a":1}garbage g1s1envprod)";
  const auto policy =
      Compile(R"({"version": "1", "default": "deny", "tools": {"t": {"require": [{"conditions": [
      {"path": "args.a", "op": "eq", "value": 1}, {"path": "grant.id", "op": "eq", "value": "g1"},
      {"path": "context.session", "op": "eq", "value": "s1"},
      {"path": "context.env", "op": "eq", "value": "prod"}]}]}}})");
  ToolCall call;
  call.tool = buffer.substr(0, 1);
  call.arguments = buffer.substr(10, 7);
  call.grant = buffer.substr(25, 2);
  call.session = buffer.substr(27, 2);
  const Attribute env{buffer.substr(29, 3), buffer.substr(32, 4)};
  call.context = {&env, 1};
  CHECK(Decide(*policy, call).allowed());
}

TEST_CASE("an approval lifts what asks for one, and nothing else", "[tool_call]") {
  ToolCall call = Call("{}");
  const auto asks = CompileEntry(R"({"action": "require_approval", "reason": "ask first"})");
  CHECK(Decide(*asks, call).effect() == callwarden::Effect::kRequireApproval);
  CHECK(Decide(*asks, call).message() == "ask first");
  call.approved = true;
  CHECK(Decide(*asks, call).allowed());
  CHECK(Decide(*CompileEntry(R"({"action": "deny"})"), call).reason() == Reason::kToolDenied);
  CHECK(Decide(*CompileEntry(R"({"deny_if": [{"conditions": []}]})"), call).reason() ==
        Reason::kDeniedByRule);
  call.arguments = "";
  CHECK(Decide(*asks, call).reason() == Reason::kMalformedCall);
}

TEST_CASE("a tool's name is refused for its size or its characters", "[tool_call]") {
  const auto policy = Compile(R"({"version": "1", "default": "allow"})");
  ToolCall call = Call("{}");
  const std::string longest(128, 'a');
  call.tool = longest;
  CHECK(Decide(*policy, call).allowed());
  const std::string longer(129, 'a');
  call.tool = longer;
  CHECK(Decide(*policy, call).message() == "Arguments refused: the tool name is too long at byte 128");
  call.tool = "azAZ09_.:/-";
  CHECK(Decide(*policy, call).allowed());
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         std::string_view("_.:/-").find(c) != std::string_view::npos;
    const std::string name = "ab" + std::string(1, c) + "cd";
    call.tool = name;
    CAPTURE(byte);
    const callwarden::Decision decision = Decide(*policy, call);
    CHECK(decision.allowed() == allowed);
    if (allowed) continue;
    CHECK(decision.reason() == Reason::kMalformedCall);
    CHECK(decision.message() ==
          "Arguments refused: the tool name has a character outside A-Z a-z 0-9 _ . : / - at byte 2");
  }
}
