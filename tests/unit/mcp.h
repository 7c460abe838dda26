#ifndef CALLWARDEN_TESTS_UNIT_MCP_H_
#define CALLWARDEN_TESTS_UNIT_MCP_H_

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/approvals.h"
#include "callwarden/clock.h"
#include "callwarden/gate.h"
#include "callwarden/mcp.h"
#include "callwarden/memory_counter_store.h"

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace callwarden_unit {

using Lines = std::vector<std::string>;

/// What one input led to, as copies.
struct Seen {
  Lines server;
  Lines client;
  std::vector<callwarden::mcp::EventKind> events;
  Lines texts;                                // of the events
  std::vector<callwarden::Outcome> outcomes;  // of settled calls
  std::vector<uint64_t> tickets;
  callwarden::mcp::HttpAnswer http;
};

inline Seen Copy(const callwarden::mcp::Output& output) {
  Seen seen;
  for (const callwarden::mcp::ToServer& message : output.to_server) {
    seen.server.emplace_back(message.bytes);
    seen.tickets.push_back(message.ticket);
  }
  for (const std::string_view message : output.to_client) seen.client.emplace_back(message);
  for (const callwarden::mcp::Event& event : output.events) {
    seen.events.push_back(event.kind);
    seen.texts.emplace_back(event.text);
    if (event.kind == callwarden::mcp::EventKind::kSettled) seen.outcomes.push_back(event.outcome);
  }
  seen.http = callwarden::mcp::HttpAnswerTo(output);
  return seen;
}

/// Lists what it lists, denies the rest, hides `secret_*`.
inline constexpr std::string_view kMcpPolicy = R"({
  "version": "1", "default": "deny", "hide": ["secret_*"],
  "tools": {
    "echo": {},
    "refund": {
      "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100}],
                   "on_deny": "refunds above 100 need a person"}],
      "limits": [{"counter": "refund_rate", "window": "minute", "max": 2, "on_deny": "2 refunds per minute"}]},
    "flaky": {"limits": [{"counter": "flaky_rate", "window": "minute", "max": 2, "refund": "on_error"}]},
    "one": {"limits": [{"counter": "at_once", "algorithm": "inflight", "max": 1}]},
    "delete_repo": {"action": "require_approval"},
    "pay": {"require_approval_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100}],
                                     "reason": "large payments need a person"}]}
  }
})";

/// One session with its gate, its store of approvals and a clock that stands at noon.
class Relay {
 public:
  explicit Relay(const std::function<void(callwarden::mcp::SessionOptions&)>& change = {},
                 std::string_view policy = kMcpPolicy, std::size_t approvals_max = 100)
      : counters({.capacity_keys = 4096, .clock = &clock, .secret = {}}),
        store(StoreOptions(approvals_max)),
        gate(GateOptionsWith(Compile(policy))) {
    callwarden::mcp::SessionOptions options;
    options.gate = &gate;
    options.grant = "g1";
    options.session = "s1";
    options.tokens = &tokens;
    if (change) change(options);
    session.emplace(std::move(options));
  }

  Seen Client(std::string_view message) {
    // Copies show reads past the end to the sanitizers, and views that outlive their input.
    const std::string copy(message);
    return Copy(session->FromClient(copy));
  }
  Seen Server(std::string_view message) {
    const std::string copy(message);
    return Copy(session->FromServer(copy));
  }

  /// Opens a legacy connection; everything passes.
  void Initialize(std::string_view revision, std::string_view capabilities = "{}",
                  std::string_view server_capabilities = R"({"tools":{}})") {
    const std::string request =
        R"({"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":")" +
        std::string(revision) + R"(","capabilities":)" + std::string(capabilities) +
        R"(,"clientInfo":{"name":"c","version":"1"}}})";
    REQUIRE(Client(request).server == Lines{request});
    const std::string answer = R"({"jsonrpc":"2.0","id":"init","result":{"protocolVersion":")" +
                               std::string(revision) + R"(","capabilities":)" +
                               std::string(server_capabilities) +
                               R"(,"serverInfo":{"name":"s","version":"1"}}})";
    REQUIRE(Server(answer).client == Lines{answer});
    const std::string done = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
    REQUIRE(Client(done).server == Lines{done});
  }

  callwarden::ManualClock clock{kNoon};
  callwarden::MemoryCounterStore counters;
  callwarden::ApprovalStore store;
  callwarden::ApprovalTokens tokens;
  callwarden::Gate gate;
  std::optional<callwarden::mcp::Session> session;

 private:
  callwarden::ApprovalStoreOptions StoreOptions(std::size_t live_max) {
    callwarden::ApprovalStoreOptions options;
    options.live_max = live_max;
    options.clock = &clock;
    return options;
  }
  callwarden::GateOptions GateOptionsWith(std::shared_ptr<const callwarden::CompiledPolicy> policy) {
    callwarden::GateOptions options;
    options.policy = std::move(policy);
    options.counters = &counters;
    options.clock = &clock;
    options.approvals = &store;
    return options;
  }
};

inline std::string CallLine(std::string_view id, std::string_view tool, std::string_view arguments = "{}") {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"tools/call","params":{"name":")" +
         std::string(tool) + R"(","arguments":)" + std::string(arguments) + "}}";
}

inline std::string ModernMeta(std::string_view capabilities = "{}") {
  return R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":)" +
         std::string(capabilities) + "}";
}

inline std::string ModernCallLine(std::string_view id, std::string_view tool,
                                  std::string_view arguments = "{}", std::string_view capabilities = "{}",
                                  std::string_view more = "") {
  return R"({"jsonrpc":"2.0","id":)" + std::string(id) + R"(,"method":"tools/call","params":{"name":")" +
         std::string(tool) + R"(","arguments":)" + std::string(arguments) + "," + ModernMeta(capabilities) +
         std::string(more) + "}}";
}

inline std::string ErrorLine(std::string_view id, int code, std::string_view message) {
  std::string line = R"({"jsonrpc":"2.0")";
  if (!id.empty()) line += R"(,"id":)" + std::string(id);
  return line + R"(,"error":{"code":)" + std::to_string(code) + R"(,"message":")" + std::string(message) +
         "\"}}";
}

}  // namespace callwarden_unit

#endif  // CALLWARDEN_TESTS_UNIT_MCP_H_
