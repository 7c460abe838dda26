// An MCP server for tests of the proxy: it keeps a log of every line that reaches it, and misbehaves when it
// is told to.
//
//   mcp_upstream [--log FILE] [--say TEXT] [--ignore-term] [--ignore-eof] [--deaf] [--flood N]
//
// --log appends each line as it came, and `(end)` when its input ends. --say writes TEXT to stderr, --deaf
// never reads, --flood writes N notifications of about 1 KiB before anything else, --ignore-term and
// --ignore-eof make it stay when it is asked to go.
//
// What a call does depends on the tool: `echo` answers with its arguments, `fail` with isError, `refuse` with
// a JSON-RPC error, `hold` not at all, `exit` ends the server with `status`, `die` with the signal `signal`,
// `raw` writes `lines` as they are, `big` answers with `size` bytes, `spawn` starts a process that would run
// for a minute and answers with its id.

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

#include <nlohmann/json.hpp>
#include <unistd.h>

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kTools[] = {"echo", "fail", "refuse", "hold",  "exit",  "die",
                                       "raw",  "big",  "pid",    "spawn", "secret"};

void Send(const Json& message) { std::cout << message.dump() << "\n" << std::flush; }

void Answer(const Json& id, Json result) {
  Send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

Json Text(std::string text, bool is_error) {
  Json result;
  result["content"] = Json::array({{{"type", "text"}, {"text", std::move(text)}}});
  result["isError"] = is_error;
  return result;
}

int Spawn() {
  const pid_t pid = fork();
  if (pid == 0) {
    execlp("sleep", "sleep", "60", nullptr);
    _exit(127);
  }
  return static_cast<int>(pid);
}

void Call(const Json& id, const Json& params) {
  const auto name = params.at("name").get<std::string>();
  const Json arguments = params.value("arguments", Json::object());
  if (name == "hold") return;
  if (name == "exit") std::exit(arguments.value("status", 0));
  if (name == "die") raise(arguments.value("signal", SIGKILL));
  if (name == "raw") {
    for (const Json& line : arguments.at("lines")) std::cout << line.get<std::string>() << "\n" << std::flush;
    return;
  }
  if (name == "refuse") {
    Send({{"jsonrpc", "2.0"},
          {"id", id},
          {"error", {{"code", -32000}, {"message", "refused by the server"}}}});
    return;
  }
  if (name == "pid") return Answer(id, Text(std::to_string(getpid()), false));
  if (name == "spawn") return Answer(id, Text(std::to_string(Spawn()), false));
  if (name == "big")
    return Answer(id, Text(std::string(arguments.at("size").get<std::size_t>(), 'x'), false));
  Answer(id, Text(name + " " + arguments.dump(), name == "fail"));
}

void ListTools(const Json& id) {
  Json tools = Json::array();
  for (const std::string_view name : kTools) {
    tools.push_back({{"name", name}, {"inputSchema", {{"type", "object"}}}});
  }
  Answer(id, {{"tools", tools}});
}

void Handle(const std::string& line) {
  const Json message = Json::parse(line);
  if (!message.contains("id") || !message.contains("method")) return;
  const Json& id = message["id"];
  const Json& method = message["method"];
  if (method == "initialize") {
    Answer(id, {{"protocolVersion", message.at("params").at("protocolVersion")},
                {"capabilities", {{"tools", Json::object()}}},
                {"serverInfo", {{"name", "mcp_upstream"}, {"version", "1"}}}});
  } else if (method == "tools/list") {
    ListTools(id);
  } else if (method == "tools/call") {
    Call(id, message.at("params"));
  } else {
    Answer(id, {{"method", method}});
  }
}

void Flood(int notifications) {
  for (int i = 0; i < notifications; ++i) {
    Send({{"jsonrpc", "2.0"},
          {"method", "notifications/message"},
          {"params", {{"level", "info"}, {"logger", std::to_string(i)}, {"data", std::string(1000, 'x')}}}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::ofstream log;
  bool ignore_eof = false;
  bool deaf = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--log" && i + 1 < argc) {
      log.open(argv[++i], std::ios::binary | std::ios::app);
    } else if (flag == "--say" && i + 1 < argc) {
      std::cerr << argv[++i] << "\n";
    } else if (flag == "--flood" && i + 1 < argc) {
      Flood(std::atoi(argv[++i]));
    } else if (flag == "--ignore-term") {
      std::signal(SIGTERM, SIG_IGN);
    } else if (flag == "--ignore-eof") {
      ignore_eof = true;
    } else if (flag == "--deaf") {
      deaf = true;
    } else {
      std::cerr << "mcp_upstream: unknown flag " << flag << "\n";
      return 2;
    }
  }
  std::string line;
  while (!deaf && std::getline(std::cin, line)) {
    log << line << "\n" << std::flush;
    Handle(line);
  }
  log << "(end)\n" << std::flush;
  while (ignore_eof || deaf) std::this_thread::sleep_for(std::chrono::seconds(1));
  return 0;
}
