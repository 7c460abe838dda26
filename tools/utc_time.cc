#include "utc_time.h"

#include <chrono>
#include <cstdio>

namespace callwarden::tool {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Takes a number of exactly `digits` digits, then `after` (unless it is NUL), off the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, std::size_t digits, char after) {
  if (text.size() < digits + (after != '\0' ? 1 : 0)) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  if (after == '\0') return value;
  const char upper = text[0] == 't' ? 'T' : text[0];
  if (upper != after) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

}  // namespace

std::optional<Timestamp> ParseUtcTime(std::string_view text) {
  const auto year = TakeNumber(text, 4, '-');
  const auto month = year ? TakeNumber(text, 2, '-') : std::nullopt;
  const auto day = month ? TakeNumber(text, 2, 'T') : std::nullopt;
  const auto hour = day ? TakeNumber(text, 2, ':') : std::nullopt;
  const auto minute = hour ? TakeNumber(text, 2, ':') : std::nullopt;
  const auto second = minute ? TakeNumber(text, 2, '\0') : std::nullopt;
  if (!second) return std::nullopt;
  int nanoseconds = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    int scale = 100'000'000;
    for (; !text.empty() && IsDigit(text[0]) && scale > 0; scale /= 10) {
      nanoseconds += (text[0] - '0') * scale;
      text.remove_prefix(1);
    }
    if (scale == 100'000'000) return std::nullopt;  // a point without digits
  }
  if (text != "Z" && text != "z") return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *year < 1970 || *year > 2261 || *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  return Timestamp(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
                   std::chrono::minutes(*minute) + std::chrono::seconds(*second) +
                   std::chrono::nanoseconds(nanoseconds));
}

std::string UtcTimeText(Timestamp time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string out = text;
  if (const auto fraction = clock.subseconds().count(); fraction != 0) {
    std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(fraction));
    out += text;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

}  // namespace callwarden::tool
