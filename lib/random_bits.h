#ifndef CALLWARDEN_LIB_RANDOM_BITS_H_
#define CALLWARDEN_LIB_RANDOM_BITS_H_

#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// 64 bits that an attacker cannot guess: the system's generator, or, where that has none to give, what the
/// process's addresses and clocks offer.
uint64_t RandomBits() noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_RANDOM_BITS_H_
