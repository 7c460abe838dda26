#ifndef CALLWARDEN_LIB_ARGUMENT_CHECKS_H_
#define CALLWARDEN_LIB_ARGUMENT_CHECKS_H_

#include <cstddef>
#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Bounds and checks of arguments, as the policy was compiled with.
struct ArgumentChecks {
  std::size_t size_max = std::size_t{1} << 20;
  uint32_t depth_max = 64;
  bool refuse_case_variants = true;
  bool refuse_nul_strings = true;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_ARGUMENT_CHECKS_H_
