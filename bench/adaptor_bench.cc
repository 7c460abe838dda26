// What an adaptor saves: CompiledPolicy::Decide over a nlohmann::json value through NlohmannArguments, beside
// what a host without one does with the same value, dump() and Decide over that text. The two run in turn in
// one process, and what is printed are ratios of neighbouring runs.
//
// Usage: adaptor_bench [ROUNDS]

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "bench/charge_policy.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::Reason;
using callwarden::Timestamp;
using nlohmann::json;

constexpr Timestamp kNow{std::chrono::seconds(1772366400)};
constexpr int kRoundsDefault = 101;
constexpr double kRunNanoseconds = 5e5;     // long enough that reading the clock does not show
constexpr double kCaseNanoseconds = 1.5e9;  // after so long no further round begins

json OrderOf(int items) {
  json order = {{"amount", 4999}, {"currency", "usd"}, {"customer", "cus_9s6XKzkNRiz8i3"}};
  for (int i = 0; i < items; ++i) {
    order["items"].push_back(
        {{"sku", "A-" + std::to_string(1000 + i)},
         {"quantity", i % 12 + 1},
         {"price", i % 400 + 0.25},
         {"options", {{"color", "dark green"}, {"gift", i % 3 == 0}, {"engraving", nullptr}}},
         {"tags", {"new", "summer sale"}},
         {"text", "say \"hello\"\nto café " + std::to_string(i)}});
  }
  return order;
}

Decision DecideTree(const CompiledPolicy& policy, MemoryCounterStore& counters, const json& order) {
  const callwarden::NlohmannArguments arguments(order);
  return policy.Decide({.tool = "charge", .parsed_arguments = &arguments}, counters, kNow);
}

Decision DecideDump(const CompiledPolicy& policy, MemoryCounterStore& counters, const json& order) {
  const std::string text = order.dump();
  return policy.Decide({.tool = "charge", .arguments = text}, counters, kNow);
}

// Time that this thread has run: what others run on the same machine is not in it, but for the caches.
double ThreadNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Subject>
double NanosecondsEach(const Subject& subject, std::size_t times) {
  const double begin = ThreadNanoseconds();
  for (std::size_t i = 0; i < times; ++i) {
    bool allowed = subject().allowed();
    benchmark::DoNotOptimize(allowed);
  }
  return (ThreadNanoseconds() - begin) / static_cast<double>(times);
}

// The value that a share of all others is below.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

// Both ways allow the order, and refuse it when one of the conditions does not hold.
bool Check(const CompiledPolicy& policy, MemoryCounterStore& counters, const json& order) {
  json too_much = order;
  too_much["amount"] = 50001;
  const bool right = DecideTree(policy, counters, order).allowed() &&
                     DecideDump(policy, counters, order).allowed() &&
                     DecideTree(policy, counters, too_much).reason() == Reason::kRequirementFailed &&
                     DecideDump(policy, counters, too_much).reason() == Reason::kRequirementFailed;
  if (!right) std::fprintf(stderr, "wrong verdict on an order of %zu items\n", order["items"].size());
  return right;
}

void Measure(const CompiledPolicy& policy, MemoryCounterStore& counters, const json& order, int rounds) {
  const auto tree = [&] { return DecideTree(policy, counters, order); };
  const auto dump = [&] { return DecideDump(policy, counters, order); };
  NanosecondsEach(tree, 3);  // what grows once has grown
  const auto times = static_cast<std::size_t>(std::max(1.0, kRunNanoseconds / NanosecondsEach(dump, 3)));
  std::vector<double> tree_ns;
  std::vector<double> dump_ns;
  std::vector<double> ratios;
  const double begin = ThreadNanoseconds();
  for (int round = 0; round < rounds && ThreadNanoseconds() - begin < kCaseNanoseconds; ++round) {
    // In turn, and each first every other time, so that what drifts favours neither.
    if (round % 2 == 0) dump_ns.push_back(NanosecondsEach(dump, times));
    tree_ns.push_back(NanosecondsEach(tree, times));
    if (round % 2 != 0) dump_ns.push_back(NanosecondsEach(dump, times));
    ratios.push_back(tree_ns.back() / dump_ns.back());
  }
  std::printf("%10zu %11.0f ns %11.0f ns %7.2f %7.2f .. %5.2f\n", order.dump().size(), Quantile(dump_ns, 0.5),
              Quantile(tree_ns, 0.5), Quantile(ratios, 0.5), Quantile(ratios, 0.25), Quantile(ratios, 0.75));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRoundsDefault;
  if (argc > 2 || rounds < 1) {
    std::fprintf(stderr, "usage: adaptor_bench [ROUNDS]\n");
    return 2;
  }
  const auto compiled = CompiledPolicy::Compile(bench::kChargePolicy);
  if (!compiled.ok()) {
    std::fprintf(stderr, "the policy does not compile\n");
    return 1;
  }
  MemoryCounterStore counters;
  std::printf("medians of %d rounds, thread CPU time\n\n%10s %14s %14s %7s %16s\n", rounds, "bytes",
              "dump, Decide", "adaptor", "ratio", "half lie within");
  for (const int items : std::to_array({0, 1, 10, 300, 3000})) {
    const json order = OrderOf(items);
    if (!Check(*compiled.policy(), counters, order)) return 1;
    Measure(*compiled.policy(), counters, order, rounds);
  }
  return 0;
}
