#ifndef CALLWARDEN_LIB_PLAN_CACHE_H_
#define CALLWARDEN_LIB_PLAN_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "callwarden/config.h"

#include "lib/program.h"
#include "lib/quick_hash.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What a thread remembers of names that are no key of `tools` themselves: whether they are hidden, listed or
/// confusable, and the plan that their globs make.
///
/// Bounded, and compared by the program's number and the whole name, so that an entry can neither be
/// another's nor outlive its program. A name comes in when it is seen for the second time within a while: a
/// flood of names that are each sent once pushes nothing out. Who sends many names twice does, and makes
/// calls cost what they cost without this.
///
/// Thread safety: one a thread.
class PlanCache {
 public:
  static constexpr std::size_t kPlanMax = 4;  // entries of a plan: three globs and all_tools

  // What a short name of one glob needs is in its first two lines.
  struct alignas(64) Entry {
    Plan plan;  // views into the entry
    ToolMatch match;
    uint32_t size = 0;
    uint64_t program = 0;  // no program has the number 0
    std::array<char, kToolNameMax> name;
    std::array<PlanEntry, kPlanMax> entries;
    std::array<SlotFiller::Layer, kPlanMax> layers;
  };

  static uint64_t HashOf(uint64_t program, std::string_view name) noexcept {
    return QuickHash(program, name);
  }
  /// Null when it is not known. The entry stays until the next Put.
  const Entry* Find(uint64_t hash, uint64_t program, std::string_view name) const noexcept {
    const Entry* const set = &entries_[SetOf(hash)];
    for (std::size_t way = 0; way < kWays; ++way) {
      const Entry& entry = set[way];
      if (entry.program == program && entry.size == name.size() &&
          std::memcmp(entry.name.data(), name.data(), name.size()) == 0) {
        return &entry;
      }
    }
    return nullptr;
  }
  /// Remembers a name of at most kToolNameMax bytes, if it was seen before and its plan is short.
  void Put(uint64_t hash, uint64_t program, std::string_view name, const ToolMatch& match,
           const Plan& plan) noexcept;

 private:
  static constexpr std::size_t kWays = 2;
  static constexpr std::size_t kEntries = 256;
  static constexpr std::size_t kSeen = 1024;

  static std::size_t SetOf(uint64_t hash) noexcept { return hash % (kEntries / kWays) * kWays; }

  std::array<Entry, kEntries> entries_;
  std::array<uint32_t, kSeen> seen_{};  // parts of hashes
  uint32_t puts_ = 0;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_PLAN_CACHE_H_
