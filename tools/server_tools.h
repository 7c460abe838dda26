#ifndef CALLWARDEN_TOOLS_SERVER_TOOLS_H_
#define CALLWARDEN_TOOLS_SERVER_TOOLS_H_

#include <chrono>
#include <string>
#include <vector>

#include "output.h"
#include "tool_error.h"

namespace callwarden::tool {

/// What an MCP server lists.
struct ServerTools {
  Json list;           ///< `{"tools": [...]}`, of all pages
  int code = kExitOk;  ///< what to return when there is no list; the reason has been reported
};

/// Starts an MCP server over stdio, asks it for its tools, all pages, and ends it. Opens as the revisions up
/// to 2025-11-25 do; a server that refuses `initialize` is spoken to as 2026-07-28 has it. `timeout` is for
/// everything until the list is whole. The server's stderr is ours.
/// Errors: ServerTools::code. Throws ToolError when the system has no pipe or process left.
ServerTools ListServerTools(const std::vector<std::string>& command, std::chrono::milliseconds timeout);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_SERVER_TOOLS_H_
