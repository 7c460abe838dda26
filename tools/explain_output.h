#ifndef CALLWARDEN_TOOLS_EXPLAIN_OUTPUT_H_
#define CALLWARDEN_TOOLS_EXPLAIN_OUTPUT_H_

#include <string>

#include "callwarden/explain.h"
#include "callwarden/tool_call.h"

#include "output.h"
#include "style.h"

namespace callwarden::tool {

/// An explanation for people: the decision, then each entry with its rules, tests and limits, and after
/// each what it contributed.
std::string ExplanationText(const Explanation& explanation, const ToolCall& call, Timestamp now,
                            const Style& style);

/// The same for programs, member for member as in explain.h.
Json ExplanationJson(const Explanation& explanation, const ToolCall& call, Timestamp now);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_EXPLAIN_OUTPUT_H_
