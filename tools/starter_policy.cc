#include "starter_policy.h"

#include <algorithm>
#include <array>
#include <map>

#include "callwarden/policy.h"

#include "schema_rules.h"

namespace callwarden::tool {
namespace {

constexpr auto kClasses = std::to_array<ToolClass>({ToolClass::kRead, ToolClass::kWrite, ToolClass::kExecute,
                                                    ToolClass::kDestructive, ToolClass::kFinancial});

Json LimitPerMinute(const char* counter, int max) {
  Json limit;
  limit["counter"] = counter;
  limit["window"] = "minute";
  limit["max"] = max;
  return limit;
}

/// Whether a policy can name the tool without a diagnostic: not with a `*`, which would be a glob.
bool CanBeKey(const std::string& name) {
  if (name.find('*') != std::string::npos) return false;
  Json policy;
  policy["version"] = "1";
  policy["default"] = "deny";
  policy["tools"][name] = Json::object();
  const CompileResult result =
      CompiledPolicy::Compile(policy.dump(-1, ' ', false, Json::error_handler_t::replace));
  return result.ok() && result.diagnostics().empty();
}

Json EntryOf(const ListedTool& tool, StarterTool& starter) {
  Json entry = Json::object();
  SchemaRules schema = RulesOfSchema(tool.input_schema);
  starter.left_out = std::move(schema.left_out);
  switch (starter.classification.tool_class) {
    case ToolClass::kFinancial:
      entry["action"] = "require_approval";
      entry["reason"] = "A person confirms what moves money";
      break;
    case ToolClass::kWrite:
      entry["limits"] = Json::array({LimitPerMinute("writes", 30)});
      break;
    case ToolClass::kExecute:
      entry["limits"] = Json::array({LimitPerMinute("executions", 10)});
      break;
    case ToolClass::kRead:
    case ToolClass::kDestructive:  // hidden, so that it has no entry
      break;
  }
  if (!schema.rules.empty()) entry["require"] = std::move(schema.rules);
  return entry;
}

std::string Summary(const std::vector<StarterTool>& tools) {
  std::map<ToolClass, std::size_t> counts;
  for (const StarterTool& tool : tools) ++counts[tool.classification.tool_class];
  std::string text = "Starter policy for " + Count(tools.size(), "tool") + ", to be looked over: ";
  for (const ToolClass tool_class : kClasses) {
    if (tool_class != kClasses.front()) text += ", ";
    text += std::to_string(counts[tool_class]) + " " + std::string(Name(tool_class));
    if (tool_class == ToolClass::kWrite) text += " (30 a minute together)";
    if (tool_class == ToolClass::kExecute) text += " (10 a minute together)";
    if (tool_class == ToolClass::kDestructive) text += " (hidden)";
    if (tool_class == ToolClass::kFinancial) text += " (each call needs an approval)";
  }
  return text + ". Everything else is denied.";
}

}  // namespace

StarterPolicy MakeStarterPolicy(const std::vector<ListedTool>& tools) {
  StarterPolicy starter;
  Json hide = Json::array();
  Json entries = Json::object();
  for (const ListedTool& tool : tools) {
    StarterTool& about = starter.tools.emplace_back();
    about.name = tool.name;
    about.classification = Classify(tool);
    about.listed = CanBeKey(tool.name);
    if (!about.listed) continue;
    if (about.classification.tool_class == ToolClass::kDestructive) {
      hide.push_back(tool.name);
    } else {
      entries[tool.name] = EntryOf(tool, about);
    }
  }
  starter.policy["version"] = "1";
  starter.policy["description"] = Summary(starter.tools);
  starter.policy["default"] = "deny";
  if (!hide.empty()) starter.policy["hide"] = std::move(hide);
  starter.policy["tools"] = std::move(entries);
  return starter;
}

}  // namespace callwarden::tool
