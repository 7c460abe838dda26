#include "lib/plan_cache.h"

#include <algorithm>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

void PlanCache::Put(uint64_t hash, uint64_t program, std::string_view name, const ToolMatch& match,
                    const Plan& plan) noexcept {
  uint32_t& seen = seen_[(hash >> 16) % kSeen];
  const auto tag = static_cast<uint32_t>(hash >> 32);
  if (seen != tag) {
    seen = tag;
    return;
  }
  if (plan.entries.size() > kPlanMax || name.size() > kToolNameMax) return;
  Entry& entry = entries_[SetOf(hash) + puts_++ % kWays];
  entry.program = program;
  entry.size = static_cast<uint32_t>(name.size());
  std::copy(name.begin(), name.end(), entry.name.begin());
  std::copy(plan.entries.begin(), plan.entries.end(), entry.entries.begin());
  std::copy(plan.layers.begin(), plan.layers.end(), entry.layers.begin());
  entry.match = match;
  entry.plan = plan;
  entry.plan.only = plan.entries.empty() ? PlanEntry() : plan.entries[0];
  entry.plan.entries = {plan.entries.size() == 1 ? &entry.plan.only : entry.entries.data(),
                        plan.entries.size()};
  entry.plan.layers = {entry.layers.data(), plan.layers.size()};
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
