#include "raw_members.h"

#include "output.h"
#include "printable.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::size_t SkipBlanks(std::string_view text, std::size_t at) {
  const std::size_t next = text.find_first_not_of(kBlanks, at);
  return next == std::string_view::npos ? text.size() : next;
}

/// The offset after the string that begins at `at`.
std::size_t SkipString(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at < text.size() ? at + 1 : text.size();
}

/// The offset after the value that begins at `at`, in text known to be JSON.
std::size_t SkipValue(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}' || c == ']' || kBlanks.find(c) != std::string_view::npos)) {
      return at;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (--depth == 0) return at + 1;
    }
    ++at;
  }
  return at;
}

}  // namespace

std::vector<RawMember> RawMembers(std::string_view text, const std::string& what) {
  try {
    if (!Json::parse(text).is_object()) throw ToolError(what + " is not a JSON object");
  } catch (const Json::parse_error& error) {
    const std::string text_of_error = error.what();  // "[id] parse error at line 1, column 2: ..."
    throw ToolError(what + " is not JSON: " + Printable(text_of_error.substr(text_of_error.find("] ") + 2)));
  } catch (const Json::out_of_range&) {
    throw ToolError(what + " holds a number that is too large");
  }
  std::vector<RawMember> members;
  std::size_t at = SkipBlanks(text, 0) + 1;  // past the brace
  for (;;) {
    at = SkipBlanks(text, at);
    if (at >= text.size() || text[at] == '}') return members;
    if (text[at] == ',') at = SkipBlanks(text, at + 1);
    const std::size_t name_end = SkipString(text, at);
    RawMember member;
    member.name = Json::parse(text.substr(at, name_end - at)).get<std::string>();
    const std::size_t value = SkipBlanks(text, SkipBlanks(text, name_end) + 1);  // past the colon
    at = SkipValue(text, value);
    member.value = text.substr(value, at - value);
    members.push_back(std::move(member));
  }
}

}  // namespace callwarden::tool
