#ifndef CALLWARDEN_LIB_CANONICAL_H_
#define CALLWARDEN_LIB_CANONICAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/arguments.h"
#include "callwarden/config.h"

#include "lib/argument_checks.h"
#include "lib/number.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Takes the events of one walk over arguments and writes their canonical form: RFC 8785, except that an
/// integral number in [-2^63, 2^64) is printed exactly, however it was written. Numbers of equal value
/// (Compare, number.h) so have one form and others never do.
///
/// Refuses what section 6 of the policy language asks of any document: not one object, too deep, a name twice
/// or with U+0000. Texts must be valid UTF-8 already.
///
/// Thread safety: one thread at a time. Ownership: names are borrowed until the object that they are in has
/// ended. Complexity: O(n log n) in the members of an object; an object whose members come unsorted moves
/// its bytes once, so a byte moves at most once a level.
class CanonicalWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit CanonicalWriter(std::string& out, const ArgumentChecks& checks = {})
      : out_(out), checks_(checks) {}
  CanonicalWriter(const CanonicalWriter&) = delete;  // keeps a reference
  CanonicalWriter& operator=(const CanonicalWriter&) = delete;

  // The events. Each returns false once the arguments are refused; further ones are then ignored.
  bool BeginObject() { return Begin(true); }
  bool Name(std::string_view name);
  bool EndObject() { return End(true); }
  bool BeginArray() { return Begin(false); }
  bool EndArray() { return End(false); }
  bool String(std::string_view value);
  bool Number(internal::Number value);
  bool Boolean(bool value) { return Word(value ? "true" : "false"); }
  bool Null() { return Word("null"); }
  bool Refuse() noexcept {
    refused_ = true;
    return false;
  }

  /// Walks one JSON text (strictly), or a host's own value, which is then all there is to write. False when
  /// it is refused; what was appended is then of no use.
  bool Read(std::string_view text);
  bool Walk(const ArgumentSource& source);

  /// To be asked after the last event: whether it was exactly one object and nothing was refused.
  bool Finish() const noexcept { return !refused_ && seen_root_ && frames_.empty(); }

 private:
  struct Frame {
    bool object = false;
    bool sorted = true;       ///< members came in their order so far
    std::size_t count = 0;    ///< members or items so far
    std::size_t begin = 0;    ///< of what follows the bracket, in out_
    std::size_t members = 0;  ///< its part of members_
  };
  struct Member {
    std::string_view name;
    std::size_t begin = 0;  ///< of the quoted name, in out_
    std::size_t end = 0;    ///< of the value
  };

  bool BeginValue();
  bool Begin(bool object);
  bool End(bool object);
  bool Word(std::string_view word);
  bool Fits(std::size_t size) noexcept;
  bool Sort(const Frame& frame);

  std::string& out_;
  ArgumentChecks checks_;
  bool refused_ = false;
  bool seen_root_ = false;
  bool named_ = false;    // a name has come and its value has not
  std::size_t size_ = 0;  // of all names and strings together
  std::vector<Frame> frames_;
  std::vector<Member> members_;  // of the objects that are open
  std::string sorting_;
};

/// How RFC 8785 orders names: by their UTF-16 code units. Both are valid UTF-8.
bool Utf16Less(std::string_view a, std::string_view b) noexcept;
/// Appends a number as ECMAScript prints it (Number::toString), or exactly when it is an integer in
/// [-2^63, 2^64).
void AppendCanonicalNumber(Number number, std::string& out);
/// Appends a JSON string with as few escapes as JSON allows.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_CANONICAL_H_
