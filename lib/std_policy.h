#ifndef CALLWARDEN_LIB_STD_POLICY_H_
#define CALLWARDEN_LIB_STD_POLICY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>
#include <type_traits>

#include "callwarden/config.h"

#include "lib/counter_stats.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What ships: CounterCore on std::atomic.
struct StdPolicy {
  template <class T>
  using Atomic = std::atomic<T>;
  using Tallies = ShardedTallies;

  static constexpr uint32_t kGroupSlots = 16;

  static_assert(std::atomic<uint64_t>::is_always_lock_free &&
                sizeof(std::atomic<uint64_t>) == sizeof(uint64_t));

  // From calloc, so that the pages of a large table are not touched before they are used. All-zero bytes
  // are a zero atomic wherever one is just its value, which the size above says.
  template <class T>
  static T* NewZeroed(std::size_t n) noexcept {
    static_assert(std::is_trivially_destructible_v<T>);
    if (n > (SIZE_MAX - alignof(T) - sizeof(void*)) / sizeof(T)) return nullptr;
    void* block = std::calloc(1, n * sizeof(T) + alignof(T) + sizeof(void*));
    if (block == nullptr) return nullptr;
    const auto start = reinterpret_cast<std::uintptr_t>(block) + sizeof(void*);
    const auto aligned = (start + alignof(T) - 1) / alignof(T) * alignof(T);
    reinterpret_cast<void**>(aligned)[-1] = block;
    return reinterpret_cast<T*>(aligned);
  }
  template <class T>
  static void Delete(T* objects, std::size_t) noexcept {
    if (objects != nullptr) std::free(reinterpret_cast<void**>(objects)[-1]);
  }

  // The lock's holder needs well under a microsecond unless it lost its processor.
  static void Backoff(unsigned spins) noexcept {
    constexpr unsigned kSpins = 64;
    if (spins < kSpins) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    } else {
      std::this_thread::yield();
    }
  }
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_STD_POLICY_H_
