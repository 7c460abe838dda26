#include "callwarden/attribute.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::Attribute;
using callwarden::AttributeValue;
using Type = AttributeValue::Type;
using callwarden_unit::Call;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;

// What each literal becomes.
static_assert(AttributeValue("text").type() == Type::kString);
static_assert(AttributeValue(std::string_view("text")).type() == Type::kString);
static_assert(AttributeValue(true).type() == Type::kBoolean);
static_assert(AttributeValue(1).type() == Type::kInt64);
static_assert(AttributeValue(-1L).type() == Type::kInt64);
static_assert(AttributeValue(int8_t{-1}).type() == Type::kInt64);
static_assert(AttributeValue(1u).type() == Type::kUint64);
static_assert(AttributeValue(uint8_t{1}).type() == Type::kUint64);
static_assert(AttributeValue(std::size_t{1}).type() == Type::kUint64);
static_assert(AttributeValue(1.0).type() == Type::kDouble);
static_assert(AttributeValue(1.0f).type() == Type::kDouble);
static_assert(AttributeValue().type() == Type::kString);

// Pointers other than to characters are not taken for true.
static_assert(!std::is_constructible_v<AttributeValue, int*>);
static_assert(!std::is_constructible_v<AttributeValue, const void*>);
static_assert(!std::is_constructible_v<AttributeValue, const Attribute*>);

static_assert(std::is_trivially_copyable_v<AttributeValue>);
static_assert(std::is_trivially_destructible_v<AttributeValue>);

// Whether a policy that tests `context.a` with this condition's end allows a call with that attribute.
bool Passes(const char* test, const AttributeValue& value) {
  const auto policy =
      CompileEntry(std::string(R"({"require": [{"conditions": [{"path": "context.a", )") + test + "}]}]}");
  callwarden::MemoryCounterStore store({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  callwarden::ToolCall call = Call("{}");
  const Attribute attribute{"a", value};
  call.context = {&attribute, 1};
  return policy->Decide(call, store, kNoon).allowed();
}

}  // namespace

TEST_CASE("a value is read by its own type only", "[attribute]") {
  const AttributeValue text("abc");
  CHECK(text.string() == "abc");
  CHECK_FALSE(text.boolean());
  CHECK(text.int64() == 0);
  CHECK(text.uint64() == 0);
  CHECK(text.real() == 0);

  const AttributeValue yes(true);
  CHECK(yes.boolean());
  CHECK(yes.string().empty());
  CHECK(yes.int64() == 0);
  CHECK_FALSE(AttributeValue(false).boolean());

  const AttributeValue negative(INT64_MIN);
  CHECK(negative.int64() == INT64_MIN);
  CHECK(negative.uint64() == 0);
  CHECK(negative.real() == 0);
  CHECK_FALSE(negative.boolean());
  CHECK(negative.string().empty());

  const AttributeValue large(UINT64_MAX);
  CHECK(large.uint64() == UINT64_MAX);
  CHECK(large.int64() == 0);

  const AttributeValue real(0.5);
  CHECK(real.real() == 0.5);
  CHECK(real.int64() == 0);
  CHECK(real.string().empty());

  CHECK(AttributeValue().string().empty());
  CHECK(AttributeValue(std::string_view("a\0b", 3)).string().size() == 3);
}

TEST_CASE("a string is borrowed", "[attribute]") {
  std::string text = "before";
  const AttributeValue value{std::string_view(text)};
  CHECK(value.string().data() == text.data());
  text[0] = 'B';
  CHECK(value.string() == "Before");
}

TEST_CASE("an attribute that is left out is an empty name and an empty string", "[attribute]") {
  const Attribute attribute;
  CHECK(attribute.name.empty());
  CHECK(attribute.value.type() == Type::kString);
  CHECK(attribute.value.string().empty());
}

TEST_CASE("policies see the type and the exact value", "[attribute]") {
  CHECK(Passes(R"("op": "eq", "value": "abc")", "abc"));
  CHECK_FALSE(Passes(R"("op": "eq", "value": "abc")", "abd"));
  CHECK(Passes(R"("op": "eq", "value": true)", true));
  CHECK_FALSE(Passes(R"("op": "eq", "value": true)", 1));
  CHECK_FALSE(Passes(R"("op": "eq", "value": 1)", true));
  CHECK_FALSE(Passes(R"("op": "eq", "value": "1")", 1));
  CHECK(Passes(R"("op": "eq", "value": 1)", 1));
  CHECK(Passes(R"("op": "eq", "value": 1)", 1u));
  CHECK(Passes(R"("op": "eq", "value": 1)", 1.0));
  CHECK(Passes(R"("op": "eq", "value": 0)", -0.0));
  CHECK(Passes(R"("op": "eq", "value": 18446744073709551615)", UINT64_MAX));
  CHECK_FALSE(Passes(R"("op": "eq", "value": 18446744073709551615)", -1));
  CHECK(Passes(R"("op": "eq", "value": -9223372036854775808)", INT64_MIN));
  CHECK(Passes(R"("op": "gt", "value": 9223372036854775807)", uint64_t{9223372036854775808u}));
  CHECK(Passes(R"("op": "gt", "value": 9007199254740992.0)", int64_t{9007199254740993}));
  CHECK(Passes(R"("op": "type", "value": "integer")", 10.0));
  CHECK_FALSE(Passes(R"("op": "type", "value": "integer")", 10.5));
  CHECK(Passes(R"("op": "eq", "value": "")", ""));
  CHECK(Passes(R"("op": "exists", "value": true)", ""));
}

TEST_CASE("a number that is not finite is of no type that any operator tests", "[attribute]") {
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    CAPTURE(value);
    CHECK(Passes(R"("op": "exists", "value": true)", value));
    for (const char* test :
         {R"("op": "eq", "value": 1)", R"("op": "neq", "value": 1)", R"("op": "lt", "value": 1)",
          R"("op": "gt", "value": 1)", R"("op": "in", "value": [1, "a", true])",
          R"("op": "not_in", "value": [1, "a", true])", R"("op": "type", "value": "number")",
          R"("op": "type", "value": ["string", "boolean", "array", "object"])",
          R"("op": "regex", "value": "")", R"("op": "min_length", "value": 0)",
          R"("op": "contains", "value": "")"}) {
      CAPTURE(test);
      CHECK_FALSE(Passes(test, value));
    }
  }
}
