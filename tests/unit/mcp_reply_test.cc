// The answers that the layer writes itself, byte for byte.
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden::Decision;
using callwarden::mcp::Era;
using callwarden::mcp::HiddenStyle;
using callwarden::mcp::ReplyOptions;
using callwarden_unit::CallLine;
using callwarden_unit::Compile;
using callwarden_unit::kNoon;
using callwarden_unit::Lines;
using callwarden_unit::ModernCallLine;
using callwarden_unit::Relay;

const std::string kRefundTooLarge =
    R"("content":[{"type":"text","text":"Denied by policy: refunds above 100 need a person. )"
    R"(Do not retry with the same arguments."}],"isError":true,"_meta":{"dev.callwarden/decision":)"
    R"({"decision":"deny","reason":"denied_by_rule","rule":"/tools/refund/deny_if/args.amount-gt",)"
    R"("message":"refunds above 100 need a person"}}})";

}  // namespace

TEST_CASE("MCP: a denial in both eras") {
  Relay relay;
  CHECK(relay.Client(CallLine("2", "refund", R"({"amount":101})")).client ==
        Lines{R"({"jsonrpc":"2.0","id":2,"result":{)" + kRefundTooLarge + "}"});
  CHECK(
      relay.Client(ModernCallLine(R"("\u0061b")", "refund", R"({"amount":101})")).client ==
      Lines{R"({"jsonrpc":"2.0","id":"\u0061b","result":{"resultType":"complete",)" + kRefundTooLarge + "}"});
  // The builders for hosts that dispatch themselves give the same.
  callwarden::ToolCall call;
  call.tool = "refund";
  call.arguments = R"({"amount":101})";
  call.grant = "g1";
  const Decision decision = relay.gate.Check(call);
  CHECK(callwarden::mcp::DenialResult(decision, Era::kLegacy) == "{" + kRefundTooLarge);
  CHECK(callwarden::mcp::DenialResult(decision, Era::kModern) ==
        R"({"resultType":"complete",)" + kRefundTooLarge);
  CHECK(callwarden::mcp::DenialMessage("2", "refund", decision, Era::kLegacy) ==
        R"({"jsonrpc":"2.0","id":2,"result":{)" + kRefundTooLarge + "}");
  CHECK_FALSE(callwarden::mcp::AnswersAsUnknown(decision));
  CHECK(callwarden::mcp::HttpAnswerTo(decision).status == 200);
  CHECK_FALSE(callwarden::mcp::HttpAnswerTo(decision).retry_after.has_value());
}

TEST_CASE("MCP: rate limits say how long to wait") {
  Relay relay;
  relay.clock.Set(kNoon + std::chrono::milliseconds(53600));
  REQUIRE(relay.Client(CallLine("1", "refund", R"({"amount":1})")).server.size() == 1);
  REQUIRE(relay.Client(CallLine("2", "refund", R"({"amount":1})")).server.size() == 1);
  const auto seen = relay.Client(CallLine("3", "refund", R"({"amount":1})"));
  CHECK(
      seen.client ==
      Lines{
          R"({"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"Rate limited by policy: )"
          R"(2 refunds per minute. Retry after 7 seconds."}],"isError":true,"_meta":{"dev.callwarden/decision":)"
          R"({"decision":"rate_limited","reason":"limit_exceeded","rule":"/tools/refund/limits/refund_rate",)"
          R"("message":"2 refunds per minute","retryAfterMs":6400}}}})"});
  CHECK(seen.http.status == 429);
  CHECK(seen.http.retry_after == std::chrono::seconds(7));
  relay.clock.Set(kNoon + std::chrono::milliseconds(59999));
  CHECK(relay.Client(CallLine("4", "refund", R"({"amount":1})"))
            .client[0]
            .find(R"(Retry after 1 second."}],)") != std::string::npos);
  // The policy language's own message says it already.
  REQUIRE(relay.Client(CallLine("5", "flaky")).server.size() == 1);
  REQUIRE(relay.Client(CallLine("6", "flaky")).server.size() == 1);
  CHECK(
      relay.Client(CallLine("7", "flaky")).client ==
      Lines{R"({"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"Rate limited by policy: )"
            R"(Limit \"flaky_rate\" reached: 2 per minute. Retry in 1 s."}],"isError":true,"_meta":)"
            R"({"dev.callwarden/decision":{"decision":"rate_limited","reason":"limit_exceeded",)"
            R"("rule":"/tools/flaky/limits/flaky_rate",)"
            R"("message":"Limit \"flaky_rate\" reached: 2 per minute. Retry in 1 s.","retryAfterMs":1}}}})"});
}

TEST_CASE("MCP: limits that nobody knows a wait for") {
  Relay relay;
  REQUIRE(relay.Client(CallLine("1", "one")).server.size() == 1);
  const auto seen = relay.Client(CallLine("2", "one"));
  CHECK(
      seen.client ==
      Lines{R"({"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"Denied by policy: )"
            R"(Limit \"at_once\" reached: 1 in flight."}],"isError":true,"_meta":{"dev.callwarden/decision":)"
            R"({"decision":"deny","reason":"limit_exceeded","rule":"/tools/one/limits/at_once",)"
            R"("message":"Limit \"at_once\" reached: 1 in flight."}}}})"});
  CHECK(seen.http.status == 200);
}

TEST_CASE("MCP: a hidden tool is one that does not exist") {
  const auto reply = [](HiddenStyle style, const std::string& line, bool unlisted = false) {
    Relay relay([&](auto& options) {
      options.replies.hidden = style;
      options.replies.unlisted_as_unknown = unlisted;
    });
    const auto seen = relay.Client(line);
    CHECK(seen.server.empty());
    REQUIRE(seen.client.size() == 1);
    return seen.client[0];
  };
  const std::string hidden = CallLine("2", "secret_x");
  CHECK(reply(HiddenStyle::kError, hidden) ==
        R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"Unknown tool: secret_x"}})");
  CHECK(reply(HiddenStyle::kErrorSdkV2, hidden) ==
        R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"Tool secret_x not found"}})");
  CHECK(reply(HiddenStyle::kResultSdkV1, hidden) ==
        R"({"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"MCP error -32602: )"
        R"(Tool secret_x not found"}],"isError":true}})");
  CHECK(reply(HiddenStyle::kResultSdkV1, ModernCallLine("2", "secret_x")) ==
        R"({"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[{"type":"text",)"
        R"("text":"MCP error -32602: Tool secret_x not found"}],"isError":true}})");
  // Every type of id, and the same words for a tool that is only not listed, if the host wants that.
  for (const char* id : {"0", "-1", "\"\"", R"("\u0061")", "9007199254740991"}) {
    CHECK(reply(HiddenStyle::kError, CallLine(id, "secret_x")) ==
          R"({"jsonrpc":"2.0","id":)" + std::string(id) +
              R"(,"error":{"code":-32602,"message":"Unknown tool: secret_x"}})");
    CHECK(reply(HiddenStyle::kError, CallLine(id, "other_x1"), true) ==
          R"({"jsonrpc":"2.0","id":)" + std::string(id) +
              R"(,"error":{"code":-32602,"message":"Unknown tool: other_x1"}})");
    CHECK(reply(HiddenStyle::kError, CallLine(id, "Secret_x"), true) ==
          R"({"jsonrpc":"2.0","id":)" + std::string(id) +
              R"(,"error":{"code":-32602,"message":"Unknown tool: Secret_x"}})");
  }
  CHECK(reply(HiddenStyle::kError, CallLine("2", "other")) ==
        R"x({"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"Denied by policy: )x"
        R"x(Tool \"other\" is not permitted by policy. Do not retry."}],"isError":true,"_meta":)x"
        R"x({"dev.callwarden/decision":{"decision":"deny","reason":"not_listed","rule":"(default deny)",)x"
        R"x("message":"Tool \"other\" is not permitted by policy"}}}})x");
}

TEST_CASE("MCP: texts of refusals are bounded and clean") {
  Relay relay;
  const std::string name = "secret_" + std::string(300, 'x');
  CHECK(relay.Client(CallLine("1", name)).client[0].size() < 512);
  const Decision denied = relay.gate.Check({.tool = "secret_x"});
  // Whatever a host passes on: invalid bytes, terminal escapes, C1 controls, a code point cut in two.
  const std::string wild = "a\x1b[31m\xFF\xC2\x9B\"\\\xE2\x82\xAC";
  CHECK(callwarden::mcp::DenialMessage("1", wild, denied, Era::kLegacy) ==
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"Unknown tool: a "
        "[31m\xEF\xBF\xBD "
        "\\\"\\\\\xE2\x82\xAC\"}}");
  const std::string cut = std::string(127, 'x') + "\xE2\x82\xAC";
  CHECK(callwarden::mcp::DenialMessage("1", cut, denied, Era::kLegacy) ==
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: )" +
            std::string(127, 'x') + R"("}})");
  CHECK(callwarden::mcp::ErrorMessage("", -32700, "a\nb") ==
        R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"a b"}})");

  const std::string reason(1024, 'r');
  const auto policy =
      Compile(R"({"version": "1", "default": "deny", "tools": {"t": {"action": "deny", "reason": ")" +
              reason + R"("}}})");
  const Decision large = policy->Decide({.tool = "t"}, relay.counters, kNoon);
  const std::string result =
      callwarden::mcp::DenialResult(large, Era::kLegacy, {.text_prefix = std::string_view("[PREFIX]")});
  CHECK(result.starts_with(R"({"content":[{"type":"text","text":"[PREFIX] Denied by policy: )" + reason));
  const std::size_t begin = result.find("\"text\":\"") + 8;
  CHECK(result.find("\"}]") - begin <= 2048);
}

TEST_CASE("MCP: what is refused without a decision says so") {
  const std::string result = callwarden::mcp::DenialResult(Decision(), Era::kLegacy);
  CHECK(
      result ==
      R"x({"content":[{"type":"text","text":"Denied by policy: The call could not be judged."}],"isError":true,)x"
      R"x("_meta":{"dev.callwarden/decision":{"decision":"deny","reason":"internal_error",)x"
      R"x("rule":"(internal error)","message":"The call could not be judged"}}})x");
  // An allowed decision is no refusal; the builder stays on the safe side.
  Relay relay;
  const Decision allowed = relay.gate.Check({.tool = "echo"});
  REQUIRE(allowed.allowed());
  CHECK(callwarden::mcp::DenialResult(allowed, Era::kLegacy).find(R"("reason":"internal_error")") !=
        std::string::npos);
  // A session without a gate.
  Relay none([](auto& options) { options.gate = nullptr; });
  const auto seen = none.Client(CallLine("1", "echo"));
  CHECK(seen.server.empty());
  CHECK(seen.client[0].find(R"("reason":"internal_error")") != std::string::npos);
}

TEST_CASE("MCP: what an HTTP host answers") {
  Relay relay;
  CHECK(relay.Client("{").http.status == 400);
  CHECK(relay.Client("[]").http.status == 400);
  CHECK(relay.Client(CallLine("1", "echo", "null")).http.status == 400);
  CHECK(relay.Client(CallLine("1", "secret_x")).http.status == 200);
  CHECK(relay.Client(R"({"jsonrpc":"2.0","method":"tools/call"})").http.status == 202);
}
