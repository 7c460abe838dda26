#ifndef CALLWARDEN_TOOLS_STARTER_POLICY_H_
#define CALLWARDEN_TOOLS_STARTER_POLICY_H_

#include <string>
#include <vector>

#include "output.h"
#include "tool_class.h"
#include "tool_list.h"

namespace callwarden::tool {

/// What became of one tool in a starter policy.
struct StarterTool {
  std::string name;
  Classification classification;
  /// False for names that no key of a policy can stand for; the default denies them.
  bool listed = true;
  /// What of its input schema no rule says.
  std::vector<std::string> left_out;
};

struct StarterPolicy {
  Json policy;
  std::vector<StarterTool> tools;  ///< in the order of the list
};

/// A policy to begin with: everything that is not listed is denied, destructive tools are hidden, financial
/// ones need an approval, the others have the limits of their class, and arguments are held to each tool's
/// input schema. Depends on nothing but `tools`; compiles without a diagnostic.
StarterPolicy MakeStarterPolicy(const std::vector<ListedTool>& tools);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_STARTER_POLICY_H_
