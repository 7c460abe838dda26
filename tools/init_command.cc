#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "callwarden/policy.h"

#include "commands.h"
#include "input_file.h"
#include "output.h"
#include "output_file.h"
#include "printable.h"
#include "starter_policy.h"
#include "style.h"
#include "tool_error.h"
#include "tool_list.h"

namespace callwarden::tool {
namespace {

struct InitFlags {
  std::string tools;
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

int Init(const InitFlags& flags) {
  const std::vector<ListedTool> tools = ReadToolList(ReadText(flags.tools), DisplayName(flags.tools));
  const StarterPolicy starter = MakeStarterPolicy(tools);
  const std::string text = JsonDocument(starter.policy);
  const CompileResult result = CompiledPolicy::Compile(text);
  if (!result.ok() || !result.diagnostics().empty()) {
    throw ToolError("the starter policy does not compile, which is a mistake of this program: " +
                    (result.diagnostics().empty() ? std::string() : result.diagnostics().front().message));
  }
  if (!flags.output.empty()) WriteNewFile(flags.output, text, flags.force);
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
      "Exit codes: 0 written, 2 bad usage or an unreadable list.\n"
      "\n"
      "Example:\n"
      "  callwarden init --tools tools.json --output policy.json\n");
  const auto flags = std::make_shared<InitFlags>();
  command->add_option("--tools", flags->tools, "The result of tools/list, as JSON; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", flags->output, "Write the policy here instead of to stdout")
      ->type_name("FILE");
  command->add_flag("--force", flags->force, "Let --output replace a file");
  command->add_flag("--json", flags->json, "Print policy and reasons as one JSON document");
  command->callback([flags, &action] { action = [flags] { return Init(*flags); }; });
}

}  // namespace callwarden::tool
