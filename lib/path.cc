#include "lib/path.h"

#include <algorithm>

#include "lib/json_tree.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

bool Bad(std::string& error, std::string text) {
  error = std::move(text);
  return false;
}

// Reads `[...]` at the front of `rest`, and moves past it.
bool ParseBracket(std::string_view& rest, PathStep& step, std::string& error) {
  rest.remove_prefix(1);
  if (!rest.empty() && rest.front() == '"') {
    std::size_t end = 1;
    while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) return Bad(error, "a quoted name in a path has no end");
    const JsonTree name = ParseJsonTree(rest.substr(0, end + 1), 1);
    if (name.invalid_at) return Bad(error, "a quoted name in a path is not a JSON string");
    step.kind = PathStep::Kind::kName;
    step.name = name.root.string;
    rest.remove_prefix(end + 1);
  } else if (!rest.empty() && rest.front() == '*') {
    step.kind = PathStep::Kind::kWildcard;
    rest.remove_prefix(1);
  } else {
    std::size_t digits = 0;
    uint64_t index = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
      index = index * 10 + static_cast<uint64_t>(rest[digits] - '0');
      ++digits;
      if (index > INT32_MAX) return Bad(error, "an index in a path is above 2147483647");
    }
    if (digits == 0) return Bad(error, "a path's brackets hold an index, [*] or a quoted name");
    if (digits > 1 && rest.front() == '0') return Bad(error, "an index in a path has a leading zero");
    step.kind = PathStep::Kind::kIndex;
    step.index = static_cast<uint32_t>(index);
    rest.remove_prefix(digits);
  }
  if (rest.empty() || rest.front() != ']') return Bad(error, "a path's bracket is not closed");
  rest.remove_prefix(1);
  return true;
}

}  // namespace

bool Path::has_wildcard() const noexcept {
  return std::any_of(steps.begin(), steps.end(),
                     [](const PathStep& step) { return step.kind == PathStep::Kind::kWildcard; });
}

bool ParsePath(std::string_view text, Path& path, std::string& error) {
  path = {};
  std::string_view rest = text;
  if (rest.starts_with("args")) {
    rest.remove_prefix(4);
  } else if (rest.starts_with("grant")) {
    path.root = Path::Root::kGrant;
    rest.remove_prefix(5);
  } else if (rest.starts_with("context")) {
    path.root = Path::Root::kContext;
    rest.remove_prefix(7);
  } else {
    return Bad(error, "path " + Quoted(text) + " does not begin with args, grant or context");
  }
  if (!rest.empty() && rest.front() != '.' && rest.front() != '[') {
    return Bad(error, "path " + Quoted(text) + " does not begin with args, grant or context");
  }
  while (!rest.empty()) {
    PathStep step;
    if (rest.front() == '.') {
      rest.remove_prefix(1);
      const std::size_t size = std::min(rest.find_first_of(".[]"), rest.size());
      if (size == 0) return Bad(error, "path " + Quoted(text) + " has an empty name");
      step.name = rest.substr(0, size);
      rest.remove_prefix(size);
    } else if (rest.front() == '[') {
      if (!ParseBracket(rest, step, error)) {
        error += " in " + Quoted(text);
        return false;
      }
    } else {
      return Bad(error,
                 "path " + Quoted(text) + " has " + Quoted(rest.substr(0, 1)) + " where a step begins");
    }
    path.steps.push_back(std::move(step));
  }
  if (path.root == Path::Root::kArguments) {
    if (!path.steps.empty() && path.steps.front().kind != PathStep::Kind::kName) {
      return Bad(error, "path " + Quoted(text) + " indexes args, which is an object");
    }
    return true;
  }
  if (path.steps.size() != 1 || path.steps.front().kind != PathStep::Kind::kName) {
    return Bad(error, "path " + Quoted(text) + " must name exactly one attribute, such as context.tenant");
  }
  return true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
