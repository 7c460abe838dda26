#include "raw_members.h"

#include "json_text.h"
#include "output.h"
#include "printable.h"
#include "tool_error.h"

namespace callwarden::tool {
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
