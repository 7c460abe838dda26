#ifndef CALLWARDEN_LIB_INT128_H_
#define CALLWARDEN_LIB_INT128_H_

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

__extension__ using uint128 = unsigned __int128;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_INT128_H_
