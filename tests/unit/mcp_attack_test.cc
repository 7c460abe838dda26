// The attacks of the checklist that a message can carry, as raw lines: nothing reaches the server.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden_unit::CallLine;
using callwarden_unit::Lines;
using callwarden_unit::ModernCallLine;
using callwarden_unit::Relay;
using namespace std::string_literals;

// An operator that guards one tool in every way that the language has.
constexpr std::string_view kGuarded = R"({
  "version": "1", "default": "deny", "hide": ["drop_*"],
  "tools": {
    "pay": {
      "require": [{"conditions": [{"path": "args.amount", "op": "lte", "value": 50},
                                  {"path": "args.role", "op": "neq", "value": "admin"}]}],
      "limits": [{"counter": "spend", "window": "day", "max": 100, "amount": "args.amount"}]},
    "invoke_tool": {"deny_if": [{"conditions": [{"path": "args.name", "op": "eq", "value": "drop_all"}]}]},
    "read": {"require": [{"conditions": [{"path": "args.path", "op": "starts_with", "value": "/data/"}]}]},
    "fail": {"limits": [{"counter": "fails", "window": "minute", "max": 5}]}
  }
})";

const std::string kPay = R"({"amount":1,"role":"user"})";

}  // namespace

TEST_CASE("MCP: attacks that no server may see") {
  const Lines lines{
      // Batches.
      "[]",
      "[[]]",
      "[" + CallLine("1", "pay", kPay) + "]",
      "[[" + CallLine("1", "pay", kPay) + "]]",
      // Calls without an id, or with an illegal one.
      R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"pay","arguments":)" + kPay + "}}",
      CallLine("null", "pay", kPay),
      CallLine("1.0", "pay", kPay),
      CallLine("{}", "pay", kPay),
      // Duplicates, both orders and escaped spellings.
      R"({"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"pay"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"pay"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"},"p\u0061rams":{"name":"drop_all"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","name":"drop_all","arguments":)" +
          kPay + "}}",
      CallLine("1", "pay", R"({"amount":1,"amount":99,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":99,"\u0061mount":1,"role":"user"})"),
      // Variants.
      R"({"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"drop_all"}})",
      R"({"jsonrpc":"2.0","id":1,"METHOD":"tools/call","params":{"name":"pay"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","param\u017f":{"name":"drop_all"},"params":{"name":"pay","arguments":)" +
          kPay + "}}",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","Name":"drop_all","arguments":)" +
          kPay + "}}",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","tas\u212a":1,"arguments":)" +
          kPay + "}}",
      R"({"jsonrpc":"2.0","id":1,"method":"TOOLS/CALL","params":{"name":"drop_all"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call\u0000","params":{"name":"drop_all"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"drop_all"}})",
      CallLine("1", "pay", R"({"amount":1,"Amount":99,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":1,"role":"user","role\u0000":"admin"})"),
      // Smuggling.
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\r" + CallLine("2", "drop_all") + "\r\"x\":1}",
      R"({"jsonrpc":"2.0","id":1,"method":"ping")"s + "\r" + "}",
      R"({"jsonrpc":"2.0","id":1,"method":"ping"})" + CallLine("2", "pay", kPay),
      "\xEF\xBB\xBF" + CallLine("1", "pay", kPay),
      CallLine("1", "pay", "{\"amount\":1,\"role\":\"\xC0\xAF\"}"),
      CallLine("1", "pay", R"({"amount":1,"role":"\udead"})"),
      CallLine("1", "pay", kPay) + "\0"s,
      // Depth.
      CallLine("1", "pay",
               R"({"amount":1,"role":"user","d":)" + std::string(5000, '[') + std::string(5000, ']') + "}"),
      std::string(100000, '['),
      "{\"a\":" + std::string(100000, '['),
      // Arguments that are none.
      CallLine("1", "pay", R"("{\"amount\":1,\"role\":\"user\"}")"),
      CallLine("1", "pay", "[1]"),
      CallLine("1", "pay", "null"),
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}})",
      CallLine("1", "pay", "{}"),
      // Numbers and types.
      CallLine("1", "pay", R"({"amount":1e400,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":1e30,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":18446744073709551616,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":9007199254740993,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":-1,"role":"user"})"),
      CallLine("1", "pay", R"({"amount":"1","role":"user"})"),
      CallLine("1", "pay", R"({"amount":[1],"role":"user"})"),
      CallLine("1", "pay", R"({"amount":1,"role":["admin"]})"),
      CallLine("1", "pay", R"({"amount":1})"),
      CallLine("1", "pay", R"({"amount":1,"role":"admin"})"),
      // Names.
      CallLine("1", "Pay", kPay),
      CallLine("1", "pay ", kPay),
      CallLine("1", " pay", kPay),
      CallLine("1", "p\xD0\xB0y", kPay),
      CallLine("1", "pay\xE2\x80\x8B", kPay),
      CallLine("1", "drop_all"),
      CallLine("1", "DROP_all"),
      CallLine("1", "pay\\u0000", kPay),
      CallLine("1", R"(pay\u001b[2J)", kPay),
      // A tool inside a tool.
      CallLine("1", "invoke_tool", R"({"name":"drop_all"})"),
      CallLine("1", "invoke_tool", R"({"name":"drop\u005fall"})"),
      // Who calls is nobody's to claim.
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop_all","_meta":{"grant":"admin","approved":true}}})",
      ModernCallLine("1", "drop_all"),
      ModernCallLine("1", "pay", R"({"amount":51,"role":"user"})"),
      // Paths.
      CallLine("1", "read", R"({"path":"/etc/passwd"})"),
      CallLine("1", "read", R"({"path":["/data/x"]})"),
      CallLine("1", "read", R"({"path":"/data/x\u0000/../../etc/passwd"})"),
  };
  for (const std::string& line : lines) {
    CAPTURE(line.substr(0, 200));
    Relay relay({}, kGuarded);
    const auto seen = relay.Client(line);
    CHECK(seen.server.empty());
    CHECK(seen.client.size() <= 1);
    for (const std::string& reply : seen.client) CHECK(reply.size() < 8192);
    CHECK(relay.session->in_flight() == 0);
    CHECK(callwarden_unit::Used(relay.counters) == 0);
    // And the session is as good as before.
    CHECK(relay.Client(CallLine("1", "pay", kPay)).server.size() == 1);
  }
  Relay latest({}, kGuarded);
  latest.Initialize("2025-11-25");
  for (const std::string& line : lines) {
    CAPTURE(line.substr(0, 200));
    CHECK(latest.Client(line).server.empty());
  }
}

TEST_CASE("MCP: the era never changes a decision") {
  for (const char* arguments : {R"({"amount":1,"role":"user"})", R"({"amount":51,"role":"user"})",
                                R"({"amount":1,"role":"admin"})"}) {
    CAPTURE(arguments);
    std::vector<bool> passed;
    Relay before({}, kGuarded);
    passed.push_back(!before.Client(CallLine("1", "pay", arguments)).server.empty());
    Relay modern({}, kGuarded);
    passed.push_back(!modern.Client(ModernCallLine("1", "pay", arguments)).server.empty());
    for (const char* revision : {"2024-11-05", "2025-06-18", "2025-11-25", "9999-99-99", "x"}) {
      Relay relay({}, kGuarded);
      relay.Initialize(revision);
      passed.push_back(!relay.Client(CallLine("1", "pay", arguments)).server.empty());
    }
    CHECK(std::count(passed.begin(), passed.end(), passed[0]) == static_cast<std::ptrdiff_t>(passed.size()));
  }
}

TEST_CASE("MCP: failing calls in a loop stop at the limit") {
  Relay relay({}, kGuarded);
  int forwarded = 0;
  for (int i = 0; i < 100; ++i) {
    if (relay.Client(CallLine("1", "fail")).server.empty()) continue;
    ++forwarded;
    (void)relay.Server(R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}})");
  }
  CHECK(forwarded == 5);
  // A clock that steps back opens nothing.
  relay.clock.Advance(-std::chrono::minutes(5));
  CHECK(relay.Client(CallLine("1", "fail")).server.empty());
}
