#include "lib/utc_time.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

bool ReadDigits(std::string_view& text, std::size_t digits, int& value) noexcept {
  if (text.size() < digits) return false;
  value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool ReadChar(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool ParseUtcTime(std::string_view text, Timestamp& time) noexcept {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!ReadDigits(text, 4, year) || !ReadChar(text, '-') || !ReadDigits(text, 2, month) ||
      !ReadChar(text, '-') || !ReadDigits(text, 2, day) || !ReadChar(text, 'T') ||
      !ReadDigits(text, 2, hour) || !ReadChar(text, ':') || !ReadDigits(text, 2, minute) ||
      !ReadChar(text, ':') || !ReadDigits(text, 2, second)) {
    return false;
  }
  int64_t nanoseconds = 0;
  if (ReadChar(text, '.')) {
    int64_t unit = 100000000;
    std::size_t digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits, text.remove_prefix(1)) {
      nanoseconds += (text.front() - '0') * unit;
      unit /= 10;
    }
    if (digits == 0 || digits > 9) return false;
  }
  if (text != "Z" || hour > 23 || minute > 59 || second > 59) return false;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // Nanoseconds since 1970 in 64 bits reach from 1678 to 2261.
  if (!date.ok() || year < 1700 || year > 2200) return false;
  time = Timestamp(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + std::chrono::nanoseconds(nanoseconds);
  return true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
