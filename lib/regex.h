#ifndef CALLWARDEN_LIB_REGEX_H_
#define CALLWARDEN_LIB_REGEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A regular expression, searched for anywhere in a text. Patterns that are a plain literal, anchored or not,
/// are compared without RE2.
///
/// Thread safety: immutable; Matches may be called from any thread.
class Regex {
 public:
  enum class Status : uint8_t { kOk, kInvalid, kTooLarge };
  struct Result {
    Status status = Status::kOk;
    std::string error;  ///< why it is invalid
    uint32_t program_size = 0;
    std::unique_ptr<const Regex> regex;
  };
  static Result Compile(std::string_view pattern, uint32_t program_size_max);

  ~Regex();
  Regex(const Regex&) = delete;  // shared by pointer
  Regex& operator=(const Regex&) = delete;

  /// Complexity: linear in the text. Allocation: none for a literal; RE2 may allocate and lock while its
  /// automaton grows.
  bool Matches(std::string_view text) const noexcept;

 private:
  enum class Kind : uint8_t { kContains, kStartsWith, kEndsWith, kEqual, kRe2 };
  struct Impl;
  Regex();
  bool ReadLiteral(std::string_view pattern);

  Kind kind_ = Kind::kRe2;
  std::string literal_;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_REGEX_H_
