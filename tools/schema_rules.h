#ifndef CALLWARDEN_TOOLS_SCHEMA_RULES_H_
#define CALLWARDEN_TOOLS_SCHEMA_RULES_H_

#include <string>
#include <vector>

#include "output.h"

namespace callwarden::tool {

/// Rules for `require` that hold arguments to a tool's input schema.
struct SchemaRules {
  std::vector<Json> rules;
  /// What of the schema no rule says, for people; one line each.
  std::vector<std::string> left_out;
};

/// Takes over from a JSON Schema what the policy language can say: required members, types, enum, const,
/// minimum, maximum, exclusive bounds, lengths, counts, patterns that RE2 takes and the formats that the
/// language has, on members at any depth and on the elements of arrays. Every rule compiles without a
/// diagnostic; what would not is left out.
SchemaRules RulesOfSchema(const Json& schema);

/// The path of `name` below `parent`: `args.name`, or `args["odd.name"]`.
std::string MemberPath(const std::string& parent, const std::string& name);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_SCHEMA_RULES_H_
