// A small MCP server over stdio with one tool, `run_code`, that asks callwarden before it runs anything.
//
//   run_code_server POLICY [GRANT]
//
// Messages are JSON-RPC 2.0, one a line, on standard input and output; everything else goes to stderr.
// The grant is the host's word: here a launch option, never something that the client says about itself.

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"
#include "callwarden/callwarden.h"

#include "json_lines.h"

namespace {

using nlohmann::json;
using Reply = nlohmann::ordered_json;  // members in the order in which they are added

constexpr std::string_view kProtocolVersion = "2025-06-18";
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;

Reply ResultReply(const json& id, Reply result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

Reply ErrorReply(const json& id, int code, std::string_view message) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}};
}

Reply TextResult(std::string_view text, bool is_error) {
  Reply result;
  result["content"] = Reply::array({{{"type", "text"}, {"text", text}}});
  result["isError"] = is_error;
  return result;
}

/// The answer to a call that may not run: a tool result that the model can read, with the decision beside
/// it for programs. (A host that collects approvals would add an `approvalId` to `approval_required`.)
Reply DenialResult(const callwarden::Decision& decision) {
  const bool approval = decision.effect() == callwarden::Effect::kRequireApproval;
  const auto wait = decision.retry_after();
  const std::string message(decision.message());
  std::string text = (wait       ? "Rate limited by policy: "
                      : approval ? "Approval required by policy: "
                                 : "Denied by policy: ") +
                     message;
  if (wait) {
    const auto seconds = std::to_string(std::chrono::ceil<std::chrono::seconds>(*wait).count());
    if (message.find("Retry in " + seconds + " s") == std::string::npos) {
      text += " Retry after " + seconds + " seconds.";
    }
  }
  Reply details;
  details["decision"] = wait ? "rate_limited" : approval ? "approval_required" : "deny";
  details["reason"] = callwarden::Name(decision.reason());
  details["rule"] = decision.rule();
  details["message"] = message;
  if (wait) details["retryAfterMs"] = wait->count();
  Reply result = TextResult(text, /*is_error=*/true);
  result["_meta"]["dev.callwarden/decision"] = std::move(details);
  return result;
}

/// The member of that name, or null. By reference: copying a value that nests deeply would recurse.
const json& Member(const json& object, const char* name) {
  static const json null;
  const auto member = object.find(name);
  return member == object.end() ? null : *member;
}

class RunCodeServer {
 public:
  RunCodeServer(std::shared_ptr<const callwarden::CompiledPolicy> policy, std::string grant)
      : policy_(std::move(policy)), grant_(std::move(grant)) {}

  /// Answers one message; null when it gets no answer.
  Reply Handle(std::string_view line) {
    const auto message = ParseStrictly(line);
    if (!message) return ErrorReply(nullptr, kParseError, "The message is not strict JSON");
    if (!message->is_object() || Member(*message, "jsonrpc") != "2.0") {
      return ErrorReply(nullptr, kInvalidRequest, "The message is not a JSON-RPC 2.0 request");
    }
    const auto id = message->find("id");
    if (id == message->end()) return nullptr;  // a notification: never executed, never answered
    if (!id->is_string() && !id->is_number_integer()) {
      return ErrorReply(nullptr, kInvalidRequest, "The id is neither a string nor an integer");
    }
    const json& method = Member(*message, "method");
    if (method == "initialize") return ResultReply(*id, Initialize());
    if (method == "ping") return ResultReply(*id, Reply::object());
    if (method == "tools/list") return ResultReply(*id, ListTools());
    if (method == "tools/call") return CallTool(*id, Member(*message, "params"));
    return ErrorReply(*id, kMethodNotFound, "The method is not known");
  }

 private:
  static Reply Initialize() {
    Reply result;
    result["protocolVersion"] = kProtocolVersion;
    result["capabilities"]["tools"] = Reply::object();
    result["serverInfo"] = {{"name", "run_code_server"}, {"version", "1"}};
    return result;
  }

  Reply ListTools() const {
    Reply tools = Reply::array();
    if (!policy_->Hides("run_code")) {
      Reply uuid = {{"type", "string"}, {"format", "uuid"}};
      Reply tool;
      tool["name"] = "run_code";
      tool["description"] = "Runs one method of one source file and returns what it printed.";
      tool["inputSchema"] = {{"type", "object"},
                             {"properties", {{"file_uuid", uuid}, {"method_uuid", uuid}}},
                             {"required", {"file_uuid", "method_uuid"}}};
      tools.push_back(std::move(tool));
    }
    return {{"tools", std::move(tools)}};
  }

  Reply CallTool(const json& id, const json& params) {
    if (!params.is_object() || !Member(params, "name").is_string()) {
      return ErrorReply(id, kInvalidParams, "The call names no tool");
    }
    const std::string& name = params["name"].get_ref<const std::string&>();
    const auto arguments = params.find("arguments");
    if (arguments != params.end() && !arguments->is_object()) {
      return ErrorReply(id, kInvalidParams, "The arguments are not an object");
    }
    const json none = json::object();
    const json& value = arguments == params.end() ? none : *arguments;

    // The question comes before the dispatch, about the tree that will be dispatched.
    const callwarden::NlohmannArguments judged(value);
    callwarden::ToolCall call;
    call.tool = name;
    call.parsed_arguments = &judged;
    call.grant = grant_;
    call.session = "stdio";  // one run of this process
    callwarden::Decision decision = policy_->Decide(call, counters_, clock_.Now());
    if (decision.reason() == callwarden::Reason::kHidden || (decision.allowed() && name != "run_code")) {
      decision.Complete(callwarden::Outcome::kNotSent);
      return ErrorReply(id, kInvalidParams, "Unknown tool: " + name);
    }
    if (!decision.allowed()) return ResultReply(id, DenialResult(decision));

    Reply result = RunCode(value);
    decision.Complete(result["isError"] ? callwarden::Outcome::kError : callwarden::Outcome::kOk);
    return ResultReply(id, std::move(result));
  }

  /// Pretends to run a method, which is what the real tool would do here.
  static Reply RunCode(const json& arguments) {
    const json& file = Member(arguments, "file_uuid");
    const json& method = Member(arguments, "method_uuid");
    if (!file.is_string() || !method.is_string()) {
      return TextResult("run_code needs file_uuid and method_uuid", /*is_error=*/true);
    }
    return TextResult(
        "Ran method " + method.get<std::string>() + " of file " + file.get<std::string>() + ": exit status 0",
        /*is_error=*/false);
  }

  std::shared_ptr<const callwarden::CompiledPolicy> policy_;
  std::string grant_;
  callwarden::SystemClock clock_;
  callwarden::MemoryCounterStore counters_;
};

std::shared_ptr<const callwarden::CompiledPolicy> LoadPolicy(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    std::cerr << path << ": cannot be read\n";
    return nullptr;
  }
  const auto result = callwarden::CompiledPolicy::Compile(text.view());
  for (const callwarden::Diagnostic& diagnostic : result.diagnostics()) {
    std::cerr << path << ":" << diagnostic.line << ":" << diagnostic.column << ": "
              << callwarden::Name(diagnostic.severity) << ": " << diagnostic.message << "\n";
  }
  return result.policy();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: run_code_server POLICY [GRANT]\n";
    return 2;
  }
  auto policy = LoadPolicy(argv[1]);
  if (policy == nullptr) return 2;
  RunCodeServer server(std::move(policy), argc == 3 ? argv[2] : "local");

  std::ios::sync_with_stdio(false);
  std::string line;
  for (LineStatus status; (status = ReadLine(std::cin, line)) != LineStatus::kEnd;) {
    if (status == LineStatus::kLine && line.empty()) continue;
    const Reply reply = status == LineStatus::kTooLong
                            ? ErrorReply(nullptr, kInvalidRequest, "The message is too long")
                            : server.Handle(line);
    if (!reply.is_null()) std::cout << reply.dump() << "\n" << std::flush;
  }
  return 0;
}
