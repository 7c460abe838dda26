#ifndef CALLWARDEN_LIB_SLOT_VALUE_H_
#define CALLWARDEN_LIB_SLOT_VALUE_H_

#include <concepts>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

#include "lib/number.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What a path met in a call. All zero is absent, so that slots are cleared in one go.
struct SlotValue {
  enum class Type : uint8_t {
    kAbsent = 0,
    kMismatch,    ///< a step of the path met a value of the wrong type
    kUntestable,  ///< a number that is not finite: of no type that any operator tests
    kString,
    kBoolean,
    kNumber,
    kArray,
    kObject,
    kList,  ///< the values of a path with `[*]`, chained from `first`
  };
  static constexpr uint32_t kNone = 0;  ///< no value is chained at 0, where the slots are

  Type type = Type::kAbsent;
  Number::Kind number_kind = Number::Kind::kInt64;
  bool boolean = false;
  uint32_t size = 0;       ///< bytes of a string, items, members, values of a list
  uint32_t first = kNone;  ///< kList: its first value; kArray: its first item where `contains` tests it
  uint32_t last = kNone;
  uint32_t next = kNone;  ///< the next value of the same list or array
  union {
    const char* string = nullptr;
    int64_t i;
    uint64_t u;
    double d;
  };

  std::string_view text() const noexcept { return {string, size}; }
  Number number() const noexcept {
    Number n;
    n.kind = number_kind;
    n.u = u;
    return n;
  }

  /// kList: which kinds of nothing its values hold. Kept as marks, since meeting one twice changes nothing.
  bool list_has_absent() const noexcept { return (u & 1) != 0; }
  bool list_has_mismatch() const noexcept { return (u & 2) != 0; }
  void MarkAbsent() noexcept { u |= 1; }
  void MarkMismatch() noexcept { u |= 2; }

  // Written field by field where it stays: a value put together elsewhere and copied would be read again, by
  // the vector, before its parts have left the store buffer.
  void Set(Type of) noexcept { type = of; }
  void Set(std::string_view text) noexcept {
    type = Type::kString;
    size = static_cast<uint32_t>(text.size());
    string = text.data();
  }
  void Set(Number number) noexcept {
    type = Type::kNumber;
    number_kind = number.kind;
    u = number.u;
  }
  void Set(std::same_as<bool> auto value) noexcept {
    type = Type::kBoolean;
    boolean = value;
  }
  void Set(const SlotValue& value) noexcept { *this = value; }
  template <class Source>
  static SlotValue Of(const Source& source) noexcept {
    SlotValue v;
    v.Set(source);
    return v;
  }
  static SlotValue OfBoolean(bool value) noexcept { return Of(value); }
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_VALUE_H_
