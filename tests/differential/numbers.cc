#include "tests/differential/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace reference {
namespace {

constexpr double kTwo100 = 0x1p100;

/// Digits d1 d2 ... dn and an exponent e: the number is d1d2...dn * 10^e.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

/// The shortest decimal that reads back as the number.
Decimal ShortestDecimal(const Value& number) {
  if (number.is_integer()) return Decimal{WriteInteger(number.integer), 0};
  char buffer[64];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(number.real),
                                     std::chars_format::scientific);  // d[.ddd]e±dd
  const std::string text(buffer, written.ptr);
  const std::size_t e = text.find('e');
  Decimal out;
  out.exponent = std::atoi(text.c_str() + e + 1);
  for (std::size_t i = 0; i < e; ++i) {
    if (text[i] == '.') {
      out.exponent -= static_cast<int>(e - i - 1);
    } else {
      out.digits += text[i];
    }
  }
  return out;
}

}  // namespace

int CompareNumbers(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return a.integer < b.integer ? -1 : a.integer > b.integer ? 1 : 0;
  if (!a.is_integer() && !b.is_integer()) return a.real < b.real ? -1 : a.real > b.real ? 1 : 0;
  if (!a.is_integer()) return -CompareNumbers(b, a);
  if (b.real >= kTwo100) return -1;
  if (b.real <= -kTwo100) return 1;
  const double whole = std::trunc(b.real);
  const Int128 whole_part = static_cast<Int128>(whole);
  if (a.integer != whole_part) return a.integer < whole_part ? -1 : 1;
  const double fraction = b.real - whole;
  return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}

bool IsIntegral(const Value& number) {
  return number.is_integer() || (std::isfinite(number.real) && std::trunc(number.real) == number.real);
}

std::optional<Int128> AsInteger(const Value& value) {
  if (!value.is_number() || !IsIntegral(value)) return std::nullopt;
  if (value.is_integer()) return value.integer;
  if (std::fabs(value.real) >= kTwo100) return std::nullopt;
  return static_cast<Int128>(value.real);
}

Int128 ScaleUp(const Value& number, int unit_digits) {
  const Int128 too_much = Int128{1} << 64;
  Decimal decimal = ShortestDecimal(number);
  decimal.exponent += unit_digits;
  // What stands left of the decimal point, and whether anything but zeros stands right of it.
  std::string whole = decimal.digits;
  bool remainder = false;
  for (; decimal.exponent < 0; ++decimal.exponent) {
    if (whole.empty()) break;
    remainder = remainder || whole.back() != '0';
    whole.pop_back();
  }
  Int128 result = 0;
  for (const char c : whole) {
    result = result * 10 + (c - '0');
    if (result >= too_much) return too_much;
  }
  for (; decimal.exponent > 0 && result > 0; --decimal.exponent) {
    result *= 10;
    if (result >= too_much) return too_much;
  }
  if (remainder) ++result;
  return result < too_much ? result : too_much;
}

std::string NumberIdentity(const Value& number) {
  if (const std::optional<Int128> integer = AsInteger(number)) return WriteInteger(*integer);
  return WriteReal(number.real);  // not integral, or beyond every integer: no integer can equal it
}

}  // namespace reference
