#include "bench/decision/report.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include <simdjson.h>
#include <sys/utsname.h>

namespace bench {
namespace {

// The ratio that the budget bounds; the worst of its subjects.
double RatioOf(const Budget& budget, const Results& results, bool medians) {
  const auto time = [&](const std::string& name) {
    const Measured& m = results.at(name);
    if (budget.kind == Budget::Kind::kScales) return medians ? m.median_cpu_ns() : m.best_cpu_ns();
    return medians ? m.median_ns() : m.best_ns();
  };
  const double base = time(budget.base);
  double worst = 0;
  for (const std::string& subject : budget.subjects) {
    const bool first = &subject == &budget.subjects.front();
    if (budget.kind == Budget::Kind::kAtMost) {
      worst = std::max(worst, time(subject) / base);
    } else {
      const double ratio = base / time(subject) * budget.threads;
      worst = first ? ratio : std::min(worst, ratio);
    }
  }
  return worst;
}

bool WasMeasured(const Results& results, const std::string& name) {
  const auto found = results.find(name);
  return found != results.end() && !found->second.ns.empty();
}

const char* SignOf(const Budget& budget) { return budget.kind == Budget::Kind::kAtMost ? "<=" : ">="; }

std::string Architecture() {
  utsname name{};
  return uname(&name) == 0 ? name.machine : "unknown";
}

}  // namespace

std::string BuildName() {
#if defined(__clang__)
  std::string name = "clang-" + std::to_string(__clang_major__);
#elif defined(__GNUC__)
  std::string name = "gcc-" + std::to_string(__GNUC__);
#else
  std::string name = "other-compiler";
#endif
#if defined(__GLIBC__)
  name += " glibc-" + std::to_string(__GLIBC__) + "." + std::to_string(__GLIBC_MINOR__);
#endif
  return name + " " + Architecture() + " simdjson-" + std::to_string(simdjson::SIMDJSON_VERSION_MAJOR) + "." +
         std::to_string(simdjson::SIMDJSON_VERSION_MINOR) + "-" +
         std::string(simdjson::get_active_implementation()->name()) + " " CALLWARDEN_BENCH_BUILD_TYPE;
}

std::string CompilerName() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown compiler";
#endif
}

std::string MachineName() {
  std::string model = Architecture();
  std::ifstream processors("/proc/cpuinfo");
  for (std::string line; std::getline(processors, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    if (begin != std::string::npos) model = line.substr(begin);
    break;
  }
  const unsigned count = std::thread::hardware_concurrency();
  return model + ", " + std::to_string(count) + (count == 1 ? " processor" : " processors");
}

std::vector<Kept> Hold(const std::vector<Budget>& budgets, const Results& results) {
  std::vector<Kept> all;
  for (const Budget& budget : budgets) {
    if (!WasMeasured(results, budget.base) ||
        !std::all_of(budget.subjects.begin(), budget.subjects.end(),
                     [&](const std::string& subject) { return WasMeasured(results, subject); })) {
      continue;
    }
    Kept kept;
    kept.budget = &budget;
    kept.ratio = RatioOf(budget, results, /*medians=*/false);
    kept.ratio_median = RatioOf(budget, results, /*medians=*/true);
    kept.met = budget.kind == Budget::Kind::kAtMost ? kept.ratio <= budget.bound : kept.ratio >= budget.bound;
    all.push_back(kept);
  }
  return all;
}

void PrintResults(const std::vector<Workload>& workloads, const Results& results) {
  std::printf("%-30s %9s %9s %8s %8s %8s %8s %8s %6s  %s\n", "a decision", "best ns", "median", "p50", "p99",
              "p99.9", "instr.", "cycles", "allocs", "what");
  for (const Workload& workload : workloads) {
    if (!WasMeasured(results, workload.name)) continue;
    const Measured& m = results.at(workload.name);
    std::printf("%-30s %9.1f %9.1f", workload.name.c_str(), m.best_ns(), m.median_ns());
    if (m.latencies.count() != 0) {
      std::printf(" %8.0f %8.0f %8.0f", m.latencies.Quantile(0.5), m.latencies.Quantile(0.99),
                  m.latencies.Quantile(0.999));
    } else {
      std::printf(" %8s %8s %8s", "-", "-", "-");
    }
    if (m.perf) {
      std::printf(" %8.0f %8.0f", m.perf->instructions, m.perf->cycles);
    } else {
      std::printf(" %8s %8s", "-", "-");
    }
    std::printf(" %6.3g  %s\n", m.allocations, workload.what.c_str());
  }
}

void PrintBudgets(const std::vector<Kept>& kept) {
  std::printf("\n%-36s %8s %10s %9s  %-6s %s\n", "budget", "ratio", "of medians", "bound", "", "what");
  for (const Kept& k : kept) {
    std::printf("%-36s %8.2f %10.2f %3s %5.2f  %-6s %s\n", k.budget->name.c_str(), k.ratio, k.ratio_median,
                SignOf(*k.budget), k.budget->bound, k.met ? "met" : "MISSED", k.budget->what.c_str());
  }
}

bool CheckAllocations(const Results& results) {
  bool none = true;
  for (const auto& [name, measured] : results) {
    if (measured.allocations == 0) continue;
    std::printf("%-36s %8.3g allocations a decision: MISSED, none are allowed\n", name.c_str(),
                measured.allocations);
    none = false;
  }
  return none;
}

bool WriteJson(const std::string& path, const std::string& commit, const std::vector<Workload>& workloads,
               const Results& results, const std::vector<Kept>& kept) {
  // Names are this program's own and need no escapes, nor do those of processors and commits.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  if (file == nullptr) return false;
  std::fprintf(file.get(),
               "{\n  \"machine\": \"%s\",\n  \"compiler\": \"%s\",\n  \"build_type\": \"%s\",\n  \"commit\": "
               "\"%s\",\n",
               MachineName().c_str(), CompilerName().c_str(), CALLWARDEN_BENCH_BUILD_TYPE, commit.c_str());
  std::fprintf(file.get(), "  \"results\": [");
  const char* comma = "";
  for (const Workload& workload : workloads) {
    if (!WasMeasured(results, workload.name)) continue;
    const Measured& m = results.at(workload.name);
    std::fprintf(file.get(),
                 "%s\n    {\"name\": \"%s\", \"best_ns\": %.2f, \"median_ns\": %.2f, \"allocations\": %.4f",
                 comma, workload.name.c_str(), m.best_ns(), m.median_ns(), m.allocations);
    if (m.latencies.count() != 0) {
      std::fprintf(file.get(), ", \"p50_ns\": %.0f, \"p99_ns\": %.0f, \"p999_ns\": %.0f",
                   m.latencies.Quantile(0.5), m.latencies.Quantile(0.99), m.latencies.Quantile(0.999));
    }
    if (m.perf) {
      std::fprintf(file.get(), ", \"instructions\": %.0f, \"cycles\": %.0f", m.perf->instructions,
                   m.perf->cycles);
    }
    std::fprintf(file.get(), "}");
    comma = ",";
  }
  std::fprintf(file.get(), "\n  ],\n  \"budgets\": [");
  comma = "";
  for (const Kept& k : kept) {
    std::fprintf(file.get(),
                 "%s\n    {\"name\": \"%s\", \"ratio\": %.4f, \"ratio_of_medians\": %.4f, \"bound\": %.2f, "
                 "\"met\": %s}",
                 comma, k.budget->name.c_str(), k.ratio, k.ratio_median, k.budget->bound,
                 k.met ? "true" : "false");
    comma = ",";
  }
  std::fprintf(file.get(), "\n  ]\n}\n");
  return std::ferror(file.get()) == 0;
}

bool PrintComparison(const std::string& path, const std::vector<Kept>& kept) {
  simdjson::dom::parser parser;
  simdjson::dom::array base;
  if (parser.load(path)["budgets"].get(base) != simdjson::SUCCESS) return false;
  std::printf("\n%-36s %8s %8s %8s\n", "budget", "before", "now", "change");
  for (const Kept& k : kept) {
    double before = 0;
    for (const simdjson::dom::element budget : base) {
      std::string_view name;
      if (budget["name"].get(name) == simdjson::SUCCESS && name == k.budget->name &&
          budget["ratio"].get(before) == simdjson::SUCCESS) {
        break;
      }
    }
    if (before == 0) {
      std::printf("%-36s %8s %8.2f\n", k.budget->name.c_str(), "-", k.ratio);
    } else {
      std::printf("%-36s %8.2f %8.2f %+7.1f%%\n", k.budget->name.c_str(), before, k.ratio,
                  (k.ratio / before - 1) * 100);
    }
  }
  return true;
}

}  // namespace bench
