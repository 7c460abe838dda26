// A small MCP server over stdio that asks callwarden before it runs anything.
//
//   run_code_server [--approvals FILE] [--audit PATH] POLICY [GRANT]
//
// Messages are JSON-RPC 2.0, one a line, on standard input and output; everything else goes to stderr.
// The grant is the host's word: here a launch option, never something that the client says about itself.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "callwarden/approvals.h"
#include "callwarden/audit.h"
#include "callwarden/callwarden.h"
#include "callwarden/gate.h"
#include "callwarden/mcp.h"

namespace {

namespace mcp = callwarden::mcp;
using nlohmann::json;
using Reply = nlohmann::ordered_json;  // members in the order in which they are added

constexpr std::string_view kLegacyRevision = "2025-06-18";
constexpr std::string_view kModernRevision = "2026-07-28";
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kUnsupportedRevision = -32022;

/// The member of that name, or null.
const json& Member(const json& object, const char* name) {
  static const json null;
  const auto member = object.find(name);
  return member == object.end() ? null : *member;
}

/// The server proper. All that it sees has been read strictly, and its calls are allowed.
class RunCodeServer {
 public:
  /// Answers one message; empty when it gets no answer.
  std::string Answer(std::string_view line) const {
    const json message = json::parse(line);
    const auto id = message.find("id");
    const json& method = Member(message, "method");
    if (id == message.end() || !method.is_string()) return {};  // a notification, or an answer
    const json& params = Member(message, "params");
    const json& revision = Member(Member(params, "_meta"), "io.modelcontextprotocol/protocolVersion");
    const bool modern = !revision.is_null();
    if (modern && revision != kModernRevision) {
      Reply error = Error(*id, kUnsupportedRevision, "Unsupported protocol version");
      error["error"]["data"] = {{"supported", {kModernRevision}}, {"requested", revision}};
      return error.dump();
    }
    if (method == "tools/call") return Call(*id, params, modern).dump();
    if (method == "tools/list") return Result(*id, ListTools(modern), modern).dump();
    if (modern && method == "server/discover") return Result(*id, Discover(), modern).dump();
    if (!modern && method == "initialize") return Result(*id, Initialize(), modern).dump();
    if (!modern && method == "ping") return Result(*id, Reply::object(), modern).dump();
    return Error(*id, kMethodNotFound, "The method is not known").dump();
  }

 private:
  static Reply Result(const json& id, Reply result, bool modern) {
    if (modern) result["resultType"] = "complete";
    return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
  }
  static Reply Error(const json& id, int code, const std::string& message) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}};
  }

  static Reply Initialize() {
    return {{"protocolVersion", kLegacyRevision},
            {"capabilities", {{"tools", Reply::object()}}},
            {"serverInfo", {{"name", "run_code_server"}, {"version", "1"}}}};
  }
  static Reply Discover() {
    return {{"supportedVersions", Reply::array({kModernRevision})},
            {"capabilities", {{"tools", Reply::object()}}},
            {"ttlMs", 0},
            {"cacheScope", "public"}};
  }

  /// Every tool that there is: which of them a client sees is the policy's to say.
  static Reply ListTools(bool modern) {
    Reply tools = Reply::array();
    tools.push_back(Tool("run_code", "Runs one method of one source file and returns what it printed.",
                         {"file_uuid", "method_uuid"}));
    tools.push_back(Tool("delete_file", "Deletes one source file.", {"file_uuid"}));
    Reply list = {{"tools", std::move(tools)}};
    if (modern) list.update({{"ttlMs", 0}, {"cacheScope", "public"}});
    return list;
  }
  static Reply Tool(const char* name, const char* description, const std::vector<const char*>& uuids) {
    Reply properties = Reply::object();
    for (const char* uuid : uuids) properties[uuid] = {{"type", "string"}, {"format", "uuid"}};
    Reply schema = {{"type", "object"}, {"properties", std::move(properties)}, {"required", uuids}};
    return {{"name", name}, {"description", description}, {"inputSchema", std::move(schema)}};
  }

  static Reply Call(const json& id, const json& params, bool modern) {
    const std::string& name = params["name"].get_ref<const std::string&>();
    const json& arguments = Member(params, "arguments");
    const json& file = Member(arguments, "file_uuid");
    const json& method = Member(arguments, "method_uuid");
    std::string text;
    bool failed = false;
    if (name == "run_code") {
      failed = !file.is_string() || !method.is_string();
      text = failed ? "run_code needs file_uuid and method_uuid"
                    : "Ran method " + method.get<std::string>() + " of file " + file.get<std::string>() +
                          ": exit status 0";
    } else if (name == "delete_file") {
      failed = !file.is_string();
      text = failed ? "delete_file needs file_uuid" : "Deleted file " + file.get<std::string>();
    } else {
      return Error(id, kInvalidParams, "Unknown tool: " + name);
    }
    Reply result;
    result["content"] = Reply::array({{{"type", "text"}, {"text", std::move(text)}}});
    result["isError"] = failed;
    return Result(id, std::move(result), modern);
  }
};

/// The session between the client on the standard streams and the server above.
class StdioHost {
 public:
  StdioHost(callwarden::Gate& gate, const mcp::SessionOptions& options)
      : clock_(gate.clock()), session_(options), reader_(options.message_size_max_bytes) {}

  void Run() {
    std::vector<char> buffer(std::size_t{64} << 10);
    for (;;) {
      pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
      if (poll(&input, 1, WaitMs()) == 0) {
        Do(session_.Tick());
        continue;
      }
      const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
      if (size <= 0) return;
      reader_.Add({buffer.data(), static_cast<std::size_t>(size)});
      while (const auto line = reader_.Next()) {
        Do(line->too_long ? session_.TooLongFromClient() : session_.FromClient(line->bytes));
      }
      std::cout << std::flush;
    }
  }

 private:
  /// Until somebody has waited too long for an approval; -1: nobody waits.
  int WaitMs() const {
    const auto deadline = session_.next_deadline();
    if (!deadline) return -1;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*deadline - clock_.Now());
    return static_cast<int>(std::clamp<int64_t>(wait.count(), 0, 60000));
  }

  /// Sends what is for the client; has what is for the server answered, which may give more for the client.
  void Do(const mcp::Output& output) {
    for (const std::string_view message : output.to_client) std::cout << message << '\n';
    // An output dies with the next call of the session.
    std::vector<std::string> requests;
    for (const mcp::ToServer& message : output.to_server) requests.emplace_back(message.bytes);
    for (const std::string& request : requests) {
      const std::string answer = server_.Answer(request);
      if (!answer.empty()) Do(session_.FromServer(answer));
    }
    std::cout << std::flush;
  }

  const callwarden::Clock& clock_;
  mcp::Session session_;
  mcp::LineReader reader_;
  RunCodeServer server_;
};

std::shared_ptr<const callwarden::CompiledPolicy> LoadPolicy(const std::string& path) {
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

/// Names this run, so that approvals given in it are not taken for another's.
std::string RandomSession() {
  std::random_device random;
  return std::to_string(random()) + "-" + std::to_string(random());
}

int Usage() {
  std::cerr << "usage: run_code_server [--approvals FILE] [--audit PATH] POLICY [GRANT]\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  callwarden::ApprovalStoreOptions approval_options;
  std::optional<std::filesystem::path> audit_path;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--approvals" && i + 1 < argc) {
      approval_options.path = argv[++i];
    } else if (word == "--audit" && i + 1 < argc) {
      audit_path = argv[++i];
    } else if (word.starts_with("-")) {
      return Usage();
    } else {
      words.push_back(word);
    }
  }
  if (words.empty() || words.size() > 2) return Usage();

  callwarden::GateOptions gate_options;
  gate_options.policy = LoadPolicy(words[0]);
  if (gate_options.policy == nullptr) return 2;

  callwarden::ApprovalStore approvals(approval_options);
  if (const auto error = approvals.status(); !error.ok()) {
    std::cerr << approval_options.path << ": " << error.message() << "\n";
    return 2;
  }
  gate_options.approvals = &approvals;

  std::unique_ptr<callwarden::JsonlAuditSink> audit;
  if (audit_path) {
    callwarden::JsonlAuditOptions options;
    options.directory = audit_path->has_parent_path() ? audit_path->parent_path().string() : ".";
    options.name = audit_path->filename().string();
    audit = std::make_unique<callwarden::JsonlAuditSink>(options);
    if (!audit->Flush() || audit->stats().failing) {
      std::cerr << audit_path->string() << ": the audit log cannot be written\n";
      return 2;
    }
    gate_options.audit = audit.get();
    gate_options.audit_required = true;  // what cannot be recorded does not run
  }

  callwarden::Gate gate(gate_options);
  const callwarden::ApprovalTokens tokens;
  mcp::SessionOptions options;
  options.gate = &gate;
  options.grant = words.size() == 2 ? words[1] : "local";
  options.session = RandomSession();
  options.tokens = &tokens;
  options.replies.unlisted_as_unknown = true;  // a tool that the policy does not list is not there

  std::ios::sync_with_stdio(false);
  StdioHost(gate, options).Run();
  return 0;
}
