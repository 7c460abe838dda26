#include "lib/number.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Kind = Number::Kind;

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

// `d` against an integer, without rounding the integer: outside the integers' range the sign decides,
// inside it the integral part of `d` is an exact integer.
std::strong_ordering CompareDouble(double d, Number integer) noexcept {
  if (integer.kind == Kind::kInt64) {
    if (d >= kTwo63) return std::strong_ordering::greater;
    if (d < -kTwo63) return std::strong_ordering::less;
    const double whole = std::trunc(d);
    const auto as_int = static_cast<int64_t>(whole);
    if (as_int != integer.i) return as_int <=> integer.i;
    return d > whole   ? std::strong_ordering::greater
           : d < whole ? std::strong_ordering::less
                       : std::strong_ordering::equal;
  }
  if (d >= kTwo64) return std::strong_ordering::greater;
  if (d < kTwo63) return std::strong_ordering::less;  // kUint64 is always above INT64_MAX
  return static_cast<uint64_t>(d) <=> integer.u;      // doubles of this size are integral
}

}  // namespace

std::strong_ordering CompareKinds(Number a, Number b) noexcept {
  if (a.kind == Kind::kDouble && b.kind == Kind::kDouble) {
    return a.d < b.d   ? std::strong_ordering::less
           : a.d > b.d ? std::strong_ordering::greater
                       : std::strong_ordering::equal;
  }
  if (a.kind == Kind::kDouble) return CompareDouble(a.d, b);
  if (b.kind == Kind::kDouble) return 0 <=> CompareDouble(b.d, a);
  if (a.kind == b.kind) return a.kind == Kind::kInt64 ? a.i <=> b.i : a.u <=> b.u;
  return a.kind == Kind::kInt64 ? std::strong_ordering::less : std::strong_ordering::greater;
}

Number Canonical(Number n) noexcept {
  if (n.kind != Kind::kDouble || std::trunc(n.d) != n.d) return n;
  if (n.d >= -kTwo63 && n.d < kTwo63) return Number::Int(static_cast<int64_t>(n.d));
  if (n.d >= kTwo63 && n.d < kTwo64) return Number::Uint(static_cast<uint64_t>(n.d));
  return n;
}

uint64_t Hash(Number n) noexcept {
  n = Canonical(n);
  uint64_t h = n.kind == Kind::kDouble ? std::bit_cast<uint64_t>(n.d) : n.u;
  h = (h ^ (h >> 32)) * 0x9E3779B97F4A7C15u;
  return h ^ (h >> 29);
}

bool IsIntegral(Number n) noexcept { return n.kind != Kind::kDouble || std::trunc(n.d) == n.d; }

bool IsNegative(Number n) noexcept {
  return n.kind == Kind::kDouble ? n.d < 0 : n.kind == Kind::kInt64 && n.i < 0;
}

bool ToUint64(Number n, uint64_t& value) noexcept {
  n = Canonical(n);
  if (n.kind == Kind::kDouble || IsNegative(n)) return false;
  value = n.u;
  return true;
}

bool ParseNumber(std::string_view text, Number& number) noexcept {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (text.find_first_of(".eE") == std::string_view::npos) {
    if (*begin == '-') {
      int64_t value = 0;
      if (std::from_chars(begin, end, value).ec != std::errc()) return false;
      number = Number::Int(value);
    } else {
      uint64_t value = 0;
      if (std::from_chars(begin, end, value).ec != std::errc()) return false;
      number = Number::Uint(value);
    }
    return true;
  }
  double value = 0;
  if (std::from_chars(begin, end, value).ec == std::errc::result_out_of_range) {
    // Too large, or so small that it is zero: the decimal exponent of the first digit that counts tells.
    const std::size_t e = text.find_first_of("eE");
    const std::string_view mantissa = text.substr(0, e);
    long long exponent = 0;
    if (e != std::string_view::npos) {
      std::string_view digits = text.substr(e + 1);
      if (digits.front() == '+') digits.remove_prefix(1);
      if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc()) {
        exponent = digits.front() == '-' ? -1000000000000 : 1000000000000;
      }
      exponent = std::clamp(exponent, -1000000000000LL, 1000000000000LL);  // no text is as long as that
    }
    const std::size_t first = mantissa.find_first_of("123456789");
    if (first == std::string_view::npos) {
      value = 0;
    } else {
      std::size_t point = mantissa.find('.');
      if (point == std::string_view::npos) point = mantissa.size();
      if (static_cast<long long>(point) - static_cast<long long>(first) + exponent > 0) return false;
      value = 0;
    }
    if (*begin == '-') value = -value;
  }
  if (!std::isfinite(value)) return false;
  number = Number::Double(value);
  return true;
}

Weight Weigh(Number amount, int unit_digits) noexcept {
  constexpr Weight kHuge{UINT64_MAX, true};
  uint64_t digits = 0;  // amount = digits * 10^exponent
  int exponent = 0;
  if (amount.kind == Kind::kDouble) {
    if (amount.d == 0) return {};
    char text[32];  // one digit, a point, at most 16 more, e, sign, three digits
    const auto [end, ec] = std::to_chars(text, text + sizeof(text), amount.d, std::chars_format::scientific);
    const char* p = text;
    for (; p != end && *p != 'e'; ++p) {
      if (*p == '.') continue;
      digits = digits * 10 + static_cast<uint64_t>(*p - '0');
      --exponent;
    }
    ++exponent;  // the digit before the point
    ++p;
    if (*p == '+') ++p;
    int written = 0;
    std::from_chars(p, end, written);
    exponent += written;
  } else {
    digits = amount.u;
    if (digits == 0) return {};
  }
  exponent += unit_digits;
  for (; exponent > 0; --exponent) {
    if (digits > UINT64_MAX / 10) return kHuge;
    digits *= 10;
  }
  bool remainder = false;
  for (; exponent < 0 && digits != 0; ++exponent) {
    remainder |= digits % 10 != 0;
    digits /= 10;
  }
  if (remainder) {
    if (digits == UINT64_MAX) return kHuge;
    ++digits;
  }
  return {digits, false};
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
