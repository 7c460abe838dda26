#ifndef CALLWARDEN_TOOLS_UTC_TIME_H_
#define CALLWARDEN_TOOLS_UTC_TIME_H_

#include <optional>
#include <string>
#include <string_view>

#include "callwarden/clock.h"

namespace callwarden::tool {

/// Reads an RFC 3339 date-time in UTC, such as `2026-03-01T10:30:00.5Z`, with up to nine digits of
/// fraction, between 1970 and 2261 (what a Timestamp holds). Leap seconds have no timestamp.
std::optional<Timestamp> ParseUtcTime(std::string_view text);

/// The same form back, with as many digits of fraction as are needed.
std::string UtcTimeText(Timestamp time);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_UTC_TIME_H_
