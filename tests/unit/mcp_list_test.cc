// Lists of tools: what is cut, what stays as it is, what is refused.
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden::mcp::EventKind;
using callwarden_unit::ErrorLine;
using callwarden_unit::Lines;
using callwarden_unit::ModernMeta;
using callwarden_unit::Relay;
using callwarden_unit::Seen;

constexpr std::string_view kList = R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})";

std::string ModernList() {
  return R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{)" + ModernMeta() + "}}";
}

std::string Answer(std::string_view result) {
  return R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(result) + "}";
}

Seen Filter(std::string_view result, bool modern = false, bool unlisted = false,
            std::string_view policy = callwarden_unit::kMcpPolicy) {
  Relay relay([&](auto& options) { options.replies.unlisted_as_unknown = unlisted; }, policy);
  REQUIRE(relay.Client(modern ? ModernList() : std::string(kList)).server.size() == 1);
  Seen seen = relay.Server(Answer(result));
  CHECK(relay.session->in_flight() == 0);
  CHECK(relay.Server(Answer(result)).client.empty());  // a second answer is none
  return seen;
}

constexpr std::string_view kHidesNothing = R"({"version": "1", "default": "allow", "tools": {}})";

}  // namespace

TEST_CASE("MCP: lists without hidden tools stay as they are") {
  for (
      const char* result : {
          R"({"tools":[]})",
          R"({ "tools" : [ {"name":"echo" , "description":"\ud800 x","inputSchema":{"a":1,"a":2}} , {"name":"other"} ], "nextCursor":"c2" })",
          R"({"nextCursor":"x","_meta":{"n":1e999},"tools":[{"inputSchema":{"type":"object"},"name":"n\u00e9"}]})",
      }) {
    CAPTURE(result);
    const Seen seen = Filter(result);
    CHECK(seen.client == Lines{Answer(result)});
    CHECK(seen.events.empty());
  }
}

TEST_CASE("MCP: hidden tools are cut by their bytes") {
  const auto filtered = [](std::string_view result, std::string_view expected) {
    CAPTURE(result);
    const Seen seen = Filter(result);
    CHECK(seen.client == Lines{Answer(expected)});
    CHECK(seen.events == std::vector{EventKind::kToolsFiltered});
  };
  filtered(R"({"tools":[{"name":"secret_a"}]})", R"({"tools":[]})");
  filtered(R"({"tools":[{"name":"secret_a"},{"name":"b", "x":[1, 2]}],"nextCursor":"c2"})",
           R"({"tools":[{"name":"b", "x":[1, 2]}],"nextCursor":"c2"})");
  filtered(R"({"tools":[ {"name":"b"} , {"name":"secret_a"} , {"name":"c"} ], "z":1})",
           R"({"tools":[{"name":"b"},{"name":"c"}], "z":1})");
  // However the name is spelt, and every tool of one name.
  filtered(R"({"tools":[{"name":"\u0073ecret_a","x":1},{"name":"b"},{"y":2,"name":"secret_a"}]})",
           R"({"tools":[{"name":"b"}]})");
  // Nothing but exact names is hidden.
  CHECK(Filter(R"({"tools":[{"name":"Secret_a"}]})").client ==
        Lines{Answer(R"({"tools":[{"name":"Secret_a"}]})")});
}

TEST_CASE("MCP: personal lists are private in the modern era") {
  const std::string start = R"({"resultType":"complete","tools":[{"name":"b"})";
  CHECK(Filter(start + R"(,{"name":"secret_a"}],"ttlMs":300000,"cacheScope":"public"})", true).client ==
        Lines{Answer(start + R"(],"ttlMs":300000,"cacheScope":"private"})")});
  CHECK(Filter(R"({"cacheScope":"public","tools":[{"name":"b"},{"name":"secret_a"}]})", true).client ==
        Lines{Answer(R"({"cacheScope":"private","tools":[{"name":"b"}]})")});
  CHECK(Filter(start + R"(,{"name":"secret_a"}] })", true).client ==
        Lines{Answer(start + R"(] ,"cacheScope":"private"})")});
  CHECK(Filter(start + R"(,{"name":"secret_a"}],"cacheScope":"private"})", true).client ==
        Lines{Answer(start + R"(],"cacheScope":"private"})")});
  // Nothing hidden, and everybody sees the same.
  CHECK(Filter(start + R"(],"cacheScope":"public"})", true).client ==
        Lines{Answer(start + R"(],"cacheScope":"public"})")});
  // Legacy lists have no scope.
  CHECK(Filter(start + R"(,{"name":"secret_a"}],"cacheScope":"public"})").client ==
        Lines{Answer(start + R"(],"cacheScope":"public"})")});
}

TEST_CASE("MCP: a list is private where grants see different ones") {
  const auto hiding = callwarden_unit::Compile(R"({"version": "1", "default": "allow", "hide": ["x"]})");
  std::vector<callwarden::Grant> grants(1);
  grants[0].id = "other";
  grants[0].policy = hiding;
  const callwarden::GrantTableResult table = callwarden::GrantTable::Create(std::move(grants));
  REQUIRE(table.ok());
  Relay relay({}, kHidesNothing);
  const callwarden::SwapReport report =
      relay.gate.Swap(callwarden_unit::Compile(kHidesNothing), table.table());
  REQUIRE_FALSE(relay.gate.uniform_visibility());
  REQUIRE(relay.Client(ModernList()).server.size() == 1);
  CHECK(relay.Server(Answer(R"({"tools":[{"name":"b"}],"cacheScope":"public"})")).client ==
        Lines{Answer(R"({"tools":[{"name":"b"}],"cacheScope":"private"})")});
}

TEST_CASE("MCP: a host may leave out what the policy does not list") {
  const std::string tools = R"({"tools":[{"name":"b"},{"name":"echo"},{"name":"secret_a"}]})";
  CHECK(Filter(tools, false, true).client == Lines{Answer(R"({"tools":[{"name":"echo"}]})")});
  CHECK(Filter(tools, false, true, kHidesNothing).client == Lines{Answer(tools)});
  CHECK(Filter(tools, false, true, R"({"version": "1", "mode": "shadow", "default": "deny"})").client ==
        Lines{Answer(tools)});
}

TEST_CASE("MCP: without a policy there are no tools") {
  Relay relay;
  relay.gate.Swap(nullptr, nullptr);
  REQUIRE(relay.Client(kList).server.size() == 1);
  CHECK(relay.Server(Answer(R"({"tools":[{"name":"echo"}]})")).client == Lines{Answer(R"({"tools":[]})")});
}

TEST_CASE("MCP: lists that cannot be read are refused") {
  for (const char* result : {
           R"([])",
           R"("tools")",
           R"(null)",
           R"({})",
           R"({"tools":{}})",
           R"({"tools":null})",
           R"({"tools":["echo"]})",
           R"({"tools":[{"name":"echo"},null]})",
           R"({"tools":[{}]})",
           R"({"tools":[{"name":5}]})",
           R"({"tools":[{"name":["echo"]}]})",
           R"({"tools":[{"name":"x\ud800"}]})",
           R"({"tools":[{"name":"secret_a","name":"echo"}]})",
           R"({"tools":[{"name":"echo","n\u0061me":"echo"}]})",
           R"({"tools":[{"name":"echo","title":"a","title":"b"}]})",
           R"({"tools":[{"name":"echo","Name":"secret_a"}]})",
           R"({"tools":[{"name":"echo","name\u0000":"secret_a"}]})",
           R"({"tools":[],"tools":[{"name":"secret_a"}]})",
           R"({"tools":[],"\u0074ools":[{"name":"secret_a"}]})",
           R"({"tools":[],"Tools":[{"name":"secret_a"}]})",
           R"({"Tools":[{"name":"secret_a"}]})",
           R"({"tools":[],"cacheScope":"private","cacheScope":"public"})",
           R"({"tools":[],"CacheScope":"public"})",
       }) {
    CAPTURE(result);
    const Seen seen = Filter(result);
    CHECK(seen.client == Lines{ErrorLine("1", -32603, "The list of tools could not be read")});
    CHECK(seen.events == std::vector{EventKind::kServerRefused});
  }
  const std::string unread = ErrorLine("1", -32603, "The answer could not be read");
  for (const char* line : {
           R"({"jsonrpc":"2.0","id":1,"result":{"tools":[]},"error":{"code":1,"message":"x"}})",
           R"({"jsonrpc":"2.0","id":1,"result":{"tools":[]},"result":{"tools":[{"name":"secret_a"}]}})",
           R"({"jsonrpc":"2.0","id":1,"result":{"tools":[]},"Result":{"tools":[{"name":"secret_a"}]}})",
           R"({"jsonrpc":"2.0","id":1})",
           R"({"id":1,"result":{"tools":[]}})",
           R"({"jsonrpc":"2.0","id":1,"error":"no"})",
       }) {
    CAPTURE(line);
    Relay relay;
    REQUIRE(relay.Client(kList).server.size() == 1);
    CHECK(relay.Server(line).client == Lines{unread});
    CHECK(relay.session->in_flight() == 0);
  }
}

TEST_CASE("MCP: an error in the place of a list passes") {
  Relay relay;
  REQUIRE(relay.Client(kList).server.size() == 1);
  const std::string error = R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"x"}})";
  CHECK(relay.Server(error).client == Lines{error});
}

TEST_CASE("MCP: no answer walks around the filter") {
  const std::string tools = R"("result":{"tools":[{"name":"secret_a"}]}})";
  for (const char* id : {"\"1\"", "1.0", "1e0", "01", "2", "null", "[1]", "true"}) {
    CAPTURE(id);
    Relay relay;
    REQUIRE(relay.Client(kList).server.size() == 1);
    const Seen seen = relay.Server(R"({"jsonrpc":"2.0","id":)" + std::string(id) + "," + tools);
    CHECK(seen.client.empty());
    CHECK(seen.events == std::vector{EventKind::kServerDropped});
    CHECK(relay.session->in_flight() == 1);
  }
  // Two ids, or one that might be: nobody's answer.
  for (const char* ids : {R"("id":2,"id":1)", R"("id":1,"ID":2)", R"("id":1,"i\u0064":1)"}) {
    Relay relay;
    REQUIRE(relay.Client(kList).server.size() == 1);
    CHECK(relay.Server(R"({"jsonrpc":"2.0",)" + std::string(ids) + "," + tools).client.empty());
  }
  // A cancelled list keeps its id, so that its late answer is not taken for another request's.
  Relay relay;
  REQUIRE(relay.Client(kList).server.size() == 1);
  REQUIRE(relay.Client(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})")
              .server.size() == 1);
  relay.clock.Advance(std::chrono::hours(1));
  (void)relay.session->Tick();
  CHECK(relay.Client(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").server.empty());
  CHECK(relay.Server(Answer(R"({"tools":[{"name":"secret_a"}]})")).client ==
        Lines{Answer(R"({"tools":[]})")});
}

TEST_CASE("MCP: clients hear of changes of what they may see") {
  const std::string changed = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
  callwarden::SwapReport report;
  report.visibility_changed = true;
  Relay silent;
  silent.Initialize("2025-11-25");
  CHECK(callwarden_unit::Copy(silent.session->PolicyChanged(report)).client.empty());
  Relay relay;
  relay.Initialize("2025-11-25", "{}", R"({"tools":{"listChanged":true}})");
  CHECK(callwarden_unit::Copy(relay.session->PolicyChanged(report)).client == Lines{changed});
  CHECK(callwarden_unit::Copy(relay.session->PolicyChanged({})).client.empty());
  CHECK(relay.Server(changed).client == Lines{changed});

  Relay modern;
  const auto listen = [&](std::string_view id, std::string_view what) {
    REQUIRE(modern
                .Client(R"({"jsonrpc":"2.0","id":)" + std::string(id) +
                        R"(,"method":"subscriptions/listen","params":{"notifications":)" + std::string(what) +
                        "," + ModernMeta() + "}}")
                .server.size() == 1);
  };
  listen(R"("l\u0031")", R"({"toolsListChanged":true})");
  listen("2", R"({"promptsListChanged":true})");
  listen("3", R"({"toolsListChanged":true})");
  REQUIRE(modern.Client(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}})")
              .server.size() == 1);
  CHECK(callwarden_unit::Copy(modern.session->PolicyChanged(report)).client ==
        Lines{R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":)"
              R"({"io.modelcontextprotocol/subscriptionId":"l\u0031"}}})"});
}
