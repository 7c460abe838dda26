#include "tests/differential/json.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>
#include <utility>

namespace reference {

Value::Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

const Value* Value::Find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Value* Value::Find(std::string_view name) {
  for (Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Value& Value::Add(std::string name, Value value) {
  members.push_back(Member{std::move(name), std::move(value)});
  return members.back().value;
}

Value Value::Boolean(bool value) {
  Value out;
  out.type = Type::kBoolean;
  out.boolean = value;
  return out;
}

Value Value::Integer(Int128 value) {
  Value out;
  out.type = Type::kInteger;
  out.integer = value;
  return out;
}

Value Value::Real(double value) {
  Value out;
  out.type = Type::kReal;
  out.real = value;
  return out;
}

Value Value::String(std::string value) {
  Value out;
  out.type = Type::kString;
  out.string = std::move(value);
  return out;
}

Value Value::Array(std::vector<Value> items) {
  Value out;
  out.type = Type::kArray;
  out.items = std::move(items);
  return out;
}

Value Value::Object() {
  Value out;
  out.type = Type::kObject;
  return out;
}

bool IsUtf8(std::string_view text, std::size_t* offset) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;  // 0 is no continuation byte
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  std::size_t i = 0;
  while (i < text.size()) {
    const unsigned lead = byte(i);
    uint32_t code_point = 0;
    std::size_t size = 0;
    uint32_t smallest = 0;
    if (lead < 0x80) {
      i += 1;
      continue;
    }
    if (lead >= 0xC0 && lead < 0xE0) {
      size = 2, smallest = 0x80, code_point = lead & 0x1Fu;
    } else if (lead >= 0xE0 && lead < 0xF0) {
      size = 3, smallest = 0x800, code_point = lead & 0x0Fu;
    } else if (lead >= 0xF0 && lead < 0xF8) {
      size = 4, smallest = 0x10000, code_point = lead & 0x07u;
    }
    bool good = size != 0;
    for (std::size_t k = 1; good && k < size; ++k) {
      good = continues(i + k);
      code_point = code_point << 6 | (byte(i + k) & 0x3Fu);
    }
    good = good && code_point >= smallest && code_point <= 0x10FFFF;
    good = good && !(code_point >= 0xD800 && code_point <= 0xDFFF);
    if (!good) {
      if (offset != nullptr) *offset = i;
      return false;
    }
    i += size;
  }
  return true;
}

void AppendUtf8(std::string& out, uint32_t code_point) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

namespace {

/// Recursive descent, one function a production of RFC 8259. Every function returns false after Fail().
class Reader {
 public:
  Reader(std::string_view text, const ReadLimits& limits) : text_(text), limits_(limits) {}

  ReadResult Read() {
    ReadResult result;
    Value value;
    if (ReadText(value)) {
      result.value = std::move(value);
    } else {
      result.error = error_;
      result.offset = error_offset_;
    }
    return result;
  }

 private:
  bool Fail(const char* why, std::size_t offset) {
    error_ = why;
    error_offset_ = offset;
    return false;
  }

  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (!AtEnd() && (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r')) ++at_;
  }

  bool ReadText(Value& value) {
    if (text_.size() > limits_.size_max_bytes) return Fail("too long", limits_.size_max_bytes);
    std::size_t bad = 0;
    if (!IsUtf8(text_, &bad)) return Fail("not UTF-8", bad);
    SkipSpace();
    if (!ReadValue(value, 1)) return false;
    SkipSpace();
    if (!AtEnd()) return Fail("something after the value", at_);
    return true;
  }

  /// `depth` is that of an object or array that begins here.
  bool ReadValue(Value& value, int depth) {
    value.begin = at_;
    bool good = false;
    if (AtEnd()) return Fail("no value", at_);
    if (Peek() == '{') {
      good = ReadObject(value, depth);
    } else if (Peek() == '[') {
      good = ReadArray(value, depth);
    } else if (Peek() == '"') {
      value.type = Value::Type::kString;
      good = ReadString(value.string);
    } else if (Peek() == '-' || (Peek() >= '0' && Peek() <= '9')) {
      good = ReadNumber(value);
    } else {
      good = ReadWord(value);
    }
    value.end = at_;
    return good;
  }

  bool ReadWord(Value& value) {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("true")) {
      value = Value::Boolean(true);
      at_ += 4;
    } else if (rest.starts_with("false")) {
      value = Value::Boolean(false);
      at_ += 5;
    } else if (rest.starts_with("null")) {
      value = Value();
      at_ += 4;
    } else {
      return Fail("no value", at_);
    }
    return true;
  }

  bool ReadObject(Value& value, int depth) {
    if (depth > limits_.depth_max) return Fail("too deep", at_);
    value.type = Value::Type::kObject;
    std::set<std::string> names;
    Take('{');
    SkipSpace();
    if (Take('}')) return true;
    while (true) {
      SkipSpace();
      const std::size_t name_at = at_;
      Member member;
      if (Peek() != '"') return Fail("no member name", at_);
      if (!ReadString(member.name)) return false;
      if (member.name.find('\0') != std::string::npos) return Fail("U+0000 in a member name", name_at);
      if (!names.insert(member.name).second) return Fail("duplicate member name", name_at);
      SkipSpace();
      if (!Take(':')) return Fail("no colon", at_);
      SkipSpace();
      if (!ReadValue(member.value, depth + 1)) return false;
      value.members.push_back(std::move(member));
      SkipSpace();
      if (Take('}')) return true;
      if (!Take(',')) return Fail("no comma", at_);
    }
  }

  bool ReadArray(Value& value, int depth) {
    if (depth > limits_.depth_max) return Fail("too deep", at_);
    value.type = Value::Type::kArray;
    Take('[');
    SkipSpace();
    if (Take(']')) return true;
    while (true) {
      SkipSpace();
      Value item;
      if (!ReadValue(item, depth + 1)) return false;
      value.items.push_back(std::move(item));
      SkipSpace();
      if (Take(']')) return true;
      if (!Take(',')) return Fail("no comma", at_);
    }
  }

  bool ReadHex4(uint32_t& unit) {
    unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = Peek();
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<uint32_t>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<uint32_t>(c - 'A') + 10;
      } else {
        return Fail("bad escape", at_);
      }
      unit = unit * 16 + digit;
      ++at_;
    }
    return true;
  }

  bool ReadString(std::string& out) {
    Take('"');
    while (true) {
      if (AtEnd()) return Fail("unfinished string", at_);
      const std::size_t char_at = at_;
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return Fail("control character in a string", char_at);
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      if (AtEnd()) return Fail("unfinished string", at_);
      const char escape = text_[at_++];
      switch (escape) {
        case '"':
        case '\\':
        case '/':
          out.push_back(escape);
          break;
        case 'b':
          out.push_back('\b');
          break;
        case 'f':
          out.push_back('\f');
          break;
        case 'n':
          out.push_back('\n');
          break;
        case 'r':
          out.push_back('\r');
          break;
        case 't':
          out.push_back('\t');
          break;
        case 'u': {
          uint32_t unit = 0;
          if (!ReadHex4(unit)) return false;
          if (unit >= 0xDC00 && unit <= 0xDFFF) return Fail("unpaired surrogate", char_at);
          if (unit >= 0xD800 && unit <= 0xDBFF) {
            uint32_t low = 0;
            if (!Take('\\') || !Take('u')) return Fail("unpaired surrogate", char_at);
            if (!ReadHex4(low)) return false;
            if (low < 0xDC00 || low > 0xDFFF) return Fail("unpaired surrogate", char_at);
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
          }
          AppendUtf8(out, unit);
          break;
        }
        default:
          return Fail("bad escape", char_at);
      }
    }
  }

  bool ReadDigits() {
    const std::size_t start = at_;
    while (!AtEnd() && Peek() >= '0' && Peek() <= '9') ++at_;
    return at_ > start;
  }

  bool ReadNumber(Value& value) {
    const std::size_t start = at_;
    bool integral = true;
    const bool negative = Take('-');
    const std::size_t digits_at = at_;
    if (!ReadDigits()) return Fail("bad number", at_);
    if (text_[digits_at] == '0' && at_ - digits_at > 1) return Fail("leading zero", digits_at);
    const std::string_view digits = text_.substr(digits_at, at_ - digits_at);
    if (Take('.')) {
      integral = false;
      if (!ReadDigits()) return Fail("bad number", at_);
    }
    if (Take('e') || Take('E')) {
      integral = false;
      if (!Take('+')) Take('-');
      if (!ReadDigits()) return Fail("bad number", at_);
    }
    if (integral) {
      if (digits.size() > 20) return Fail("number out of range", start);
      Int128 whole = 0;
      for (const char c : digits) whole = whole * 10 + (c - '0');
      if (negative) whole = -whole;
      const Int128 two63 = Int128{1} << 63;
      if (whole < -two63 || whole >= 2 * two63) return Fail("number out of range", start);
      value = Value::Integer(whole);
    } else {
      // strtod rounds to the nearest double, and to zero when there is none above it.
      const double real = std::strtod(std::string(text_.substr(start, at_ - start)).c_str(), nullptr);
      if (!std::isfinite(real)) return Fail("number out of range", start);
      value = Value::Real(real);
    }
    value.begin = start;
    return true;
  }

  std::string_view text_;
  ReadLimits limits_;
  std::size_t at_ = 0;
  std::string error_;
  std::size_t error_offset_ = 0;
};

void Write(const Value& value, std::string& out) {
  switch (value.type) {
    case Value::Type::kNull:
      out += "null";
      break;
    case Value::Type::kBoolean:
      out += value.boolean ? "true" : "false";
      break;
    case Value::Type::kInteger:
      out += WriteInteger(value.integer);
      break;
    case Value::Type::kReal:
      out += WriteReal(value.real);
      break;
    case Value::Type::kString:
      out += WriteString(value.string);
      break;
    case Value::Type::kArray: {
      out += '[';
      bool first = true;
      for (const Value& item : value.items) {
        if (!first) out += ", ";
        first = false;
        Write(item, out);
      }
      out += ']';
      break;
    }
    case Value::Type::kObject: {
      out += '{';
      bool first = true;
      for (const Member& member : value.members) {
        if (!first) out += ", ";
        first = false;
        out += WriteString(member.name);
        out += ": ";
        Write(member.value, out);
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

ReadResult ReadJson(std::string_view text, const ReadLimits& limits) { return Reader(text, limits).Read(); }

ReadResult ReadLargeJson(std::string_view text) {
  return ReadJson(text, ReadLimits{.size_max_bytes = std::size_t{1} << 30, .depth_max = 512});
}

bool AcceptsArguments(std::string_view text, std::size_t max_bytes, int max_depth) {
  const ReadResult read = ReadJson(text, ReadLimits{.size_max_bytes = max_bytes, .depth_max = max_depth});
  return read.value && read.value->is_object();
}

std::string WriteJson(const Value& value) {
  std::string out;
  Write(value, out);
  return out;
}

std::string WriteString(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string WriteReal(double value) {
  if (!std::isfinite(value)) return value < 0 ? "-1e999" : "1e999";
  char buffer[64];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string out(buffer, written.ptr);
  // Without a fraction or an exponent it would read back as an integer.
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string WriteInteger(Int128 value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string digits;
  for (Int128 rest = negative ? -value : value; rest > 0; rest /= 10) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  }
  return negative ? "-" + digits : digits;
}

}  // namespace reference
