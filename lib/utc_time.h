#ifndef CALLWARDEN_LIB_UTC_TIME_H_
#define CALLWARDEN_LIB_UTC_TIME_H_

#include <string_view>

#include "callwarden/clock.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Reads an RFC 3339 date-time in UTC, such as `2026-03-01T10:30:00.5Z`, with up to nine digits of fraction,
/// in the years 1700 to 2200. False, with `time` as it was, for anything else.
bool ParseUtcTime(std::string_view text, Timestamp& time) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_UTC_TIME_H_
