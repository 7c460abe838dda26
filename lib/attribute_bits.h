#ifndef CALLWARDEN_LIB_ATTRIBUTE_BITS_H_
#define CALLWARDEN_LIB_ATTRIBUTE_BITS_H_

#include <bit>
#include <cstdint>

#include "callwarden/attribute.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A number's or a boolean's bits as the host gave them, so that 1 and 1.0 are apart; 0 for a string.
inline uint64_t BitsOf(const AttributeValue& value) noexcept {
  switch (value.type()) {
    case AttributeValue::Type::kBoolean:
      return value.boolean() ? 1 : 0;
    case AttributeValue::Type::kInt64:
      return static_cast<uint64_t>(value.int64());
    case AttributeValue::Type::kUint64:
      return value.uint64();
    case AttributeValue::Type::kDouble:
      return std::bit_cast<uint64_t>(value.real());
    case AttributeValue::Type::kString:
      break;
  }
  return 0;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_ATTRIBUTE_BITS_H_
