// An MCP server over stdio with the tools that a file lists, for trying a policy without the real thing.
//
//   mock_server TOOLS
//
// TOOLS is a JSON object of arrays of names, one array a class. Every call succeeds and says what would have
// been done, except that a tool of class `financial` fails when its arguments have `"fail": true`. The server
// judges nothing: that is the proxy's part.

#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace {

using Json = nlohmann::ordered_json;

class MockServer {
 public:
  /// Throws when the file is not of that form.
  explicit MockServer(const std::string& path) {
    std::ifstream file(path);
    const Json classes = Json::parse(file);
    for (const auto& [kind, names] : classes.items()) {
      for (const Json& name : names) kinds_[name.get<std::string>()] = kind;
    }
  }

  /// The answer to a message; null when it gets none.
  Json Answer(const Json& message) const {
    if (!message.contains("id")) return nullptr;
    Json answer = {{"jsonrpc", "2.0"}, {"id", message["id"]}};
    const std::string method = message.value("method", "");
    if (method == "initialize") {
      answer["result"] = {{"protocolVersion", "2025-11-25"},
                          {"capabilities", {{"tools", Json::object()}}},
                          {"serverInfo", {{"name", "mock"}, {"version", "1"}}}};
    } else if (method == "ping") {
      answer["result"] = Json::object();
    } else if (method == "tools/list") {
      answer["result"]["tools"] = ListTools();
    } else if (method == "tools/call") {
      answer["result"] = Call(message.at("params"));
    } else {
      answer["error"] = {{"code", -32601}, {"message", "Method not found"}};
    }
    return answer;
  }

 private:
  Json ListTools() const {
    Json tools = Json::array();
    for (const auto& [name, kind] : kinds_) {
      tools.push_back(
          {{"name", name},
           {"description", "Pretends to be a tool of class " + kind},
           {"inputSchema", {{"type", "object"}}},
           {"annotations", {{"readOnlyHint", kind == "read"}, {"destructiveHint", kind == "destructive"}}}});
    }
    return tools;
  }

  Json Call(const Json& params) const {
    const auto name = params.at("name").get<std::string>();
    const Json arguments = params.value("arguments", Json::object());
    const auto tool = kinds_.find(name);
    const bool fails =
        tool == kinds_.end() || (tool->second == "financial" && arguments.value("fail", false));
    const std::string text = tool == kinds_.end() ? "no such tool"
                             : fails              ? "the bank said no"
                                                  : name + " would run";
    return {{"content", Json::array({{{"type", "text"}, {"text", text}}})}, {"isError", fails}};
  }

  std::map<std::string, std::string> kinds_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: mock_server TOOLS\n";
    return 2;
  }
  try {
    const MockServer server(argv[1]);
    for (std::string line; std::getline(std::cin, line);) {
      const Json answer = server.Answer(Json::parse(line));
      if (!answer.is_null()) std::cout << answer.dump() << "\n" << std::flush;
    }
  } catch (const std::exception& error) {
    std::cerr << "mock_server: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
