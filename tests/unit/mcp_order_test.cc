// In whatever order the members of a call come, and so whether its arguments are read in passing or after the
// rest, the outcome is the same, byte for byte.
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden_unit::Lines;
using callwarden_unit::Relay;
using callwarden_unit::Seen;
using namespace std::string_literals;

struct Parts {
  std::string method = R"("method":"tools/call")";
  std::string name;
  std::string arguments;
};

// The first is the one whose arguments are read in passing; so are the next two.
Lines OrdersOf(const Parts& p) {
  const std::string version = R"("jsonrpc":"2.0")";
  const std::string id = R"("id":7)";
  const std::string params = R"("params":{)" + p.name + "," + p.arguments + "}";
  const std::string params_late = R"("params":{)" + p.arguments + "," + p.name + "}";
  const std::string params_spaced = R"("params" : { )" + p.name + " , " + p.arguments + R"( , "more":[{}]})";
  return {"{" + version + "," + id + "," + p.method + "," + params + "}",
          "{" + p.method + "," + params + "," + version + "," + id + "}",
          "{ " + version + " ," + id + " , " + p.method + ",\t" + params_spaced + " }",
          "{" + version + "," + id + "," + p.method + "," + params_late + "}",
          "{" + version + "," + id + "," + params + "," + p.method + "}",
          "{" + params_late + "," + version + "," + p.method + "," + id + "}"};
}

// Ids of approvals are random.
Lines WithoutIds(const Lines& replies) {
  static const std::regex id("[0-9a-f]{24}");
  Lines same;
  for (const std::string& reply : replies) same.push_back(std::regex_replace(reply, id, "ID"));
  return same;
}

void CheckAlike(const Parts& parts, std::string_view policy) {
  std::vector<Seen> seen;
  const Lines lines = OrdersOf(parts);
  for (const std::string& line : lines) {
    Relay relay({}, policy);
    seen.push_back(relay.Client(line));
    CAPTURE(line);
    CHECK((seen.back().server.empty() || seen.back().server == Lines{line}));
    CHECK(seen.back().server.empty() == seen[0].server.empty());
    CHECK(WithoutIds(seen.back().client) == WithoutIds(seen[0].client));
    CHECK(seen.back().events == seen[0].events);
    CHECK(seen.back().texts == seen[0].texts);
  }
}

const Lines kNames{
    R"("name":"refund")", R"("name":"ref\u0075nd")", R"("name":"echo")",         R"("name":"secret_x")",
    R"("name":"pay")",    R"("name":"delete_repo")", R"("name":"unknown tool")", R"("name":"")",
    R"("name":5)"};

const Lines kArguments{
    "{}",
    R"({"amount":1})",
    R"({"amount":101})",
    R"( {"amount" : 1 , "note":"a\u00e9\n}"} )",
    R"({"amount":1,"amount":1})",
    R"({"Amount":1})",
    R"({"amount":1e400})",
    R"({"amount":01})",
    R"({"amount":1]})",
    R"({"amount":tru})",
    R"({"a":{"b":{"b":1,"b":2}}})",
    "{\"note\":\"\xC3\"}",
    "{\"note\":\"\x01\"}",
    R"({"note":"\ud800"})",
    R"({"\u0000":1})",
    R"([1])",
    R"("{}")",
    "null",
};

}  // namespace

TEST_CASE("MCP: the order of members changes nothing") {
  for (const std::string& name : kNames) {
    for (const std::string& arguments : kArguments) {
      CheckAlike({.name = name, .arguments = "\"arguments\":" + arguments}, callwarden_unit::kMcpPolicy);
    }
  }
}

TEST_CASE("MCP: the order of members changes nothing for a policy in shadow") {
  std::string shadow(callwarden_unit::kMcpPolicy);
  shadow.replace(shadow.find("\"default\""), 0, "\"mode\": \"shadow\", ");
  for (const std::string& name : kNames) {
    for (const std::string& arguments : kArguments) {
      CheckAlike({.name = name, .arguments = "\"arguments\":" + arguments}, shadow);
    }
  }
}

TEST_CASE("MCP: members that come twice, or are misspelt, are found around arguments read in passing") {
  const std::string name = R"("name":"echo")";
  const std::string arguments = R"("arguments":{"a":1})";
  for (const std::string& more :
       {R"(,"name":"refund")"s, R"(,"arguments":{"a":1})"s, R"(,"Name":"refund")"s, R"(,"arguments":{"a":1)"s,
        R"(,"arguments":5)"s, R"(,"task":{},"task":{})"s}) {
    CAPTURE(more);
    Relay relay;
    const std::string line =
        R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{)" + name + "," + arguments + more + "}}";
    const Seen seen = relay.Client(line);
    CHECK(seen.server.empty());
    CHECK(seen.client.size() == 1);
  }
  Relay relay;
  const std::string method = R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{)" + name + "," +
                             arguments + R"(},"method":"ping"})";
  CHECK(relay.Client(method).server.empty());
  const std::string params = R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{)" + name + "," +
                             arguments + R"(},"params":{"name":"refund","arguments":{"amount":500}}})";
  CHECK(relay.Client(params).server.empty());
  CHECK(relay.session->in_flight() == 0);
}
