#ifndef CALLWARDEN_TOOLS_TOOL_ERROR_H_
#define CALLWARDEN_TOOLS_TOOL_ERROR_H_

#include <stdexcept>
#include <string>

namespace callwarden::tool {

/// What the process returns; docs/tool.md tells users the same.
enum ExitCode : int {
  kExitOk = 0,  ///< fine; for `decide`: the call is allowed
  kExitProblems =
      1,  ///< a policy has errors, a test failed, there is no such approval, or a server lists no tools
  kExitUsage = 2,     ///< bad usage, or a file that cannot be read
  kExitDeny = 3,      ///< `decide`: the call is denied
  kExitApproval = 4,  ///< `decide`: the call needs an approval
};

/// Ends the command with one line on stderr and kExitUsage. The tool's only exception of its own; the
/// argument parser brings exceptions anyway, and main() is the one place that catches both.
class ToolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_TOOL_ERROR_H_
