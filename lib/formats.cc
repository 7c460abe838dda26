#include "lib/formats.h"

#include <array>
#include <cstddef>
#include <utility>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool IsHex(char c) noexcept {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool IsLetter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool IsAlnum(char c) noexcept { return IsLetter(c) || IsDigit(c); }
constexpr bool IsOneOf(char c, std::string_view set) noexcept {
  return set.find(c) != std::string_view::npos;
}

template <class Predicate>
bool All(std::string_view text, Predicate predicate) noexcept {
  for (const char c : text) {
    if (!predicate(c)) return false;
  }
  return true;
}

bool IsUuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

// Labels as hostnames and the HTML standard's email pattern have them.
bool AreLabels(std::string_view text) noexcept {
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!All(label, [](char c) { return IsAlnum(c) || c == '-'; })) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsHostname(std::string_view text) noexcept { return text.size() <= 253 && AreLabels(text); }

bool IsEmail(std::string_view text) noexcept {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  return All(text.substr(0, at), [](char c) { return IsAlnum(c) || IsOneOf(c, ".!#$%&'*+/=?^_`{|}~-"); }) &&
         AreLabels(text.substr(at + 1));
}

bool IsIpv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    std::size_t digits = 0;
    int value = 0;
    while (digits < text.size() && digits < 4 && IsDigit(text[digits])) {
      value = value * 10 + (text[digits] - '0');
      ++digits;
    }
    if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text.front() == '0')) return false;
    text.remove_prefix(digits);
    if (part == 3) return text.empty();
    if (text.empty() || text.front() != '.') return false;
    text.remove_prefix(1);
  }
  return false;
}

// Counts the 16-bit groups of one side of `::`; an IPv4 tail counts two. Negative when malformed.
int CountGroups(std::string_view text, bool tail) noexcept {
  int groups = 0;
  if (text.empty()) return 0;
  while (true) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && tail && group.find('.') != std::string_view::npos) {
      return IsIpv4(group) ? groups + 2 : -1;
    }
    if (group.empty() || group.size() > 4 || !All(group, IsHex)) return -1;
    if (++groups > 8) return -1;
    if (colon == std::string_view::npos) return groups;
    text.remove_prefix(colon + 1);
  }
}

bool IsIpv6(std::string_view text) noexcept {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return CountGroups(text, /*tail=*/true) == 8;
  const int left = CountGroups(text.substr(0, gap), /*tail=*/false);
  const int right = CountGroups(text.substr(gap + 2), /*tail=*/true);
  return left >= 0 && right >= 0 && left + right <= 7;
}

// Reads `digits` decimal digits at the front of `text` and moves past them; -1 when they are not there.
int TakeDigits(std::string_view& text, std::size_t digits) noexcept {
  if (text.size() < digits) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, std::string_view set) noexcept {
  if (text.empty() || !IsOneOf(text.front(), set)) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeDate(std::string_view& text) noexcept {
  const int year = TakeDigits(text, 4);
  if (year < 0 || !Take(text, "-")) return false;
  const int month = TakeDigits(text, 2);
  if (month < 1 || month > 12 || !Take(text, "-")) return false;
  const int day = TakeDigits(text, 2);
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day >= 1 && day <= kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

bool IsDate(std::string_view text) noexcept { return TakeDate(text) && text.empty(); }

bool IsDateTime(std::string_view text) noexcept {
  if (!TakeDate(text) || !Take(text, "Tt")) return false;
  const int hour = TakeDigits(text, 2);
  if (hour < 0 || hour > 23 || !Take(text, ":")) return false;
  const int minute = TakeDigits(text, 2);
  if (minute < 0 || minute > 59 || !Take(text, ":")) return false;
  const int second = TakeDigits(text, 2);
  if (second < 0 || second > 60) return false;
  if (Take(text, ".")) {
    if (TakeDigits(text, 1) < 0) return false;
    while (!text.empty() && IsDigit(text.front())) text.remove_prefix(1);
  }
  int offset = 0;  // minutes ahead of UTC
  if (!Take(text, "Zz")) {
    if (text.empty()) return false;
    const char sign = text.front();
    if (!Take(text, "+-")) return false;
    const int offset_hour = TakeDigits(text, 2);
    if (offset_hour < 0 || offset_hour > 23 || !Take(text, ":")) return false;
    const int offset_minute = TakeDigits(text, 2);
    if (offset_minute < 0 || offset_minute > 59) return false;
    offset = (offset_hour * 60 + offset_minute) * (sign == '-' ? -1 : 1);
  }
  if (!text.empty()) return false;
  constexpr int kDay = 24 * 60;
  return second < 60 || ((hour * 60 + minute - offset) % kDay + kDay) % kDay == kDay - 1;
}

// Characters of a URI part: unreserved, sub-delims, percent escapes, and those of `more`.
bool IsUriText(std::string_view text, std::string_view more) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3 || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
      i += 2;
    } else if (!IsAlnum(c) && !IsOneOf(c, "-._~!$&'()*+,;=") && !IsOneOf(c, more)) {
      return false;
    }
  }
  return true;
}

bool IsIpFuture(std::string_view text) noexcept {
  if (text.size() < 4 || (text.front() != 'v' && text.front() != 'V')) return false;
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
  const std::string_view rest = text.substr(dot + 1);
  return All(text.substr(1, dot - 1), IsHex) && rest.find('%') == std::string_view::npos &&
         IsUriText(rest, ":");
}

bool IsAuthority(std::string_view text) noexcept {
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    if (!IsUriText(text.substr(0, at), ":")) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view literal = text.substr(1, close - 1);
    if (!IsIpv6(literal) && !IsIpFuture(literal)) return false;
    text.remove_prefix(close + 1);
    return text.empty() || (text.front() == ':' && All(text.substr(1), IsDigit));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && !All(text.substr(colon + 1), IsDigit)) return false;
  return IsUriText(text.substr(0, colon), "");
}

bool IsUri(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !IsLetter(text.front())) return false;
  if (!All(text.substr(0, colon), [](char c) { return IsAlnum(c) || IsOneOf(c, "+-."); })) return false;
  text.remove_prefix(colon + 1);
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    if (!IsUriText(text.substr(hash + 1), ":@/?")) return false;
    text = text.substr(0, hash);
  }
  if (const std::size_t question = text.find('?'); question != std::string_view::npos) {
    if (!IsUriText(text.substr(question + 1), ":@/?")) return false;
    text = text.substr(0, question);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const std::size_t slash = text.find('/');
    if (!IsAuthority(text.substr(0, slash))) return false;
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
  }
  return IsUriText(text, ":@/");
}

}  // namespace

bool ParseFormat(std::string_view name, Format& format) noexcept {
  constexpr std::array<std::pair<std::string_view, Format>, 8> kNames{{{"uuid", Format::kUuid},
                                                                       {"email", Format::kEmail},
                                                                       {"ipv4", Format::kIpv4},
                                                                       {"ipv6", Format::kIpv6},
                                                                       {"date", Format::kDate},
                                                                       {"date-time", Format::kDateTime},
                                                                       {"hostname", Format::kHostname},
                                                                       {"uri", Format::kUri}}};
  for (const auto& [known, value] : kNames) {
    if (name != known) continue;
    format = value;
    return true;
  }
  return false;
}

bool HasFormat(Format format, std::string_view text) noexcept {
  switch (format) {
    case Format::kUuid:
      return IsUuid(text);
    case Format::kEmail:
      return IsEmail(text);
    case Format::kIpv4:
      return IsIpv4(text);
    case Format::kIpv6:
      return IsIpv6(text);
    case Format::kDate:
      return IsDate(text);
    case Format::kDateTime:
      return IsDateTime(text);
    case Format::kHostname:
      return IsHostname(text);
    case Format::kUri:
      return IsUri(text);
  }
  return false;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
