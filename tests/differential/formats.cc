#include "tests/differential/formats.h"

#include <vector>

namespace reference {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsOneOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsHex(text[i])) return false;
  }
  return true;
}

bool IsIpv4(const std::string& text) {
  const std::vector<std::string> parts = Split(text, '.');
  if (parts.size() != 4) return false;
  for (const std::string& part : parts) {
    if (part.empty() || part.size() > 3) return false;
    if (part.size() > 1 && part[0] == '0') return false;
    int value = 0;
    for (const char c : part) {
      if (!IsDigit(c)) return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
  }
  return true;
}

/// Groups in a run of hex groups with colons between; an IPv4 address at the end counts as two. -1: no such
/// run.
int CountGroups(const std::string& text, bool ipv4_allowed) {
  if (text.empty()) return 0;
  const std::vector<std::string> groups = Split(text, ':');
  int count = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (ipv4_allowed && i + 1 == groups.size() && IsIpv4(groups[i])) {
      count += 2;
      continue;
    }
    if (groups[i].empty() || groups[i].size() > 4) return -1;
    for (const char c : groups[i]) {
      if (!IsHex(c)) return -1;
    }
    count += 1;
  }
  return count;
}

bool IsIpv6(const std::string& text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string::npos) return CountGroups(text, true) == 8;
  const int before = CountGroups(text.substr(0, gap), false);
  const int after = CountGroups(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

/// The number that `size` digits at `at` write, or -1.
int Digits(const std::string& text, std::size_t at, std::size_t size) {
  if (at + size > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + size; ++i) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool IsDate(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int year = Digits(text, 0, 4);
  const int month = Digits(text, 5, 2);
  const int day = Digits(text, 8, 2);
  return year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= DaysInMonth(year, month);
}

bool IsDateTime(const std::string& text) {
  if (text.size() < 20 || !IsDate(text.substr(0, 10))) return false;
  if (text[10] != 'T' && text[10] != 't') return false;
  const int hour = Digits(text, 11, 2);
  const int minute = Digits(text, 14, 2);
  const int second = Digits(text, 17, 2);
  if (text[13] != ':' || text[16] != ':') return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  std::size_t at = 19;
  if (text[at] == '.') {
    const std::size_t start = ++at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    if (at == start) return false;
  }
  int offset = 0;
  const std::string zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return false;
    const int offset_hour = Digits(zone, 1, 2);
    const int offset_minute = Digits(zone, 4, 2);
    if (offset_hour < 0 || offset_hour > 23 || offset_minute < 0 || offset_minute > 59) return false;
    offset = (offset_hour * 60 + offset_minute) * (zone[0] == '-' ? -1 : 1);
  }
  const int utc_minute = (hour * 60 + minute - offset + 2 * 1440) % 1440;
  return second < 60 || utc_minute == 23 * 60 + 59;
}

bool IsLabel(const std::string& label) {
  if (label.empty() || label.size() > 63) return false;
  for (const char c : label) {
    if (!IsLetter(c) && !IsDigit(c) && c != '-') return false;
  }
  return label.front() != '-' && label.back() != '-';
}

bool AreLabels(const std::string& text) {
  for (const std::string& label : Split(text, '.')) {
    if (!IsLabel(label)) return false;
  }
  return true;
}

bool IsEmail(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos || at == 0 || at > 64 || text.size() > 254) return false;
  for (const char c : text.substr(0, at)) {
    if (!IsLetter(c) && !IsDigit(c) && !IsOneOf(c, ".!#$%&'*+/=?^_`{|}~-")) return false;
  }
  return AreLabels(text.substr(at + 1));
}

/// Whether `text` is made of unreserved characters, sub-delims, percent escapes and those of `more`.
bool IsUriText(const std::string& text, std::string_view more) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
      i += 2;
    } else if (!IsLetter(text[i]) && !IsDigit(text[i]) && !IsOneOf(text[i], "-._~!$&'()*+,;=") &&
               !IsOneOf(text[i], more)) {
      return false;
    }
  }
  return true;
}

bool IsIpFuture(const std::string& text) {
  if (text.size() < 4 || (text[0] != 'v' && text[0] != 'V')) return false;
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos || dot < 2 || dot + 1 == text.size()) return false;
  for (const char c : text.substr(1, dot - 1)) {
    if (!IsHex(c)) return false;
  }
  const std::string rest = text.substr(dot + 1);
  return rest.find('%') == std::string::npos && IsUriText(rest, ":");
}

bool IsAuthority(const std::string& text) {
  std::string rest = text;
  const std::size_t at = rest.find('@');
  if (at != std::string::npos) {
    if (!IsUriText(rest.substr(0, at), ":")) return false;
    rest = rest.substr(at + 1);
  }
  std::string port;
  if (!rest.empty() && rest[0] == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string::npos) return false;
    const std::string literal = rest.substr(1, close - 1);
    if (!IsIpv6(literal) && !IsIpFuture(literal)) return false;
    port = rest.substr(close + 1);
  } else {
    const std::size_t colon = rest.find(':');
    if (!IsUriText(rest.substr(0, colon), "")) return false;
    port = colon == std::string::npos ? "" : rest.substr(colon);
  }
  if (port.empty()) return true;
  if (port[0] != ':') return false;
  for (const char c : port.substr(1)) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

bool IsUri(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || !IsLetter(text[0])) return false;
  for (const char c : text.substr(0, colon)) {
    if (!IsLetter(c) && !IsDigit(c) && !IsOneOf(c, "+-.")) return false;
  }
  std::string rest = text.substr(colon + 1);
  const std::size_t hash = rest.find('#');
  if (hash != std::string::npos) {
    if (!IsUriText(rest.substr(hash + 1), ":@/?")) return false;
    rest = rest.substr(0, hash);
  }
  const std::size_t question = rest.find('?');
  if (question != std::string::npos) {
    if (!IsUriText(rest.substr(question + 1), ":@/?")) return false;
    rest = rest.substr(0, question);
  }
  if (rest.starts_with("//")) {
    const std::size_t slash = rest.find('/', 2);
    if (!IsAuthority(rest.substr(2, slash == std::string::npos ? slash : slash - 2))) return false;
    rest = slash == std::string::npos ? "" : rest.substr(slash);
  }
  return IsUriText(rest, ":@/");
}

}  // namespace

int DaysInMonth(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool MatchesFormat(std::string_view format, const std::string& text) {
  if (format == "uuid") return IsUuid(text);
  if (format == "email") return IsEmail(text);
  if (format == "ipv4") return IsIpv4(text);
  if (format == "ipv6") return IsIpv6(text);
  if (format == "date") return IsDate(text);
  if (format == "date-time") return IsDateTime(text);
  if (format == "hostname") return text.size() <= 253 && AreLabels(text);
  return IsUri(text);
}

bool MatchesGlob(std::string_view pattern, std::string_view text) {
  // ends[j]: the pattern so far can end just before text[j].
  std::vector<bool> ends(text.size() + 1, false);
  ends[0] = true;
  for (const char p : pattern) {
    std::vector<bool> next(text.size() + 1, false);
    for (std::size_t j = 0; j <= text.size(); ++j) {
      if (p == '*') {
        next[j] = ends[j] || (j > 0 && next[j - 1]);
      } else {
        next[j] = j > 0 && ends[j - 1] && text[j - 1] == p;
      }
    }
    ends = next;
  }
  return ends[text.size()];
}

}  // namespace reference
