#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "callwarden/approvals.h"
#include "callwarden/audit.h"
#include "callwarden/file_watcher.h"
#include "callwarden/gate.h"
#include "callwarden/mcp.h"
#include "callwarden/memory_counter_store.h"

#include "child_process.h"
#include "commands.h"
#include "counter_state.h"
#include "input_file.h"
#include "output.h"
#include "printable.h"
#include "proxy_log.h"
#include "proxy_policies.h"
#include "proxy_session.h"
#include "relay.h"
#include "signal_pipe.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

struct ProxyFlags {
  PolicySources sources;
  std::string grant = "default";  // as in policy test files
  std::string session;
  std::string approvals;
  bool out_of_band = false;
  mcp::HiddenStyle unknown_tool = mcp::HiddenStyle::kError;
  bool hide_unlisted = false;
  std::string audit;
  std::string state;
  double grace_s = 5;
  bool verbose = false;
  std::vector<std::string> command;
};

/// Names one run, so that counts and approvals of other runs are not taken for its own.
std::string RandomSession() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string name;
  for (int i = 0; i < 32; ++i) name += kDigits[random() % kDigits.size()];
  return name;
}

void CheckFlags(const ProxyFlags& flags) {
  for (const std::string& file :
       {flags.sources.policy, flags.sources.grants, flags.approvals, flags.audit, flags.state}) {
    if (file == "-") throw ToolError("standard input is the client's: no file can be -");
  }
  if (flags.out_of_band && flags.approvals.empty()) {
    throw ToolError("--approve-out-of-band needs --approvals: without it nobody could approve anything");
  }
  if (flags.command.front().empty()) throw ToolError("the command is empty");
}

/// Opens the approvals that people answer elsewhere; without a file they live as long as the proxy, which is
/// enough for clients that ask their users.
std::unique_ptr<ApprovalStore> OpenApprovals(const std::string& path) {
  ApprovalStoreOptions options;
  options.path = path;
  auto store = std::make_unique<ApprovalStore>(options);
  if (const ApprovalError error = store->status(); !error.ok()) {
    std::string text = DisplayName(path) + ": " + error.message();
    if (error.system_error != 0) text += std::string(": ") + std::strerror(error.system_error);
    if (error.line != 0) text += " (line " + std::to_string(error.line) + ")";
    throw ToolError(text);
  }
  return store;
}

/// Opens the audit log, or goes on with it. Null without a path.
std::unique_ptr<JsonlAuditSink> OpenAudit(const std::string& path) {
  if (path.empty()) return nullptr;
  const std::filesystem::path whole(path);
  JsonlAuditOptions options;
  options.directory = whole.has_parent_path() ? whole.parent_path().string() : ".";
  options.name = whole.filename().string();
  auto sink = std::make_unique<JsonlAuditSink>(options);
  // Whether it can be written is found out by the sink's own thread.
  if (const bool flushed = sink->Flush(); !flushed || sink->stats().failing) {
    const int error = sink->stats().last_error;
    throw ToolError(DisplayName(path) + ": the audit log cannot be written: " +
                    (error == 0 ? "is another program writing it?" : std::strerror(error)));
  }
  return sink;
}

int Proxy(const ProxyFlags& flags) {
  CheckFlags(flags);
  PolicySet policies = flags.sources.Load();
  if (!policies.ok) return kExitProblems;
  MemoryCounterStore counters;
  if (!flags.state.empty()) RestoreCounts(flags.state, counters);
  const std::unique_ptr<ApprovalStore> approvals = OpenApprovals(flags.approvals);
  const std::unique_ptr<JsonlAuditSink> audit = OpenAudit(flags.audit);
  ProxyLog log(flags.verbose);

  GateOptions gate_options;
  gate_options.policy = policies.policy;
  gate_options.grants = policies.grants;
  gate_options.counters = &counters;
  gate_options.approvals = approvals.get();
  gate_options.audit = audit.get();
  gate_options.audit_required = audit != nullptr;
  Gate gate(gate_options);
  const ApprovalTokens tokens;

  SignalPipe signals;
  ChildProcess server(flags.command);
  if (server.start_error() != 0) return ReportCannotStart(flags.command.front(), server.start_error());

  RelayOptions relay_options;
  relay_options.grace = std::chrono::milliseconds(static_cast<int64_t>(flags.grace_s * 1000));
  Relay relay(server, signals, relay_options);
  mcp::SessionOptions session_options;
  session_options.gate = &gate;
  session_options.grant = flags.grant;
  session_options.session = flags.session.empty() ? RandomSession() : flags.session;
  session_options.message_size_max_bytes = relay_options.line_max_bytes;
  session_options.tokens = &tokens;
  session_options.replies.hidden = flags.unknown_tool;
  session_options.replies.unlisted_as_unknown = flags.hide_unlisted;
  if (flags.out_of_band) session_options.approvals = mcp::ApprovalMode::kOutOfBandOnly;

  auto watcher = std::make_unique<FileWatcher>(policies.files);
  ProxySession::Hooks hooks;
  hooks.files_changed = [&] { return watcher->Wait(std::chrono::milliseconds(0)); };
  hooks.reload = [&]() -> std::optional<SwapReport> {
    try {
      PolicySet fresh = flags.sources.Load();
      if (fresh.files != policies.files) watcher = std::make_unique<FileWatcher>(fresh.files);
      policies.files = fresh.files;
      if (fresh.ok) return gate.Swap(std::move(fresh.policy), std::move(fresh.grants));
    } catch (const ToolError& error) {
      ReportError(error.what());
    }
    log.Say("the policies that were in force stay in force");
    return std::nullopt;
  };
  hooks.save_state = [&] {
    if (flags.state.empty()) return;
    if (const std::string problem = SaveCounts(flags.state, counters); !problem.empty()) log.Say(problem);
  };

  int code = 0;
  {
    ProxySession session(relay, session_options, hooks, log);
    code = relay.Run(session);
  }  // settles what is open
  hooks.save_state();
  return code;
}

void AddFlags(CLI::App& command, ProxyFlags& flags) {
  command
      .add_option("--policy", flags.sources.policy, "The policy; read again on SIGHUP and when it changes")
      ->required()
      ->type_name("FILE");
  command.add_option("--grant", flags.grant, "Who calls, by the word of whoever starts the proxy")
      ->type_name("ID")
      ->capture_default_str();
  command.add_option("--session", flags.session, "Name of the session; a random one each run when not given")
      ->type_name("ID");
  command
      .add_option("--grants", flags.sources.grants, "Grants, with policies of their own; read again likewise")
      ->type_name("FILE");
  command
      .add_option("--approvals", flags.approvals,
                  "Keep approvals here, to be answered with `callwarden approvals`; in memory when not given")
      ->type_name("FILE");
  command.add_flag("--approve-out-of-band", flags.out_of_band,
                   "Never ask the client: only approvals given with `callwarden approvals` count");
  command.add_flag(
      "--hide-unlisted", flags.hide_unlisted,
      "Hide tools that the policy does not list, instead of telling that they are not permitted");
  static const std::map<std::string, mcp::HiddenStyle> kStyles = {{"plain", mcp::HiddenStyle::kError},
                                                                  {"sdk-v1", mcp::HiddenStyle::kResultSdkV1},
                                                                  {"sdk-v2", mcp::HiddenStyle::kErrorSdkV2}};
  command
      .add_option("--unknown-tool", flags.unknown_tool,
                  "How the server answers for a tool that it does not have; hidden tools are answered alike")
      ->option_text("plain|sdk-v1|sdk-v2=plain")
      ->transform(CLI::CheckedTransformer(kStyles).description(""));
  command
      .add_option(
          "--audit", flags.audit,
          "Write the audit log to files PATH-NUMBER-TIME.jsonl; calls that it cannot record are denied")
      ->type_name("PATH");
  command.add_option("--state", flags.state, "Keep counts here from run to run; one proxy a file")
      ->type_name("FILE");
  command.add_flag("--shadow", flags.sources.shadow, "Refuse nothing; log what would have been refused");
  command
      .add_option("--grace", flags.grace_s,
                  "How long the server may take to end after its input did, before it is sent SIGTERM")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  command.add_flag("-v,--verbose", flags.verbose, "Log allowed calls and how they ended, too");
  command.add_option("COMMAND", flags.command, "The MCP server and its arguments, after --")->required();
}

}  // namespace

void AddProxyCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("proxy", "Run an MCP server over stdio, and judge calls before they reach it");
  command->footer(
      "Speaks MCP on standard input and output in the server's place; the log goes to stderr. No shell\n"
      "reads COMMAND.\n"
      "Exit codes: 0 and others: the server's own, 128 and the signal's number when a signal ended it.\n"
      "Before the server has started, with an error on stderr: 1 a policy or grants file has errors, 2 bad\n"
      "usage or a file that cannot be read, 126 the server cannot be executed, 127 it is not there.\n"
      "\n"
      "Example:\n"
      "  callwarden proxy --policy policy.json -- npx @modelcontextprotocol/server-filesystem .\n");
  const auto flags = std::make_shared<ProxyFlags>();
  AddFlags(*command, *flags);
  command->callback([flags, &action] { action = [flags] { return Proxy(*flags); }; });
}

}  // namespace callwarden::tool
