// How people are asked, in both eras, and what never counts as their answer.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden::ApprovalState;
using callwarden::mcp::ApprovalMode;
using callwarden::mcp::EventKind;
using callwarden_unit::CallLine;
using callwarden_unit::Copy;
using callwarden_unit::ErrorLine;
using callwarden_unit::Lines;
using callwarden_unit::ModernCallLine;
using callwarden_unit::Relay;
using callwarden_unit::Seen;

constexpr std::string_view kForm = R"({"elicitation":{"form":{}}})";
constexpr std::string_view kUrl = R"({"elicitation":{"url":{}}})";
constexpr std::string_view kSchema =
    R"("requestedSchema":{"type":"object","properties":{"approve":{"type":"boolean"}},"required":["approve"]})";

std::string Between(const std::string& text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t at = from + begin.size();
  return text.substr(at, text.find(end, at) - at);
}

std::string PendingId(const Relay& relay) {
  const auto live = relay.store.List();
  REQUIRE(live.size() == 1);
  return live[0].id;
}

std::string NeedsApproval(std::string_view id, std::string_view approval_id, bool modern = false) {
  std::string text = R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"result":{)";
  if (modern) text += R"("resultType":"complete",)";
  text +=
      R"("content":[{"type":"text","text":"Approval required by policy: Tool \"delete_repo\" requires approval. )";
  text += approval_id.empty() ? std::string("The call did not run, and no approval can be given here.")
                              : "The call did not run. Once a person has approved it (approval id " +
                                    std::string(approval_id) + "), repeat it unchanged.";
  text += R"("}],"isError":true,"_meta":{"dev.callwarden/decision":{"decision":"approval_required",)"
          R"("reason":"approval_required","rule":"/tools/delete_repo/action",)"
          R"("message":"Tool \"delete_repo\" requires approval")";
  if (!approval_id.empty()) text += R"(,"approvalId":")" + std::string(approval_id) + "\"";
  return text + "}}}}";
}

bool Refused(const Seen& seen, std::string_view reason) {
  return seen.server.empty() && seen.client.size() == 1 &&
         seen.client[0].find(R"("isError":true)") != std::string::npos &&
         seen.client[0].find(R"("reason":")" + std::string(reason) + "\"") != std::string::npos;
}

// The modern client comes back with what it was given.
std::string Retry(std::string_view state, std::string_view answer,
                  std::string_view arguments = R"({"name":"r"})", std::string_view tool = "delete_repo",
                  std::string_view capabilities = kForm) {
  std::string more;
  if (!answer.empty()) more += R"(,"inputResponses":{"callwarden":)" + std::string(answer) + "}";
  more += R"(,"requestState":")" + std::string(state) + "\"";
  return ModernCallLine("3", tool, arguments, capabilities, more);
}

constexpr std::string_view kAccept = R"({"action":"accept","content":{"approve":true}})";

// Asks once; the state that the client got.
std::string Ask(Relay& relay, std::string_view capabilities = kForm) {
  const Seen seen = relay.Client(ModernCallLine("2", "delete_repo", R"({"name":"r"})", capabilities));
  CHECK(seen.server.empty());
  REQUIRE(seen.client.size() == 1);
  return Between(seen.client[0], R"("requestState":")", "\"");
}

constexpr std::string_view kResponses = R"(,"inputResponses":{"q":{"action":"accept"}})";

// The modern client answers what the server asked.
std::string GoOn(std::string_view id, std::string_view state,
                 std::string_view arguments = R"({"name":"r"})") {
  return ModernCallLine(id, "delete_repo", arguments, kForm,
                        std::string(kResponses) + R"(,"requestState":")" + std::string(state) + "\"");
}

const std::string kForwarded = ModernCallLine("3", "delete_repo", R"({"name":"r"})", kForm);

}  // namespace

TEST_CASE("MCP: who can be asked, and how") {
  SECTION("modern, form") {
    for (const char* capabilities : {R"({"elicitation":{"form":{}}})", R"({"elicitation":{}})",
                                     R"({"elicitation":{"form":{},"url":{}}})"}) {
      Relay relay;
      const Seen seen = relay.Client(ModernCallLine("2", "delete_repo", "{}", capabilities));
      CHECK(seen.server.empty());
      REQUIRE(seen.client.size() == 1);
      const std::string state = Between(seen.client[0], R"("requestState":")", "\"");
      CHECK(state.starts_with("cw1."));
      CHECK(
          seen.client[0] ==
          R"({"jsonrpc":"2.0","id":2,"result":{"resultType":"input_required","inputRequests":{"callwarden":)"
          R"({"method":"elicitation/create","params":{"mode":"form","message":"Approve delete_repo?",)" +
              std::string(kSchema) + R"(}}},"requestState":")" + state + "\"}}");
      CHECK(seen.events == std::vector{EventKind::kApprovalAsked});
      CHECK(relay.session->in_flight() == 0);
    }
  }
  SECTION("modern, url") {
    Relay relay([](auto& options) { options.approval_url = "https://x.test/a?id={id}&z"; });
    const Seen seen = relay.Client(ModernCallLine("2", "delete_repo", "{}", kUrl));
    const std::string id = PendingId(relay);
    CHECK(seen.client[0].starts_with(
        R"({"jsonrpc":"2.0","id":2,"result":{"resultType":"input_required","inputRequests":{"callwarden":)"
        R"({"method":"elicitation/create","params":{"mode":"url","elicitationId":")" +
        id + R"(","url":"https://x.test/a?id=)" + id +
        R"(&z","message":"Approve delete_repo?"}}},"requestState":"cw1.)"));
  }
  SECTION("modern, nobody to ask") {
    Relay relay;
    const Seen seen = relay.Client(ModernCallLine("2", "delete_repo", "{}", "{}"));
    CHECK(seen.client == Lines{NeedsApproval("2", PendingId(relay), true)});
    Relay url;  // there is no page
    const Seen no_page = url.Client(ModernCallLine("2", "delete_repo", "{}", kUrl));
    CHECK(no_page.client == Lines{NeedsApproval("2", PendingId(url), true)});
    Relay no_tokens([](auto& options) { options.tokens = nullptr; });
    const Seen no_state = no_tokens.Client(ModernCallLine("2", "delete_repo", "{}", kForm));
    CHECK(no_state.client == Lines{NeedsApproval("2", PendingId(no_tokens), true)});
    Relay in_band([](auto& options) { options.approvals = ApprovalMode::kInBandOnly; });
    CHECK(
        in_band.Client(ModernCallLine("2", "delete_repo", "{}", "{}")).client ==
        Lines{
            R"({"jsonrpc":"2.0","id":2,"error":{"code":-32021,"message":)"
            R"("Missing required client capability: elicitation","data":{"requiredCapabilities":{"elicitation":{}}}}})"});
  }
  SECTION("2025-11-25") {
    Relay form;
    form.Initialize("2025-11-25", kForm);
    const Seen asked = form.Client(CallLine("2", "delete_repo"));
    CHECK(asked.server.empty());
    REQUIRE(asked.client.size() == 1);
    const std::string id = Between(asked.client[0], R"("id":")", "\"");
    CHECK(id.starts_with("callwarden-"));
    CHECK(asked.client[0] == R"({"jsonrpc":"2.0","id":")" + id +
                                 R"(","method":"elicitation/create","params":{"mode":"form","message":)"
                                 R"("Approve delete_repo?",)" +
                                 std::string(kSchema) + "}}");
    Relay url([](auto& options) { options.approval_url = "https://x.test/{id}"; });
    url.Initialize("2025-11-25", kUrl);
    const Seen sent = url.Client(CallLine("2", "delete_repo"));
    const std::string approval = PendingId(url);
    CHECK(sent.client ==
          Lines{R"({"jsonrpc":"2.0","id":2,"error":{"code":-32042,"message":)"
                R"("URL elicitation required","data":{"elicitations":[{"mode":"url","elicitationId":")" +
                approval + R"(","url":"https://x.test/)" + approval +
                R"(","message":"Approve delete_repo?"}]}}})"});
  }
  SECTION("2025-06-18 knows no modes") {
    Relay relay;
    relay.Initialize("2025-06-18", R"({"elicitation":{}})");
    const Seen asked = relay.Client(CallLine("2", "pay", R"({"amount":101})"));
    REQUIRE(asked.client.size() == 1);
    CHECK(asked.client[0].find(R"("params":{"message":"Approve pay? large payments need a person",)") !=
          std::string::npos);
  }
  SECTION("older ones, and clients that declare nothing") {
    for (const char* revision : {"2024-11-05", "2025-03-26"}) {
      Relay relay;
      relay.Initialize(revision, kForm);
      const Seen seen = relay.Client(CallLine("2", "delete_repo"));
      CHECK(seen.client == Lines{NeedsApproval("2", PendingId(relay))});
    }
    Relay declares_nothing;
    declares_nothing.Initialize("2025-11-25");
    const Seen declares_nothing_seen = declares_nothing.Client(CallLine("2", "delete_repo"));
    CHECK(declares_nothing_seen.client == Lines{NeedsApproval("2", PendingId(declares_nothing))});
    Relay before_initialize;
    const Seen before_initialize_seen = before_initialize.Client(CallLine("2", "delete_repo"));
    CHECK(before_initialize_seen.client == Lines{NeedsApproval("2", PendingId(before_initialize))});
  }
  SECTION("only elsewhere") {
    Relay relay([](auto& options) { options.approvals = ApprovalMode::kOutOfBandOnly; });
    relay.Initialize("2025-11-25", kForm);
    const Seen seen = relay.Client(CallLine("2", "delete_repo"));
    CHECK(seen.client == Lines{NeedsApproval("2", PendingId(relay))});
    // A person approves; the client repeats the call.
    REQUIRE(relay.store.Approve(PendingId(relay), "someone").ok());
    CHECK(relay.Client(CallLine("3", "delete_repo")).server.size() == 1);
    CHECK(relay.Client(CallLine("4", "delete_repo")).server.empty());
  }
}

TEST_CASE("MCP: a modern call runs once it is accepted, once") {
  Relay relay;
  const std::string state = Ask(relay);
  // What is forwarded is the call without what spoke of the approval, and otherwise its bytes.
  const Seen run = relay.Client(Retry(state, kAccept));
  CHECK(run.server == Lines{kForwarded});
  CHECK(run.events == std::vector{EventKind::kApprovalAnswered, EventKind::kCallAllowed});
  CHECK(relay.store.List(false)[0].answered_by == "client elicitation");
  CHECK(relay.Server(R"({"jsonrpc":"2.0","id":3,"result":{"resultType":"complete","content":[]}})")
            .client.size() == 1);
  // Replayed: asked anew.
  const Seen again = relay.Client(Retry(state, kAccept));
  CHECK(again.server.empty());
  CHECK(again.client[0].find("input_required") != std::string::npos);
}

TEST_CASE("MCP: members that speak of approvals are cut wherever they stand") {
  Relay relay;
  const std::string state = Ask(relay);
  const std::string meta = callwarden_unit::ModernMeta(kForm);
  const std::string line = R"({"jsonrpc":"2.0", "params":{ "requestState":")" + state +
                           R"(", "name":"delete_repo" ,"inputResponses":{"callwarden":)" +
                           std::string(kAccept) + R"(},"arguments":{"name":"r"}, )" + meta +
                           R"( },"id":3,"method":"tools/call"})";
  CHECK(relay.Client(line).server ==
        Lines{R"({"jsonrpc":"2.0", "params":{"name":"delete_repo","arguments":{"name":"r"},)" + meta +
              R"(},"id":3,"method":"tools/call"})"});
}

TEST_CASE("MCP: what does not approve") {
  for (const char* answer :
       {R"({"action":"decline"})", R"({"action":"cancel"})", R"({"action":"accept"})",
        R"({"action":"accept","content":{}})", R"({"action":"accept","content":{"approve":"true"}})",
        R"({"action":"accept","content":{"approve":1}})",
        R"({"action":"accept","content":{"approve":false}})",
        R"({"action":"accept","content":{"Approve":true}})",
        R"({"action":"ACCEPT","content":{"approve":true}})", R"({"action":"accept","content":[true]})",
        R"({"content":{"approve":true}})", R"(null)", R"("accept")"}) {
    CAPTURE(answer);
    Relay relay;
    const std::string state = Ask(relay);
    CHECK(Refused(relay.Client(Retry(state, answer)), "approval_declined"));
    Relay legacy;
    legacy.Initialize("2025-11-25", kForm);
    const Seen asked = legacy.Client(CallLine("2", "delete_repo"));
    const std::string id = Between(asked.client[0], R"("id":")", "\"");
    CHECK(Refused(legacy.Client(R"({"jsonrpc":"2.0","id":")" + id + R"(","result":)" + answer + "}"),
                  "approval_declined"));
    CHECK(legacy.session->in_flight() == 0);
  }
  // Twice the same word: not read at all.
  Relay relay;
  const std::string state = Ask(relay);
  const Seen twice =
      relay.Client(Retry(state, R"({"action":"accept","content":{"approve":false,"approve":true}})"));
  CHECK(twice.client ==
        Lines{ErrorLine("3", -32602, "Invalid params: duplicate member or unrepresentable number")});
  // A decline is remembered.
  CHECK(Refused(relay.Client(Retry(state, R"({"action":"decline"})")), "approval_declined"));
  CHECK(relay.Client(Retry(state, kAccept)).server.empty());
  // No answer yet: asked again, for the same approval.
  Relay patient;
  const std::string first = Ask(patient);
  const std::string id = PendingId(patient);
  const Seen asked = patient.Client(Retry(first, ""));
  CHECK(asked.client[0].find("input_required") != std::string::npos);
  CHECK(PendingId(patient) == id);
  // Somebody else has approved meanwhile.
  REQUIRE(patient.store.Approve(id, "someone").ok());
  CHECK(patient.Client(Retry(first, "")).server == Lines{kForwarded});
}

TEST_CASE("MCP: states that were tampered with, moved or kept too long do not count") {
  const auto asked_again = [](Relay& relay, const std::string& line) {
    CAPTURE(line);
    const Seen seen = relay.Client(line);
    CHECK(seen.server.empty());
    REQUIRE(seen.client.size() == 1);
    CHECK(seen.client[0].find("input_required") != std::string::npos);
  };
  Relay relay;
  const std::string state = Ask(relay);
  std::string flipped = state;
  flipped[state.size() / 2] = flipped[state.size() / 2] == 'A' ? 'B' : 'A';
  asked_again(relay, Retry(flipped, kAccept));
  asked_again(relay, Retry("cw1.", kAccept));
  asked_again(relay, Retry("cw1.e30.e30", kAccept));
  asked_again(relay, Retry(state, kAccept, R"({"name":"other"})"));
  asked_again(relay, Retry(state, kAccept, R"({"name":"r","force":true})"));
  // Another tool, grant or process.
  CHECK(relay.Client(Retry(state, kAccept, R"({"amount":101})", "pay")).server.empty());
  Relay other;
  asked_again(other, Retry(state, kAccept));
  callwarden::mcp::SessionOptions options;
  options.gate = &relay.gate;
  options.tokens = &relay.tokens;
  options.grant = "g2";
  options.session = "s1";
  callwarden::mcp::Session stranger(options);
  CHECK(Copy(stranger.FromClient(Retry(state, kAccept))).server.empty());
  // Another policy in force.
  Relay swapped;
  const std::string before = Ask(swapped);
  swapped.gate.Swap(callwarden_unit::Compile(callwarden_unit::kMcpPolicy), nullptr);
  asked_again(swapped, Retry(before, kAccept));
  // Too late.
  Relay late;
  const std::string old = Ask(late);
  late.clock.Advance(std::chrono::minutes(16));
  asked_again(late, Retry(old, kAccept));
  // And what is still good is good.
  CHECK(relay.Client(Retry(state, kAccept)).server == Lines{kForwarded});
}

TEST_CASE("MCP: where approvals come from elsewhere, the client's answer is none") {
  Relay relay([](auto& options) {
    options.approvals = ApprovalMode::kOutOfBandOnly;
    options.approval_url = "https://x.test/{id}";
  });
  const std::string state = Ask(relay, kUrl);
  for (const std::string_view capabilities : {kUrl, kForm}) {
    const Seen seen = relay.Client(Retry(state, kAccept, R"({"name":"r"})", "delete_repo", capabilities));
    CHECK(seen.server.empty());
    CHECK(relay.store.List()[0].state == ApprovalState::kPending);
  }
  REQUIRE(relay.store.Approve(PendingId(relay), "someone").ok());
  CHECK(relay.Client(Retry(state, R"({"action":"accept"})", R"({"name":"r"})", "delete_repo", kUrl))
            .server.size() == 1);
}

TEST_CASE("MCP: a state that is the server's own is none of ours") {
  Relay relay;
  const std::string line =
      ModernCallLine("3", "echo", "{}", kForm, R"(,"inputResponses":{"q":{}},"requestState":"abc")");
  CHECK(relay.Client(line).server == Lines{line});
  // One that says to be ours is never handed on.
  const std::string forged = ModernCallLine("4", "echo", "{}", kForm,
                                            R"(,"requestState":"cw1.a.b","inputResponses":{"callwarden":1})");
  CHECK(relay.Client(forged).server == Lines{ModernCallLine("4", "echo", "{}", kForm)});
}

TEST_CASE("MCP: an approved call that the server asks back about goes on as approved, once") {
  for (const bool has_state : {true, false}) {
    CAPTURE(has_state);
    Relay relay;
    REQUIRE(relay.Client(Retry(Ask(relay), kAccept)).server.size() == 1);
    const std::string own = has_state ? R"(,"requestState":"srv\u0041\"x")" : "";
    const std::string head =
        R"({"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","inputRequests":{"q":{}})";
    const Seen back = relay.Server(head + own + "}}");
    REQUIRE(back.client.size() == 1);
    CHECK(back.outcomes == std::vector{callwarden::Outcome::kOk});
    const std::string state = Between(back.client[0], R"("requestState":")", "\"");
    CHECK(back.client[0] == head + R"(,"requestState":")" + state + "\"}}");
    CHECK(relay.Client(GoOn("6", state)).server ==
          Lines{ModernCallLine("6", "delete_repo", R"({"name":"r"})", kForm, std::string(kResponses) + own)});
    CHECK(relay.Client(GoOn("7", state)).server.empty());
    // Asked back once more, it goes on once more.
    const Seen further = relay.Server(
        R"({"jsonrpc":"2.0","id":6,"result":{"resultType":"input_required","requestState":"second"}})");
    REQUIRE(further.client.size() == 1);
    CHECK(relay.Client(GoOn("8", Between(further.client[0], R"("requestState":")", "\""))).server ==
          Lines{ModernCallLine("8", "delete_repo", R"({"name":"r"})", kForm,
                               std::string(kResponses) + R"(,"requestState":"second")")});
  }
}

TEST_CASE("MCP: what an approved call may go on with starts no call") {
  const auto asked = [](const Seen& seen) {
    CHECK(seen.server.empty());
    REQUIRE(seen.client.size() == 1);
    CHECK(seen.client[0].find("input_required") != std::string::npos);
  };
  for (const bool has_state : {true, false}) {
    CAPTURE(has_state);
    Relay relay;
    const std::string first = Ask(relay);
    REQUIRE(relay.Client(Retry(first, kAccept)).server.size() == 1);
    const Seen back = relay.Server(
        std::string(
            R"({"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","inputRequests":{"q":{}})") +
        (has_state ? R"(,"requestState":"own")" : "") + "}}");
    REQUIRE(back.client.size() == 1);
    const std::string state = Between(back.client[0], R"("requestState":")", "\"");
    const std::size_t tail = state.rfind('.') + 1;
    // The same call afresh, and in every shape that is not exactly what may go on.
    asked(relay.Client(ModernCallLine("10", "delete_repo", R"({"name":"r"})", kForm)));
    asked(relay.Client(ModernCallLine("11", "delete_repo", R"({"name":"r"})", kForm, kResponses)));
    asked(relay.Client(GoOn("12", "")));
    asked(relay.Client(GoOn("13", "own")));
    asked(relay.Client(GoOn("14", state.substr(0, tail - 1))));
    asked(relay.Client(GoOn("15", state.substr(0, tail))));
    asked(relay.Client(GoOn("16", state.substr(0, tail) + "YWJj")));
    asked(relay.Client(GoOn("17", state + ".YWJj")));
    asked(relay.Client(GoOn("18", first + state.substr(tail - 1))));
    asked(relay.Client(GoOn("19", state, R"({"name":"other"})")));
    if (!has_state) {
      // Nothing but the responses would tell it from a new call.
      asked(relay.Client(Retry(state, "")));
      asked(relay.Client(ModernCallLine("20", "delete_repo", R"({"name":"r"})", kForm,
                                        R"(,"inputResponses":{},"requestState":")" + state + "\"")));
    }
    // A person's approval of the new call, which those asked for, is another one.
    CHECK(relay.Client(GoOn("21", state)).server.size() == 1);
    asked(relay.Client(ModernCallLine("22", "delete_repo", R"({"name":"r"})", kForm)));
  }
  // What a call goes on with is part of what an approval is bound to.
  callwarden::ToolCall call;
  call.tool = "t";
  const auto afresh = callwarden::DigestCall(call);
  call.continuation = "a";
  const auto going_on = callwarden::DigestCall(call);
  call.continuation = "b";
  CHECK(going_on != afresh);
  CHECK(going_on != callwarden::DigestCall(call));
  // An approval that a person gave to a call lets nobody put words into the server's mouth.
  Relay relay;
  const std::string state = Ask(relay);
  REQUIRE(relay.store.Approve(PendingId(relay), "someone").ok());
  CHECK(relay.Client(GoOn("3", state + ".ImZvcmdlZCI")).server == Lines{kForwarded});
}

TEST_CASE("MCP: a legacy call is held until its user answers") {
  Relay relay;
  relay.Initialize("2025-11-25", kForm);
  const std::string line = CallLine("2", "delete_repo", R"({"name":"r"})");
  const Seen asked = relay.Client(line);
  const std::string id = Between(asked.client[0], R"("id":")", "\"");
  CHECK(relay.session->in_flight() == 1);
  REQUIRE(relay.session->next_deadline().has_value());
  CHECK(*relay.session->next_deadline() == callwarden_unit::kNoon + std::chrono::seconds(50));
  // The server cannot answer for a call that it never saw, nor put a question of its own under our id.
  CHECK(relay.Server(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})").client.empty());
  CHECK(relay.Server(R"({"jsonrpc":"2.0","id":")" + id + R"(","method":"elicitation/create","params":{}})")
            .client.empty());
  const std::string answer =
      R"({"jsonrpc":"2.0","id":")" + id + R"(","result":)" + std::string(kAccept) + "}";
  const Seen run = relay.Client(answer);
  CHECK(run.server == Lines{line});
  CHECK(run.client.empty());
  // A second answer is swallowed.
  const Seen second = relay.Client(answer);
  CHECK(second.server.empty());
  CHECK(second.client.empty());
  CHECK(relay.Server(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})").client.size() == 1);
}

TEST_CASE("MCP: nobody is asked about a call that the approval store does not take up") {
  Relay relay({}, callwarden_unit::kMcpPolicy, /*approvals_max=*/0);
  relay.Initialize("2025-11-25", kForm);
  const Seen seen = relay.Client(CallLine("2", "delete_repo", R"({"name":"r"})"));
  CHECK(seen.server.empty());
  CHECK(seen.client == Lines{NeedsApproval("2", "")});
  CHECK(relay.session->in_flight() == 0);
}

TEST_CASE("MCP: a held call that nobody approves") {
  Relay relay;
  relay.Initialize("2025-11-25", kForm);
  const auto hold = [&](std::string_view id) {
    return Between(relay.Client(CallLine(id, "delete_repo", R"({"n":)" + std::string(id) + "}")).client[0],
                   R"("id":")", "\"");
  };
  const auto withdrawn = [](const std::string& id) {
    return R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":")" + id +
           R"(","reason":"The call no longer waits for an approval"}})";
  };
  SECTION("expires") {
    const std::string id = hold("2");
    relay.clock.Advance(std::chrono::milliseconds(49999));
    CHECK(Copy(relay.session->Tick()).client.empty());
    relay.clock.Advance(std::chrono::milliseconds(1));
    const Seen seen = Copy(relay.session->Tick());
    REQUIRE(seen.client.size() == 2);
    CHECK(seen.client[0] == withdrawn(id));
    CHECK(seen.client[1].find(R"("reason":"approval_expired")") != std::string::npos);
    CHECK_FALSE(relay.session->next_deadline().has_value());
    CHECK(relay.Client(R"({"jsonrpc":"2.0","id":")" + id + R"(","result":)" + std::string(kAccept) + "}")
              .server.empty());
  }
  SECTION("was approved elsewhere in time") {
    hold("2");
    REQUIRE(relay.store.Approve(PendingId(relay), "someone").ok());
    relay.clock.Advance(std::chrono::seconds(50));
    CHECK(Copy(relay.session->Tick()).server.size() == 1);
  }
  SECTION("is cancelled: the server hears nothing of it") {
    const std::string id = hold("2");
    const Seen seen =
        relay.Client(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}})");
    CHECK(seen.server.empty());
    CHECK(seen.client == Lines{withdrawn(id)});
    CHECK(relay.session->in_flight() == 0);
  }
  SECTION("the client cannot ask after all") {
    const std::string id = hold("2");
    const Seen seen =
        relay.Client(R"({"jsonrpc":"2.0","id":")" + id + R"(","error":{"code":-32601,"message":"no"}})");
    CHECK(seen.client == Lines{NeedsApproval("2", PendingId(relay))});
  }
  SECTION("the server goes") {
    const std::string id = hold("2");
    CHECK(Copy(relay.session->ConnectionLost()).client ==
          Lines{withdrawn(id), ErrorLine("2", -32603, "The server is gone")});
  }
}

TEST_CASE("MCP: an approved call is still held to its limits") {
  Relay relay({}, R"({"version": "1", "default": "deny", "tools": {"t": {"action": "require_approval",
    "limits": [{"counter": "c", "window": "hour", "max": 1}]}}})");
  relay.Initialize("2025-11-25", kForm);
  const auto accept = [&](std::string_view call_id) {
    const Seen asked = relay.Client(CallLine(call_id, "t", R"({"n":)" + std::string(call_id) + "}"));
    return relay.Client(R"({"jsonrpc":"2.0","id":")" + Between(asked.client[0], R"("id":")", "\"") +
                        R"(","result":)" + std::string(kAccept) + "}");
  };
  CHECK(accept("2").server.size() == 1);
  const Seen refused = accept("3");
  CHECK(refused.server.empty());
  CHECK(refused.client[0].find(R"("decision":"rate_limited")") != std::string::npos);
}
