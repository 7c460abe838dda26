#ifndef CALLWARDEN_LIB_MEMORY_STORE_IMPL_H_
#define CALLWARDEN_LIB_MEMORY_STORE_IMPL_H_

#include <array>
#include <cstdint>

#include "callwarden/clock.h"
#include "callwarden/memory_counter_store.h"

#include "lib/counter_core-inl.h"
#include "lib/std_policy.h"

CALLWARDEN_NAMESPACE_BEGIN

struct MemoryCounterStore::Impl {
  internal::CounterCore<internal::StdPolicy> core;
  SystemClock own_clock;
  const Clock* clock = &own_clock;
  std::array<uint64_t, 2> secret{};
  bool secret_given = false;
  uint64_t capacity_keys = 0;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MEMORY_STORE_IMPL_H_
