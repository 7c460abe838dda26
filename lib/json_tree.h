#ifndef CALLWARDEN_LIB_JSON_TREE_H_
#define CALLWARDEN_LIB_JSON_TREE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"

#include "lib/number.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

struct JsonMember;

/// A JSON value with where it stands in its text.
struct JsonValue {
  enum class Type : uint8_t {
    kNull,
    kBoolean,
    kNumber,
    kUnrepresentable,  ///< a number that is neither an exact 64-bit integer nor a finite double
    kString,
    kArray,
    kObject,
    kTooDeep,  ///< an array or object below the depth bound, left unread
  };
  Type type = Type::kNull;
  bool boolean = false;
  uint32_t begin = 0;  ///< byte offsets
  uint32_t end = 0;
  Number number;
  std::string string;
  std::vector<JsonValue> items;
  std::vector<JsonMember> members;  ///< in the order of the text, duplicates included

  bool Is(Type t) const noexcept { return type == t; }
  /// The first member of that name, or null.
  const JsonValue* Find(std::string_view name) const noexcept;
};

struct JsonMember {
  std::string name;
  uint32_t name_begin = 0;
  JsonValue value;
};

/// A 1-based place in a text; the column counts code points.
struct TextPosition {
  uint32_t line = 1;
  uint32_t column = 1;
};

/// Finds lines and columns of byte offsets. Asked in ascending order, all answers together cost one walk
/// over the text.
class LineCursor {
 public:
  explicit LineCursor(std::string_view text) noexcept : text_(text) {}
  TextPosition At(std::size_t offset) noexcept;

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  TextPosition position_;
};

struct JsonTree {
  JsonValue root;
  /// Set when the text is not JSON: the byte at which no valid document could go on.
  std::optional<std::size_t> invalid_at;
  /// Some value is kTooDeep.
  bool too_deep = false;
};

/// Reads a whole text. Arrays and objects deeper than `depth_max` become kTooDeep.
JsonTree ParseJsonTree(std::string_view text, uint32_t depth_max);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_JSON_TREE_H_
