#include "tool_list.h"

#include <algorithm>
#include <set>
#include <utility>

#include "printable.h"
#include "strict_json.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

/// The array of tools in `document`; null when it is no list of tools.
const Json* ToolsOf(const Json& document) {
  if (document.is_array()) return &document;
  if (!document.is_object()) return nullptr;
  if (const auto result = document.find("result"); result != document.end()) return ToolsOf(*result);
  const auto tools = document.find("tools");
  return tools != document.end() && tools->is_array() ? &*tools : nullptr;
}

/// Whether a list of tools is one page of several, and not the last.
bool GoesOn(const Json& document) {
  if (!document.is_object()) return false;
  if (const auto result = document.find("result"); result != document.end()) return GoesOn(*result);
  const auto cursor = document.find("nextCursor");
  return cursor != document.end() && !cursor->is_null();
}

std::string Text(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::optional<bool> Hint(const Json& tool, const char* name) {
  const auto annotations = tool.find("annotations");
  if (annotations == tool.end() || !annotations->is_object()) return std::nullopt;
  const auto hint = annotations->find(name);
  if (hint == annotations->end() || !hint->is_boolean()) return std::nullopt;
  return hint->get<bool>();
}

ListedTool ReadTool(const Json& tool, const std::string& source, std::size_t index) {
  ListedTool listed;
  if (tool.is_object()) listed.name = Text(tool, "name");
  if (listed.name.empty())
    throw ToolError(source + ": tool " + std::to_string(index) + " of the list has no name");
  listed.description = Text(tool, "description");
  listed.read_only = Hint(tool, "readOnlyHint");
  listed.destructive = Hint(tool, "destructiveHint");
  if (const auto schema = tool.find("inputSchema"); schema != tool.end() && schema->is_object()) {
    listed.input_schema = *schema;
  }
  return listed;
}

/// One JSON text, or one in each line.
std::vector<Json> ReadDocuments(std::string_view text, const std::string& source) {
  StrictJson whole = ReadStrictly(text);
  if (whole.problem.empty()) return {std::move(whole.value)};
  if (whole.is_json) throw ToolError(source + ": " + whole.problem);
  std::vector<Json> documents;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    StrictJson read = ReadStrictly(line);
    if (!read.is_json) throw ToolError(source + ": neither one JSON document nor one in each line");
    if (!read.problem.empty()) throw ToolError(source + ": " + read.problem);
    documents.push_back(std::move(read.value));
  }
  return documents;
}

}  // namespace

std::vector<ListedTool> ReadToolList(const std::vector<Json>& documents, const std::string& source) {
  std::vector<ListedTool> listed;
  std::set<std::string> names;
  bool found = false;
  bool goes_on = false;
  for (const Json& document : documents) {
    const Json* const tools = ToolsOf(document);
    if (tools == nullptr) continue;  // another message of a recorded exchange
    found = true;
    goes_on = GoesOn(document);
    for (const Json& tool : *tools) {
      listed.push_back(ReadTool(tool, source, listed.size()));
      if (!names.insert(listed.back().name).second) {
        throw ToolError(source + ": two tools are called \"" + Printable(listed.back().name) + "\"");
      }
    }
  }
  if (!found) {
    throw ToolError(source + ": no list of tools; give the result of tools/list, as {\"tools\": [...]}");
  }
  if (goes_on) {
    throw ToolError(source +
                    ": not the whole list: its last page has a \"nextCursor\"; give all pages, one in "
                    "each line");
  }
  return listed;
}

std::vector<ListedTool> ReadToolList(std::string_view text, const std::string& source) {
  return ReadToolList(ReadDocuments(text, source), source);
}

}  // namespace callwarden::tool
