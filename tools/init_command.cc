#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "callwarden/policy.h"

#include "commands.h"
#include "input_file.h"
#include "output.h"
#include "output_file.h"
#include "printable.h"
#if defined(CALLWARDEN_TOOL_HAS_GATE)
#include "server_tools.h"
#endif
#include "starter_policy.h"
#include "style.h"
#include "tool_error.h"
#include "tool_list.h"

namespace callwarden::tool {
namespace {

#if defined(CALLWARDEN_TOOL_HAS_GATE)
constexpr const char* kWhereFrom = "tools of which server? Give --tools FILE, or the server as -- COMMAND";
#else
constexpr const char* kWhereFrom = "--tools is required";
#endif

struct InitFlags {
  std::string tools;
  std::vector<std::string> command;
  double timeout_s = 60;
  std::string save_tools;
  std::string output;
  bool json = false;
  bool force = false;
};

void PrintReasons(const StarterPolicy& starter) {
  const Style style = Style::For(stderr);
  std::size_t width = 0;
  for (const StarterTool& tool : starter.tools) width = std::max(width, Printable(tool.name).size());
  for (const StarterTool& tool : starter.tools) {
    const std::string name = Printable(tool.name);
    const std::string tool_class(Name(tool.classification.tool_class));
    std::string line = style.Bold(name) + std::string(width - name.size() + 2, ' ') + tool_class +
                       std::string(13 - tool_class.size(), ' ') + tool.classification.reason;
    if (!tool.listed) line += "; left out: a policy cannot name it, so the default denies it";
    Err(line + "\n");
    for (const std::string& left_out : tool.left_out) {
      Err(std::string(width + 2, ' ') + style.Dim("not taken over: " + left_out) + "\n");
    }
  }
}

Json ToJson(const StarterPolicy& starter) {
  Json json;
  json["policy"] = starter.policy;
  json["tools"] = Json::array();
  for (const StarterTool& tool : starter.tools) {
    Json about;
    about["name"] = tool.name;
    about["class"] = std::string(Name(tool.classification.tool_class));
    about["reason"] = tool.classification.reason;
    about["listed"] = tool.listed;
    about["not_taken_over"] = tool.left_out;
    json["tools"].push_back(std::move(about));
  }
  return json;
}

/// Looked at before a server is started for nothing.
void CheckFlags(const InitFlags& flags) {
  if (flags.tools.empty() == flags.command.empty()) {
    throw ToolError(flags.tools.empty() ? kWhereFrom : "--tools and a command exclude each other");
  }
  if (flags.command.empty() && !flags.save_tools.empty()) throw ToolError("--save-tools needs a command");
  if (!flags.command.empty() && flags.command.front().empty()) throw ToolError("the command is empty");
  if (!flags.output.empty() && flags.output == flags.save_tools) {
    throw ToolError("--output and --save-tools name one file");
  }
  for (const std::string& file : {flags.output, flags.save_tools}) {
    if (!file.empty() && !flags.force) RefuseExisting(file);
  }
}

/// Both files or none.
void WriteFiles(const InitFlags& flags, const std::string& policy, const std::string& tools) {
  if (!flags.output.empty()) WriteNewFile(flags.output, policy, flags.force);
  if (flags.save_tools.empty()) return;
  try {
    WriteNewFile(flags.save_tools, tools, flags.force);
  } catch (const ToolError&) {
    if (!flags.output.empty()) std::remove(flags.output.c_str());
    throw;
  }
}

int Init(const InitFlags& flags) {
  CheckFlags(flags);
  std::vector<ListedTool> tools;
  std::string list;  // of a server, as a document
#if defined(CALLWARDEN_TOOL_HAS_GATE)
  if (!flags.command.empty()) {
    const auto timeout = std::chrono::milliseconds(static_cast<int64_t>(flags.timeout_s * 1000));
    const ServerTools server = ListServerTools(flags.command, timeout);
    if (server.code != kExitOk) return server.code;
    tools = ReadToolList({server.list}, "the server's list");
    list = JsonDocument(server.list);
  }
#endif
  if (flags.command.empty()) tools = ReadToolList(ReadText(flags.tools), DisplayName(flags.tools));
  const StarterPolicy starter = MakeStarterPolicy(tools);
  const std::string text = JsonDocument(starter.policy);
  const CompileResult result = CompiledPolicy::Compile(text);
  if (!result.ok() || !result.diagnostics().empty()) {
    throw ToolError("no starter policy can be made of these tools: " +
                    (result.diagnostics().empty() ? std::string() : result.diagnostics().front().message));
  }
  WriteFiles(flags, text, list);
  if (flags.json) {
    Out(JsonDocument(ToJson(starter)));
  } else {
    PrintReasons(starter);
    if (flags.output.empty()) Out(text);
  }
  return kExitOk;
}

}  // namespace

void AddInitCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("init", "Write a starter policy for the tools of an MCP server");
  command->footer(
      "Sorts each tool into read, write, execute, destructive or financial by its name, annotations, "
      "arguments and\n"
      "description, and tells why on stderr. The policy, on stdout, denies what it does not list, hides "
      "destructive\n"
      "tools, asks for approval of financial ones, limits writes and executions, and holds arguments to each "
      "tool's\n"
      "input schema. It is a beginning: read it before you rely on it.\n"
#if defined(CALLWARDEN_TOOL_HAS_GATE)
      "COMMAND is run, asked for its tools and ended; no shell reads it, and its stderr is passed through.\n"
      "Exit codes: 0 written, 1 the server does not list its tools, 2 bad usage, an unreadable list or a "
      "file\n"
      "that cannot be written, 126 the server cannot be executed, 127 it is not there, 128 and the signal's "
      "number\n"
      "when SIGINT or SIGTERM ended it. But for 0, nothing is written.\n"
#else
      "Exit codes: 0 written, 2 bad usage, an unreadable list or a file that cannot be written.\n"
#endif
      "\n"
      "Example:\n"
#if defined(CALLWARDEN_TOOL_HAS_GATE)
      "  callwarden init --output policy.json -- npx @modelcontextprotocol/server-filesystem .\n"
#endif
      "  callwarden init --tools tools.json --output policy.json\n");
  const auto flags = std::make_shared<InitFlags>();
  command->add_option("--tools", flags->tools, "The result of tools/list, as JSON; - is standard input")
      ->type_name("FILE");
  command->add_option("-o,--output", flags->output, "Write the policy here instead of to stdout")
      ->type_name("FILE");
#if defined(CALLWARDEN_TOOL_HAS_GATE)
  command
      ->add_option("--save-tools", flags->save_tools,
                   "Keep the server's list here, for --tools of this command and of check")
      ->type_name("FILE");
  command->add_option("--timeout", flags->timeout_s, "How long the server may take to list its tools")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
#endif
  command->add_flag("--force", flags->force, "Let --output and --save-tools replace files");
  command->add_flag("--json", flags->json, "Print policy and reasons as one JSON document");
#if defined(CALLWARDEN_TOOL_HAS_GATE)
  command->add_option("COMMAND", flags->command, "The MCP server and its arguments, after --");
#endif
  command->callback([flags, &action] { action = [flags] { return Init(*flags); }; });
}

}  // namespace callwarden::tool
