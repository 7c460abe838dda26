// The gate beside a bare decision: what a look-up of the grant, an audit record and a swap under load cost.
// Prints ratios of one run, since absolute figures say more about the machine than about the code.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "callwarden/audit.h"
#include "callwarden/callwarden.h"
#include "callwarden/gate.h"

namespace {

using callwarden::AuditCompletion;
using callwarden::AuditReceipt;
using callwarden::AuditRecord;
using callwarden::AuditSink;
using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::Gate;
using callwarden::Grant;
using callwarden::GrantTable;
using callwarden::MemoryCounterStore;
using callwarden::SystemClock;
using callwarden::ToolCall;

constexpr std::size_t kGrants = 1000;

// W1: one limit, no arguments. The maximum is never reached.
std::shared_ptr<const CompiledPolicy> SeedPolicy(int number = 0) {
  const std::string text = R"({"version": "1", "default": "deny", "description": ")" +
                           std::to_string(number) +
                           R"(", "tools": {"run_code": {"limits": [
      {"counter": "run_code_rate", "window": "day", "max": 1000000000000, "scope": "grant"}]}, "denied": {"action": "deny"}}})";
  return CompiledPolicy::Compile(text).policy();
}

// Counts records; what a callback costs when it does nothing else.
class CountingSink final : public AuditSink {
 public:
  AuditReceipt Record(const AuditRecord& record) noexcept override {
    benchmark::DoNotOptimize(record.limits.data());
    return {true, records_.fetch_add(1, std::memory_order_relaxed)};
  }
  void Complete(const AuditCompletion& completion) noexcept override {
    benchmark::DoNotOptimize(&completion);
  }

 private:
  alignas(64) std::atomic<uint64_t> records_{0};
};

struct World {
  World() {
    std::vector<Grant> grants;
    for (std::size_t g = 0; g < kGrants; ++g) {
      ids.push_back("agent-" + std::to_string(g));
      grants.push_back(
          {.id = ids.back(), .policy = policy, .label = "bench", .attributes = {{"team", "blue"}}});
    }
    table = GrantTable::Create(std::move(grants)).table();
    plain = std::make_unique<Gate>(
        callwarden::GateOptions{.policy = policy, .counters = &counters, .clock = &clock});
    granted = std::make_unique<Gate>(
        callwarden::GateOptions{.grants = table, .counters = &counters, .clock = &clock});
    audited = std::make_unique<Gate>(
        callwarden::GateOptions{.grants = table, .counters = &counters, .clock = &clock, .audit = &sink});
  }
  std::vector<std::string> ids;
  std::shared_ptr<const CompiledPolicy> policy = SeedPolicy();
  std::shared_ptr<const GrantTable> table;
  SystemClock clock;
  MemoryCounterStore counters;
  CountingSink sink;
  std::unique_ptr<Gate> plain, granted, audited;
};

World& TheWorld() {
  static World* const world = new World;
  return *world;
}

// Each thread uses grants of its own, so that it is the gate that is measured, not the count.
template <class Decide>
void Run(benchmark::State& state, std::string_view tool, bool allowed, Decide&& decide) {
  World& world = TheWorld();
  std::size_t turn = static_cast<std::size_t>(state.thread_index()) * 64;
  for (auto _ : state) {
    ToolCall call;
    call.tool = tool;
    call.grant = world.ids[turn++ % 64 + static_cast<std::size_t>(state.thread_index()) * 64];
    Decision decision = decide(world, call);
    if (decision.allowed() != allowed) {
      state.SkipWithError("a wrong verdict");
      break;
    }
  }
}

void Bare(benchmark::State& state) {
  Run(state, "run_code", true, [](World& world, const ToolCall& call) {
    return world.policy->Decide(call, world.counters, world.clock.Now());
  });
}
void OnePolicy(benchmark::State& state) {
  Run(state, "run_code", true, [](World& world, const ToolCall& call) { return world.plain->Check(call); });
}
void Grants(benchmark::State& state) {
  Run(state, "run_code", true, [](World& world, const ToolCall& call) { return world.granted->Check(call); });
}
void GrantsAudited(benchmark::State& state) {
  Run(state, "run_code", true, [](World& world, const ToolCall& call) { return world.audited->Check(call); });
}
void BareDenied(benchmark::State& state) {
  Run(state, "denied", false, [](World& world, const ToolCall& call) {
    return world.policy->Decide(call, world.counters, world.clock.Now());
  });
}
void GrantsDenied(benchmark::State& state) {
  Run(state, "denied", false, [](World& world, const ToolCall& call) { return world.granted->Check(call); });
}

// Keeps the best of each benchmark's repetitions, and prints it beside its floor.
class Ratios final : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      const double ns = run.GetAdjustedRealTime();
      const auto [best, is_new] =
          best_.try_emplace(run.run_name.function_name + "/" + run.run_name.threads, ns);
      if (!is_new) best->second = std::min(best->second, ns);
    }
  }
  void Print() const {
    std::printf("\n%-28s %10s %8s\n", "best of the repetitions", "ns", "ratio");
    for (const char* threads : {"threads:1", "threads:2"}) {
      for (const auto& [name, floor] : {std::pair("Bare", "Bare"),
                                        {"OnePolicy", "Bare"},
                                        {"Grants", "Bare"},
                                        {"GrantsAudited", "Bare"},
                                        {"BareDenied", "BareDenied"},
                                        {"GrantsDenied", "BareDenied"}}) {
        const auto found = best_.find(std::string(name) + "/" + threads);
        const auto base = best_.find(std::string(floor) + "/" + threads);
        if (found == best_.end() || base == best_.end()) continue;
        std::printf("%-28s %10.1f %8.2f\n", found->first.c_str(), found->second,
                    found->second / base->second);
      }
    }
  }

 private:
  std::map<std::string, double> best_;
};

// Times each check of one thread for a while, with another thread that swaps or does not.
struct Percentiles {
  double p50, p99, p999;
  uint64_t swaps;
  double swap_p50_us;
};
Percentiles UnderSwaps(bool swaps) {
  World& world = TheWorld();
  Gate gate({.grants = world.table, .counters = &world.counters, .clock = &world.clock});
  const std::shared_ptr<const CompiledPolicy> policies[2] = {SeedPolicy(1), SeedPolicy(2)};
  std::atomic<bool> stop{false};
  std::vector<double> swap_us;
  std::thread swapper([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (!swaps) continue;
      const auto begin = std::chrono::steady_clock::now();
      gate.Swap(policies[swap_us.size() % 2], world.table);
      const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
      swap_us.push_back(took.count());
    }
  });
  std::vector<double> ns;
  ns.reserve(2000000);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  for (auto now = std::chrono::steady_clock::now(); now < end && ns.size() < ns.capacity();) {
    ToolCall call;
    call.tool = "run_code";
    call.grant = world.ids[ns.size() % 64];
    benchmark::DoNotOptimize(gate.Check(call).allowed());
    const auto after = std::chrono::steady_clock::now();
    ns.push_back(std::chrono::duration<double, std::nano>(after - now).count());
    now = after;
  }
  stop = true;
  swapper.join();
  const auto at = [](std::vector<double>& values, double part) {
    if (values.empty()) return 0.0;
    const auto nth = values.begin() + static_cast<long>(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), nth, values.end());
    return *nth;
  };
  return {at(ns, 0.5), at(ns, 0.99), at(ns, 0.999), swap_us.size(), at(swap_us, 0.5)};
}

// A document of `count` grants under one policy, read from its text.
void PrintLoad(std::size_t count) {
  std::string text = "{\"version\": \"1\", \"grants\": [\n";
  for (std::size_t g = 0; g < count; ++g) {
    text += (g == 0 ? "" : ",\n");
    text += R"({"id": "agent-)" + std::to_string(g) +
            R"(", "policy": "policy.json", "label": "Agent number )" + std::to_string(g) +
            R"(", "attributes": {"team": "blue", "level": 3}, "expires": "2030-01-01T00:00:00Z"})";
  }
  text += "]}";
  const auto policy = SeedPolicy();
  const auto begin = std::chrono::steady_clock::now();
  const auto result = GrantTable::Read(text, [&](std::string_view, std::string&) { return policy; });
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::printf("%zu grants (%.1f MiB) read in %.0f ms%s\n", count,
              static_cast<double>(text.size()) / 1048576.0, took.count(), result.ok() ? "" : ": REFUSED");
}

}  // namespace

BENCHMARK(Bare)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(OnePolicy)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(Grants)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(GrantsAudited)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(BareDenied)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(GrantsDenied)->ThreadRange(1, 2)->UseRealTime();

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  Ratios ratios;
  benchmark::RunSpecifiedBenchmarks(&ratios);
  ratios.Print();
  std::printf("\n%-28s %8s %8s %8s\n", "ns of a check, clock included", "p50", "p99", "p99.9");
  for (const bool swaps : {false, true, false, true}) {
    const Percentiles p = UnderSwaps(swaps);
    std::printf("%-28s %8.0f %8.0f %8.0f", swaps ? "with a swap each 5 ms" : "without swaps", p.p50, p.p99,
                p.p999);
    if (swaps)
      std::printf("   %llu swaps, p50 %.0f us", static_cast<unsigned long long>(p.swaps), p.swap_p50_us);
    std::printf("\n");
  }
  std::printf("\n");
  for (const std::size_t count : {10000, 100000}) PrintLoad(count);
  return 0;
}
