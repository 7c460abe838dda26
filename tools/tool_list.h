#ifndef CALLWARDEN_TOOLS_TOOL_LIST_H_
#define CALLWARDEN_TOOLS_TOOL_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "output.h"

namespace callwarden::tool {

/// One tool as its MCP server describes it. Everything but the name is the server's claim.
struct ListedTool {
  std::string name;
  std::string description;
  /// The hints that the server gave; absent ones are not the protocol's defaults.
  std::optional<bool> read_only;
  std::optional<bool> destructive;
  /// An object; empty when the server gave none.
  Json input_schema = Json::object();
};

/// Reads a list of tools: a `tools/list` result, the JSON-RPC response around one, an array of tools, or
/// several of these as JSON lines (the pages of one list). Throws ToolError, naming `source`, when the text
/// is none of these, a tool has no name, or two have the same.
std::vector<ListedTool> ReadToolList(std::string_view text, const std::string& source);
/// The same of documents that have been read already.
std::vector<ListedTool> ReadToolList(const std::vector<Json>& documents, const std::string& source);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_TOOL_LIST_H_
