// How a Streamable HTTP host puts a session between its clients and an MCP server: the body of each POST goes
// through FromClient, the server's answer through FromServer. There is no network here: Upstream() stands for
// the server behind, and main() for the HTTP library.

#include <cstdio>
#include <string>
#include <string_view>

#include "callwarden/callwarden.h"
#include "callwarden/gate.h"
#include "callwarden/mcp.h"

namespace {

constexpr std::string_view kPolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "weather": { "limits": [{ "counter": "asked", "algorithm": "gcra", "window": "hour", "max": 1 }] }
  }
})";

struct HttpResponse {
  callwarden::mcp::HttpAnswer head;
  std::string body;
};

// Answers every request with the same result.
std::string Upstream(std::string_view request) {
  const std::size_t id = request.find("\"id\":") + 5;
  return R"({"jsonrpc":"2.0","id":)" + std::string(request.substr(id, request.find(',', id) - id)) +
         R"(,"result":{"content":[{"type":"text","text":"The weather is fine"}]}})";
}

// One POST. `session` belongs to the client's MCP session; with the revision of 2026-07-28, which has none,
// hosts make one for each request. The grant and the session id in its options come from the host's own
// authentication, never from the body.
HttpResponse Post(callwarden::mcp::Session& session, std::string_view body) {
  HttpResponse response;
  const callwarden::mcp::Output output = session.FromClient(body);
  response.head = callwarden::mcp::HttpAnswerTo(output);
  for (const std::string_view message : output.to_client) response.body += message;
  if (output.to_server.empty()) return response;
  // The output dies with the next call of the session, so what is to be sent is taken out first.
  const std::string request(output.to_server.front().bytes);
  const std::string answer = Upstream(request);
  for (const std::string_view message : session.FromServer(answer).to_client) response.body += message;
  response.head = {};
  return response;
}

void Print(const HttpResponse& response) {
  std::printf("%d", response.head.status);
  if (response.head.retry_after) {
    std::printf(" (Retry-After: %lld)", static_cast<long long>(response.head.retry_after->count()));
  }
  std::printf(" %s\n", response.body.c_str());
}

}  // namespace

int main() {
  const callwarden::CompileResult compiled = callwarden::CompiledPolicy::Compile(kPolicy);
  if (!compiled.ok()) return 1;
  callwarden::GateOptions gate_options;
  gate_options.policy = compiled.policy();
  callwarden::Gate gate(gate_options);

  callwarden::mcp::SessionOptions options;
  options.gate = &gate;
  options.grant = "grant-of-this-client";
  options.session = "session-of-this-client";
  options.messages_are_lines = false;  // a body may be printed on many lines, and stays a body
  callwarden::mcp::Session session(options);

  Print(Post(session, R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather"}})"));
  Print(Post(session, R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"format_disk"}})"));
  Print(Post(session, R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"weather"}})"));
  Print(Post(session, R"({"jsonrpc":"2.0","id":4,"method":)"));
  Print(Post(session, R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"weather"}})"));
  return 0;
}
