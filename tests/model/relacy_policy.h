#ifndef CALLWARDEN_TESTS_MODEL_RELACY_POLICY_H_
#define CALLWARDEN_TESTS_MODEL_RELACY_POLICY_H_

// Runs CounterCore on relacy's atomics: every load, store and exchange is a point where another thread may go
// on, and loads may see any value that the memory order allows. relacy redefines the names of the memory
// orders, so everything else is included before it, here, and nothing after.

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <span>
#include <streambuf>
#include <string>
#include <string_view>
#include <utility>

#include "callwarden/counter_store.h"

#include "lib/counter_core-inl.h"

namespace model {

constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
constexpr std::memory_order kAcquire = std::memory_order_acquire;
constexpr std::memory_order kRelease = std::memory_order_release;
constexpr std::memory_order kAcqRel = std::memory_order_acq_rel;

}  // namespace model

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <relacy/relacy.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#undef new
#undef delete

// relacy replaces the plain forms of these; the sized ones must go the same way. (One source file a program.)
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
void operator delete[](void* p, std::size_t) noexcept { operator delete[](p); }

namespace model {

constexpr rl::memory_order Order(std::memory_order order) {
  return order == kRelaxed   ? rl::mo_relaxed
         : order == kAcquire ? rl::mo_acquire
         : order == kRelease ? rl::mo_release
                             : rl::mo_acq_rel;
}

template <class T>
class Atomic {
 public:
  Atomic() { value_.store(T(), rl::mo_relaxed, RL_INFO); }
  T load(std::memory_order order) const { return value_.load(Order(order), RL_INFO); }
  void store(T value, std::memory_order order) { value_.store(value, Order(order), RL_INFO); }
  T exchange(T value, std::memory_order order) { return value_.exchange(value, Order(order), RL_INFO); }
  T fetch_add(T value, std::memory_order order) { return value_.fetch_add(value, Order(order), RL_INFO); }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    return value_.compare_exchange(rl::bool_t<false>(), expected, desired, Order(success), Order(failure),
                                   RL_INFO);
  }
  // A failure without cause only goes round once more; leaving it out makes the search smaller.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    return compare_exchange_strong(expected, desired, success, failure);
  }

 private:
  rl::atomic<T> value_;
};

struct NoTallies {
  void Add(callwarden::internal::Tally, uint64_t = 1) {}
};

template <uint32_t kSlots>
struct Policy {
  template <class T>
  using Atomic = model::Atomic<T>;
  using Tallies = NoTallies;
  static constexpr uint32_t kGroupSlots = kSlots;
  template <class T>
  static T* NewZeroed(std::size_t n) {
    return new T[n];
  }
  template <class T>
  static void Delete(T* objects, std::size_t) {
    delete[] objects;
  }
  static void Backoff(unsigned) { rl::yield(1, RL_INFO); }
};

}  // namespace model

#endif  // CALLWARDEN_TESTS_MODEL_RELACY_POLICY_H_
