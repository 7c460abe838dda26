#ifndef TESTS_FUZZ_CHECK_H_
#define TESTS_FUZZ_CHECK_H_

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "callwarden/memory_counter_store.h"

/// Ends the process with a word when a property does not hold, so that the fuzzer keeps the input.
#define FUZZ_CHECK(condition)                                                             \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

namespace callwarden::fuzz {

inline constexpr Timestamp kNow{std::chrono::seconds(1772361000)};  // 2026-03-01T10:30:00Z

/// One small store for the process: making one for each input would be most of the work. It fills up, which
/// is one more path to walk.
inline MemoryCounterStore& Counters() {
  static MemoryCounterStore* const store = new MemoryCounterStore({.capacity_keys = 1024});
  return *store;
}

}  // namespace callwarden::fuzz

#endif  // TESTS_FUZZ_CHECK_H_
