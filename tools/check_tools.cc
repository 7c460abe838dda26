#include "check_tools.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "json_text.h"
#include "printable.h"

namespace callwarden::tool {
namespace {

constexpr std::array<const char*, 6> kOpaqueKeys = {"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "if"};

/// `*` stands for any run of characters. On a mismatch only the last `*` takes one more.
bool Matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::size_t> star;
  std::size_t taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star.has_value()) {
      p = *star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

/// The least number of letters to change, add or leave out.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, changed});
    }
  }
  return row[b.size()];
}

/// `did you mean "x"?` when one name is close; empty otherwise.
std::string HintOf(std::string_view name, const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  std::size_t distance = 3;
  for (const std::string& other : known) {
    const std::size_t d = Distance(name, other);
    if (d < distance) {
      distance = d;
      nearest = &other;
    } else if (d == distance) {
      nearest = nullptr;  // two are as close: neither is worth naming
    }
  }
  return nearest == nullptr || distance > 2 ? std::string() : "did you mean \"" + Printable(*nearest) + "\"?";
}

/// A path of the policy language below `args`, taken apart: names, and nothing for `[n]` and `[*]`.
std::optional<std::vector<std::optional<std::string>>> StepsBelowArgs(std::string_view path) {
  if (!path.starts_with("args")) return std::nullopt;
  path.remove_prefix(4);
  std::vector<std::optional<std::string>> steps;
  while (!path.empty()) {
    if (path[0] == '.') {
      const std::string_view name = path.substr(1, path.find_first_of(".[", 1) - 1);
      steps.emplace_back(std::string(name));
      path.remove_prefix(1 + name.size());
    } else if (path.starts_with("[\"")) {
      const std::size_t end = SkipString(path, 1);
      steps.emplace_back(Json::parse(path.substr(1, end - 1)).get<std::string>());
      path.remove_prefix(end + 1);
    } else if (path[0] == '[') {
      steps.emplace_back(std::nullopt);
      path.remove_prefix(path.find(']') + 1);
    } else {
      return std::nullopt;  // another root that begins alike
    }
  }
  return steps;
}

bool IsOpaque(const Json& schema) {
  return !schema.is_object() || std::any_of(kOpaqueKeys.begin(), kOpaqueKeys.end(),
                                            [&](const char* key) { return schema.contains(key); });
}

/// What a schema says of the value at a path.
struct Found {
  enum class Kind { kUnknown, kOpaque, kSchema } kind = Kind::kOpaque;
  const Json* schema = nullptr;
  /// kUnknown: the name that is not there, and those that are.
  std::string missing;
  std::vector<std::string> known;
};

Found Resolve(const Json& root, const std::vector<std::optional<std::string>>& steps) {
  Found found;
  const Json* at = &root;
  for (const std::optional<std::string>& step : steps) {
    if (IsOpaque(*at)) return found;
    if (!step.has_value()) {
      const auto items = at->find("items");
      if (items == at->end()) return found;
      at = &*items;
      continue;
    }
    const auto properties = at->find("properties");
    if (properties == at->end() || !properties->is_object() || at->contains("patternProperties"))
      return found;
    const auto property = properties->find(*step);
    if (property == properties->end()) {
      const auto additional = at->find("additionalProperties");
      if (additional != at->end() && *additional != Json(false)) return found;
      found.kind = Found::Kind::kUnknown;
      found.missing = *step;
      for (const auto& [name, value] : properties->items()) found.known.push_back(name);
      return found;
    }
    at = &*property;
  }
  if (IsOpaque(*at)) return found;
  found.kind = Found::Kind::kSchema;
  found.schema = at;
  return found;
}

/// The JSON types that a schema names, `integer` as `number`, null left out; nothing when it names none.
std::optional<std::set<std::string>> TypesOf(const Json& schema) {
  const auto type = schema.find("type");
  if (type == schema.end()) return std::nullopt;
  std::set<std::string> types;
  const auto take = [&](const Json& name) {
    if (name.is_string() && name != Json("null"))
      types.insert(name == Json("integer") ? "number" : name.get<std::string>());
  };
  if (type->is_array()) {
    for (const Json& name : *type) take(name);
  } else {
    take(*type);
  }
  return types;
}

std::string TypeOfValue(const Json& value) {
  return value.is_string() ? "string" : value.is_boolean() ? "boolean" : "number";
}

/// The types that an operator with this value can test; nothing when it tests all.
std::optional<std::set<std::string>> TestedTypes(const std::string& op, const Json& value) {
  if (op == "eq" || op == "neq") return std::set<std::string>{TypeOfValue(value)};
  if (op == "in" || op == "not_in") {
    std::set<std::string> types;
    for (const Json& element : value) types.insert(TypeOfValue(element));
    return types;
  }
  if (op == "lt" || op == "lte" || op == "gt" || op == "gte") return std::set<std::string>{"number"};
  if (op == "regex" || op == "starts_with" || op == "ends_with" || op == "glob" || op == "format") {
    return std::set<std::string>{"string"};
  }
  if (op == "contains") {
    return value.is_string() ? std::set<std::string>{"string", "array"} : std::set<std::string>{"array"};
  }
  if (op == "min_length" || op == "max_length") return std::set<std::string>{"string", "array", "object"};
  if (op == "type") {
    std::set<std::string> types;
    for (const Json& name : value.is_array() ? value : Json::array({value})) {
      types.insert(name == Json("integer") ? "number" : name.get<std::string>());
    }
    return types;
  }
  return std::nullopt;
}

std::string Joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

class Checker {
 public:
  Checker(std::string_view text, const std::vector<ListedTool>& tools)
      : text_(text), policy_(Json::parse(text)), tools_(tools) {
    for (const ListedTool& tool : tools) names_.push_back(tool.name);
  }

  std::vector<Diagnostic> Run() {
    CheckHide();
    const auto entries = policy_.find("tools");
    if (entries != policy_.end()) {
      for (const auto& [key, entry] : entries->items()) CheckKey(key, entry);
    }
    if (policy_.contains("all_tools")) CheckEntry(policy_["all_tools"], "/all_tools", Matching("*"));
    CheckListed();
    std::stable_sort(warnings_.begin(), warnings_.end(), [](const Diagnostic& a, const Diagnostic& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    return std::move(warnings_);
  }

 private:
  using Tools = std::vector<const ListedTool*>;

  Tools Matching(std::string_view pattern) const {
    Tools matching;
    for (const ListedTool& tool : tools_) {
      if (Matches(pattern, tool.name)) matching.push_back(&tool);
    }
    return matching;
  }

  void Warn(const char* code, std::string pointer, bool at_key, std::string message, std::string hint) {
    Diagnostic warning;
    warning.severity = Severity::kWarning;
    warning.code = code;
    warning.message = std::move(message);
    warning.hint = std::move(hint);
    const std::optional<JsonPlace> place = FindPlace(text_, pointer);
    warning.pointer = std::move(pointer);
    if (place.has_value())
      SetPosition(warning, at_key && place->key.has_value() ? *place->key : place->value);
    warnings_.push_back(std::move(warning));
  }

  void SetPosition(Diagnostic& diagnostic, std::size_t offset) const {
    const std::string_view before = text_.substr(0, offset);
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    diagnostic.line = static_cast<uint32_t>(1 + std::count(before.begin(), before.end(), '\n'));
    diagnostic.column = 1;
    for (const char c : before.substr(line_begin)) {
      if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++diagnostic.column;
    }
  }

  void WarnUnknownTool(const std::string& pattern, std::string pointer, bool at_key) {
    const bool glob = pattern.find('*') != std::string::npos;
    Warn("unknown_tool", std::move(pointer), at_key,
         glob ? "no tool of the list matches \"" + Printable(pattern) + "\""
              : "the list has no tool \"" + Printable(pattern) + "\"",
         glob ? std::string() : HintOf(pattern, names_));
  }

  void CheckHide() {
    const auto hide = policy_.find("hide");
    if (hide == policy_.end()) return;
    for (std::size_t i = 0; i < hide->size(); ++i) {
      const std::string pattern = (*hide)[i].get<std::string>();
      if (Matching(pattern).empty()) WarnUnknownTool(pattern, "/hide/" + std::to_string(i), false);
    }
  }

  void CheckKey(const std::string& key, const Json& entry) {
    const std::string pointer = "/tools" + PointerStep(key);
    const Tools matching = Matching(key);
    if (matching.empty()) {
      WarnUnknownTool(key, pointer, true);
    } else {
      CheckEntry(entry, pointer, matching);
    }
  }

  void CheckListed() {
    if (policy_["default"] != Json("deny")) return;
    for (const ListedTool& tool : tools_) {
      const auto matches = [&](const std::string& pattern) { return Matches(pattern, tool.name); };
      bool known = false;
      if (policy_.contains("hide")) {
        for (const Json& pattern : policy_["hide"]) known = known || matches(pattern.get<std::string>());
      }
      if (policy_.contains("tools")) {
        for (const auto& [key, entry] : policy_["tools"].items()) known = known || matches(key);
      }
      if (!known) {
        Warn("unlisted_tool", "/default", false,
             "no key of \"tools\" matches the tool \"" + Printable(tool.name) + "\", so it is denied", {});
      }
    }
  }

  void CheckEntry(const Json& entry, const std::string& pointer, const Tools& matching) {
    if (matching.empty()) return;
    for (const char* list : {"require", "deny_if", "require_approval_if"}) {
      const auto rules = entry.find(list);
      if (rules == entry.end()) continue;
      for (std::size_t i = 0; i < rules->size(); ++i) {
        CheckConditions((*rules)[i]["conditions"],
                        pointer + "/" + list + "/" + std::to_string(i) + "/conditions", matching);
      }
    }
    const auto limits = entry.find("limits");
    if (limits == entry.end()) return;
    for (std::size_t i = 0; i < limits->size(); ++i) {
      for (const char* key : {"amount", "increment", "increment_from"}) {
        const auto amount = (*limits)[i].find(key);
        if (amount == (*limits)[i].end() || !amount->is_string()) continue;
        CheckPath(amount->get<std::string>(), pointer + "/limits/" + std::to_string(i) + "/" + key, {}, {},
                  matching, std::set<std::string>{"number"}, "an amount is a");
      }
    }
  }

  void CheckConditions(const Json& conditions, const std::string& pointer, const Tools& matching) {
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      CheckCondition(conditions[i], pointer + "/" + std::to_string(i), matching);
    }
  }

  void CheckCondition(const Json& condition, const std::string& pointer, const Tools& matching) {
    for (const char* combinator : {"all", "any"}) {
      if (condition.contains(combinator)) {
        return CheckConditions(condition[combinator], pointer + "/" + combinator, matching);
      }
    }
    if (condition.contains("not")) return CheckCondition(condition["not"], pointer + "/not", matching);
    const std::string op = condition["op"].get<std::string>();
    CheckPath(condition["path"].get<std::string>(), pointer, "/path", "/op", matching,
              TestedTypes(op, condition["value"]), "\"" + op + "\" tests");
  }

  // A path is reported when it makes sense for none of the tools that it applies to.
  void CheckPath(const std::string& path, const std::string& pointer, const std::string& path_member,
                 const std::string& operator_member, const Tools& matching,
                 const std::optional<std::set<std::string>>& tested, const std::string& what) {
    const auto steps = StepsBelowArgs(path);
    if (!steps.has_value() || steps->empty()) return;
    std::optional<Found> unknown;
    std::set<std::string> types;
    bool impossible = false;
    for (const ListedTool* tool : matching) {
      Found found = Resolve(tool->input_schema, *steps);
      if (found.kind == Found::Kind::kOpaque) return;
      if (found.kind == Found::Kind::kUnknown) {
        unknown = std::move(found);
        continue;
      }
      const std::optional<std::set<std::string>> known = TypesOf(*found.schema);
      if (!known.has_value() || !tested.has_value()) return;
      for (const std::string& type : *known) {
        if (tested->contains(type)) return;
      }
      types.insert(known->begin(), known->end());
      impossible = true;
    }
    const std::string of = matching.size() == 1
                               ? "tool \"" + Printable(matching.front()->name) + "\""
                               : "any of the " + std::to_string(matching.size()) + " tools it is for";
    if (impossible) {
      Warn("impossible_operator", pointer + operator_member, false,
           what + " " + Joined(*tested) + ", but \"" + Printable(path) + "\" is " + Joined(types) + " for " +
               of,
           {});
    } else if (unknown.has_value()) {
      Warn("unknown_argument", pointer + path_member, false,
           "the input schema of " + of + " has no \"" + Printable(unknown->missing) + "\"",
           HintOf(unknown->missing, unknown->known));
    }
  }

  std::string_view text_;
  Json policy_;
  const std::vector<ListedTool>& tools_;
  std::vector<std::string> names_;
  std::vector<Diagnostic> warnings_;
};

}  // namespace

std::vector<Diagnostic> CheckAgainstTools(std::string_view text, const std::vector<ListedTool>& tools) {
  return Checker(text, tools).Run();
}

}  // namespace callwarden::tool
