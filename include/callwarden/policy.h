#ifndef CALLWARDEN_POLICY_H_
#define CALLWARDEN_POLICY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/counter_store.h"
#include "callwarden/decision.h"
#include "callwarden/tool_call.h"

CALLWARDEN_NAMESPACE_BEGIN

namespace internal {
struct Program;
class PolicyAccess;
}  // namespace internal

enum class Severity : uint8_t { kError = 0, kWarning };

/// "error" or "warning".
CALLWARDEN_EXPORT std::string_view Name(Severity severity) noexcept;

/// A located message to a policy's author.
struct Diagnostic {
  Severity severity = Severity::kError;
  /// Stable: one of the codes of docs/policy-language.md, section 10. Match this, not the message.
  std::string code;
  /// JSON Pointer (RFC 6901) to the offending value or member; empty for the whole document.
  std::string pointer;
  /// 1-based; the column counts code points.
  uint32_t line = 0;
  uint32_t column = 0;
  /// One line, lower case, without a final period. May improve in any release.
  std::string message;
  /// A proposed fix such as `did you mean "default"?`; empty when there is none.
  std::string hint;
};

/// Bounds on a policy document and on what calls under it may carry. The defaults are the language's.
struct CompileOptions {
  /// Longest document. 4 MiB holds about 50,000 tools.
  std::size_t document_size_max_bytes = std::size_t{4} << 20;
  /// Deepest nesting of objects and arrays in the document. At most 512.
  uint32_t document_depth_max = 64;
  /// Most keys of `tools`.
  std::size_t tool_entries_max = 100000;
  /// Most rules in one entry, all its lists together.
  std::size_t rules_per_entry_max = 1000;
  /// Most limits that may apply to one call; at most kLimitsPerCallMax.
  std::size_t limits_per_call_max = kLimitsPerCallMax;
  /// Largest regex program, in RE2's instructions (RE2::ProgramSize()).
  uint32_t regex_program_size_max = 4096;

  /// Longest arguments of a call; longer ones are malformed. 1 MiB is more than models write.
  std::size_t arguments_size_max_bytes = std::size_t{1} << 20;
  /// Deepest nesting in the arguments of a call. At most 512.
  uint32_t arguments_depth_max = 64;
  /// Refuse member names that differ only by case from a name that the policy reads, since some parsers
  /// downstream would read that member instead.
  bool refuse_case_variants = true;
  /// Refuse strings with U+0000 where the policy reads a string, since some parsers downstream would cut
  /// them there.
  bool refuse_nul_strings = true;

  /// Whether the whole document is shadowed, as if it said `"mode": "shadow"`: for trying a policy on traffic
  /// without editing it.
  bool shadow = false;
};

class CompileResult;

/// How the document as a whole is applied.
enum class PolicyMode : uint8_t { kEnforce = 0, kShadow };

/// How many of what a compiled policy holds; for reports and tests.
struct PolicyShape {
  std::size_t tools_exact = 0;
  std::size_t tools_glob = 0;
  std::size_t rules = 0;
  std::size_t limits = 0;
  std::size_t argument_paths = 0;
  /// Memory that the policy holds, in bytes, regex programs not included.
  std::size_t memory_bytes = 0;
};

/// One limit of a policy, as far as it tells its count from others.
struct PolicyLimit {
  /// Rule id, such as `/tools/run_code/limits/writes`. A view into the policy.
  std::string_view rule;
  std::string_view counter;
  uint64_t max = 0;
  /// Limits of equal identity share a count, also over policies (LimitSpec::digest).
  std::array<uint64_t, 2> identity{};
  bool shadow = false;
};

/// Options of one decision.
struct DecideOptions {
  /// Part of every count's identity: policies decided under different namespaces share no counts.
  std::string_view count_namespace = {};
};

/// A policy document in its immutable, executable form.
///
/// Thread safety: immutable; every member may be called from any thread.
/// Ownership: shared; borrows nothing from the text it was compiled from.
class CALLWARDEN_EXPORT CompiledPolicy {
 public:
  /// Compiles a policy document (docs/policy-language.md). Never throws; reports every error and warning
  /// in one pass. Any error leaves no policy.
  /// Allocation: yes; out of memory is handled as the host's operator new does.
  /// Complexity: linear in the text.
  [[nodiscard]] static CompileResult Compile(std::string_view text, const CompileOptions& options = {});

  CompiledPolicy(const CompiledPolicy&) = delete;  // decisions point into it
  CompiledPolicy& operator=(const CompiledPolicy&) = delete;
  ~CompiledPolicy();

  /// Decides one call at time `now` (read the host's clock once a call) and charges its limits in
  /// `counters`, all or none. A denied call charges nothing.
  /// Total: any bytes in `call` give a decision; what cannot be judged is denied.
  /// Allocation: none in the steady state, but for rules whose regex is not a plain literal: RE2 may
  /// allocate while its automaton grows. Per-thread scratch grows to the largest call seen; when there is
  /// no memory for it the call is denied with Reason::kInternalError.
  [[nodiscard]] Decision Decide(const ToolCall& call, CounterStore& counters, Timestamp now,
                                const DecideOptions& options = {}) const noexcept;

  /// Whether `tools/list` is to leave this tool out: a `hide` pattern matches and the policy enforces.
  [[nodiscard]] bool Hides(std::string_view tool) const noexcept;
  /// Whether a key of `tools` matches the tool.
  [[nodiscard]] bool Lists(std::string_view tool) const noexcept;
  /// Whether tools that it does not list are denied for that: `default` is deny, and the policy enforces.
  bool denies_unlisted() const noexcept;

  PolicyMode mode() const noexcept;
  /// The document's `description`; empty when it has none.
  std::string_view description() const noexcept CALLWARDEN_LIFETIME_BOUND;
  PolicyShape shape() const noexcept;
  /// Its limits, in the order of the text within an entry; entries with exact names first. The views die with
  /// the policy. Allocation: yes.
  std::vector<PolicyLimit> Limits() const CALLWARDEN_LIFETIME_BOUND;
  /// SHA-256 of the document's text, as sha256sum(1) prints it: 64 lower-case hexadecimal digits. Empty when
  /// the library was built without libcrypto (CALLWARDEN_BUILD_GATE=OFF).
  std::string_view digest() const noexcept CALLWARDEN_LIFETIME_BOUND;

 private:
  friend class internal::PolicyAccess;
  explicit CompiledPolicy(std::unique_ptr<const internal::Program> program) noexcept;
  std::unique_ptr<const internal::Program> program_;
};

/// A compiled policy, or the reasons why there is none; warnings either way.
class CALLWARDEN_EXPORT CompileResult {
 public:
  CompileResult() = default;
  CompileResult(std::shared_ptr<const CompiledPolicy> policy, std::vector<Diagnostic> diagnostics)
      : policy_(std::move(policy)), diagnostics_(std::move(diagnostics)) {}

  bool ok() const noexcept { return policy_ != nullptr; }
  /// Null unless ok().
  const std::shared_ptr<const CompiledPolicy>& policy() const noexcept CALLWARDEN_LIFETIME_BOUND {
    return policy_;
  }
  /// In the order of the text.
  std::span<const Diagnostic> diagnostics() const noexcept CALLWARDEN_LIFETIME_BOUND { return diagnostics_; }

 private:
  std::shared_ptr<const CompiledPolicy> policy_;
  std::vector<Diagnostic> diagnostics_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_POLICY_H_
