#ifndef CALLWARDEN_TOOLS_CHECK_TOOLS_H_
#define CALLWARDEN_TOOLS_CHECK_TOOLS_H_

#include <string_view>
#include <vector>

#include "callwarden/policy.h"

#include "tool_list.h"

namespace callwarden::tool {

/// Holds a policy against the tools that it is for. Warnings, in the order of the text, with these codes:
///
///     unknown_tool         a key of `tools` or an entry of `hide` that no tool of the list matches
///     unlisted_tool        a tool of the list that no key of `tools` matches, under `default: deny`
///     unknown_argument     a path that no matching tool's input schema has
///     impossible_operator  a test or an amount that no value of the schema's type can satisfy
///
/// `text` is the document of a policy that compiles. What a schema says in words that this does not follow
/// ($ref, anyOf and the like) is taken to allow everything.
std::vector<Diagnostic> CheckAgainstTools(std::string_view text, const std::vector<ListedTool>& tools);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_CHECK_TOOLS_H_
