#ifndef TESTS_DIFFERENTIAL_NUMBERS_H_
#define TESTS_DIFFERENTIAL_NUMBERS_H_

#include <optional>
#include <string>

#include "tests/differential/json.h"

namespace reference {

/// -1, 0 or 1 by mathematical value. Both are numbers and finite.
int CompareNumbers(const Value& a, const Value& b);

/// Whether the number has no fraction.
bool IsIntegral(const Value& number);

/// A number that is integral, as an integer; nothing when it is not one or is far out of range.
std::optional<Int128> AsInteger(const Value& value);

/// The number divided by 10^-unit_digits in decimal, remainders rounded up; stops counting at 2^64, which
/// stands for anything above 2^64 - 1. The number is not negative.
Int128 ScaleUp(const Value& number, int unit_digits);

/// A text that two numbers share exactly when they are equal.
std::string NumberIdentity(const Value& number);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_NUMBERS_H_
