#ifndef CALLWARDEN_EXPLAIN_H_
#define CALLWARDEN_EXPLAIN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/policy.h"

CALLWARDEN_NAMESPACE_BEGIN

/// What a test, rule or limit came to.
enum class Truth : uint8_t { kFalse = 0, kIndeterminate, kTrue };

/// "false", "indeterminate", "true".
CALLWARDEN_EXPORT std::string_view Name(Truth truth) noexcept;

/// One value that a test met.
struct SeenValue {
  /// "absent", "mismatch", or a JSON type: "string", "number", "boolean", "array", "object".
  std::string type;
  /// Bytes of a string, items of an array, members of an object; otherwise 0.
  std::size_t size = 0;
  /// The value as JSON, when values were asked for and it is a scalar.
  std::string value;
};

struct ExplainedTest {
  std::string path;
  std::string op;
  /// The policy's value, as JSON.
  std::string expected;
  /// Under an odd number of negations that stand over it (`neq` and `not_in` not counted).
  bool negated = false;
  Truth truth = Truth::kFalse;
  /// What it looked at: one value, or one per element under `[*]` (at most 16, `seen_count` in all).
  std::vector<SeenValue> seen;
  std::size_t seen_count = 0;
};

struct ExplainedRule {
  std::string id;
  /// "require", "deny_if" or "require_approval_if".
  std::string list;
  bool shadow = false;
  Truth truth = Truth::kFalse;
  /// Whether it denies (or asks for approval) under the language's section 4.
  bool objects = false;
  /// Every test of the rule in document order, evaluated in full.
  std::vector<ExplainedTest> tests;
};

struct ExplainedLimit {
  std::string id;
  bool shadow = false;
  /// Empty when it could be looked at; otherwise why not, such as `needs session`.
  std::string problem;
  std::string window;
  std::string algorithm;
  uint64_t weight = 0;
  uint64_t used = 0;
  uint64_t max = 0;
  bool fits = false;
  RetryAfter retry;
};

struct ExplainedEntry {
  /// Pointer of the entry, such as `/tools/db_*` or `/all_tools`.
  std::string id;
  /// "exact", "glob" or "all_tools".
  std::string match;
  std::string action;
  std::vector<ExplainedRule> rules;
  std::vector<ExplainedLimit> limits;
};

/// Everything that bears on one call: each entry that applies with each rule and limit, whether or not it
/// decided, and the decision.
struct Explanation {
  /// What a decision at this moment would say; nothing was charged.
  Verdict verdict;
  /// Set when shadowed rules or limits would have it differ.
  std::optional<Verdict> would;
  bool listed = false;
  bool hidden = false;
  /// In the order of reporting. Entries that say nothing (`{}`) are left out; empty when the call is
  /// malformed for every rule, since its arguments were not read then.
  std::vector<ExplainedEntry> entries;
};

struct ExplainOptions {
  /// Puts argument values into SeenValue::value. Off, so that explanations can be shown to anybody.
  bool show_values = false;
  DecideOptions decide = {};
};

/// Explains what `policy` makes of `call` at `now`, with the counts that `counters` holds. Charges
/// nothing. Views in the verdicts live as long as `policy`.
///
/// Thread safety: may be called from any thread. Allocation: yes.
[[nodiscard]] CALLWARDEN_EXPORT Explanation Explain(const CompiledPolicy& policy, const ToolCall& call,
                                                    CounterStore& counters, Timestamp now,
                                                    const ExplainOptions& options = {});

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_EXPLAIN_H_
