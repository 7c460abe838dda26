#include "lib/condition.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace {

using callwarden::internal::Equal;
using callwarden::internal::Number;
using callwarden::internal::SlotValue;
using callwarden::internal::ValueSet;
using Type = SlotValue::Type;

// Whether two scalars are equal, kept apart from the code under test.
bool Same(const SlotValue& a, const SlotValue& b) {
  if (a.type != b.type) return false;
  if (a.type == Type::kString) return a.text() == b.text();
  if (a.type == Type::kBoolean) return a.boolean == b.boolean;
  return Equal(a.number(), b.number());
}

class Values {
 public:
  explicit Values(uint64_t seed) : random_(seed) {
    for (int i = 0; i < 400; ++i)
      texts_.push_back(std::string(random_() % 20, 'x') + std::to_string(random_() % 60));
    texts_.emplace_back();
  }
  SlotValue Draw() {
    switch (random_() % 6) {
      case 0:
        return SlotValue::OfBoolean(random_() % 2 == 0);
      case 1:
        return SlotValue::Of(Number::Int(static_cast<int64_t>(random_() % 100) - 50));
      case 2:
        return SlotValue::Of(Number::Double(static_cast<double>(random_() % 200) / 2 - 50));
      case 3:
        return SlotValue::Of(Number::Uint(UINT64_MAX - random_() % 20));
      default:
        return SlotValue::Of(std::string_view(texts_[random_() % texts_.size()]));
    }
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::string> texts_;
};

}  // namespace

TEST_CASE("a value set holds what a scan finds, small or hashed", "[condition]") {
  for (const std::size_t size : {1u, 2u, 7u, 8u, 9u, 10u, 16u, 17u, 100u, 1000u}) {
    Values values(size);
    std::vector<SlotValue> members;
    while (members.size() < size) members.push_back(values.Draw());
    const ValueSet set(members);
    CAPTURE(size);
    CHECK(set.values().size() == size);
    for (const SlotValue& member : members) REQUIRE(set.Contains(member));
    std::size_t found = 0;
    for (int i = 0; i < 2000; ++i) {
      const SlotValue value = values.Draw();
      const bool expected =
          std::any_of(members.begin(), members.end(), [&](const SlotValue& m) { return Same(m, value); });
      REQUIRE(set.Contains(value) == expected);
      found += expected ? 1 : 0;
    }
    CHECK(found < 2000);
    for (const Type type : {Type::kString, Type::kBoolean, Type::kNumber}) {
      CHECK(set.HasType(type) ==
            std::any_of(members.begin(), members.end(), [&](const SlotValue& m) { return m.type == type; }));
    }
    CHECK_FALSE(set.HasType(Type::kArray));
    CHECK_FALSE(set.HasType(Type::kAbsent));
  }
}

TEST_CASE("one number is found however it is written", "[condition]") {
  for (const std::size_t fillers : {std::size_t{0}, std::size_t{50}}) {
    std::vector<SlotValue> members;
    for (std::size_t i = 0; i < fillers; ++i)
      members.push_back(SlotValue::Of(Number::Int(static_cast<int64_t>(1000 + i))));
    members.push_back(SlotValue::Of(Number::Int(0)));
    members.push_back(SlotValue::Of(Number::Double(10)));
    members.push_back(SlotValue::Of(Number::Double(9223372036854775808.0)));
    members.push_back(SlotValue::Of(Number::Double(0.5)));
    const ValueSet set(members);
    CHECK(set.Contains(SlotValue::Of(Number::Double(-0.0))));
    CHECK(set.Contains(SlotValue::Of(Number::Int(10))));
    CHECK(set.Contains(SlotValue::Of(Number::Uint(uint64_t{1} << 63))));
    CHECK(set.Contains(SlotValue::Of(Number::Double(0.5))));
    CHECK_FALSE(set.Contains(SlotValue::Of(Number::Int(INT64_MAX))));
    CHECK_FALSE(set.Contains(SlotValue::Of(Number::Int(1))));
    CHECK_FALSE(set.Contains(SlotValue::Of(Number::Double(0.25))));
    CHECK_FALSE(set.Contains(SlotValue::Of(std::string_view("10"))));
    CHECK_FALSE(set.Contains(SlotValue::OfBoolean(false)));
  }
}

TEST_CASE("strings that share beginnings and ends are told apart", "[condition]") {
  std::vector<std::string> texts;
  for (std::size_t size = 0; size <= 40; ++size) texts.emplace_back(size, '\0');
  std::vector<SlotValue> members;
  for (const std::string& text : texts) {
    if (text.size() % 2 == 0) members.push_back(SlotValue::Of(std::string_view(text)));
  }
  const ValueSet set(members);
  for (const std::string& text : texts) {
    CAPTURE(text.size());
    CHECK(set.Contains(SlotValue::Of(std::string_view(text))) == (text.size() % 2 == 0));
  }
}
