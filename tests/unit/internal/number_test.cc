#include "lib/number.h"

#include <array>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

using callwarden::internal::Canonical;
using callwarden::internal::Compare;
using callwarden::internal::Equal;
using callwarden::internal::Hash;
using callwarden::internal::IsIntegral;
using callwarden::internal::IsNegative;
using callwarden::internal::Number;
using callwarden::internal::ParseNumber;
using callwarden::internal::ToUint64;
using callwarden::internal::Weigh;
using Kind = Number::Kind;

// The number that a text reads as; it must.
Number Read(std::string_view text) {
  Number number;
  CAPTURE(text);
  REQUIRE(ParseNumber(text, number));
  return number;
}

bool Reads(std::string_view text) {
  Number number;
  return ParseNumber(text, number);
}

int Sign(std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

// What an amount weighs: its units, or "huge".
std::string Weighs(std::string_view amount, int unit_digits) {
  const auto weight = Weigh(Read(amount), unit_digits);
  if (weight.huge) {
    CHECK(weight.units == UINT64_MAX);
    return "huge";
  }
  return std::to_string(weight.units);
}

}  // namespace

TEST_CASE("numbers in ascending order compare so, across kinds", "[number]") {
  // Each row holds texts of one value; rows ascend.
  const std::vector<std::vector<std::string_view>> rows{
      {"-1.7976931348623157e308"},
      {"-18446744073709551616.0"},
      {"-9223372036854777856.0"},  // the next double below -2^63
      {"-9223372036854775808", "-9223372036854775808.0", "-9.223372036854775808e18"},
      {"-9223372036854775807"},
      {"-9223372036854774784", "-9223372036854774784.0"},
      {"-9007199254740993"},
      {"-9007199254740992", "-9007199254740992.0", "-9007199254740993.0"},
      {"-9007199254740991"},
      {"-1.5"},
      {"-1", "-1.0", "-1e0"},
      {"-0.5"},
      {"-2.2250738585072014e-308"},
      {"-5e-324"},
      {"0", "-0", "0.0", "-0.0", "0e5", "-0e-5"},
      {"5e-324", "4.9e-324"},
      {"1e-323"},
      {"2.2250738585072009e-308"},
      {"2.2250738585072014e-308"},
      {"0.1", "1e-1", "0.10"},
      {"0.5"},
      {"1", "1.0", "10e-1", "0.1e1"},
      {"1.0000000000000002"},
      {"2"},
      {"9007199254740991"},
      {"9007199254740992", "9007199254740992.0", "9007199254740993.0"},  // that double is rounded
      {"9007199254740993"},
      {"9007199254740994", "9007199254740994.0"},
      {"9223372036854774784", "9223372036854774784.0"},
      {"9223372036854775806"},
      {"9223372036854775807"},
      {"9223372036854775808", "9223372036854775808.0", "9223372036854775807.0"},
      {"9223372036854775809"},
      {"18446744073709549568", "18446744073709549568.0"},
      {"18446744073709551614"},
      {"18446744073709551615"},
      {"18446744073709551616.0", "18446744073709551615.0", "1.8446744073709551616e19"},
      {"1e300"},
      {"1.7976931348623157e308"}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      for (const std::string_view a : rows[i]) {
        for (const std::string_view b : rows[j]) {
          CAPTURE(a, b);
          const Number x = Read(a);
          const Number y = Read(b);
          CHECK(Sign(Compare(x, y)) == (i < j ? -1 : i > j ? 1 : 0));
          CHECK(Equal(x, y) == (i == j));
          CHECK(Equal(Canonical(x), Canonical(y)) == (i == j));
          if (i != j) continue;
          CHECK(Hash(x) == Hash(y));
          CHECK(Canonical(x).kind == Canonical(y).kind);
          CHECK(Canonical(x).u == Canonical(y).u);
        }
      }
    }
  }
}

TEST_CASE("integers keep their kind and value", "[number]") {
  CHECK(Read("0").kind == Kind::kInt64);
  CHECK(Read("-0").kind == Kind::kInt64);
  CHECK(Read("-0").i == 0);
  CHECK(Read("9223372036854775807").kind == Kind::kInt64);
  CHECK(Read("9223372036854775807").i == INT64_MAX);
  CHECK(Read("9223372036854775808").kind == Kind::kUint64);
  CHECK(Read("18446744073709551615").u == UINT64_MAX);
  CHECK(Read("-9223372036854775808").i == INT64_MIN);
  CHECK(Number::Uint(5).kind == Kind::kInt64);
  CHECK(Read("1.0").kind == Kind::kDouble);
  CHECK(Read("1e0").kind == Kind::kDouble);
  CHECK(Read("1E0").kind == Kind::kDouble);
}

TEST_CASE("integers out of 64 bits are not numbers", "[number]") {
  CHECK_FALSE(Reads("18446744073709551616"));
  CHECK_FALSE(Reads("-9223372036854775809"));
  CHECK_FALSE(Reads("100000000000000000000000000000000"));
  CHECK_FALSE(Reads("-100000000000000000000000000000000"));
  CHECK(Reads("18446744073709551616.0"));
  CHECK(Reads("1e32"));
}

TEST_CASE("doubles are finite, and the nearest", "[number]") {
  CHECK(Read("1.7976931348623157e308").d == (std::numeric_limits<double>::max)());
  CHECK(Read("1.7976931348623158e308").d == (std::numeric_limits<double>::max)());
  for (const std::string_view text :
       {"1.7976931348623159e308", "1.8e308", "-1.8e308", "1e309", "1E+309", "1e999999999999999999999999999",
        "0.1e310", "1000e306", "0.00001e9999", "1e9223372036854775806"}) {
    CAPTURE(text);
    CHECK_FALSE(Reads(text));
  }
  CHECK_FALSE(Reads("1" + std::string(400, '0') + ".0"));
  CHECK_FALSE(Reads("1" + std::string(400, '0') + "e0"));
  CHECK(Read("5e-324").d == std::numeric_limits<double>::denorm_min());
  CHECK(Read("-5e-324").d == -std::numeric_limits<double>::denorm_min());
  CHECK(Read("2.2250738585072011e-308").d == 2.2250738585072011e-308);
  CHECK(Read("1e-310").d == 1e-310);
  for (const std::string_view text :
       {"1e-400", "2e-324", "1e-999999999999999999999999999", "0e999999999999999999999", "0.0e400", "-0e400",
        "100e-500", "0.000e-5", "1e-9223372036854775808"}) {
    CAPTURE(text);
    CHECK(Read(text).d == 0);
  }
  CHECK(std::signbit(Read("-1e-400").d));
  CHECK(std::signbit(Read("-0.0").d));
  CHECK(Read("0." + std::string(500, '0') + "1").d == 0);
  CHECK(Read("0." + std::string(500, '0') + "1e501").d == 1);
  CHECK(Read("1" + std::string(400, '0') + "e-400").d == 1);
  CHECK(Read("1" + std::string(400, '0') + "." + std::string(400, '0') + "e-400").d == 1);
  CHECK(Read("9007199254740993.0").d == 9007199254740992.0);
  CHECK(Read("0.1").d == 0.1);
}

TEST_CASE("an exponent at the end of 64 bits is still above every double", "[number]") {
  CHECK_FALSE(Reads("1e9223372036854775807"));
  CHECK_FALSE(Reads("10e9223372036854775807"));
  CHECK_FALSE(Reads("100.5e9223372036854775806"));
  CHECK_FALSE(Reads("-1e9223372036854775807"));
}

TEST_CASE("signs, integers and integral values", "[number]") {
  CHECK(IsNegative(Read("-1")));
  CHECK(IsNegative(Read("-5e-324")));
  CHECK_FALSE(IsNegative(Read("-0")));
  CHECK_FALSE(IsNegative(Read("-0.0")));
  CHECK_FALSE(IsNegative(Read("18446744073709551615")));
  CHECK(IsIntegral(Read("10.0")));
  CHECK(IsIntegral(Read("1e300")));
  CHECK(IsIntegral(Read("-0.0")));
  CHECK_FALSE(IsIntegral(Read("0.5")));
  CHECK_FALSE(IsIntegral(Read("5e-324")));
  uint64_t value = 7;
  CHECK_FALSE(ToUint64(Read("-1"), value));
  CHECK_FALSE(ToUint64(Read("0.5"), value));
  CHECK_FALSE(ToUint64(Read("18446744073709551616.0"), value));
  CHECK_FALSE(ToUint64(Read("-1.0"), value));
  CHECK(value == 7);
  CHECK(ToUint64(Read("-0.0"), value));
  CHECK(value == 0);
  CHECK(ToUint64(Read("1e1"), value));
  CHECK(value == 10);
  CHECK(ToUint64(Read("18446744073709551615"), value));
  CHECK(value == UINT64_MAX);
  CHECK(ToUint64(Read("9223372036854775808.0"), value));
  CHECK(value == uint64_t{1} << 63);
}

TEST_CASE("amounts are weighed in exact decimals, rounded up", "[number]") {
  CHECK(Weighs("0", 0) == "0");
  CHECK(Weighs("0", 6) == "0");
  CHECK(Weighs("-0.0", 2) == "0");
  CHECK(Weighs("1", 0) == "1");
  CHECK(Weighs("1", 2) == "100");
  CHECK(Weighs("0.99", 0) == "1");
  CHECK(Weighs("1.01", 0) == "2");
  CHECK(Weighs("0.1", 2) == "10");
  CHECK(Weighs("0.1", 1) == "1");
  CHECK(Weighs("0.3", 1) == "3");
  CHECK(Weighs("0.7", 1) == "7");
  CHECK(Weighs("0.07", 2) == "7");
  CHECK(Weighs("0.29", 2) == "29");
  CHECK(Weighs("1.15", 2) == "115");
  CHECK(Weighs("4.35", 2) == "435");
  CHECK(Weighs("1.005", 2) == "101");
  CHECK(Weighs("1.005", 3) == "1005");
  CHECK(Weighs("19.99", 2) == "1999");
  CHECK(Weighs("1e-6", 6) == "1");
  CHECK(Weighs("1e-7", 6) == "1");
  CHECK(Weighs("1.0000001", 6) == "1000001");
  CHECK(Weighs("5e-324", 6) == "1");
  CHECK(Weighs("1e-300", 0) == "1");
  CHECK(Weighs("123456789.123456", 6) == "123456789123456");
  CHECK(Weighs("0.30000000000000004", 1) == "4");  // what 0.1 + 0.2 comes to is more than 0.3
  CHECK(Weighs("10.0", 0) == "10");
  CHECK(Weighs("1e3", 2) == "100000");
  CHECK(Weighs("9007199254740993", 0) == "9007199254740993");
  CHECK(Weighs("9007199254740993", 2) == "900719925474099300");
  CHECK(Weighs("18446744073709551615", 0) == "18446744073709551615");
  CHECK(Weighs("18446744073709551615", 1) == "huge");
  CHECK(Weighs("1844674407370955161", 1) == "18446744073709551610");
  CHECK(Weighs("1844674407370955162", 1) == "huge");
  CHECK(Weighs("184467440737095516", 2) == "18446744073709551600");
  CHECK(Weighs("1.8e19", 0) == "18000000000000000000");
  CHECK(Weighs("1.9e19", 0) == "huge");
  CHECK(Weighs("1e20", 0) == "huge");
  CHECK(Weighs("1.7976931348623157e308", 6) == "huge");
  CHECK(Weighs("18446744073709551616.0", 0) == "huge");  // reads back as 18446744073709552000
  CHECK(Weighs("18446744073709549568.0", 0) == "18446744073709550000");
}
