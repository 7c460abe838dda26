#ifndef CALLWARDEN_ATTRIBUTE_H_
#define CALLWARDEN_ATTRIBUTE_H_

#include <concepts>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

/// A string, boolean or number that the host vouches for. Borrows string data.
///
/// Thread safety: a value; const members may be called from any thread.
/// Ownership: a string is a view of the host's bytes, which must outlive the value.
class AttributeValue {
 public:
  enum class Type : uint8_t { kString = 0, kBoolean, kInt64, kUint64, kDouble };

  constexpr AttributeValue() noexcept : AttributeValue(std::string_view()) {}
  constexpr AttributeValue(std::string_view value) noexcept  // NOLINT(google-explicit-constructor)
      : type_(Type::kString), size_(value.size()), string_(value.data()) {}
  constexpr AttributeValue(const char* value) noexcept  // NOLINT(google-explicit-constructor)
      : AttributeValue(std::string_view(value)) {}
  constexpr AttributeValue(std::same_as<bool> auto value) noexcept  // NOLINT(google-explicit-constructor)
      : type_(Type::kBoolean), boolean_(value) {}
  template <std::signed_integral T>
  constexpr AttributeValue(T value) noexcept  // NOLINT(google-explicit-constructor)
      : type_(Type::kInt64), int64_(value) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) constexpr AttributeValue(
      T value) noexcept  // NOLINT(google-explicit-constructor)
      : type_(Type::kUint64), uint64_(value) {}
  constexpr AttributeValue(double value) noexcept  // NOLINT(google-explicit-constructor)
      : type_(Type::kDouble), double_(value) {}

  constexpr Type type() const noexcept { return type_; }
  /// The value; each only when type() says so, otherwise zero or empty.
  constexpr std::string_view string() const noexcept {
    return type_ == Type::kString ? std::string_view(string_, size_) : std::string_view();
  }
  constexpr bool boolean() const noexcept { return type_ == Type::kBoolean && boolean_; }
  constexpr int64_t int64() const noexcept { return type_ == Type::kInt64 ? int64_ : 0; }
  constexpr uint64_t uint64() const noexcept { return type_ == Type::kUint64 ? uint64_ : 0; }
  constexpr double real() const noexcept { return type_ == Type::kDouble ? double_ : 0; }

 private:
  Type type_;
  std::size_t size_ = 0;
  union {
    const char* string_;
    bool boolean_;
    int64_t int64_;
    uint64_t uint64_;
    double double_;
  };
};

/// A named attribute of a grant or of a call's context, readable in policies as `grant.NAME` or
/// `context.NAME`. Borrows both its parts; where one name occurs twice, the first counts.
struct Attribute {
  std::string_view name = {};
  AttributeValue value = {};
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_ATTRIBUTE_H_
