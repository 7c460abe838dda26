#include "json_text.h"

#include "output.h"

namespace callwarden::tool {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string Unescape(std::string_view step) {
  std::string name;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '~' && i + 1 < step.size()) {
      name += step[++i] == '1' ? '/' : '~';
    } else {
      name += step[i];
    }
  }
  return name;
}

}  // namespace

std::size_t SkipBlanks(std::string_view json, std::size_t at) {
  const std::size_t next = json.find_first_not_of(kBlanks, at);
  return next == std::string_view::npos ? json.size() : next;
}

std::size_t SkipString(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at < json.size() ? at + 1 : json.size();
}

std::size_t SkipValue(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = SkipString(json, at);
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

std::optional<JsonPlace> FindPlace(std::string_view json, std::string_view pointer) {
  JsonPlace place;
  place.value = SkipBlanks(json, 0);
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    const std::string name = Unescape(step);
    const char open = place.value < json.size() ? json[place.value] : '\0';
    if (open != '{' && open != '[') return std::nullopt;
    std::size_t at = SkipBlanks(json, place.value + 1);
    bool found = false;
    for (std::size_t index = 0; at < json.size() && json[at] != '}' && json[at] != ']'; ++index) {
      place.key = std::nullopt;
      if (open == '{') {
        const std::size_t end = SkipString(json, at);
        found = Json::parse(json.substr(at, end - at)) == Json(name);
        place.key = at;
        at = SkipBlanks(json, SkipBlanks(json, end) + 1);  // past the colon
      } else {
        found = std::to_string(index) == name;
      }
      place.value = at;
      if (found) break;
      at = SkipBlanks(json, SkipValue(json, at));
      if (at < json.size() && json[at] == ',') at = SkipBlanks(json, at + 1);
    }
    if (!found) return std::nullopt;
  }
  return place;
}

std::string PointerStep(std::string_view name) {
  std::string step = "/";
  for (const char c : name) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

}  // namespace callwarden::tool
