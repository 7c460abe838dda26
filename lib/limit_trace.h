#ifndef CALLWARDEN_LIB_LIMIT_TRACE_H_
#define CALLWARDEN_LIB_LIMIT_TRACE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "callwarden/config.h"
#include "callwarden/counter_store.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

struct Limit;

/// One limit that a decision charged, or the one that refused it.
struct LimitUse {
  const Limit* limit;
  uint64_t weight;
  uint64_t used;  ///< with the charge when there is one; of gcra 0
};

/// What a decision did to limits, for those who write it down.
struct LimitTrace {
  /// Enforced and shadowed ones are charged apart, and either may be refused.
  static constexpr std::size_t kMax = 2 * kLimitsPerCallMax;

  LimitTrace() noexcept {}
  void Add(const LimitUse& use) noexcept {
    if (count < kMax) uses[count++] = use;
  }

  /// The same, unless the limit is there already: what refuses a decision often refuses what it would be.
  void AddOnce(const LimitUse& use) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (uses[i].limit == use.limit) return;
    }
    Add(use);
  }

  std::size_t count = 0;
  union {  // the first `count` are set
    std::array<LimitUse, kMax> uses;
  };
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_LIMIT_TRACE_H_
