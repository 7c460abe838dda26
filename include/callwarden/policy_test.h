#ifndef CALLWARDEN_POLICY_TEST_H_
#define CALLWARDEN_POLICY_TEST_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/policy.h"

CALLWARDEN_NAMESPACE_BEGIN

/// One test of a policy test file, and how it went.
struct PolicyTestCase {
  /// The test's `name`; `diagnostics` for a file of expected diagnostics.
  std::string name;
  bool passed = false;
  /// When failed: what was expected and what came, a line each, with the position of the call.
  std::string failure;
};

/// What came of a policy test file.
struct CALLWARDEN_EXPORT PolicyTestReport {
  /// Set when the file itself could not be read as one: where and why. No test has run then.
  std::optional<Diagnostic> error;
  /// Diagnostics of the policy, when it could not be compiled and that was not what the file expects.
  std::vector<Diagnostic> policy_diagnostics;
  std::vector<PolicyTestCase> cases;

  std::size_t passed() const noexcept;
  /// Failed tests; a file that could not be read counts as one.
  std::size_t failed() const noexcept;
};

struct PolicyTestOptions {
  CompileOptions compile = {};
  /// Longest file. Test files may hold whole policies as text.
  std::size_t file_size_max_bytes = std::size_t{64} << 20;
  /// Gives the text of a `policy_file`, named as in the test file; nullopt when it cannot be read.
  /// Without one, `policy_file` is an error: the library itself opens no files.
  std::function<std::optional<std::string>(std::string_view path)> read_policy_file = {};
};

/// Runs a policy test file (docs/policy-language.md, section 11).
///
/// Thread safety: may be called from any thread. Allocation: yes. Errors: in the report.
[[nodiscard]] CALLWARDEN_EXPORT PolicyTestReport RunPolicyTests(std::string_view text,
                                                                const PolicyTestOptions& options = {});

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_POLICY_TEST_H_
