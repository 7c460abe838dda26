#ifndef CALLWARDEN_LIB_ARGUMENTS_AHEAD_H_
#define CALLWARDEN_LIB_ARGUMENTS_AHEAD_H_

#include <cstddef>
#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Arguments that have been read before the decision on their call is asked for: whole, and with nothing to
/// refuse.
struct ArgumentsAhead {
  uint64_t number = 0;   ///< to be given to the decision; 0: nothing was read
  std::size_t size = 0;  ///< of the object
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_ARGUMENTS_AHEAD_H_
