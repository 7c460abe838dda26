#ifndef TESTS_DIFFERENTIAL_JSON_H_
#define TESTS_DIFFERENTIAL_JSON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reference {

/// Wide enough for int64, uint64 and for what is computed from them here.
__extension__ typedef __int128 Int128;

struct Member;

/// A JSON value as a plain tree. Numbers written without fraction and exponent are integers, exact; all
/// others are the nearest double.
struct Value {
  enum class Type { kNull, kBoolean, kInteger, kReal, kString, kArray, kObject };

  // Not inline: Member is not complete here.
  Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  Type type = Type::kNull;
  bool boolean = false;
  Int128 integer = 0;
  double real = 0;
  std::string string;
  std::vector<Value> items;
  std::vector<Member> members;  // in document order
  /// Where the value stands in the text it was read from.
  std::size_t begin = 0;
  std::size_t end = 0;

  bool is_null() const { return type == Type::kNull; }
  bool is_boolean() const { return type == Type::kBoolean; }
  bool is_integer() const { return type == Type::kInteger; }
  bool is_number() const { return type == Type::kInteger || type == Type::kReal; }
  bool is_string() const { return type == Type::kString; }
  bool is_array() const { return type == Type::kArray; }
  bool is_object() const { return type == Type::kObject; }

  /// The member of that exact name, or null.
  const Value* Find(std::string_view name) const;
  Value* Find(std::string_view name);
  /// Appends a member and returns its value.
  Value& Add(std::string name, Value value);

  static Value Boolean(bool value);
  static Value Integer(Int128 value);
  static Value Real(double value);
  static Value String(std::string value);
  static Value Array(std::vector<Value> items = {});
  static Value Object();
};

struct Member {
  std::string name;
  Value value;
};

struct ReadLimits {
  std::size_t size_max_bytes = std::size_t{1} << 20;
  int depth_max = 64;
};

/// A tree, or why there is none.
struct ReadResult {
  std::optional<Value> value;
  std::string error;
  std::size_t offset = 0;  // of the error, in bytes
};

/// Reads one JSON text as section 6 of the policy language wants it: valid UTF-8, nothing before or after
/// but white space, no unpaired surrogate escapes, representable numbers, no object with two members of one
/// name, no member name with U+0000, bounded size and depth. The value may be of any type.
ReadResult ReadJson(std::string_view text, const ReadLimits& limits);

/// ReadJson with room for whole policy test files.
ReadResult ReadLargeJson(std::string_view text);

/// Whether section 6 accepts `text` as the arguments of a call, as far as no policy is needed to say so.
bool AcceptsArguments(std::string_view text, std::size_t max_bytes, int max_depth);

/// Whether the bytes are valid UTF-8; the offset of the first that is not goes to `offset`.
bool IsUtf8(std::string_view text, std::size_t* offset = nullptr);

/// Appends the UTF-8 form of a code point.
void AppendUtf8(std::string& out, uint32_t code_point);

/// Writes a value as compact JSON that reads back as the same tree.
std::string WriteJson(const Value& value);
/// Writes a string as JSON, with its quotes.
std::string WriteString(std::string_view text);
/// Writes a double as JSON that reads back as a double of the same bits; one that is not finite, which only a
/// host attribute can be, as a number that no reader takes.
std::string WriteReal(double value);
std::string WriteInteger(Int128 value);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_JSON_H_
