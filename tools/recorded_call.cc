#include "recorded_call.h"

#include <array>
#include <charconv>

#include "output.h"
#include "printable.h"
#include "tool_error.h"
#include "utc_time.h"

namespace callwarden::tool {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Takes the members of one JSON object apart, without looking into their values: those are read when they
/// are wanted, and arguments are judged by the library as they were written.
class MemberScanner {
 public:
  explicit MemberScanner(std::string_view text) : text_(text) {
    SkipBlanks();
    Expect('{');
  }
  /// False at the object's end.
  bool Next(std::string_view& name, std::string_view& value) {
    SkipBlanks();
    if (first_ && Peek() == '}') return End();
    if (!first_ && Peek() == '}') return End();
    if (!first_) Expect(',');
    first_ = false;
    SkipBlanks();
    const std::size_t name_begin = at_;
    SkipString();
    name = text_.substr(name_begin + 1, at_ - name_begin - 2);
    SkipBlanks();
    Expect(':');
    SkipBlanks();
    const std::size_t begin = at_;
    SkipValue();
    value = text_.substr(begin, at_ - begin);
    if (value.empty()) Fail();
    return true;
  }

 private:
  [[noreturn]] void Fail() const { throw ToolError("not a JSON object"); }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipBlanks() {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  void Expect(char c) {
    if (Peek() != c) Fail();
    ++at_;
  }
  bool End() {
    ++at_;
    SkipBlanks();
    if (at_ != text_.size()) Fail();
    return false;
  }
  void SkipString() {
    Expect('"');
    for (; Peek() != '"'; ++at_) {
      if (at_ >= text_.size()) Fail();
      if (Peek() == '\\') ++at_;
    }
    ++at_;
  }
  void SkipValue() {
    for (std::size_t depth = 0; at_ < text_.size();) {
      const char c = text_[at_];
      if (c == '"') {
        SkipString();
        if (depth == 0) return;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || kBlanks.find(c) != std::string_view::npos)) return;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        ++at_;
        if (--depth == 0) return;
        continue;
      }
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool first_ = true;
};

template <class T>
T NumberOf(std::string_view value) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) throw ToolError("a number was expected");
  return number;
}

std::string FromBase64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) throw ToolError("not base64");
    pending = pending << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(pending >> bits & 0xFF);
    }
  }
  return bytes;
}

Outcome OutcomeOf(std::string_view name) {
  for (const Outcome outcome : {Outcome::kOk, Outcome::kError, Outcome::kLost, Outcome::kNotSent}) {
    if (Name(outcome) == name) return outcome;
  }
  throw ToolError("unknown outcome \"" + Printable(name) + "\"");
}

}  // namespace

/// A string's text; a view of the line when nothing in it is escaped.
std::string_view RecordedCall::Text(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') throw ToolError("a string was expected");
  const std::string_view inside = value.substr(1, value.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside;
  const nlohmann::json json = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!json.is_string()) throw ToolError("not a JSON string");
  return strings_.emplace_back(json.get<std::string>());
}

void RecordedCall::Attributes(std::string_view object, std::vector<Attribute>& attributes) {
  MemberScanner members(object);
  std::string_view name;
  std::string_view value;
  while (members.Next(name, value)) {
    Attribute attribute{.name = Text({name.data() - 1, name.size() + 2}), .value = {}};
    const nlohmann::json json = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
    if (json.is_string()) {
      attribute.value = Text(value);
    } else if (json.is_boolean()) {
      attribute.value = json.get<bool>();
    } else if (json.is_number_unsigned()) {
      attribute.value = json.get<uint64_t>();
    } else if (json.is_number_integer()) {
      attribute.value = json.get<int64_t>();
    } else if (json.is_number()) {
      attribute.value = json.get<double>();
    } else {
      throw ToolError("an attribute is a string, number or boolean");
    }
    attributes.push_back(attribute);
  }
}

void RecordedCall::Member(std::string_view name, std::string_view value) {
  if (name == "type") {
    type_ = Text(value);
  } else if (name == "tool") {
    tool_ = Text(value);
  } else if (name == "grant") {
    grant_ = Text(value);
  } else if (name == "session") {
    session_ = Text(value);
  } else if (name == "effect") {
    effect_ = Text(value);
  } else if (name == "reason") {
    reason_ = Text(value);
  } else if (name == "arguments") {
    arguments_ = value;
  } else if (name == "arguments_text") {
    arguments_ = Text(value);
  } else if (name == "arguments_base64") {
    arguments_ = strings_.emplace_back(FromBase64(Text(value)));
  } else if (name == "args_size") {
    has_size_ = NumberOf<uint64_t>(value) > 0;
  } else if (name == "args_malformed") {
    arguments_missing_ = true;
  } else if (name == "grant_attributes") {
    Attributes(value, grant_attributes_);
  } else if (name == "context") {
    Attributes(value, context_);
  } else if (name == "approved") {
    approved_ = value == "true";
  } else if (name == "approval") {
    has_approval_ = true;
  } else if (name == "seq") {
    sequence_ = NumberOf<uint64_t>(value);
  } else if (name == "decision") {
    decision_ = NumberOf<uint64_t>(value);
  } else if (name == "outcome") {
    outcome_ = OutcomeOf(Text(value));
  } else if (name == "time" || name == "at") {
    const auto time = ParseUtcTime(Text(value));
    if (!time.has_value()) throw ToolError("a time such as 2026-03-01T10:30:00Z was expected");
    time_ = *time;
  }
}

RecordedCall::Kind RecordedCall::Read(std::string_view line, const std::string& what, uint64_t number) {
  type_ = tool_ = session_ = effect_ = reason_ = {};
  grant_ = {};
  arguments_.reset();
  grant_attributes_.clear();
  context_.clear();
  approved_ = has_approval_ = has_size_ = arguments_missing_ = false;
  sequence_ = decision_ = 0;
  outcome_ = Outcome::kOk;
  strings_.clear();
  std::string_view name;
  try {
    MemberScanner members(line);
    std::string_view value;
    bool has_grant = false;
    while (members.Next(name, value)) {
      Member(name, value);
      has_grant = has_grant || name == "grant";
    }
    if (type_.empty() && !has_grant) grant_ = "default";  // as in policy test files
  } catch (const ToolError& error) {
    const std::string where = name.empty() ? std::string() : Printable(name) + ": ";
    throw ToolError(what + ":" + std::to_string(number) + ": " + where + error.what());
  }
  if (type_ == "completion") {
    sequence_ = decision_;
    return Kind::kCompletion;
  }
  if (!type_.empty() && type_ != "decision") return Kind::kOther;
  // A log tells of arguments by their size; those that it does not hold cannot be judged again.
  if ((has_size_ || arguments_missing_) && !arguments_.has_value()) return Kind::kNotRecorded;
  return Kind::kCall;
}

ToolCall RecordedCall::call() const {
  ToolCall call;
  call.tool = tool_;
  call.arguments = arguments_;
  call.grant = grant_;
  call.session = session_;
  call.grant_attributes = grant_attributes_;
  call.context = context_;
  // In a log, an approval that came with a call that was allowed was one for that call.
  call.approved = approved_ || (has_approval_ && effect_ == Name(Effect::kAllow));
  return call;
}

}  // namespace callwarden::tool
