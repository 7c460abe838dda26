#ifndef CALLWARDEN_TOOLS_TOOL_CLASS_H_
#define CALLWARDEN_TOOLS_TOOL_CLASS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "tool_list.h"

namespace callwarden::tool {

/// What a call of a tool can do, by the harm that a wrong one does.
enum class ToolClass : uint8_t { kRead = 0, kWrite, kExecute, kDestructive, kFinancial };

/// "read", "write", "execute", "destructive", "financial".
std::string_view Name(ToolClass tool_class);

struct Classification {
  ToolClass tool_class = ToolClass::kDestructive;
  /// What the class was told by, for people; one line.
  std::string reason;
};

/// Guesses a tool's class from its name, annotations, input schema and description. Where they disagree the
/// more harmful one counts, except that a name which begins with a reading verb is not made harmful by its
/// nouns
/// (`list_payments` reads). A tool that says nothing is destructive, as the protocol's defaults have it.
Classification Classify(const ListedTool& tool);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_TOOL_CLASS_H_
