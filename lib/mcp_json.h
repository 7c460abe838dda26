#ifndef CALLWARDEN_LIB_MCP_JSON_H_
#define CALLWARDEN_LIB_MCP_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

#include "lib/scratch.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A JSON string: where it stands, quotes included, and what it says.
struct JsonText {
  std::string_view raw;
  std::string_view value;       ///< a view of the text, or of the cursor's memory when it has escapes
  bool lone_surrogate = false;  ///< only from a lenient cursor; `value` then is not UTF-8
};

/// Reads one JSON text piece by piece, each byte once: RFC 8259, strict UTF-8. Whoever drives it enters the
/// objects that matter and skips the rest, which is checked on the way.
///
/// Strict: an unpaired surrogate escape is bad syntax; duplicate member names and numbers that have no exact
/// or finite form are noted (fault_at_root, fault_below) and reading goes on. Lenient: neither is looked at.
/// Bad syntax and nesting too deep end it: every function returns false from then on.
///
/// Thread safety: one thread at a time. Ownership: texts point into the input or into the cursor, until the
/// next Start. Allocation: grows to the largest text and the most names seen, and stays. Iterative, so depth
/// costs no stack. Complexity: linear, but for the sorting of the names of objects with many members.
class JsonCursor {
 public:
  enum class Failure : uint8_t { kNone, kSyntax, kTooDeep, kNoMemory };
  enum class Step : uint8_t { kMember, kEnd, kFailed };

  void Start(std::string_view text, uint32_t depth_max, bool strict) noexcept;
  void set_strict(bool strict) noexcept { strict_ = strict; }

  Failure failure() const noexcept { return failure_; }
  /// Duplicates and bad numbers, in the outermost container and below it.
  bool fault_at_root() const noexcept { return fault_at_root_; }
  bool fault_below() const noexcept { return fault_below_; }

  /// The first byte of the next value; NUL at the end of the text. Skips white space.
  char Peek() noexcept {
    SkipSpace();
    return at_ == end_ ? '\0' : *at_;
  }
  std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view text() const noexcept { return {begin_, static_cast<std::size_t>(end_ - begin_)}; }
  std::string_view Since(std::size_t position) const noexcept {
    return {begin_ + position, static_cast<std::size_t>(at_ - begin_) - position};
  }

  /// Enters the object or array that comes next.
  bool Enter() noexcept;
  /// In an object: reads the next member's name and stands before its value, or leaves the object.
  Step NextMember(JsonText& name) noexcept;
  /// In an array: stands before the next item, or leaves the array.
  Step NextItem() noexcept;
  /// Reads the string that comes next; fails on anything else.
  bool ReadText(JsonText& text) noexcept;
  /// Passes over one value of any kind.
  bool SkipValue() noexcept;
  /// Passes over an object up to its closing brace, looking only at strings and brackets. What it passes over
  /// is an object only if somebody finds, later, that these very bytes are one.
  bool SkipUnread() noexcept;
  /// Passes over the `size` bytes that come next, one value which somebody else has read.
  void Pass(std::size_t size) noexcept { at_ += size; }
  /// Whether nothing but white space is left; otherwise it fails.
  bool AtEnd() noexcept;

 private:
  struct Frame {
    bool object = false;
    bool begun = false;   // a member or item has come
    bool strict = false;  // its names are kept
    uint32_t names = 0;   // its part of names_
    uint64_t marks = 0;   // a bit for each name so far: a name whose bit is not set is new
  };
  static constexpr std::size_t kNamesLinearMax = 12;

  bool Fail(Failure failure) noexcept {
    if (failure_ == Failure::kNone) failure_ = failure;
    at_ = end_;
    return false;
  }
  void Note() noexcept { (frames_.size() <= 1 ? fault_at_root_ : fault_below_) = true; }
  void SkipSpace() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool Open(bool object) noexcept;
  bool Close() noexcept;
  Step Next(char close) noexcept;
  bool ReadName(JsonText& name) noexcept;
  bool KeepName(std::string_view name) noexcept;
  void CheckNames(std::size_t begin) noexcept;
  bool SkipScalar() noexcept;
  bool SkipNumber() noexcept;
  bool SkipWord(std::string_view word) noexcept;
  // Leaves a string that has no escapes, from `begin` to its closing quote at `end`.
  template <bool kKeep>
  bool TakeString(const char* begin, const char* end, JsonText* text) noexcept {
    if constexpr (kKeep) {
      text->raw = {begin - 1, static_cast<std::size_t>(end + 1 - (begin - 1))};
      text->value = {begin, static_cast<std::size_t>(end - begin)};
      text->lone_surrogate = false;
    }
    at_ = end + 1;
    return true;
  }
  template <bool kKeep>
  bool ReadString(JsonText* text) noexcept;
  template <bool kKeep>
  bool ReadLongString(JsonText* text) noexcept;
  template <bool kKeep>
  bool ReadEscapes(const char* begin, const char* p, JsonText* text) noexcept;
  bool ReadUnit(const char*& p, uint32_t& unit) const noexcept;

  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint32_t depth_max_ = 0;
  bool strict_ = true;
  Failure failure_ = Failure::kNone;
  bool fault_at_root_ = false;
  bool fault_below_ = false;
  ScratchVector<Frame> frames_;
  ScratchVector<std::string_view> names_;  // of the open objects
  ScratchVector<char> arena_;              // what strings with escapes say
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MCP_JSON_H_
