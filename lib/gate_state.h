#ifndef CALLWARDEN_LIB_GATE_STATE_H_
#define CALLWARDEN_LIB_GATE_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/gate.h"

#include "lib/grant_table.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The set of policies and grants that is in force. Immutable; replaced as a whole.
class GateState {
 public:
  GateState(std::shared_ptr<const CompiledPolicy> policy, std::shared_ptr<const GrantTable> grants,
            uint64_t revision, bool uniform_visibility)
      : policy_(std::move(policy)),
        grants_(std::move(grants)),
        revision_(revision),
        uniform_visibility_(uniform_visibility) {
    for (auto& shard : shards_) shard = std::make_shared<const Sources>(policy_, grants_);
  }
  GateState(const GateState&) = delete;  // decisions point into it
  GateState& operator=(const GateState&) = delete;

  /// What calls under a grant are decided with; `policy` null: they are denied.
  struct Access {
    const CompiledPolicy* policy = nullptr;
    const GrantEntry* entry = nullptr;  ///< null: the table does not name the grant
  };
  Access AccessOf(std::string_view grant, Timestamp now) const noexcept {
    const GrantEntry* entry = grants_ == nullptr ? nullptr : GrantAccess::Find(*grants_, grant);
    return {entry == nullptr ? policy_.get() : entry->PolicyAt(now), entry};
  }
  /// Something that keeps every policy and grant of this set alive. Threads of different numbers count in
  /// different cache lines.
  std::shared_ptr<const void> Keep(uint32_t thread_number) const noexcept {
    return shards_[thread_number % kShards];
  }

  const std::shared_ptr<const CompiledPolicy>& policy() const noexcept { return policy_; }
  const std::shared_ptr<const GrantTable>& grants() const noexcept { return grants_; }
  uint64_t revision() const noexcept { return revision_; }
  bool uniform_visibility() const noexcept { return uniform_visibility_; }

 private:
  // A reference count of its own for each shard, on a line of its own: that of the block that make_shared
  // puts before an object of this alignment. (After folly's CoreCachedSharedPtr.)
  struct alignas(64) Sources {
    Sources(std::shared_ptr<const CompiledPolicy> p, std::shared_ptr<const GrantTable> g)
        : policy(std::move(p)), grants(std::move(g)) {}
    std::shared_ptr<const CompiledPolicy> policy;
    std::shared_ptr<const GrantTable> grants;
  };
  static constexpr std::size_t kShards = 16;

  std::shared_ptr<const CompiledPolicy> policy_;
  std::shared_ptr<const GrantTable> grants_;
  uint64_t revision_;
  bool uniform_visibility_;
  std::array<std::shared_ptr<const Sources>, kShards> shards_;
};

/// Whether every grant, and a call without one, sees the same tools whenever it asks.
bool IsVisibilityUniform(const CompiledPolicy* policy, const GrantTable* grants);
/// What putting `after` in the place of `before` changes.
SwapReport Compare(const GateState& before, const GateState& after);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_GATE_STATE_H_
