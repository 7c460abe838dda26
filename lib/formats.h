#ifndef CALLWARDEN_LIB_FORMATS_H_
#define CALLWARDEN_LIB_FORMATS_H_

#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The formats of docs/policy-language.md, section 5, each of the whole string.
enum class Format : uint8_t { kUuid, kEmail, kIpv4, kIpv6, kDate, kDateTime, kHostname, kUri };

/// False when `name` is no format.
bool ParseFormat(std::string_view name, Format& format) noexcept;
/// Complexity: linear. Does not allocate.
bool HasFormat(Format format, std::string_view text) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_FORMATS_H_
