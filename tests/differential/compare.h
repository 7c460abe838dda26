#ifndef TESTS_DIFFERENTIAL_COMPARE_H_
#define TESTS_DIFFERENTIAL_COMPARE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "callwarden/callwarden.h"

#include "tests/differential/reference.h"
#include "tests/differential/test_file.h"

namespace differential {

/// What both make of a call, in the words of the language.
struct Decided {
  reference::Verdict verdict;
  std::optional<reference::Verdict> would;
};

/// The library, driven step by step with a store and a clock of its own.
class Library {
 public:
  Library(std::shared_ptr<const callwarden::CompiledPolicy> policy, std::size_t steps);

  /// `parsed`, where given, takes the place of the call's argument text.
  Decided Decide(std::size_t step, const reference::Call& call, reference::Nanos now,
                 const callwarden::ArgumentSource* parsed = nullptr);
  /// Reports how the call of a step ended.
  void Complete(std::size_t step, reference::Outcome outcome, reference::Nanos now);

 private:
  std::shared_ptr<const callwarden::CompiledPolicy> policy_;
  callwarden::ManualClock clock_;
  callwarden::MemoryCounterStore counters_;
  std::vector<callwarden::Decision> decisions_;
};

/// A decision on a line of its own, and another for what it would be; for people.
std::string Show(const Decided& decided);

/// The policy compiled by the library, or its errors, a line each.
std::shared_ptr<const callwarden::CompiledPolicy> Compile(const std::string& policy_text, std::string& errors,
                                                          const reference::Options& options = {});

/// Where reference and library differ.
struct Mismatch {
  bool compile = false;  // the library refuses the policy
  std::size_t step = 0;
  std::string text;  // both sides, for people
};

/// Calls decided, by effect and reason, so that a run shows what it has reached.
struct Tally {
  uint64_t cases = 0;
  uint64_t policies = 0;
  uint64_t with_would = 0;
  std::map<std::string, uint64_t> reasons;
};

/// Runs a test on both; nothing when they agree on everything. `complete` steps that name a call which is
/// not in flight are passed over.
std::optional<Mismatch> RunBoth(const std::string& policy_text, const reference::PolicyTest& test,
                                const reference::Options& options, Tally* tally);

}  // namespace differential

#endif  // TESTS_DIFFERENTIAL_COMPARE_H_
