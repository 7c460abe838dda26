#ifndef CALLWARDEN_LIB_MONOTONIC_H_
#define CALLWARDEN_LIB_MONOTONIC_H_

#include <cstdint>

#include <time.h>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Nanoseconds of the clock that only goes forward, for measuring and waiting.
inline int64_t MonotonicNs() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MONOTONIC_H_
