#ifndef CALLWARDEN_TOOLS_RAW_MEMBERS_H_
#define CALLWARDEN_TOOLS_RAW_MEMBERS_H_

#include <string>
#include <string_view>
#include <vector>

namespace callwarden::tool {

/// A member of a JSON object whose value is still the text that the author wrote.
struct RawMember {
  std::string name;        ///< unescaped
  std::string_view value;  ///< within the object's text
};

/// The members of the object that `text` is, in order, repeated names included. For arguments, which the
/// library must judge as they were written: a JSON value would have lost repeated names and rounded numbers.
/// Throws ToolError, beginning with `what`, when `text` is not one JSON object.
std::vector<RawMember> RawMembers(std::string_view text, const std::string& what);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_RAW_MEMBERS_H_
