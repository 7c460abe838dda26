// Decisions on the workloads that they are judged by, each beside its floor, in one run. bench/README.md says
// how to read the tables.
//
// Usage: decision_bench [--json FILE [--commit NAME]] [--compare FILE] [--repeat NAME TIMES] [--build]
// [--benchmark_...]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/decision/report.h"
#include "bench/decision/workloads.h"

namespace bench {

std::shared_ptr<const callwarden::CompiledPolicy> Compile(std::string_view text) {
  callwarden::CompileOptions options;
  options.document_size_max_bytes = std::size_t{64} << 20;
  options.rules_per_entry_max = 100000;
  const auto compiled = callwarden::CompiledPolicy::Compile(text, options);
  Expect(compiled.ok(), "a policy that compiles");
  return compiled.policy();
}

std::vector<std::string> Names(std::string_view prefix, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::string(prefix) + std::to_string(i));
  return names;
}

namespace {

constexpr int kRepetitions = 40;
// A fixed number: one that is found by running for a while goes wrong on a machine that is busy meanwhile.
constexpr benchmark::IterationCount kDecisions = 20000;

class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      // Over threads it is their rate together that counts.
      Measured& measured = AllResults()[run.run_name.function_name];
      measured.ns.push_back(run.threads == 1 ? run.GetAdjustedCPUTime() : run.GetAdjustedRealTime());
      measured.cpu_ns.push_back(run.GetAdjustedCPUTime());
    }
  }
};

int Run(int argc, char** argv) {
  std::string json;
  std::string commit = "unknown";
  std::string compare;
  std::string repeat;
  std::size_t times = 0;
  std::vector<char*> rest{argv[0]};
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else if (argument == "--commit" && i + 1 < argc) {
      commit = argv[++i];
    } else if (argument == "--compare" && i + 1 < argc) {
      compare = argv[++i];
    } else if (argument == "--build") {
      std::printf("%s\n", BuildName().c_str());
      return 0;
    } else if (argument == "--repeat" && i + 2 < argc) {
      repeat = argv[++i];
      times = std::strtoull(argv[++i], nullptr, 10);
    } else {
      rest.push_back(argv[i]);
    }
  }
  // Repetitions of all workloads are shuffled, so that what drifts favours none. Flags may say otherwise.
  std::string interleave = "--benchmark_enable_random_interleaving=true";
  rest.insert(rest.begin() + 1, interleave.data());
  int rest_count = static_cast<int>(rest.size());
  benchmark::Initialize(&rest_count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(rest_count, rest.data())) return 2;

  std::vector<Budget> budgets;
  AddSeed(budgets);
  AddArguments(budgets);
#if defined(CALLWARDEN_BENCH_HAS_GATE)
  AddLine(budgets);
#endif
  AddRules(budgets);
  AddCatalogue(budgets);
  AddThreads(budgets);

  if (!repeat.empty()) {
    for (const Workload& workload : AllWorkloads()) {
      if (workload.name != repeat) continue;
      workload.repeat(times);
      return 0;
    }
    std::fprintf(stderr, "no workload is named %s\n", repeat.c_str());
    return 2;
  }

  for (const Workload& workload : AllWorkloads()) {
    auto* registered = benchmark::RegisterBenchmark(workload.name.c_str(), workload.measure);
    registered->Iterations(kDecisions)->Repetitions(kRepetitions);
    if (workload.threads != 1) registered->Threads(workload.threads)->UseRealTime();
  }
  // A second thread, asleep: glibc's mutexes and allocator skip their atomics in a process that has only one.
  std::binary_semaphore done(0);
  std::thread second([&] { done.acquire(); });
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  done.release();
  second.join();
  benchmark::Shutdown();

  const std::vector<Kept> kept = Hold(budgets, AllResults());
  PrintResults(AllWorkloads(), AllResults());
  PrintBudgets(kept);
  const bool no_allocations = CheckAllocations(AllResults());
  if (!json.empty() && !WriteJson(json, commit, AllWorkloads(), AllResults(), kept)) {
    std::fprintf(stderr, "cannot write %s\n", json.c_str());
    return 2;
  }
  if (!compare.empty() && !PrintComparison(compare, kept)) {
    std::fprintf(stderr, "cannot read %s\n", compare.c_str());
    return 2;
  }
  const bool met = std::all_of(kept.begin(), kept.end(), [](const Kept& k) { return k.met; });
  return met && no_allocations ? 0 : 1;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Run(argc, argv); }
