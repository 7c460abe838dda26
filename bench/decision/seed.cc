// W1: the seed policy, one limit, real clock. W6: three limits, all or none, weighted by an argument.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/arguments.h"

#include "bench/decision/floor.h"
#include "bench/decision/workloads.h"

namespace bench {
namespace {

using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::SystemClock;

constexpr std::size_t kGrants = 64;

struct Shared {
  std::shared_ptr<const CompiledPolicy> policy;
  SystemClock clock;
  // A secret of its own would place the keys differently each time, which instructions show.
  MemoryCounterStore counters{{.capacity_keys = 1 << 18, .clock = nullptr, .secret = {{1, 2}}}};
  std::vector<std::string> grants;
};

std::shared_ptr<Shared> Share(std::string_view policy, std::size_t grants) {
  auto shared = std::make_shared<Shared>();
  shared->policy = Compile(policy);
  shared->grants = Names("agent-", grants);
  return shared;
}

// Arguments as a host that has parsed already has them: {"amount": 12}.
class Amount final : public callwarden::ArgumentSource {
 public:
  void Write(callwarden::ArgumentWriter& writer) const noexcept override {
    writer.BeginObject();
    writer.Name("amount");
    writer.Int64(12);
    writer.EndObject();
  }
};

// Calls by many grants in turn.
auto Calls(std::shared_ptr<Shared> shared, std::string_view tool, bool amount) {
  auto arguments = std::make_shared<Amount>();
  return [shared, arguments, tool, amount, next = std::size_t{0}]() mutable {
    const std::string& grant = shared->grants[next++ % shared->grants.size()];
    callwarden::ToolCall call{.tool = tool, .grant = grant};
    if (amount) call.parsed_arguments = arguments.get();
    const Decision decision = shared->policy->Decide(call, shared->counters, shared->clock.Now());
    return decision.allowed();
  };
}

}  // namespace

void AddSeed(std::vector<Budget>& budgets) {
  Add("W1/floor", "find tool and grant by hash, read the clock, one exchange", [] {
    auto grants = std::make_shared<std::vector<std::string>>(Names("agent-", kGrants));
    auto floor = std::make_shared<Floor>("run_code", *grants);
    return [grants, floor, next = std::size_t{0}]() mutable {
      return floor->Admit("run_code", (*grants)[next++ % grants->size()]);
    };
  });
  Add("W1/seed", "the seed policy, 64 grants in turn, real clock",
      [] { return Calls(Share(kSeedPolicy, kGrants), "run_code", false); });
  Add("W1/strangers", "the same, 65,536 grants in turn: nobody calls twice soon",
      [] { return Calls(Share(kSeedPolicy, 65536), "run_code", false); });
  Add("W1/floor_strangers", "the floor with 65,536 grants", [] {
    auto grants = std::make_shared<std::vector<std::string>>(Names("agent-", 65536));
    auto floor = std::make_shared<Floor>("run_code", *grants);
    return [grants, floor, next = std::size_t{0}]() mutable {
      return floor->Admit("run_code", (*grants)[next++ % grants->size()]);
    };
  });
  Add("W1/not_listed", "a tool that the policy does not know: no limit, no count", [] {
    auto shared = Share(kSeedPolicy, 1);
    return [shared] {
      const Decision decision = shared->policy->Decide({.tool = "delete_all", .grant = shared->grants[0]},
                                                       shared->counters, shared->clock.Now());
      return decision.reason() == callwarden::Reason::kNotListed;
    };
  });
  Add("W6/spend", "three limits, all or none, weighted by a parsed argument, 64 grants in turn",
      [] { return Calls(Share(kSpendPolicy, kGrants), "charge", true); });
  budgets.push_back(
      {"W1 seed / floor", "one limit, real clock", Budget::Kind::kAtMost, {"W1/seed"}, "W1/floor", 1.25});
  budgets.push_back(
      {"W6 spend / W1 seed", "three limits beside one", Budget::Kind::kAtMost, {"W6/spend"}, "W1/seed", 3});
}

}  // namespace bench
