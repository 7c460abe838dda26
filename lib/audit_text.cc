#include "lib/audit_text.h"

#include <chrono>
#include <cmath>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

char* Digits(int64_t value, int digits, char* out) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

struct CivilTime {
  int64_t year;
  int64_t month;
  int64_t day;
  int64_t second;  // of the day
  int64_t fraction_ns;
};

CivilTime CivilOf(Timestamp time) noexcept {
  using std::chrono::floor;
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto second = floor<std::chrono::seconds>(time);
  return {int{date.year()}, static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
          (second - day).count(), (time - second).count()};
}

char* TimeOfDay(int64_t second, std::string_view separator, char* out) noexcept {
  out = Digits(second / 3600, 2, out);
  for (const char c : separator) *out++ = c;
  out = Digits(second / 60 % 60, 2, out);
  for (const char c : separator) *out++ = c;
  return Digits(second % 60, 2, out);
}

constexpr bool IsPlain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && byte != 0x7F;
}

}  // namespace

void AuditOut::Real(double value) noexcept {
  if (!std::isfinite(value)) return Raw("null");
  Number(value);
}

void AuditOut::Escaped(std::string_view text) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t plain = 0;  // begin of what is to be copied as it is
  std::size_t i = 0;
  while (i < text.size()) {
    if (IsPlain(text[i])) {
      ++i;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    if (const std::size_t size = byte < 0x80 ? 0 : Utf8SequenceSize(text, i); size > 0) {
      i += size;
      continue;
    }
    Raw(text.substr(plain, i - plain));
    if (byte >= 0x80) {
      Raw("\xEF\xBF\xBD");
    } else if (byte == '"' || byte == '\\') {
      const char escaped[] = {'\\', text[i]};
      Raw({escaped, 2});
    } else {
      const char escaped[] = {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
      Raw({escaped, 6});
    }
    plain = ++i;
  }
  Raw(text.substr(plain));
}

void AuditOut::Time(Timestamp time) noexcept {
  constexpr std::size_t kSize = 30;
  if (!Room(kSize)) return;
  const CivilTime civil = CivilOf(time);
  char* out = Digits(civil.year, 4, End());
  *out++ = '-';
  out = Digits(civil.month, 2, out);
  *out++ = '-';
  out = Digits(civil.day, 2, out);
  *out++ = 'T';
  out = TimeOfDay(civil.second, ":", out);
  *out++ = '.';
  out = Digits(civil.fraction_ns, 9, out);
  *out++ = 'Z';
  Grow(kSize);
}

void AuditOut::Stamp(Timestamp time) noexcept {
  constexpr std::size_t kSize = 16;
  if (!Room(kSize)) return;
  const CivilTime civil = CivilOf(time);
  char* out = Digits(civil.year, 4, End());
  out = Digits(civil.month, 2, out);
  out = Digits(civil.day, 2, out);
  *out++ = 'T';
  out = TimeOfDay(civil.second, "", out);
  *out++ = 'Z';
  Grow(kSize);
}

void AuditOut::Base64(std::string_view bytes) noexcept {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t group = 0;
    for (std::size_t b = 0; b < 3; ++b) {
      group = group << 8 | (b < count ? static_cast<uint8_t>(bytes[i + b]) : 0u);
    }
    char digits[4];
    for (std::size_t d = 0; d < 4; ++d) digits[d] = d <= count ? kDigits[group >> (18 - 6 * d) & 63] : '=';
    Raw({digits, 4});
  }
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
