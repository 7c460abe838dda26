#ifndef TESTS_DIFFERENTIAL_REFERENCE_H_
#define TESTS_DIFFERENTIAL_REFERENCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/counts.h"
#include "tests/differential/evaluate.h"
#include "tests/differential/json.h"
#include "tests/differential/model.h"

namespace reference {

/// The policy language once more, slow and obvious: docs/policy-language.md, sections 2 to 9, as plain code
/// over plain trees. Shares nothing with the library.

struct Attribute {
  std::string name;
  Value value;  // string, boolean or number
};

struct Call {
  std::string tool;
  std::optional<std::string> arguments;  // the text; nothing: absent
  std::string grant;
  std::string session;
  std::vector<Attribute> grant_attributes;
  std::vector<Attribute> context;
  bool approved = false;
};

struct Verdict {
  std::string effect;
  std::string reason;
  std::string rule;
  /// Of a malformed call only its beginning is fixed: "Arguments refused: ".
  std::string message;
  std::optional<int64_t> retry_after_ms;

  bool allowed() const { return effect == "allow"; }
};

struct Result {
  Verdict verdict;
  std::optional<Verdict> would;
  /// What the call has charged, to be settled once.
  std::vector<Charged> charged;
};

/// The options of section 6.
struct Options {
  ReadLimits arguments;
  bool refuse_case_variants = true;
  bool refuse_nul_strings = true;
};

class Evaluator {
 public:
  explicit Evaluator(Policy policy, const Options& options = {})
      : policy_(std::move(policy)), options_(options) {}

  Result Decide(const Call& call, Nanos now);
  /// Reports how an admitted call ended.
  void Complete(const Result& result, Outcome outcome, Nanos now);

 private:
  /// A decision and, where it admits, what it would charge.
  struct Judgement {
    Verdict verdict;
    std::vector<Charge> charges;
  };

  /// One of the two decisions of section 9: with every rule and limit, or with the enforced ones only.
  Judgement Judge(const Call& call, bool with_shadowed, Nanos now) const;
  Judgement JudgeLimits(const std::vector<const Entry*>& entries, const Roots& roots, bool with_shadowed,
                        Nanos now) const;

  /// Entries that apply to a tool, in the order of section 2.
  std::vector<const Entry*> EntriesFor(const std::string& tool) const;
  bool IsMalformed(const Call& call, const std::vector<const Entry*>& entries, bool with_shadowed,
                   Roots& roots) const;
  bool IsHidden(const std::string& tool) const;
  bool IsConfusable(const std::string& tool) const;

  Policy policy_;
  Options options_;
  Counts counts_;
};

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_REFERENCE_H_
