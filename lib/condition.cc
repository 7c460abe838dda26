#include "lib/condition.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "lib/quick_hash.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

using Type = SlotValue::Type;

bool EqualValues(const SlotValue& a, const SlotValue& b) noexcept {
  if (a.type != b.type) return false;
  switch (a.type) {
    case Type::kString:
      return a.size == b.size && EqualBytes(a.string, b.string, a.size);
    case Type::kNumber:
      return Equal(a.number(), b.number());
    case Type::kBoolean:
      return a.boolean == b.boolean;
    default:
      return false;
  }
}

namespace {

constexpr Truth Of(bool value) noexcept { return value ? Truth::kTrue : Truth::kFalse; }

constexpr Truth Flip(Truth truth) noexcept {
  return static_cast<Truth>(static_cast<uint8_t>(Truth::kTrue) - static_cast<uint8_t>(truth));
}

uint8_t TypeBitsOf(const SlotValue& value) noexcept {
  switch (value.type) {
    case Type::kString:
      return kStringBit;
    case Type::kNumber:
      return IsIntegral(value.number()) ? kNumberBit | kIntegerBit : kNumberBit;
    case Type::kBoolean:
      return kBooleanBit;
    case Type::kArray:
      return kArrayBit;
    case Type::kObject:
      return kObjectBit;
    default:
      return 0;
  }
}

// Kleene's `any` of `eq` over the items of an array.
Truth TestItems(const Test& test, const SlotValue& array, const SlotValue* values) noexcept {
  bool other_type = false;
  for (uint32_t i = array.first; i != SlotValue::kNone; i = values[i].next) {
    if (EqualValues(values[i], test.value)) return Truth::kTrue;
    other_type |= values[i].type != test.value.type && values[i].type != Type::kAbsent;
  }
  return other_type ? Truth::kIndeterminate : Truth::kFalse;
}

[[gnu::always_inline]] inline Truth TestPresent(const Test& test, const SlotValue& value,
                                                const SlotValue* values) noexcept {
  const bool is_string = value.type == Type::kString;
  switch (test.op) {
    case Operator::kEq:
      if (value.type != test.value.type) return Truth::kIndeterminate;
      return Of(EqualValues(value, test.value));
    case Operator::kIn:
      if (!test.set->HasType(value.type)) return Truth::kIndeterminate;
      return Of(test.set->Contains(value));
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte: {
      if (value.type != Type::kNumber) return Truth::kIndeterminate;
      const std::strong_ordering order = Compare(value.number(), test.value.number());
      if (test.op == Operator::kLt) return Of(order < 0);
      if (test.op == Operator::kLte) return Of(order <= 0);
      if (test.op == Operator::kGt) return Of(order > 0);
      return Of(order >= 0);
    }
    case Operator::kExists:
      return Truth::kTrue;
    case Operator::kRegex:
      return is_string ? Of(test.regex->Matches(value.text())) : Truth::kIndeterminate;
    case Operator::kContains:
      if (value.type == Type::kArray) return TestItems(test, value, values);
      if (!is_string || test.value.type != Type::kString) return Truth::kIndeterminate;
      return Of(value.text().find(test.value.text()) != std::string_view::npos);
    case Operator::kStartsWith:
      if (!is_string) return Truth::kIndeterminate;
      return Of(value.size >= test.value.size &&
                EqualBytes(value.string, test.value.string, test.value.size));
    case Operator::kEndsWith:
      return is_string ? Of(value.text().ends_with(test.value.text())) : Truth::kIndeterminate;
    case Operator::kGlob:
      return is_string ? Of(MatchGlob(test.value.text(), value.text())) : Truth::kIndeterminate;
    case Operator::kType:
      if (value.type == Type::kUntestable) return Truth::kIndeterminate;
      return Of((TypeBitsOf(value) & test.types) != 0);
    case Operator::kFormat:
      return is_string ? Of(HasFormat(test.format, value.text())) : Truth::kIndeterminate;
    case Operator::kMinLength:
    case Operator::kMaxLength: {
      uint64_t length = value.size;
      if (is_string) {
        length = CountCodePoints(value.text());
      } else if (value.type != Type::kArray && value.type != Type::kObject) {
        return Truth::kIndeterminate;
      }
      return Of(test.op == Operator::kMinLength ? length >= test.length : length <= test.length);
    }
  }
  return Truth::kIndeterminate;
}

}  // namespace

uint64_t HashValue(const SlotValue& value) noexcept {
  switch (value.type) {
    case Type::kString:
      return QuickHash(0, value.text());
    case Type::kNumber:
      return MixHash(1, Hash(value.number()));
    default:
      return MixHash(2, value.boolean ? 1 : 0);
  }
}

ValueSet::ValueSet(std::vector<SlotValue> values) : values_(std::move(values)) {
  for (const SlotValue& value : values_)
    types_ = static_cast<uint8_t>(types_ | 1u << static_cast<unsigned>(value.type));
  if (values_.size() <= kLinearMax) return;
  std::size_t size = 16;
  while (size < values_.size() * 2) size *= 2;
  table_.resize(size);
  for (std::size_t i = 0; i < values_.size(); ++i) {
    std::size_t at = Place(values_[i]);
    while (table_[at] != 0) at = (at + 1) & (size - 1);
    table_[at] = static_cast<uint32_t>(i + 1);
  }
}

std::size_t ValueSet::Place(const SlotValue& value) const noexcept {
  return HashValue(value) & (table_.size() - 1);
}

bool ValueSet::Contains(const SlotValue& value) const noexcept {
  if (table_.empty()) {
    return std::any_of(values_.begin(), values_.end(),
                       [&](const SlotValue& v) { return EqualValues(v, value); });
  }
  // A string longer than every constant would be hashed for nothing; the table's first probe is cheap enough.
  for (std::size_t at = Place(value); table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
    if (EqualValues(values_[table_[at] - 1], value)) return true;
  }
  return false;
}

std::size_t ValueSet::bytes() const noexcept {
  return sizeof(*this) + values_.capacity() * sizeof(SlotValue) + table_.capacity() * sizeof(uint32_t);
}

Truth TestValue(const Test& test, const SlotValue& value, const SlotValue* values) noexcept {
  if (value.type == Type::kMismatch) return Truth::kIndeterminate;
  if (value.type == Type::kAbsent) {
    if (test.op == Operator::kExists) return Of(test.negated);
    return test.negated ? Truth::kIndeterminate : Truth::kFalse;
  }
  const Truth truth = TestPresent(test, value, values);
  return test.negated ? Flip(truth) : truth;
}

Truth TestSlot(const Test& test, const SlotValue& slot, const SlotValue* values,
               Quantifier quantifier) noexcept {
  if (slot.type != Type::kList) [[likely]] {
    return TestValue(test, slot, values);
  }
  // Kleene's `all` is the least of its parts and `any` the greatest; kFalse < kIndeterminate < kTrue.
  const bool all = quantifier == Quantifier::kAll;
  Truth truth = all ? Truth::kTrue : Truth::kFalse;
  const auto take = [&](Truth part) { truth = all ? std::min(truth, part) : std::max(truth, part); };
  if (slot.list_has_absent()) take(TestValue(test, SlotValue(), values));
  if (slot.list_has_mismatch()) take(Truth::kIndeterminate);
  for (uint32_t i = slot.first; i != SlotValue::kNone; i = values[i].next) {
    take(TestValue(test, values[i], values));
    if (truth == (all ? Truth::kFalse : Truth::kTrue)) break;
  }
  return truth;
}

namespace {

// What is known of a value that passes several tests.
struct Candidates {
  uint8_t types = kStringBit | kNumberBit | kBooleanBit | kArrayBit | kObjectBit;
  bool absent = true;
  bool integral = false;
  std::optional<std::vector<SlotValue>> finite;  // the only values left
  std::optional<std::pair<Number, bool>> low;    // a bound, and whether it is excluded
  std::optional<std::pair<Number, bool>> high;
  uint64_t length_min = 0;
  uint64_t length_max = UINT64_MAX;
  std::vector<std::string_view> prefixes;
  std::vector<std::string_view> suffixes;
};

uint8_t TypesOf(const std::vector<SlotValue>& values) noexcept {
  uint8_t types = 0;
  for (const SlotValue& value : values) types = static_cast<uint8_t>(types | TypeBitsOf(value));
  return types;
}

std::pair<uint64_t, uint64_t> LengthOf(Format format) noexcept {
  switch (format) {
    case Format::kUuid:
      return {36, 36};
    case Format::kEmail:
      return {3, 254};
    case Format::kIpv4:
      return {7, 15};
    case Format::kIpv6:
      return {2, 45};
    case Format::kDate:
      return {10, 10};
    case Format::kDateTime:
      return {20, UINT64_MAX};
    case Format::kHostname:
      return {1, 253};
    case Format::kUri:
      return {2, UINT64_MAX};
  }
  return {0, UINT64_MAX};
}

void Narrow(Candidates& c, const Test& test) {
  const bool positive = !test.negated;
  if (test.op == Operator::kExists) {
    if (positive) {
      c.absent = false;
    } else {
      c.types = 0;
    }
    return;
  }
  c.absent = false;
  uint8_t testable = kStringBit;
  switch (test.op) {
    case Operator::kEq:
    case Operator::kIn: {
      const std::vector<SlotValue> values =
          test.op == Operator::kEq ? std::vector<SlotValue>{test.value} : test.set->values();
      testable = TypesOf(values);
      if (positive && !c.finite) c.finite = values;
      break;
    }
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte: {
      testable = kNumberBit;
      const bool upper = test.op == Operator::kLt || test.op == Operator::kLte;
      const bool open = test.op == Operator::kLt || test.op == Operator::kGt;
      auto& bound = upper ? c.high : c.low;
      const auto order = bound ? Compare(test.value.number(), bound->first) : std::strong_ordering::equal;
      if (!bound || (upper ? order < 0 : order > 0)) {
        bound = {test.value.number(), open};
      } else if (order == 0) {
        bound->second |= open;
      }
      break;
    }
    case Operator::kContains:
      testable = test.value.type == Type::kString ? kStringBit | kArrayBit : kArrayBit;
      break;
    case Operator::kStartsWith:
      c.prefixes.push_back(test.value.text());
      break;
    case Operator::kEndsWith:
      c.suffixes.push_back(test.value.text());
      break;
    case Operator::kType:
      testable = test.types;
      if ((testable & kIntegerBit) != 0 && (testable & kNumberBit) == 0) {
        testable |= kNumberBit;
        c.integral = true;
      }
      break;
    case Operator::kFormat: {
      const auto [shortest, longest] = LengthOf(test.format);
      c.length_min = std::max(c.length_min, shortest);
      c.length_max = std::min(c.length_max, longest);
      break;
    }
    case Operator::kMinLength:
      testable = kStringBit | kArrayBit | kObjectBit;
      c.length_min = std::max(c.length_min, test.length);
      break;
    case Operator::kMaxLength:
      testable = kStringBit | kArrayBit | kObjectBit;
      c.length_max = std::min(c.length_max, test.length);
      break;
    default:
      break;
  }
  c.types &= testable;
}

bool PassesAll(const std::vector<const Test*>& tests, const SlotValue& value) {
  return std::all_of(tests.begin(), tests.end(),
                     [&](const Test* test) { return TestValue(*test, value, nullptr) == Truth::kTrue; });
}

bool NumberCanPass(const Candidates& c, const std::vector<const Test*>& tests) {
  if (!c.low || !c.high) return true;
  const std::strong_ordering order = Compare(c.low->first, c.high->first);
  if (order > 0) return false;
  if (order == 0) {
    return !c.low->second && !c.high->second && PassesAll(tests, SlotValue::Of(c.low->first));
  }
  if (!c.integral) return true;
  // An integer between the two: the first one above the lower bound.
  const Number low = Canonical(c.low->first);
  Number first = low;
  if (low.kind == Number::Kind::kDouble) {
    first = Canonical(Number::Double(std::ceil(low.d)));
  } else if (c.low->second) {
    if (low.kind == Number::Kind::kInt64) {
      first = low.i == INT64_MAX ? Number::Uint(uint64_t{1} << 63) : Number::Int(low.i + 1);
    } else if (low.u == UINT64_MAX) {
      return true;
    } else {
      first = Number::Uint(low.u + 1);
    }
  }
  const std::strong_ordering below = Compare(first, c.high->first);
  return below < 0 || (below == 0 && !c.high->second);
}

bool StringCanPass(const Candidates& c) {
  const auto longest = [](const std::vector<std::string_view>& texts) {
    return texts.empty()
               ? std::string_view()
               : *std::max_element(texts.begin(), texts.end(), [](std::string_view a, std::string_view b) {
                   return a.size() < b.size();
                 });
  };
  const std::string_view prefix = longest(c.prefixes);
  const std::string_view suffix = longest(c.suffixes);
  for (const std::string_view p : c.prefixes) {
    if (!prefix.starts_with(p)) return false;
  }
  for (const std::string_view s : c.suffixes) {
    if (!suffix.ends_with(s)) return false;
  }
  return std::max(CountCodePoints(prefix), CountCodePoints(suffix)) <= c.length_max;
}

}  // namespace

bool CanPassTogether(const std::vector<const Test*>& tests, bool of_arguments) {
  Candidates c;
  if (of_arguments) {
    c.types = kObjectBit;
    c.absent = false;
  }
  for (const Test* test : tests) Narrow(c, *test);
  if (c.absent) return true;
  if (c.finite && !of_arguments) {
    return std::any_of(c.finite->begin(), c.finite->end(),
                       [&](const SlotValue& value) { return PassesAll(tests, value); });
  }
  if ((c.types & kBooleanBit) != 0 &&
      (PassesAll(tests, SlotValue::OfBoolean(true)) || PassesAll(tests, SlotValue::OfBoolean(false)))) {
    return true;
  }
  if ((c.types & kNumberBit) != 0 && NumberCanPass(c, tests)) return true;
  if (c.length_min > c.length_max) return false;
  if ((c.types & kStringBit) != 0 && StringCanPass(c)) return true;
  return (c.types & (kArrayBit | kObjectBit)) != 0;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
