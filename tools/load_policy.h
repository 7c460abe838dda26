#ifndef CALLWARDEN_TOOLS_LOAD_POLICY_H_
#define CALLWARDEN_TOOLS_LOAD_POLICY_H_

#include <memory>
#include <string>

#include "callwarden/policy.h"

namespace callwarden::tool {

/// Reads and compiles the policy at `path` for a command that needs one. Null when it has errors, which
/// have then been written to stderr (warnings are `check`'s business). Throws ToolError when the file
/// cannot be read.
std::shared_ptr<const CompiledPolicy> LoadPolicy(const std::string& path, const CompileOptions& options = {});

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_LOAD_POLICY_H_
