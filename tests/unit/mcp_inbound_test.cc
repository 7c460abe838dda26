// Every row of the table of client messages: what is forwarded, what is answered, with exact bytes.
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden::mcp::EventKind;
using callwarden_unit::CallLine;
using callwarden_unit::ErrorLine;
using callwarden_unit::Lines;
using callwarden_unit::ModernCallLine;
using callwarden_unit::Relay;
using callwarden_unit::Seen;
using namespace std::string_literals;

constexpr int kParse = -32700;
constexpr int kRequest = -32600;
constexpr int kParams = -32602;

const std::string kDuplicate = "Invalid Request: duplicate member or unrepresentable number";
const std::string kDuplicateBelow = "Invalid params: duplicate member or unrepresentable number";
const std::string kBadId = "Invalid Request: id must be a string or an integer";
const std::string kBreak = "Invalid Request: line break inside the message";
const std::string kMisspelt = "Invalid Request: misspelt member";
const std::string kMisspeltParam = "Invalid params: misspelt member";
const std::string kMisspeltMethod = "Invalid Request: misspelt method";
const std::string kArguments = "Invalid params: arguments must be an object";
const std::string kName = "Invalid params: name must be a string";

struct Refused {
  std::string line;
  std::string reply;  // empty: none
};

void CheckRefused(const std::vector<Refused>& cases) {
  for (const Refused& c : cases) {
    CAPTURE(c.line);
    Relay relay;
    const Seen seen = relay.Client(c.line);
    CHECK(seen.server.empty());
    CHECK(seen.client == (c.reply.empty() ? Lines{} : Lines{c.reply}));
    REQUIRE(seen.events.size() == 1);
    CHECK(seen.events[0] == (c.reply.empty() ? EventKind::kMessageDropped : EventKind::kMessageRefused));
    CHECK(relay.session->in_flight() == 0);
  }
}

void CheckForwarded(const Lines& lines) {
  Relay relay;
  for (const std::string& line : lines) {
    CAPTURE(line);
    const Seen seen = relay.Client(line);
    CHECK(seen.server == Lines{line});
    CHECK(seen.client.empty());
  }
}

// With a method and an id of 5.
std::string With(std::string_view members) {
  return R"({"jsonrpc":"2.0","id":5,"method":"tools/call",)" + std::string(members) + "}";
}

}  // namespace

TEST_CASE("MCP: what is well formed is forwarded as it is") {
  CheckForwarded({
      CallLine("1", "echo"),
      CallLine("\"a\"", "echo", R"({"x":[1,2.5,"\u00e9",null,true],"y":{"z":{}}})"),
      CallLine("0", "echo"),
      CallLine("-7", "echo"),
      CallLine("9007199254740991", "echo"),
      CallLine("-9007199254740991", "echo"),
      CallLine("\"\"", "echo"),
      CallLine(R"("\u0062")", "echo"),
      R"({"jsonrpc":"2.0","id":8,"method":"tools\/call","params":{"name":"echo"}})",
      R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"\u0065cho","arguments":{}}})",
      R"({"params":{"arguments":{"a":"}"},"name":"echo"},"method":"tools/call","id":10,"jsonrpc":"2.0"})",
      R"( { "jsonrpc" : "2.0" , "id" : 11 , "method" : "tools/call" , "params" : { "name" : "echo" } } )",
      R"({"jsonrpc":"2.0","id":12,"method":"tools/call","params":{"name":"echo","task":{"ttl":60000}}})",
      R"({"jsonrpc":"2.0","id":13,"method":"tools/call","params":{"name":"echo","_meta":{"progressToken":"t"}}})",
      ModernCallLine("14", "echo"),
      R"({"jsonrpc":"2.0","id":15,"method":"tools/list"})",
      R"({"jsonrpc":"2.0","id":16,"method":"tools/list","params":{"cursor":"c1"}})",
      R"({"jsonrpc":"2.0","id":17,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}})",
      R"({"jsonrpc":"2.0","id":18,"method":"ping"})",
      R"({"jsonrpc":"2.0","id":19,"method":"server/discover","params":{}})",
      R"({"jsonrpc":"2.0","id":20,"method":"prompts/get","params":{"name":"p","arguments":{"a":"1"}}})",
      R"({"jsonrpc":"2.0","id":21,"method":"tasks/result","params":{"taskId":"t"}})",
      R"({"jsonrpc":"2.0","id":22,"method":"vendor/anything","params":[1,2]})",
      R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.5}})",
      R"({"jsonrpc":"2.0","id":3,"result":{"roots":[]}})",
      R"({"jsonrpc":"2.0","id":"s","error":{"code":-1,"message":"no"}})",
  });
}

TEST_CASE("MCP: calls and lists without an id are dropped") {
  CheckRefused({
      {R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}})", ""},
      {R"({"jsonrpc":"2.0","method":"tools/list"})", ""},
      {R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":[]}})", ""},
      {R"({"jsonrpc":"2.0","method":"notifications/x","params":{"a":1,"a":2}})", ""},
      {R"({})", ""},
  });
}

TEST_CASE("MCP: illegal ids") {
  std::vector<Refused> cases;
  for (const char* id : {"null", "{}", "[1]", "true", "1.5", "1.0", "1e1", "-0", "9007199254740992",
                         "-9007199254740992", "123456789012345678901234567890"}) {
    cases.push_back({CallLine(id, "echo"),
                     ErrorLine("null", kRequest, id[0] == '1' && id[1] == '2' ? kDuplicate : kBadId)});
    cases.push_back(
        {R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"ping"})", cases.back().reply});
  }
  CheckRefused(cases);
}

TEST_CASE("MCP: an id that is still in flight") {
  Relay relay;
  REQUIRE(relay.Client(R"({"jsonrpc":"2.0","id":7,"method":"tools/list"})").server.size() == 1);
  const std::string reply = ErrorLine("null", kRequest, "Invalid Request: id already in use");
  CHECK(relay.Client(CallLine("7", "echo")).client == Lines{reply});
  CHECK(relay.Client(R"({"jsonrpc":"2.0","id":7,"method":"ping"})").client == Lines{reply});
  // Another type is another id, and other spellings are the same.
  CHECK(relay.Client(CallLine("\"7\"", "echo")).server.size() == 1);
  CHECK(relay.Client(CallLine("\"\\u0037\"", "echo")).client == Lines{reply});
  // No refusal may be taken for the answer to the open request.
  CHECK(relay.Client(R"({"jsonrpc":"2.0","id":7,"method":"ping","method":"ping"})").client ==
        Lines{ErrorLine("null", kRequest, kDuplicate)});
  CHECK(relay.session->in_flight() == 2);
  REQUIRE(relay.Server(R"({"jsonrpc":"2.0","id":7,"result":{"tools":[]}})").client.size() == 1);
  CHECK(relay.Client(CallLine("7", "echo")).server.size() == 1);
}

TEST_CASE("MCP: the form of a reply without an id") {
  const std::string bad = "{";
  for (const char* revision : {"2024-11-05", "2025-03-26", "2025-06-18"}) {
    Relay relay;
    CHECK(relay.Client(bad).client == Lines{ErrorLine("null", kParse, "Parse error")});
    relay.Initialize(revision);
    CHECK(relay.Client(bad).client == Lines{ErrorLine("null", kParse, "Parse error")});
  }
  Relay latest;
  latest.Initialize("2025-11-25");
  CHECK(latest.Client(bad).client == Lines{ErrorLine("", kParse, "Parse error")});
  Relay modern;
  REQUIRE(modern.Client(ModernCallLine("1", "echo")).server.size() == 1);
  CHECK(modern.Client(bad).client == Lines{ErrorLine("", kParse, "Parse error")});
}

TEST_CASE("MCP: arrays where there are no batches") {
  const std::string none =
      ErrorLine("null", kRequest, "Invalid Request: batches are not part of this revision");
  CheckRefused({{"[" + CallLine("1", "echo") + "]", none},
                {"[]", none},
                {"[[]]", none},
                {"[1]", none},
                {" [ ] ", none}});
  for (const char* revision : {"2024-11-05", "2025-06-18"}) {
    Relay relay;
    relay.Initialize(revision);
    CHECK(relay.Client("[" + CallLine("1", "echo") + "]").client == Lines{none});
  }
  CheckRefused({{"[" + CallLine("1", "echo"), ErrorLine("null", kParse, "Parse error")},
                {"[" + CallLine("1", "echo") + "] x", ErrorLine("null", kParse, "Parse error")}});
}

TEST_CASE("MCP: batches of 2025-03-26 are judged one by one") {
  Relay relay([](auto& options) { options.in_flight_max = 6; });
  relay.Initialize("2025-03-26");
  const auto refused = [&](const std::string& line, std::string_view why) {
    CAPTURE(line);
    const Seen seen = relay.Client(line);
    CHECK(seen.server.empty());
    CHECK(seen.client == Lines{ErrorLine("null", kRequest, why)});
  };
  refused("[]", "Invalid Request: empty or nested batch");
  refused("[[" + CallLine("1", "echo") + "]]", "Invalid Request: empty or nested batch");
  refused("[" + CallLine("1", "echo") + ",[]]", "Invalid Request: empty or nested batch");
  refused("[" + CallLine("1", "echo") + R"(,{"jsonrpc":"2.0","id":2,"method":"initialize","params":{}}])",
          "Invalid Request: initialize in a batch");
  refused(
      "[" + CallLine("1", "echo") + R"(,{"jsonrpc":"2.0","id":2,"method":"\u0069nitialize","params":{}}])",
      "Invalid Request: initialize in a batch");
  refused("[1,2,3,4,5,6,7]", "Invalid Request: too many messages in a batch");
  refused("[" + CallLine("1", "echo") + ",\r1]", kBreak);

  const std::string one = CallLine("1", "echo", R"({"a":"], ["})");
  const std::string note = R"({"jsonrpc":"2.0","method":"notifications/x"})";
  const Seen seen =
      relay.Client("[ " + one + ", " + CallLine("2", "secret_tool") + "," + note + " ,3," +
                   CallLine("1", "echo") + "," + R"({"jsonrpc":"2.0","method":"tools/call"})" + "]");
  CHECK(seen.server == Lines{one, note});
  CHECK(seen.client == Lines{ErrorLine("2", kParams, "Unknown tool: secret_tool"),
                             ErrorLine("null", kRequest, "Invalid Request: not an object"),
                             ErrorLine("null", kRequest, "Invalid Request: id already in use")});
}

TEST_CASE("MCP: arguments that are no object") {
  CheckRefused({
      {CallLine("1", "echo", "null"), ErrorLine("1", kParams, kArguments)},
      {CallLine("1", "echo", "[]"), ErrorLine("1", kParams, kArguments)},
      {CallLine("1", "echo", R"("{\"amount\":1}")"), ErrorLine("1", kParams, kArguments)},
      {CallLine("1", "echo", "1"), ErrorLine("1", kParams, kArguments)},
      {CallLine("1", "echo", "true"), ErrorLine("1", kParams, kArguments)},
      {CallLine("1", "echo", ""), ErrorLine("null", kParse, "Parse error")},
  });
}

TEST_CASE("MCP: names and params that are none") {
  const std::string params = "Invalid params: params must be an object";
  const std::string control = "Invalid params: control character in the name";
  CheckRefused({
      {With(R"("params":{})"), ErrorLine("5", kParams, kName)},
      {With(R"("params":{"name":1})"), ErrorLine("5", kParams, kName)},
      {With(R"("params":{"name":null})"), ErrorLine("5", kParams, kName)},
      {With(R"("params":{"name":["echo"]})"), ErrorLine("5", kParams, kName)},
      {With(R"("params":{"name":""})"), ErrorLine("5", kParams, kName)},
      {With(R"("params":{"name":"echo\u0000"})"), ErrorLine("5", kParams, control)},
      {With(R"("params":{"name":"ec\nho"})"), ErrorLine("5", kParams, control)},
      {With(R"("params":{"name":"echo\u007f"})"), ErrorLine("5", kParams, control)},
      {R"({"jsonrpc":"2.0","id":5,"method":"tools/call"})", ErrorLine("5", kParams, params)},
      {With(R"("params":["echo"])"), ErrorLine("5", kParams, params)},
      {With(R"("params":null)"), ErrorLine("5", kParams, params)},
      {With(R"("params":{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}})"),
       ErrorLine("5", kParams, "Invalid params: clientCapabilities is missing")},
      {With(R"("params":{"name":"echo","_meta":[]})"),
       ErrorLine("5", kParams,
                 "Invalid params: _meta must be an object with a protocol version and capabilities")},
      {R"({"jsonrpc":"2.0","id":5,"method":"tools/list","params":[]})",
       ErrorLine("5", kParams, "Invalid params: params and its _meta must be objects")},
  });
}

TEST_CASE("MCP: duplicates and numbers that cannot be held exactly") {
  CheckRefused({
      {R"({"jsonrpc":"2.0","jsonrpc":"2.0","id":5,"method":"ping"})", ErrorLine("5", kRequest, kDuplicate)},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping","\u006dethod":"ping"})",
       ErrorLine("5", kRequest, kDuplicate)},
      {R"({"jsonrpc":"2.0","id":5,"id":6,"method":"ping"})", ErrorLine("null", kRequest, kDuplicate)},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping","extra":1e400})", ErrorLine("5", kRequest, kDuplicate)},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping","extra":18446744073709551616})",
       ErrorLine("5", kRequest, kDuplicate)},
      {With(R"("params":{"name":"echo","name":"refund"})"), ErrorLine("5", kParams, kDuplicateBelow)},
      {With(R"("params":{"name":"refund","n\u0061me":"echo"})"), ErrorLine("5", kParams, kDuplicateBelow)},
      {With(R"("params":{"name":"echo","arguments":{},"arguments":{}})"),
       ErrorLine("5", kParams, kDuplicateBelow)},
      {With(R"("params":{"name":"echo","_meta":{"a":{"b":1,"b":2}}})"),
       ErrorLine("5", kParams, kDuplicateBelow)},
      {With(R"("params":{"name":"echo","x":-1e999})"), ErrorLine("5", kParams, kDuplicateBelow)},
      {R"({"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"name":"p","arguments":{"a":1,"a":2}}})",
       ErrorLine("5", kParams, kDuplicateBelow)},
      {R"({"jsonrpc":"2.0","id":5,"result":{"a":1,"a":2}})", ""},
  });
  // Many members, sorted to find the pair.
  std::string many;
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  CheckForwarded({With("\"params\":{" + many + R"("name":"echo"})")});
  CheckRefused({{With("\"params\":{" + many + R"("name":"echo","k57":0})"),
                 ErrorLine("5", kParams, kDuplicateBelow)}});
}

TEST_CASE("MCP: malformed arguments are a denial") {
  const auto denial = [](std::string_view detail) {
    const std::string message = "Arguments refused: " + std::string(detail);
    return R"x({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Denied by policy: )x" +
           message + R"x(. Do not retry with the same arguments."}],"isError":true,"_meta":)x" +
           R"x({"dev.callwarden/decision":{"decision":"deny","reason":"malformed_call",)x" +
           R"x("rule":"(malformed call)","message":")x" + message + R"x("}}}})x";
  };
  Relay relay;
  const auto message_of = [&](std::string_view arguments) {
    callwarden::ToolCall call;
    call.tool = "echo";
    call.arguments = arguments;
    const std::string message(relay.gate.Check(call).message());
    REQUIRE(message.starts_with("Arguments refused: "));
    return message.substr(std::string_view("Arguments refused: ").size());
  };
  for (const char* arguments : {R"({"a":1,"a":2})", R"({"a":1e400})", R"({"a":18446744073709551616})",
                                R"({"a\u0000":1})", R"({"a":{"b":{"c":1,"c":1}}})"}) {
    CAPTURE(arguments);
    const Seen seen = relay.Client(CallLine("1", "echo", arguments));
    CHECK(seen.server.empty());
    CHECK(seen.client == Lines{denial(message_of(arguments))});
    CHECK(seen.events == std::vector{EventKind::kCallRefused});
  }
  std::string deep = "{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}";
  CHECK(relay.Client(CallLine("1", "echo", deep)).client == Lines{denial(message_of(deep))});
}

TEST_CASE("MCP: variants of member names") {
  std::vector<Refused> cases;
  for (const char* key : {"Method", "METHOD", "method\\u0000", "method\\u0000x", "para\\u006d\\u017f",
                          "Params", "Result", "ERROR", "JsonRpc"}) {
    const std::string member = ",\""s + key + "\":\"tools/call\"";
    cases.push_back(
        {R"({"jsonrpc":"2.0","id":5,"method":"ping")" + member + "}", ErrorLine("5", kRequest, kMisspelt)});
  }
  // Whose id is it?
  cases.push_back(
      {R"({"jsonrpc":"2.0","id":5,"ID":6,"method":"ping"})", ErrorLine("null", kRequest, kMisspelt)});
  cases.push_back({R"({"jsonrpc":"2.0","Id":6,"method":"ping"})", ErrorLine("null", kRequest, kMisspelt)});
  for (const char* key : {"Name", "NAME", "Arguments", "argument\xC5\xBF", "_Meta", "ta\xC5\xBFk",
                          "tas\xE2\x84\xAA", "InputResponses", "requeststate", "name\\u0000"}) {
    cases.push_back({With(R"("params":{"name":"echo",")" + std::string(key) + "\":1}"),
                     ErrorLine("5", kParams, kMisspeltParam)});
    cases.push_back(
        {With(R"("params":{")" + std::string(key) + "\":1}"), ErrorLine("5", kParams, kMisspeltParam)});
  }
  CheckRefused(cases);
}

TEST_CASE("MCP: methods that somebody might take for a call") {
  std::vector<Refused> cases;
  for (const char* method :
       {"Tools/Call", "TOOLS/CALL", "tool\xC5\xBF/call", "tools/call ", " tools/call", "tools/call\\n",
        "tools/call\\u0000", "tools/call\\u0000x", "tools/List", "tools/list\\t", "\xC2\xA0tools/call",
        "tools/call\xE2\x80\x83", "\xEF\xBB\xBFtools/list"}) {
    cases.push_back(
        {R"({"jsonrpc":"2.0","id":5,"method":")" + std::string(method) + R"(","params":{"name":"echo"}})",
         ErrorLine("5", kRequest, kMisspeltMethod)});
  }
  CheckRefused(cases);
  CheckForwarded(
      {R"({"jsonrpc":"2.0","id":5,"method":"tools/callx"})", R"({"jsonrpc":"2.0","id":6,"method":"tools"})"});
}

TEST_CASE("MCP: roots that are no message") {
  const std::string version = "Invalid Request: jsonrpc must be \\\"2.0\\\"";
  const std::string beside = "Invalid Request: method beside result or error";
  const std::string neither = "Invalid Request: neither a request nor a response";
  const std::string object = "Invalid Request: not an object";
  CheckRefused({
      {R"({"jsonrpc":"2.1","id":5,"method":"ping"})", ErrorLine("5", kRequest, version)},
      {R"({"jsonrpc":2.0,"id":5,"method":"ping"})", ErrorLine("5", kRequest, version)},
      {R"({"id":5,"method":"ping"})", ErrorLine("5", kRequest, version)},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping","result":{}})", ErrorLine("5", kRequest, beside)},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping","error":{}})", ErrorLine("5", kRequest, beside)},
      {R"({"jsonrpc":"2.0","id":5,"method":5})",
       ErrorLine("5", kRequest, "Invalid Request: method must be a string")},
      {R"({"jsonrpc":"2.0","id":5})", ErrorLine("5", kRequest, neither)},
      {R"({"jsonrpc":"2.0","id":5,"result":{},"error":{}})", ""},
      {R"({"jsonrpc":"2.0","id":null,"result":{}})", ""},
      {R"({"jsonrpc":"2.0","result":{}})", ""},
      {"1", ErrorLine("null", kRequest, object)},
      {"\"tools/call\"", ErrorLine("null", kRequest, object)},
      {"null", ErrorLine("null", kRequest, object)},
  });
}

TEST_CASE("MCP: what is not JSON") {
  const std::string parse = ErrorLine("null", kParse, "Parse error");
  const std::string ping = R"({"jsonrpc":"2.0","id":5,"method":"ping"})";
  CheckRefused({
      {"{", parse},
      {"x", parse},
      {"\xEF\xBB\xBF" + ping, parse},
      {ping + ping, parse},
      {ping + " x", parse},
      {ping + ",", parse},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping",})", parse},
      {R"({"jsonrpc":"2.0","id":5,"method":"ping"/**/})", parse},
      {R"({"jsonrpc":"2.0","id":05,"method":"ping"})", parse},
      {R"({"jsonrpc":"2.0","id":NaN,"method":"ping"})", parse},
      {R"({'jsonrpc':"2.0"})", parse},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"pi\x01ng\"}", parse},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"pi\xFFng\"}", parse},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"pi\xC0\xAFng\"}", parse},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"pi\xED\xA0\x80ng\"}", parse},
      {R"({"jsonrpc":"2.0","id":5,"method":"pi\ud800ng"})", parse},
      {R"({"jsonrpc":"2.0","id":5,"method":"pi\udc00ng"})", parse},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}"s + '\0', parse},
      // Inside arguments, where brackets alone would let it pass; for tools that are refused anyway, too.
      {CallLine("1", "echo", "{\"a\":\xFF}"), parse},
      {CallLine("1", "echo", "{\"a\":\"\xFF\"}"), parse},
      {CallLine("1", "echo", R"({"a":"\ud800"})"), parse},
      {CallLine("1", "echo", R"({"a":[1}])"), parse},
      {CallLine("1", "echo", R"({"a" 1})"), parse},
      {CallLine("1", "echo", R"({,})"), parse},
      {CallLine("1", "secret_x", R"({"a":tru})"), parse},
      {CallLine("1", "nothing", R"({"a":01})"), parse},
      {CallLine("1", "", R"({"a":01})"), parse},
      {CallLine("1.5", "echo", R"({"a":01})"), parse},
      {R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{]}})", parse},
      {R"({"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"arguments":{]}})", parse},
  });
}

TEST_CASE("MCP: line breaks inside a message") {
  const std::string inner = CallLine("6", "secret_x");
  CheckRefused({
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\r" + R"("method":"ping"})"s, ErrorLine("5", kRequest, kBreak)},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\n" + R"("method":"ping"})"s, ErrorLine("5", kRequest, kBreak)},
      {"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":{\"x\":[\r" + inner + "\r]}}",
       ErrorLine("5", kRequest, kBreak)},
      {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"\r}", ""},
      {CallLine("1", "echo", "{\"a\":\r1}"), ErrorLine("1", kRequest, kBreak)},
      {"\r" + CallLine("1", "echo"), ErrorLine("1", kRequest, kBreak)},
      {CallLine("1", "echo", "{\"a\":\"\r\"}"), ErrorLine("null", kParse, "Parse error")},
  });
  // An HTTP body may be printed on many lines.
  Relay body([](auto& options) { options.messages_are_lines = false; });
  const std::string pretty = "{\r\n \"jsonrpc\": \"2.0\", \"id\": 5,\r\n \"method\": \"ping\"\r\n}";
  CHECK(body.Client(pretty).server == Lines{pretty});
}

TEST_CASE("MCP: bounds") {
  Relay relay([](auto& options) {
    options.message_size_max_bytes = 200;
    options.depth_max = 8;
    options.in_flight_max = 2;
  });
  const std::string ping = R"({"jsonrpc":"2.0","id":5,"method":"ping"})";
  const auto padded = [&](std::size_t size) { return ping + std::string(size - ping.size(), ' '); };
  CHECK(relay.Client(padded(201)).client ==
        Lines{ErrorLine("null", kRequest, "Invalid Request: the message is too long")});
  CHECK(relay.Client(padded(200)).server == Lines{padded(200)});
  const auto nested = [](int depth) {
    return R"({"jsonrpc":"2.0","method":"x","params":)" +
           std::string(static_cast<std::size_t>(depth - 1), '[') +
           std::string(static_cast<std::size_t>(depth - 1), ']') + "}";
  };
  CHECK(relay.Client(nested(8)).server == Lines{nested(8)});
  CHECK(relay.Client(nested(9)).client ==
        Lines{ErrorLine("null", kRequest, "Invalid Request: nested too deeply")});
  CHECK(relay.Client(CallLine("6", "echo")).server.size() == 1);
  CHECK(relay.Client(CallLine("7", "echo")).client ==
        Lines{ErrorLine("7", kRequest, "Invalid Request: too many requests in flight")});
  CHECK(relay.Client(R"({"jsonrpc":"2.0","method":"notifications/x"})").server.size() == 1);
  CHECK(relay.Client("").server.empty());
}

TEST_CASE("MCP: under a shadowed policy, too, nothing passes that cannot be read") {
  Relay relay({}, R"({"version": "1", "mode": "shadow", "default": "deny", "tools": {}})");
  CHECK(relay.Client(CallLine("1", "anything", R"({"a":1})")).server.size() == 1);
  // What only the policy language calls malformed passes, as shadow says; what is no JSON does not.
  CHECK(relay.Client(CallLine("2", "anything", R"({"a":1,"a":2})")).server.size() == 1);
  for (const char* arguments :
       {R"({"a":[1}])", R"({"a" 1})", "{\"a\":\"\xFF\"}", R"({"a":"\ud800"})", R"({]})"}) {
    CAPTURE(arguments);
    const Seen seen = relay.Client(CallLine("3", "anything", arguments));
    CHECK(seen.server.empty());
    CHECK(seen.client == Lines{ErrorLine("null", kParse, "Parse error")});
  }
}
