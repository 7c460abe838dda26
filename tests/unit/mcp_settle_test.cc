// How admitted calls end, and what becomes of their charges.
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden::Outcome;
using callwarden::mcp::EventKind;
using callwarden_unit::CallLine;
using callwarden_unit::Copy;
using callwarden_unit::ErrorLine;
using callwarden_unit::Lines;
using callwarden_unit::Relay;
using callwarden_unit::Seen;
using callwarden_unit::Used;

std::string Answer(std::string_view rest) { return R"({"jsonrpc":"2.0","id":1,)" + std::string(rest) + "}"; }

struct Case {
  std::string answer;
  Outcome outcome;
  bool passes = true;
};

}  // namespace

TEST_CASE("MCP: answers settle calls") {
  const std::vector<Case> cases{
      {Answer(R"("result":{"content":[]})"), Outcome::kOk},
      {Answer(R"("result":{"content":[],"isError":false})"), Outcome::kOk},
      {Answer(R"("result":{"isError":true,"content":[{"type":"text","text":"\ud800"}]})"), Outcome::kError},
      {Answer(R"("result":{"isErro\u0072":true})"), Outcome::kError},
      {Answer(R"("error":{"code":-32000,"message":"x"})"), Outcome::kError},
      {Answer(R"("result":{"resultType":"input_required","inputRequests":{},"requestState":"s"})"),
       Outcome::kOk},
      {Answer(R"("result":{"resultType":"task","taskId":"t"})"), Outcome::kOk},
      {Answer(R"("result":{"task":{"taskId":"t"}})"), Outcome::kOk},
      {Answer(R"("result":{"content":[],"n":1e999,"a":{"x":1,"x":2}})"), Outcome::kOk},
      {Answer(R"("result":[])"), Outcome::kLost, false},
      {Answer(R"("result":null)"), Outcome::kLost, false},
      {Answer(R"("result":{"isError":"true"})"), Outcome::kLost, false},
      {Answer(R"("result":{"isError":false,"isError":true})"), Outcome::kLost, false},
      {Answer(R"("result":{"resultType":1})"), Outcome::kLost, false},
      {Answer(R"("result":{},"error":{"code":1,"message":"x"})"), Outcome::kLost, false},
      {Answer(R"("error":5)"), Outcome::kLost, false},
      {R"({"jsonrpc":"2.0","id":1})", Outcome::kLost, false},
      {R"({"jsonrpc":"1.0","id":1,"result":{}})", Outcome::kLost, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.answer);
    Relay relay;
    REQUIRE(relay.Client(CallLine("1", "one")).server.size() == 1);
    REQUIRE(relay.Client(CallLine("2", "one")).server.empty());
    const Seen seen = relay.Server(c.answer);
    CHECK(seen.client == Lines{c.passes ? c.answer : ErrorLine("1", -32603, "The answer could not be read")});
    CHECK(seen.outcomes == std::vector{c.outcome});
    CHECK(relay.session->in_flight() == 0);
    // The slot is free again, and a second answer is dropped.
    CHECK(relay.Server(c.answer).client.empty());
    CHECK(relay.Client(CallLine("3", "one")).server.size() == 1);
    CHECK(relay.Server(c.answer).outcomes.empty());

    // A charge comes back for an error, where the limit says so, and for nothing else.
    Relay flaky;
    REQUIRE(flaky.Client(CallLine("1", "flaky")).server.size() == 1);
    CHECK(Used(flaky.counters) == 1);
    (void)flaky.Server(c.answer);
    CHECK(Used(flaky.counters) == (c.outcome == Outcome::kError ? 0 : 1));
    Relay strict;
    REQUIRE(strict.Client(CallLine("1", "refund")).server.size() == 1);
    (void)strict.Server(c.answer);
    CHECK(Used(strict.counters) == 1);
  }
}

TEST_CASE("MCP: lines of the server that settle nothing") {
  for (const char* line :
       {"{}", "", "starting up...", "[]", R"([{"jsonrpc":"2.0","id":1,"result":{}}])", "null",
        R"({"jsonrpc":"2.0","id":"1","result":{}})", R"({"jsonrpc":"2.0","id":1.0,"result":{}})",
        R"({"jsonrpc":"2.0","id":2,"result":{}})", R"({"jsonrpc":"2.0","id":1,"result":{}} x)",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xFF\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\r\"result\":{}}", R"({"jsonrpc":"2.0","result":{}})"}) {
    CAPTURE(line);
    Relay relay;
    REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
    const Seen seen = relay.Server(line);
    CHECK(seen.client.empty());
    CHECK(seen.outcomes.empty());
    CHECK(relay.session->in_flight() == 1);
  }
}

TEST_CASE("MCP: requests and notifications of the server pass") {
  Relay relay;
  relay.Initialize("2025-11-25");
  for (const char* line :
       {R"({"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"a":1,"a":2}})",
        R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})",
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"t":"\ud800"}})",
        R"( {"jsonrpc":"2.0","id":"x","method":"roots/list"} )"}) {
    CHECK(relay.Server(line).client == Lines{line});
  }
  for (const char* line :
       {R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","method":"ping"})", R"({"id":1,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":1,"Method":"x","method":"ping"})"}) {
    CAPTURE(line);
    CHECK(relay.Server(line).client.empty());
  }
}

TEST_CASE("MCP: batches of the server are taken apart in 2025-03-26") {
  Relay relay;
  relay.Initialize("2025-03-26");
  REQUIRE(relay.Client(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})").server.size() == 1);
  REQUIRE(relay.Client(CallLine("2", "echo")).server.size() == 1);
  const Seen seen = relay.Server(
      R"([{"jsonrpc":"2.0","id":2,"result":{"content":[]}}, {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"secret_a"}]}}])");
  CHECK(seen.client == Lines{R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})",
                             R"({"jsonrpc":"2.0","id":1,"result":{"tools":[]}})"});
}

TEST_CASE("MCP: a server that is gone") {
  Relay relay;
  REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
  REQUIRE(relay.Client(R"({"jsonrpc":"2.0","id":"l","method":"tools/list"})").server.size() == 1);
  const Seen seen = Copy(relay.session->ConnectionLost());
  CHECK(seen.client == Lines{ErrorLine("1", -32603, "The server is gone"),
                             ErrorLine("\"l\"", -32603, "The server is gone")});
  CHECK(seen.outcomes == std::vector{Outcome::kLost});
  CHECK(Used(relay.counters) == 1);
  CHECK(Copy(relay.session->ConnectionLost()).client.empty());
  CHECK(relay.Client(CallLine("2", "flaky")).client == Lines{ErrorLine("2", -32603, "The server is gone")});
  CHECK(relay.Client(R"({"jsonrpc":"2.0","method":"notifications/x"})").server.empty());
  CHECK(relay.Server(R"({"jsonrpc":"2.0","id":1,"result":{}})").client.empty());
}

TEST_CASE("MCP: a message that was not sent costs nothing") {
  Relay relay;
  const Seen sent = relay.Client(CallLine("1", "refund"));
  REQUIRE(sent.tickets.size() == 1);
  CHECK(Used(relay.counters) == 1);
  const Seen seen = Copy(relay.session->NotSent(sent.tickets[0]));
  CHECK(seen.client == Lines{ErrorLine("1", -32603, "The server could not be reached")});
  CHECK(seen.outcomes == std::vector{Outcome::kNotSent});
  CHECK(Used(relay.counters) == 0);
  // Tickets of old do nothing, though the id and the place are used again.
  const Seen again = relay.Client(CallLine("1", "refund"));
  CHECK(Copy(relay.session->NotSent(sent.tickets[0])).client.empty());
  CHECK(Copy(relay.session->NotSent(0)).client.empty());
  CHECK(Copy(relay.session->NotSent(~uint64_t{0})).client.empty());
  CHECK(again.tickets[0] != sent.tickets[0]);
  CHECK(Used(relay.counters) == 1);
}

TEST_CASE("MCP: cancelled calls") {
  const std::string cancel =
      R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}})";
  const std::string answer = Answer(R"("result":{"isError":true})");
  SECTION("are settled by a late answer") {
    Relay relay;
    REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
    CHECK(relay.Client(cancel).server == Lines{cancel});
    CHECK(Used(relay.counters) == 1);
    CHECK(relay.Server(answer).outcomes == std::vector{Outcome::kError});
    CHECK(Used(relay.counters) == 0);
  }
  SECTION("are lost after a while") {
    Relay relay;
    REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
    REQUIRE(relay.Client(cancel).server.size() == 1);
    relay.clock.Advance(std::chrono::seconds(9));
    (void)relay.Client(cancel);  // again, which is no longer wait
    relay.clock.Advance(std::chrono::seconds(1));
    const Seen seen = Copy(relay.session->Tick());
    CHECK(seen.outcomes == std::vector{Outcome::kLost});
    CHECK(seen.client.empty());
    CHECK(Used(relay.counters) == 1);
    CHECK(relay.Server(answer).client.empty());
  }
  SECTION("of another type, or nobody's, change nothing") {
    Relay relay;
    REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
    for (const char* id : {"\"1\"", "2", "null", "1.0"}) {
      const std::string other =
          R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::string(id) +
          "}}";
      CHECK(relay.Client(other).server == Lines{other});
    }
    CHECK_FALSE(relay.session->next_deadline().has_value());
  }
}

TEST_CASE("MCP: requests that wait too long") {
  Relay relay([](auto& options) { options.request_timeout = std::chrono::seconds(30); });
  REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
  REQUIRE(relay.Client(R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})").server.size() == 1);
  relay.clock.Advance(std::chrono::seconds(30));
  const Seen seen = Copy(relay.session->Tick());
  CHECK(seen.client == Lines{ErrorLine("1", -32603, "The server did not answer in time"),
                             ErrorLine("2", -32603, "The server did not answer in time")});
  CHECK(seen.outcomes == std::vector{Outcome::kLost});
  CHECK(Used(relay.counters) == 1);
  CHECK(relay.Server(Answer(R"("result":{})")).client.empty());
  // The list's id stays taken until its answer has been swallowed.
  CHECK(relay.Client(R"({"jsonrpc":"2.0","id":2,"method":"ping"})").server.empty());
  CHECK(relay.Server(R"({"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"secret_a"}]}})").client.empty());
  CHECK(relay.Client(R"({"jsonrpc":"2.0","id":2,"method":"ping"})").server.size() == 1);
}

TEST_CASE("MCP: a late settlement does not credit the next window") {
  Relay relay;
  REQUIRE(relay.Client(CallLine("1", "flaky")).server.size() == 1);
  relay.clock.Advance(std::chrono::seconds(61));
  REQUIRE(relay.Client(CallLine("2", "flaky")).server.size() == 1);
  REQUIRE(relay.Client(CallLine("3", "flaky")).server.size() == 1);
  (void)relay.Server(Answer(R"("error":{"code":1,"message":"x"})"));
  CHECK(relay.Client(CallLine("4", "flaky")).server.empty());
}

TEST_CASE("MCP: a session that ends settles what is open as lost") {
  Relay relay;
  REQUIRE(relay.Client(CallLine("1", "one")).server.size() == 1);
  REQUIRE(relay.Client(CallLine("2", "flaky")).server.size() == 1);
  relay.session.reset();
  CHECK(Used(relay.counters) == 1);  // the slot of `one` is free, the charge of `flaky` stays
}
