#ifndef CALLWARDEN_LIB_NUMBER_H_
#define CALLWARDEN_LIB_NUMBER_H_

#include <compare>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A number as JSON writes it: an integer in [-2^63, 2^64) exactly, anything else the nearest double.
/// Integers above INT64_MAX are kUint64, all others kInt64; doubles are finite.
struct Number {
  enum class Kind : uint8_t { kInt64, kUint64, kDouble };
  Kind kind = Kind::kInt64;
  union {
    int64_t i = 0;
    uint64_t u;
    double d;
  };

  static Number Int(int64_t value) noexcept {
    Number n;
    n.i = value;
    return n;
  }
  static Number Uint(uint64_t value) noexcept {
    if (value <= static_cast<uint64_t>(INT64_MAX)) return Int(static_cast<int64_t>(value));
    Number n;
    n.kind = Kind::kUint64;
    n.u = value;
    return n;
  }
  static Number Double(double value) noexcept {
    Number n;
    n.kind = Kind::kDouble;
    n.d = value;
    return n;
  }
};

/// Compares by mathematical value; exact across kinds.
std::strong_ordering CompareKinds(Number a, Number b) noexcept;
inline std::strong_ordering Compare(Number a, Number b) noexcept {
  if (a.kind == Number::Kind::kInt64 && b.kind == Number::Kind::kInt64) return a.i <=> b.i;
  return CompareKinds(a, b);
}
inline bool Equal(Number a, Number b) noexcept {
  if (a.kind == Number::Kind::kInt64 && b.kind == Number::Kind::kInt64) return a.i == b.i;
  return Compare(a, b) == std::strong_ordering::equal;
}

/// The same number as an integer kind where it has one, with -0.0 as 0; so that equal numbers are equal
/// bit for bit.
Number Canonical(Number n) noexcept;
/// A hash of the mathematical value.
uint64_t Hash(Number n) noexcept;
bool IsIntegral(Number n) noexcept;
bool IsNegative(Number n) noexcept;

/// Sets `value` when `n` is an integral value in [0, 2^64).
bool ToUint64(Number n, uint64_t& value) noexcept;

/// Reads the text of one JSON number (already checked to be one). False when it is not representable: an
/// integer without fraction and exponent outside [-2^63, 2^64), or not finite as a double.
bool ParseNumber(std::string_view text, Number& number) noexcept;

/// What an amount weighs: amount * 10^unit_digits, remainders rounded up, in exact decimal arithmetic on
/// the shortest decimal form that reads back as the same number. Exact up to 2^64-1; `huge` above.
struct Weight {
  uint64_t units = 0;
  bool huge = false;
};
/// `amount` must not be negative; -0 is 0.
Weight Weigh(Number amount, int unit_digits) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_NUMBER_H_
