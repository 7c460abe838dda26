// W7: W1 and W6's policies on one thread and on all, with grants in any order and with one hot grant.

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/decision/floor.h"
#include "bench/decision/workloads.h"

namespace bench {
namespace {

using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::SystemClock;

constexpr std::size_t kGrants = 1024;
constexpr std::size_t kOrder = 4096;

// Three limits of constant weight.
constexpr std::string_view kThreePolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "run_code": {
      "limits": [
        { "counter": "per_minute", "window": "minute", "max": 1000000000000, "amount": 12 },
        { "counter": "per_day", "window": "day", "max": 1000000000000, "amount": 12 },
        { "counter": "per_hour", "window": "hour", "max": 1000000000000, "amount": 12 }
      ]
    }
  }
})";

// The order that a thread's copy of a subject takes grants in.
class Order {
 public:
  explicit Order(bool hot) : hot_(hot) {}
  std::size_t Next() {
    if (order_.empty()) {
      static std::atomic<uint32_t> seed{1};
      std::mt19937 random(seed++);
      std::uniform_int_distribution<std::size_t> any(0, kGrants - 1);
      order_.resize(kOrder);
      for (std::size_t& grant : order_) grant = hot_ ? 0 : any(random);
    }
    return order_[next_++ % kOrder];
  }

 private:
  bool hot_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
};

struct Ours {
  explicit Ours(std::string_view text) : policy(Compile(text)) {}
  bool Admit(std::string_view tool, std::string_view grant) const {
    const Decision decision = policy->Decide({.tool = tool, .grant = grant}, *counters, clock->Now());
    return decision.allowed();
  }
  std::shared_ptr<const CompiledPolicy> policy;
  std::unique_ptr<SystemClock> clock = std::make_unique<SystemClock>();
  std::unique_ptr<MemoryCounterStore> counters = std::make_unique<MemoryCounterStore>();
};

template <class Limiter>
auto Subject(std::shared_ptr<Limiter> limiter, bool hot) {
  auto grants = std::make_shared<std::vector<std::string>>(Names("agent-", kGrants));
  return [limiter, grants, order = Order(hot)]() mutable {
    return limiter->Admit("run_code", (*grants)[order.Next()]);
  };
}

std::string Label(const std::string& name, int threads) {
  return threads == 1 ? name : name + "/threads:" + std::to_string(threads);
}

}  // namespace

void AddThreads(std::vector<Budget>& budgets) {
  const int most = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  std::vector<int> counts;
  for (int threads = 1; threads < most; threads *= 2) counts.push_back(threads);
  counts.push_back(most);
  for (const int threads : counts) {
    const std::string on = std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    Add(
        "W7/seed_uniform", "W1 on " + on + ", 1,024 grants at random",
        [] { return Subject(std::make_shared<Ours>(kSeedPolicy), false); }, threads);
    Add(
        "W7/three_uniform", "three limits on " + on + ", 1,024 grants at random",
        [] { return Subject(std::make_shared<Ours>(kThreePolicy), false); }, threads);
    Add(
        "W7/seed_hot", "W1 on " + on + ", one grant",
        [] { return Subject(std::make_shared<Ours>(kSeedPolicy), true); }, threads);
    Add(
        "W7/mutex_hot", "a map under a mutex on " + on + ", one grant",
        [] { return Subject(std::make_shared<MutexMap>("run_code"), true); }, threads);
  }
  const std::string all = std::to_string(most) + " threads";
  for (const char* name : {"W7/seed_uniform", "W7/three_uniform"}) {
    budgets.push_back({std::string(name) + ", " + all + " / 1",
                       "rate rises with threads (from CPU time)",
                       Budget::Kind::kScales,
                       {Label(name, most)},
                       name,
                       0.8 * most,
                       most});
  }
  budgets.push_back({"W7/seed_hot / mutex map, " + all,
                     "rate on one hot grant",
                     Budget::Kind::kAtLeast,
                     {Label("W7/seed_hot", most)},
                     Label("W7/mutex_hot", most),
                     3});
}

}  // namespace bench
