// An MCP server over stdio that dispatches calls itself, and has its gate asked before each: lines come in
// through LineReader and a session, and what the session forwards is dispatched in this process.

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/callwarden.h"
#include "callwarden/gate.h"
#include "callwarden/mcp.h"

namespace {

constexpr std::string_view kPolicy = R"({"version": "1", "default": "deny", "tools": {"weather": {}}})";

void Write(std::string_view message) {
  std::fwrite(message.data(), 1, message.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

// The server proper. It sees calls that are allowed, and nothing that it could misread.
std::string Dispatch(std::string_view request) {
  const std::size_t id = request.find("\"id\":");
  if (id == std::string_view::npos) return {};
  return R"({"jsonrpc":"2.0","id":)" + std::string(request.substr(id + 5, request.find(',', id) - id - 5)) +
         R"(,"result":{"content":[{"type":"text","text":"The weather is fine"}]}})";
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
  callwarden::mcp::Session session(options);

  callwarden::mcp::LineReader reader;
  std::vector<char> buffer(65536);
  std::vector<std::string> requests;
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), stdin) != nullptr) {
    reader.Add(buffer.data());
    while (const auto line = reader.Next()) {
      const callwarden::mcp::Output output =
          line->too_long ? session.TooLongFromClient() : session.FromClient(line->bytes);
      for (const std::string_view message : output.to_client) Write(message);
      requests.clear();
      for (const callwarden::mcp::ToServer& message : output.to_server) requests.emplace_back(message.bytes);
      for (const std::string& request : requests) {
        const std::string answer = Dispatch(request);  // lives as long as the output that shows it
        for (const std::string_view message : session.FromServer(answer).to_client) Write(message);
      }
    }
  }
  return 0;
}
