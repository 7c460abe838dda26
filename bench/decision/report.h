#ifndef CALLWARDEN_BENCH_DECISION_REPORT_H_
#define CALLWARDEN_BENCH_DECISION_REPORT_H_

#include <string>
#include <vector>

#include "bench/decision/harness.h"

namespace bench {

/// A bound on the ratio of two workloads of one run, each at its fastest repetition.
struct Budget {
  enum class Kind {
    kAtMost,   ///< of `subjects`, the slowest is at most `bound` times `base`
    kAtLeast,  ///< each of `subjects` is at least `bound` times as fast as `base`
    /// Each of `subjects`, which run on `threads` threads, does at least `bound` times what `base` does on
    /// one, if every thread has a processor. Told from CPU time, so that others on the machine do not count.
    kScales
  };
  std::string name;
  std::string what;
  Kind kind = Kind::kAtMost;
  std::vector<std::string> subjects;
  std::string base;
  double bound = 0;
  int threads = 1;  ///< kScales
};

/// A budget, as it was kept.
struct Kept {
  const Budget* budget = nullptr;
  double ratio = 0;         ///< of the fastest repetitions
  double ratio_median = 0;  ///< of the medians; far from `ratio` on a machine that others use
  bool met = false;
};

/// What decides which instructions run: compiler, C library, processor architecture, simdjson and the kernel
/// of it that this processor takes, build type.
std::string BuildName();
/// The compiler with its whole version, and the processor.
std::string CompilerName();
std::string MachineName();

/// Budgets whose workloads were all measured.
std::vector<Kept> Hold(const std::vector<Budget>& budgets, const Results& results);

void PrintResults(const std::vector<Workload>& workloads, const Results& results);
void PrintBudgets(const std::vector<Kept>& kept);
/// Prints the workloads that allocate; true when there are none.
bool CheckAllocations(const Results& results);
/// With the machine, compiler and `commit` that the figures are of. False: the file cannot be written.
bool WriteJson(const std::string& path, const std::string& commit, const std::vector<Workload>& workloads,
               const Results& results, const std::vector<Kept>& kept);
/// Prints the ratios beside those that WriteJson once wrote. False: the file cannot be read.
bool PrintComparison(const std::string& path, const std::vector<Kept>& kept);

}  // namespace bench

#endif  // CALLWARDEN_BENCH_DECISION_REPORT_H_
