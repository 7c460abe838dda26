#ifndef CALLWARDEN_LIB_CONDITION_H_
#define CALLWARDEN_LIB_CONDITION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/explain.h"

#include "lib/formats.h"
#include "lib/number.h"
#include "lib/regex.h"
#include "lib/slot_value.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The operators, with `neq` and `not_in` as negations of kEq and kIn.
enum class Operator : uint8_t {
  kEq,
  kIn,
  kLt,
  kLte,
  kGt,
  kGte,
  kExists,
  kRegex,
  kContains,
  kStartsWith,
  kEndsWith,
  kGlob,
  kType,
  kFormat,
  kMinLength,
  kMaxLength,
};

/// Bits of the types that `type` names. A number with an integral value has both of its bits.
enum TypeBit : uint8_t {
  kStringBit = 1,
  kNumberBit = 2,
  kIntegerBit = 4,
  kBooleanBit = 8,
  kArrayBit = 16,
  kObjectBit = 32,
};

/// Whether two strings, numbers or booleans are `eq`; false for other types.
bool EqualValues(const SlotValue& a, const SlotValue& b) noexcept;
/// The same for values that are equal. For tables of the policy's own constants: it has no key.
uint64_t HashValue(const SlotValue& value) noexcept;

/// The constants of `in`: strings, numbers and booleans, found by hash when they are many.
class ValueSet {
 public:
  /// Strings are borrowed.
  explicit ValueSet(std::vector<SlotValue> values);
  bool Contains(const SlotValue& value) const noexcept;
  /// Whether a constant of the value's type is among them.
  bool HasType(SlotValue::Type type) const noexcept {
    return (types_ >> static_cast<unsigned>(type) & 1) != 0;
  }
  const std::vector<SlotValue>& values() const noexcept { return values_; }
  std::size_t bytes() const noexcept;

 private:
  static constexpr std::size_t kLinearMax = 8;
  std::size_t Place(const SlotValue& value) const noexcept;
  std::vector<SlotValue> values_;
  std::vector<uint32_t> table_;  // 1 + index into values_, 0 for an empty place; a power of two long
  uint8_t types_ = 0;
};

// Where a test's jumps lead when they leave the rule.
inline constexpr uint32_t kRuleHolds = 0xFFFFFFFEu;
inline constexpr uint32_t kRuleFails = 0xFFFFFFFFu;

/// One instruction: a test on a slot, and the tests to go on with. `not` has been pushed down into
/// `negated`, and since a list's outcome is only asked against one bar (true for `require`, not false for
/// the others), Kleene's connectives have become jumps.
struct alignas(64) Test {
  Operator op = Operator::kEq;
  bool negated = false;   ///< an odd number of negations, `neq`, `not_in` and `exists: false` included
  bool wildcard = false;  ///< the slot holds a list
  uint8_t types = 0;      ///< kType
  Format format = Format::kUuid;
  uint32_t slot = 0;
  uint32_t if_passed = kRuleHolds;
  uint32_t if_not = kRuleFails;
  SlotValue value;  ///< scalar operand; strings live in the program
  union {
    const ValueSet* set;
    const Regex* regex;
    uint64_t length = 0;
  };
};

/// What a test was in the document, for explanations.
struct TestSource {
  std::string_view path;
  std::string_view op;
  std::string_view value;  ///< as JSON text
  bool under_not = false;
};

/// Whether elements under `[*]` must all pass, or any.
enum class Quantifier : uint8_t { kAll, kAny };

/// What one value yields, section 4 of the language. `values` holds the items that `contains` looks at.
Truth TestValue(const Test& test, const SlotValue& value, const SlotValue* values) noexcept;
/// What a test yields over its slot, `[*]` included.
Truth TestSlot(const Test& test, const SlotValue& slot, const SlotValue* values,
               Quantifier quantifier) noexcept;

/// Whether one value, or (when `of_arguments`) an object, could pass all of these tests at once; true also
/// when that cannot be told.
bool CanPassTogether(const std::vector<const Test*>& tests, bool of_arguments);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_CONDITION_H_
