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
  entry.size = name.size();
  std::copy(name.begin(), name.end(), entry.name.begin());
  std::copy(plan.entries.begin(), plan.entries.end(), entry.entries.begin());
  std::copy(plan.layers.begin(), plan.layers.end(), entry.layers.begin());
  entry.found.match = match;
  entry.found.plan = plan;
  entry.found.plan.entries = {entry.entries.data(), plan.entries.size()};
  entry.found.plan.layers = {entry.layers.data(), plan.layers.size()};
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
