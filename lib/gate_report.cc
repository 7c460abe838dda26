#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/decide.h"
#include "lib/gate_state.h"
#include "lib/program.h"

CALLWARDEN_NAMESPACE_BEGIN

std::string_view Name(LimitChange::Kind kind) noexcept {
  switch (kind) {
    case LimitChange::Kind::kCarriedOver:
      return "carried_over";
    case LimitChange::Kind::kMaxChanged:
      return "max_changed";
    case LimitChange::Kind::kAdded:
      return "added";
    case LimitChange::Kind::kRemoved:
      return "removed";
  }
  return {};
}

namespace internal {
namespace {

using Policies = std::vector<const CompiledPolicy*>;

std::span<const GrantEntry> EntriesOf(const GrantTable* grants) noexcept {
  return grants == nullptr ? std::span<const GrantEntry>() : GrantAccess::Entries(*grants);
}

// Every policy of a set, once.
Policies PoliciesOf(const CompiledPolicy* policy, const GrantTable* grants) {
  Policies policies{policy};
  for (const GrantEntry& entry : EntriesOf(grants)) {
    if (entry.grant->policy.get() != policies.back()) policies.push_back(entry.grant->policy.get());
  }
  std::sort(policies.begin(), policies.end(), std::less<>());
  policies.erase(std::unique(policies.begin(), policies.end()), policies.end());
  if (policies.front() == nullptr) policies.erase(policies.begin());
  return policies;
}

// Limits of a set, in the order of their rule ids. A limit that several policies of the set hold to different
// maxima counts with the smallest.
using LimitKey = std::pair<std::string_view, std::array<uint64_t, 2>>;
using Limits = std::map<LimitKey, uint64_t>;
using Maxima = std::map<std::array<uint64_t, 2>, uint64_t>;

struct LimitSet {
  explicit LimitSet(const Policies& policies) {
    for (const CompiledPolicy* policy : policies) {
      for (const PolicyLimit& limit : policy->Limits()) {
        const auto hold = [&](uint64_t& max, bool is_new) {
          max = is_new ? limit.max : std::min(max, limit.max);
        };
        const auto [by_rule, new_rule] = limits.try_emplace({limit.rule, limit.identity});
        hold(by_rule->second, new_rule);
        const auto [by_count, new_count] = counts.try_emplace(limit.identity);
        hold(by_count->second, new_count);
      }
    }
  }
  Limits limits;
  Maxima counts;  // of whatever rule
};

std::vector<LimitChange> CompareLimits(const LimitSet& before, const LimitSet& after) {
  using Kind = LimitChange::Kind;
  std::vector<LimitChange> changes;
  for (const auto& [key, max] : after.limits) {
    LimitChange& change = changes.emplace_back();
    change.rule = key.first;
    change.max_after = max;
    // A rule that was moved or renamed goes on with the count that it had.
    const auto same = before.limits.find(key);
    const auto moved = before.counts.find(key.second);
    if (moved == before.counts.end()) {
      change.kind = Kind::kAdded;
    } else {
      change.max_before = same != before.limits.end() ? same->second : moved->second;
      change.kind = change.max_before == max ? Kind::kCarriedOver : Kind::kMaxChanged;
    }
  }
  for (const auto& [key, max] : before.limits) {
    if (after.counts.contains(key.second)) continue;
    LimitChange& change = changes.emplace_back();
    change.kind = Kind::kRemoved;
    change.rule = key.first;
    change.max_before = max;
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const LimitChange& a, const LimitChange& b) { return a.rule < b.rule; });
  return changes;
}

// Tells by a number which tools a policy leaves to be seen: equal numbers, equal tools. Policies are told
// apart by the text of their patterns, so that two that hide the same by other patterns count as different.
class Visibility {
 public:
  static constexpr std::size_t kNothing = 0;  // without a policy nothing is to be seen

  std::size_t Of(const CompiledPolicy* policy) {
    if (policy == nullptr) return kNothing;
    const auto [found, is_new] = by_policy_.try_emplace(policy);
    if (!is_new) return found->second;
    const Program& program = PolicyAccess::ProgramOf(*policy);
    const auto hidden = program.mode == PolicyMode::kEnforce ? program.hide : std::vector<std::string_view>();
    return found->second = by_patterns_.try_emplace(hidden, by_patterns_.size() + 1).first->second;
  }
  // What a grant sees while it is valid.
  std::size_t Of(const GrantEntry& entry) {
    return Of(entry.grant->disabled ? nullptr : entry.grant->policy.get());
  }

 private:
  std::unordered_map<const CompiledPolicy*, std::size_t> by_policy_;
  std::map<std::vector<std::string_view>, std::size_t> by_patterns_;
};

bool IsAlwaysValid(const GrantEntry& entry) noexcept {
  return entry.not_before == (Timestamp::min)() && entry.expires == (Timestamp::max)();
}

// Finds a grant of one table in another, by its id or the hash of one, as it is written.
class GrantIndex {
 public:
  explicit GrantIndex(const GrantTable* grants) {
    const std::span<const GrantEntry> entries = EntriesOf(grants);
    entries_.reserve(entries.size());
    for (const GrantEntry& entry : entries) entries_.emplace(KeyOf(entry), &entry);
  }
  const GrantEntry* Find(const GrantEntry& entry) const {
    const auto found = entries_.find(KeyOf(entry));
    return found == entries_.end() ? nullptr : found->second;
  }

 private:
  // An id may look like a hash; it is not the same grant.
  static std::pair<bool, std::string_view> KeyOf(const GrantEntry& entry) noexcept {
    const bool hashed = entry.grant->id.empty();
    return {hashed, hashed ? entry.grant->id_sha256 : entry.grant->id};
  }
  struct Hash {
    std::size_t operator()(const std::pair<bool, std::string_view>& key) const noexcept {
      return NameHash()(key.second) + (key.first ? 1 : 0);
    }
  };
  std::unordered_map<std::pair<bool, std::string_view>, const GrantEntry*, Hash> entries_;
};

std::string NameOf(const GrantEntry& entry) {
  return entry.grant->id.empty() ? "sha256:" + entry.grant->id_sha256 : entry.grant->id;
}

}  // namespace

bool IsVisibilityUniform(const CompiledPolicy* policy, const GrantTable* grants) {
  Visibility visibility;
  const std::size_t all = visibility.Of(policy);
  for (const GrantEntry& entry : EntriesOf(grants)) {
    const std::size_t seen = visibility.Of(entry);
    if (seen != all || (seen != Visibility::kNothing && !IsAlwaysValid(entry))) return false;
  }
  return true;
}

SwapReport Compare(const GateState& before, const GateState& after) {
  SwapReport report;
  report.revision = after.revision();
  report.limits = CompareLimits(LimitSet(PoliciesOf(before.policy().get(), before.grants().get())),
                                LimitSet(PoliciesOf(after.policy().get(), after.grants().get())));

  Visibility visibility;
  const std::size_t others_before = visibility.Of(before.policy().get());
  const std::size_t others_after = visibility.Of(after.policy().get());
  bool changed = others_before != others_after;
  const GrantIndex old_grants(before.grants().get());
  for (const GrantEntry& entry : EntriesOf(after.grants().get())) {
    const GrantEntry* const old = old_grants.Find(entry);
    if (old == nullptr) report.grants_added.push_back(NameOf(entry));
    const std::size_t seen = visibility.Of(entry);
    const std::size_t seen_before = old == nullptr ? others_before : visibility.Of(*old);
    const bool same_times = old == nullptr
                                ? IsAlwaysValid(entry)
                                : entry.not_before == old->not_before && entry.expires == old->expires;
    changed |= seen != seen_before || (seen != Visibility::kNothing && !same_times);
  }
  const GrantIndex new_grants(after.grants().get());
  for (const GrantEntry& entry : EntriesOf(before.grants().get())) {
    if (new_grants.Find(entry) != nullptr) continue;
    report.grants_removed.push_back(NameOf(entry));
    const std::size_t seen = visibility.Of(entry);
    changed |= seen != others_after || (seen != Visibility::kNothing && !IsAlwaysValid(entry));
  }
  report.visibility_changed = changed;
  return report;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
