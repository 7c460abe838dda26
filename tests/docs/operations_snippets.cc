// The code of docs/operations.md and docs/embedding-mcp.md, which a test finds here, put to use; and what
// docs/embedding.md says of fork.

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "callwarden/approvals.h"
#include "callwarden/audit.h"
#include "callwarden/callwarden.h"
#include "callwarden/file_watcher.h"
#include "callwarden/gate.h"
#include "callwarden/grants.h"
#include "callwarden/mcp.h"

#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace {

constexpr std::string_view kPolicy = R"({"version": "1", "default": "deny", "tools": {
    "run_code": { "limits": [ { "counter": "runs", "window": "day", "max": 2 } ] },
    "drop_table": { "action": "require_approval", "reason": "A person agrees" } } })";

std::string ReadFile(const std::string& name) {
  if (name == "policy.json") return std::string(kPolicy);
  if (name != "grants.json") return "{";
  return R"({"version": "1", "grants": [ { "id": "agent-42", "policy": "policy.json" } ]})";
}

std::shared_ptr<const callwarden::CompiledPolicy> Compile(std::string_view text) {
  return callwarden::CompiledPolicy::Compile(text).policy();
}

std::shared_ptr<const callwarden::GrantTable> Report(std::span<const callwarden::Diagnostic>) {
  return nullptr;
}

std::shared_ptr<const callwarden::GrantTable> ReadGrants() {
  const std::string text = ReadFile("grants.json");
  callwarden::GrantTableResult result =
      callwarden::GrantTable::Read(text, [](std::string_view name, std::string& error) {
        auto compiled = callwarden::CompiledPolicy::Compile(ReadFile(std::string(name)));
        if (!compiled.ok()) error = compiled.diagnostics()[0].message;
        return compiled.policy();
      });
  if (!result.ok()) return Report(result.diagnostics());
  return result.table();
}

std::vector<std::string> logged;
void Log(std::string_view rule, std::string_view kind) {
  logged.push_back(std::string(rule) + " " + std::string(kind));
}
void Alert(std::string_view text) { logged.emplace_back(text); }

void Watch(const callwarden::CounterStore& counters, const callwarden::JsonlAuditSink& audit) {
  const callwarden::CounterStats stats = counters.stats();
  if (stats.above_85_percent) Alert("counter store nearly full: new callers will be denied");
  if (stats.denied_store_full + stats.denied_store_error > 0)
    Alert("calls were denied that no limit refused");
  if (audit.stats().failing) Alert("the audit log cannot be written");
}

// How a child process ended that did this; 0 when it returned true.
template <class F>
int InChild(F&& check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("the operations guide's first code decides under a grant", "[docs]") {
  const auto policy = Compile(kPolicy);
  const auto grants = ReadGrants();
  REQUIRE(grants != nullptr);
  const std::string arguments_json = "{}";

  callwarden::MemoryCounterStore counters;
  callwarden::Gate gate({.policy = policy, .grants = grants, .counters = &counters});

  callwarden::ToolCall call;
  call.tool = "run_code";
  call.arguments = arguments_json;
  call.grant = "agent-42";
  callwarden::Decision decision = gate.Check(call);
  CHECK(decision.allowed());
}

TEST_CASE("the operations guide's code of a swap tells what became of each limit", "[docs]") {
  callwarden::Gate gate({.policy = Compile(kPolicy)});
  const auto compiled = callwarden::CompiledPolicy::Compile(
      R"({"version": "1", "default": "deny", "tools": {
          "run_code": { "limits": [ { "counter": "runs", "window": "day", "max": 5 } ] } }})");
  const std::shared_ptr<const callwarden::GrantTable> grants;
  logged.clear();
  const callwarden::SwapReport report = gate.Swap(compiled.policy(), grants);
  for (const callwarden::LimitChange& change : report.limits) {
    if (change.kind != callwarden::LimitChange::Kind::kCarriedOver) Log(change.rule, Name(change.kind));
  }
  CHECK(logged == std::vector<std::string>{"/tools/run_code/limits/runs max_changed"});
}

TEST_CASE("the operations guide's watcher reloads until it is stopped", "[docs]") {
  int reloads = 0;
  const auto Reload = [&reloads] { ++reloads; };
  // clang-format off
  callwarden::FileWatcher watcher({"policy.json", "grants.json"});
  std::thread stopper([&watcher] { watcher.Stop(); });
  while (watcher.Wait(std::chrono::milliseconds(-1))) {  // on a thread of its own; Stop() ends it
    Reload();
  }
  // clang-format on
  stopper.join();
  CHECK(reloads == 0);
}

TEST_CASE("the operations guide's code of an approval lets a call pass once", "[docs]") {
  callwarden::ApprovalStore approvals;
  callwarden::Gate gate({.policy = Compile(kPolicy), .approvals = &approvals});
  std::string id;
  const auto Show = [&](std::string_view message, std::string_view approval) {
    CHECK(message == "A person agrees");
    id = approval;
    CHECK(approvals.Approve(approval, "ada").ok());
  };
  callwarden::ToolCall call{.tool = "drop_table", .grant = "agent-42"};
  callwarden::Decision decision = gate.Check(call);
  // clang-format off
  if (decision.effect() == callwarden::Effect::kRequireApproval) {
    Show(decision.message(), decision.approval_id());  // to a person, who answers approvals.Approve or Deny
  }
  // clang-format on
  call.approval = id;
  decision = gate.Check(call);  // runs once; approval_status() says why not
  CHECK(decision.allowed());
  decision = gate.Check(call);
  CHECK_FALSE(decision.allowed());
  CHECK(decision.approval_status() == callwarden::ApprovalStatus::kUsed);
}

TEST_CASE("the operations guide's code of an audit log writes one", "[docs]") {
  const callwarden_test::TemporaryFolder work;
  const std::string folder = work.path();
  const auto policy = Compile(kPolicy);
  callwarden::JsonlAuditSink audit({.directory = folder});  // which must exist, such as /var/log/my_server
  callwarden::Gate gate({.policy = policy, .audit = &audit});
  CHECK_FALSE(gate.Check({.tool = "other"}).allowed());
  REQUIRE(audit.Flush());
  CHECK(audit.end().sequence == 1);
}

TEST_CASE("the operations guide's alerts come when they should", "[docs]") {
  const callwarden_test::TemporaryFolder folder;
  callwarden::MemoryCounterStore counters;
  callwarden::MemoryCounterStore none({.capacity_keys = 0});
  callwarden::JsonlAuditSink audit({.directory = folder.path()});
  callwarden::JsonlAuditSink nowhere({.directory = folder.path() + "/missing"});
  logged.clear();
  Watch(counters, audit);
  CHECK(logged.empty());
  callwarden::Gate gate({.policy = Compile(kPolicy), .counters = &none, .audit = &nowhere});
  CHECK(gate.Check({.tool = "run_code", .grant = "g"}).reason() == callwarden::Reason::kLimitUnavailable);
  while (!nowhere.stats().failing) std::this_thread::yield();  // its own thread opens the file
  Watch(none, nowhere);
  CHECK(logged == std::vector<std::string>{"calls were denied that no limit refused",
                                           "the audit log cannot be written"});
}

TEST_CASE("the MCP guide's code gates lines and calls", "[docs]") {
  callwarden::Gate gate({.policy = Compile(kPolicy)});
  const std::string_view message =
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_all"}})";
  callwarden::mcp::SessionOptions options;
  options.gate = &gate;
  options.grant = "grant-of-this-client";  // who calls: your word, never the client's
  options.session = "session-of-this-client";
  callwarden::mcp::Session session(options);

  const callwarden::mcp::Output first = session.FromClient(message);
  CHECK(first.to_server.empty());
  REQUIRE(first.to_client.size() == 1);
  const std::string refused(first.to_client[0]);
  CHECK(refused.find("not permitted by policy") != std::string::npos);

  callwarden::mcp::LineReader reader;
  const std::string bytes_just_read = std::string(message) + "\n";
  std::size_t sent = 0;
  const auto Send = [&sent](const callwarden::mcp::Output& out) {
    sent += out.to_client.size() + out.to_server.size();
  };
  // clang-format off
  reader.Add(bytes_just_read);
  while (const auto line = reader.Next()) {
    const auto output = line->too_long ? session.TooLongFromClient() : session.FromClient(line->bytes);
    Send(output);  // to_client and to_server, each message with one '\n' behind it
  }
  // clang-format on
  CHECK(sent == 1);

  const std::string id_as_json = "1";
  const std::string_view tool = "delete_all";
  const callwarden::ToolCall call{.tool = tool};
  std::string reply;
  // clang-format off
  callwarden::Decision decision = gate.Check(call);
  if (!decision.allowed()) {
    reply = callwarden::mcp::DenialMessage(id_as_json, tool, decision, callwarden::mcp::Era::kLegacy);
  }
  // clang-format on
  CHECK(reply == refused);
}

TEST_CASE("in the child of a fork policies go on, counts are the child's, and the parent's log is left alone",
          "[docs]") {
  const auto policy = Compile(kPolicy);
  callwarden::MemoryCounterStore counters;
  callwarden::Gate gate({.policy = policy, .counters = &counters});
  const callwarden::ToolCall call{.tool = "run_code", .grant = "g"};
  REQUIRE(gate.Check(call).allowed());

  CHECK(InChild([&] {  // the copy has counted one, and counts on by itself
          return gate.Check(call).allowed() && !gate.Check(call).allowed();
        }) == 0);
  CHECK(gate.Check(call).allowed());
  CHECK_FALSE(gate.Check(call).allowed());
  CHECK(InChild([&] {  // a store and a gate of its own
          callwarden::MemoryCounterStore own;
          callwarden::Gate own_gate({.policy = policy, .counters = &own});
          own_gate.Swap(policy, nullptr);
          return own_gate.Check(call).allowed() && own_gate.Check(call).allowed() &&
                 !own_gate.Check(call).allowed();
        }) == 0);

  const callwarden_test::TemporaryFolder folder;
  callwarden::JsonlAuditSink audit({.directory = folder.path()});
  callwarden::Gate logging({.policy = policy, .audit = &audit, .audit_required = true});
  CHECK(logging.Check(call).allowed());
  CHECK(InChild([&] { return logging.Check(call).reason() == callwarden::Reason::kAuditUnavailable; }) == 0);
  CHECK(logging.Check(call).allowed());
  REQUIRE(audit.Flush());
  CHECK(audit.stats().written == 4);  // two decisions and their ends, all the parent's
}
