#ifndef CALLWARDEN_TOOLS_PROXY_POLICIES_H_
#define CALLWARDEN_TOOLS_PROXY_POLICIES_H_

#include <memory>
#include <string>
#include <vector>

#include "callwarden/grants.h"
#include "callwarden/policy.h"

namespace callwarden::tool {

/// Policies that belong together, as they were read in one go.
struct PolicySet {
  std::shared_ptr<const CompiledPolicy> policy;
  std::shared_ptr<const GrantTable> grants;
  /// Every file that was read, and on failure also those that could not be.
  std::vector<std::string> files;
  /// False: some file has errors, which have been written to stderr.
  bool ok = false;
};

/// Where a proxy's policies come from.
struct PolicySources {
  std::string policy;  ///< a file
  std::string grants;  ///< a file; empty: none
  bool shadow = false;

  /// Reads and compiles everything. The policies that grants name are looked for beside the grants file.
  /// Throws ToolError when the policy or grants file cannot be read.
  PolicySet Load() const;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_PROXY_POLICIES_H_
