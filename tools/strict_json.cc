#include "strict_json.h"

#include <set>
#include <vector>

#include "printable.h"

namespace callwarden::tool {
namespace {

constexpr std::size_t kLevelsMax = 128;

}  // namespace

StrictJson ReadStrictly(std::string_view text) {
  StrictJson read;
  std::size_t level = 0;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto look = [&](int, Json::parse_event_t event, Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start:
        names.emplace_back();
        ++level;
        break;
      case Json::parse_event_t::array_start:
        ++level;
        break;
      case Json::parse_event_t::object_end:
        names.pop_back();
        --level;
        break;
      case Json::parse_event_t::array_end:
        --level;
        break;
      case Json::parse_event_t::key:
        if (!names.back().insert(value.get<std::string>()).second && read.problem.empty()) {
          read.problem = "\"" + Printable(value.get<std::string>()) + "\" twice in one object";
        }
        break;
      case Json::parse_event_t::value:
        break;
    }
    if (level > kLevelsMax && read.problem.empty()) {
      read.problem = "more than " + std::to_string(kLevelsMax) + " levels";
    }
    return true;
  };
  // The grammar is asked first, so that the callback sees whole objects only, and a text that is none of
  // JSON is never blamed for something else.
  read.is_json = Json::accept(text);
  if (!read.is_json) {
    read.problem = "not JSON";
    return read;
  }
  read.value = Json::parse(text, look, /*allow_exceptions=*/false);
  return read;
}

}  // namespace callwarden::tool
