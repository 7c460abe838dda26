// An MCP server as most are written in C++: handlers by tool name over nlohmann::json, and a dispatcher that
// calls them. The Gate below is all that callwarden adds: it wraps each handler when it is registered, and
// leaves hidden tools out of `tools/list`.

#include <chrono>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"
#include "callwarden/callwarden.h"

namespace {

using json = nlohmann::ordered_json;

using Handler = std::function<json(const json& arguments, const std::string& session)>;

/// The server that is there already.
class McpServer {
 public:
  void RegisterTool(json description, Handler handler) {
    handlers_[description["name"]] = std::move(handler);
    tools_.push_back(std::move(description));
  }
  const json& tools() const { return tools_; }

  /// `tools/call` of a client whose session the transport knows.
  json CallTool(const json& params, const std::string& session) const {
    const std::string name = params.at("name");
    const auto handler = handlers_.find(name);
    if (handler == handlers_.end())
      return {{"error", {{"code", -32602}, {"message", "Unknown tool: " + name}}}};
    try {
      static const json none = json::object();
      const auto arguments = params.find("arguments");
      return {{"result", handler->second(arguments == params.end() ? none : *arguments, session)}};
    } catch (const std::exception& error) {
      return {{"result", {{"content", {{{"type", "text"}, {"text", error.what()}}}}, {"isError", true}}}};
    }
  }

 private:
  std::map<std::string, Handler> handlers_;
  json tools_ = json::array();
};

/// What callwarden adds.
class Guard {
 public:
  Guard(std::shared_ptr<const callwarden::CompiledPolicy> policy, std::string grant)
      : policy_(std::move(policy)), grant_(std::move(grant)) {}

  /// A handler that asks first. The guard must outlive it.
  Handler Wrap(std::string tool, Handler handler) {
    return [this, tool = std::move(tool), handler = std::move(handler)](const json& arguments,
                                                                        const std::string& session) -> json {
      const callwarden::NlohmannArguments judged(arguments);  // the very value that the handler gets
      callwarden::Decision decision =
          policy_->Decide({.tool = tool, .parsed_arguments = &judged, .grant = grant_, .session = session},
                          counters_, clock_.Now());
      if (!decision.allowed()) return Refusal(decision);
      try {
        json result = handler(arguments, session);
        const bool failed = result.value("isError", false);
        decision.Complete(failed ? callwarden::Outcome::kError : callwarden::Outcome::kOk);
        return result;
      } catch (...) {
        decision.Complete(callwarden::Outcome::kError);
        throw;
      }
    };
  }

  /// A tool that is better not registered at all: to clients it does not exist.
  bool Hides(const std::string& tool) const { return policy_->Hides(tool); }

 private:
  /// A tool result, not a protocol error: clients show these to the model.
  static json Refusal(const callwarden::Decision& decision) {
    json details = {{"reason", Name(decision.reason())}, {"rule", decision.rule()}};
    if (decision.retry_after()) details["retryAfterMs"] = decision.retry_after()->count();
    return {{"content", {{{"type", "text"}, {"text", decision.message()}}}},
            {"isError", true},
            {"_meta", {{"dev.callwarden/decision", std::move(details)}}}};
  }

  std::shared_ptr<const callwarden::CompiledPolicy> policy_;
  std::string grant_;
  callwarden::SystemClock clock_;
  callwarden::MemoryCounterStore counters_;
};

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "hide": ["debug_*"],
    "tools": {
      "read_file": {
        "deny_if": [ { "name": "secrets", "conditions": [ { "path": "args.path", "op": "ends_with", "value": ".env" } ],
                       "on_deny": "Secrets stay where they are" } ]
      },
      "delete_file": { "action": "require_approval", "reason": "A person confirms deletions" }
    }
  })");
  if (!compiled.ok()) return 1;

  Guard guard(compiled.policy(), "desktop");
  McpServer server;
  for (const char* name : {"read_file", "write_file", "delete_file", "debug_dump"}) {
    if (guard.Hides(name)) continue;
    server.RegisterTool({{"name", name}},
                        guard.Wrap(name, [](const json& arguments, const std::string&) -> json {
                          const std::string path = arguments.at("path");
                          if (path == "missing.txt") throw std::runtime_error("no such file");
                          return {{"content", {{{"type", "text"}, {"text", "done with " + path}}}}};
                        }));
  }

  std::cout << server.tools() << "\n";
  for (const char* params : {R"({"name": "read_file", "arguments": {"path": "notes.txt"}})",
                             R"({"name": "read_file", "arguments": {"path": "prod/.env"}})",
                             R"({"name": "read_file", "arguments": {"path": ["prod/.env"]}})",
                             R"({"name": "read_file", "arguments": {"path": "missing.txt"}})",
                             R"({"name": "write_file", "arguments": {"path": "notes.txt"}})",
                             R"({"name": "delete_file", "arguments": {"path": "notes.txt"}})",
                             R"({"name": "debug_dump", "arguments": {"path": "notes.txt"}})"}) {
    std::cout << server.CallTool(json::parse(params), "session-1") << "\n";
  }
}
