#ifndef CALLWARDEN_LIB_DIAGNOSTICS_H_
#define CALLWARDEN_LIB_DIAGNOSTICS_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/policy.h"

#include "lib/json_tree.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Where in a document the reader stands: a chain on the stack, from which a JSON Pointer is only built when
/// there is something to say.
class Where {
 public:
  Where() = default;  // the document
  Where(const Where& parent, std::string_view member) noexcept : parent_(&parent), member_(member) {}
  Where(const Where& parent, std::size_t item) noexcept : parent_(&parent), item_(item), is_item_(true) {}
  std::string Pointer() const;

 private:
  const Where* parent_ = nullptr;
  std::string_view member_;
  std::size_t item_ = 0;
  bool is_item_ = false;
};

/// Collects diagnostics, and locates and orders them at the end.
class Diagnostics {
 public:
  void Error(std::string_view code, const Where& where, std::size_t offset, std::string message,
             std::string hint = {}) {
    ++errors_;
    Add(Severity::kError, code, where, offset, std::move(message), std::move(hint));
  }
  void Warning(std::string_view code, const Where& where, std::size_t offset, std::string message,
               std::string hint = {}) {
    Add(Severity::kWarning, code, where, offset, std::move(message), std::move(hint));
  }
  /// The same, with the pointer at hand.
  void WarningAt(std::string_view code, std::string pointer, std::size_t offset, std::string message);
  std::size_t errors() const noexcept { return errors_; }
  /// In the order of the text.
  std::vector<Diagnostic> Take(std::string_view text);

 private:
  struct Found {
    std::size_t offset;
    Diagnostic diagnostic;
  };
  void Add(Severity severity, std::string_view code, const Where& where, std::size_t offset,
           std::string message, std::string hint);
  std::vector<Found> found_;
  std::size_t errors_ = 0;
};

/// `did you mean "NAME"?` when one known name is close to `name`; else, when they are few, the names that
/// are known there.
std::string Suggest(std::string_view name, std::span<const std::string_view> known);

/// What to say of a text that stops being JSON at that byte.
std::string DescribeInvalidJson(std::string_view text, std::size_t invalid_at);

/// A member that an object may have, and where it was found.
struct KnownKey {
  std::string_view name;
  const JsonMember* member = nullptr;
  const JsonValue* value() const noexcept { return member == nullptr ? nullptr : &member->value; }
};

/// Finds the members of an object among `keys`; unknown and repeated ones are errors. The first of repeated
/// members counts.
void ReadMembers(const JsonValue& object, const Where& where, std::span<KnownKey> keys,
                 Diagnostics& diagnostics);

/// Reports every value that nests too deep. To be asked once, of the root; other readers pass such values
/// over.
void ReportTooDeep(const JsonValue& value, const Where& where, Diagnostics& diagnostics);

/// Whether `value` is of that type; an error if not. `what` names it in the message.
bool CheckType(const JsonValue& value, JsonValue::Type type, const Where& where, std::string_view what,
               Diagnostics& diagnostics);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_DIAGNOSTICS_H_
