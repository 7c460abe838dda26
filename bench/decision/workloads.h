#ifndef CALLWARDEN_BENCH_DECISION_WORKLOADS_H_
#define CALLWARDEN_BENCH_DECISION_WORKLOADS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "bench/decision/report.h"

namespace bench {

// Each adds its workloads, and the budgets that they are held to.
void AddSeed(std::vector<Budget>& budgets);       ///< W1, W6
void AddArguments(std::vector<Budget>& budgets);  ///< W2
void AddLine(std::vector<Budget>& budgets);       ///< W3
void AddRules(std::vector<Budget>& budgets);      ///< W4
void AddCatalogue(std::vector<Budget>& budgets);  ///< W5
void AddThreads(std::vector<Budget>& budgets);    ///< W7

/// Compiles a policy that is right, with bounds as wide as any workload needs them.
std::shared_ptr<const callwarden::CompiledPolicy> Compile(std::string_view text);

/// `prefix` and a number, for each below `count`.
std::vector<std::string> Names(std::string_view prefix, std::size_t count);

/// The seed policy with a maximum that no run reaches, so that it goes on allowing.
inline constexpr std::string_view kSeedPolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "run_code": {
      "limits": [
        { "counter": "run_code_rate", "window": "minute", "max": 1000000000000, "scope": "grant" }
      ]
    }
  }
})";

/// Three limits, weighted by an argument, all or none.
inline constexpr std::string_view kSpendPolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "charge": {
      "limits": [
        { "counter": "per_minute", "window": "minute", "max": 1000000000000, "amount": "args.amount" },
        { "counter": "per_day", "window": "day", "max": 1000000000000, "amount": "args.amount" },
        { "counter": "all", "window": "day", "max": 1000000000000, "amount": "args.amount", "scope": "global" }
      ]
    }
  }
})";

}  // namespace bench

#endif  // CALLWARDEN_BENCH_DECISION_WORKLOADS_H_
