#include "schema_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "callwarden/policy.h"

#include "printable.h"

namespace callwarden::tool {
namespace {

// Deeper schemas are cut: the argument reader would refuse such calls anyway.
constexpr int kDepthMax = 16;

constexpr std::array<std::string_view, 8> kFormats = {"uuid", "email",     "ipv4",     "ipv6",
                                                      "date", "date-time", "hostname", "uri"};
// Members of a schema that describe, or that this program looks at.
constexpr std::array<std::string_view, 29> kKnownKeys = {"$schema",
                                                         "$id",
                                                         "$comment",
                                                         "title",
                                                         "description",
                                                         "default",
                                                         "examples",
                                                         "deprecated",
                                                         "readOnly",
                                                         "writeOnly",
                                                         "type",
                                                         "properties",
                                                         "required",
                                                         "items",
                                                         "enum",
                                                         "const",
                                                         "minimum",
                                                         "maximum",
                                                         "exclusiveMinimum",
                                                         "exclusiveMaximum",
                                                         "minLength",
                                                         "maxLength",
                                                         "minItems",
                                                         "maxItems",
                                                         "pattern",
                                                         "format",
                                                         "contentMediaType",
                                                         "contentEncoding",
                                                         "x-mcp-header"};

Json Test(const std::string& path, std::string_view op, Json value) {
  Json test;
  test["path"] = path;
  test["op"] = std::string(op);
  test["value"] = std::move(value);
  return test;
}

Json RuleOf(Json conditions) {
  Json rule;
  rule["conditions"] = std::move(conditions);
  return rule;
}

/// Whether a rule stands in a policy without any diagnostic.
bool CompilesClean(const Json& rule) {
  Json policy;
  policy["version"] = "1";
  policy["default"] = "deny";
  policy["tools"]["tool"]["require"] = Json::array({rule});
  const CompileResult result = CompiledPolicy::Compile(policy.dump());
  return result.ok() && result.diagnostics().empty();
}

bool IsScalar(const Json& value) { return value.is_string() || value.is_number() || value.is_boolean(); }

/// The types that a schema names, without null; empty when it names none.
std::vector<std::string> TypesOf(const Json& schema, bool& nullable) {
  std::vector<std::string> types;
  const auto type = schema.find("type");
  if (type == schema.end()) return types;
  const auto take = [&](const Json& name) {
    if (!name.is_string()) return;
    if (name.get_ref<const std::string&>() == "null") {
      nullable = true;
    } else {
      types.push_back(name.get<std::string>());
    }
  };
  if (type->is_array()) {
    for (const Json& name : *type) take(name);
  } else {
    take(*type);
  }
  return types;
}

class Reader {
 public:
  SchemaRules Take() && { return std::move(result_); }

  /// Rules for the members of an object that stands at `path`; `under` must hold for them to be asked for.
  void ReadMembers(const Json& schema, const std::string& path, const Json& under, int depth) {
    NoteUnknownKeys(schema, path);
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->is_object()) return;
    for (const auto& [name, property] : properties->items()) {
      if (!property.is_object()) continue;
      ReadMember(property, MemberPath(path, name), IsRequired(schema, name), under, depth);
    }
  }

 private:
  static bool IsRequired(const Json& schema, const std::string& name) {
    const auto required = schema.find("required");
    return required != schema.end() && required->is_array() &&
           std::find(required->begin(), required->end(), Json(name)) != required->end();
  }

  void NoteUnknownKeys(const Json& schema, const std::string& path) {
    for (const auto& [key, value] : schema.items()) {
      if (key == "additionalProperties" && (value == Json(true) || value == Json::object())) continue;
      if (std::find(kKnownKeys.begin(), kKnownKeys.end(), key) == kKnownKeys.end()) {
        result_.left_out.push_back(Printable(path) + ": \"" + Printable(key) + "\"");
      }
    }
  }

  void ReadMember(const Json& schema, const std::string& path, bool required, const Json& under, int depth) {
    if (depth == kDepthMax) {
      result_.left_out.push_back(Printable(path) + ": nested too deep");
      return;
    }
    bool nullable = false;
    const std::vector<std::string> types = TypesOf(schema, nullable);
    Json tests = Json::array();
    if (!types.empty())
      tests.push_back(Test(path, "type", types.size() == 1 ? Json(types.front()) : Json(types)));
    AddTests(schema, path, tests);
    // null counts as absent, so that a member which may be null need not be there.
    const bool may_be_absent = !required || nullable;
    if (!may_be_absent && tests.empty()) tests.push_back(Test(path, "exists", true));
    AddRule(path, std::move(tests), may_be_absent, under);

    const bool is_object = std::find(types.begin(), types.end(), "object") != types.end();
    const bool is_array = std::find(types.begin(), types.end(), "array") != types.end();
    if (!is_object) NoteUnknownKeys(schema, path);
    if (!is_object && !is_array) return;
    Json below = under;
    if (may_be_absent) below.push_back(Test(path, "exists", false));
    if (is_object) ReadMembers(schema, path, below, depth + 1);
    const auto items = schema.find("items");
    if (is_array && items != schema.end() && items->is_object())
      ReadElements(*items, path + "[*]", below, depth + 1);
  }

  // What is asked of every element. A member that elements may lack cannot be told from one that they have
  // with a wrong type by a test of all elements, so of elements that are objects only what is required is
  // asked for.
  void ReadElements(const Json& schema, const std::string& path, const Json& under, int depth) {
    NoteUnknownKeys(schema, path);
    bool nullable = false;
    const std::vector<std::string> types = TypesOf(schema, nullable);
    if (nullable || depth == kDepthMax) {
      result_.left_out.push_back(Printable(path) +
                                 (nullable ? ": elements that may be null" : ": nested too deep"));
      return;
    }
    Json tests = Json::array();
    if (!types.empty())
      tests.push_back(Test(path, "type", types.size() == 1 ? Json(types.front()) : Json(types)));
    AddTests(schema, path, tests);
    AddRule(path, std::move(tests), /*may_be_absent=*/false, under);
    if (types != std::vector<std::string>{"object"}) return;
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->is_object()) return;
    for (const auto& [name, property] : properties->items()) {
      const std::string member = MemberPath(path, name);
      bool member_nullable = false;
      if (property.is_object()) TypesOf(property, member_nullable);
      if (property.is_object() && IsRequired(schema, name) && !member_nullable) {
        ReadMember(property, member, /*required=*/true, under, depth + 1);
      } else {
        result_.left_out.push_back(Printable(member) + ": a member that elements may lack");
      }
    }
  }

  void AddTests(const Json& schema, const std::string& path, Json& tests) {
    const auto add = [&](const char* key, std::string_view op, auto&& accepts) {
      const auto value = schema.find(key);
      if (value == schema.end()) return;
      if (accepts(*value)) {
        tests.push_back(Test(path, op, *value));
      } else {
        result_.left_out.push_back(Printable(path) + ": \"" + key + "\"");
      }
    };
    const auto number = [](const Json& value) { return value.is_number(); };
    const auto count = [](const Json& value) { return value.is_number_unsigned(); };
    add("enum", "in", [](const Json& value) {
      return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), IsScalar);
    });
    add("const", "eq", IsScalar);
    add("minimum", "gte", number);
    add("exclusiveMinimum", "gt", number);
    add("maximum", "lte", number);
    add("exclusiveMaximum", "lt", number);
    add("minLength", "min_length", count);
    add("maxLength", "max_length", count);
    add("minItems", "min_length", count);
    add("maxItems", "max_length", count);
    add("pattern", "regex", [&](const Json& value) {
      return value.is_string() && CompilesClean(RuleOf(Json::array({Test(path, "regex", value)})));
    });
    add("format", "format", [](const Json& value) {
      return value.is_string() && std::find(kFormats.begin(), kFormats.end(),
                                            value.get_ref<const std::string&>()) != kFormats.end();
    });
  }

  void AddRule(const std::string& path, Json tests, bool may_be_absent, const Json& under) {
    if (tests.empty()) return;
    if (may_be_absent && path.find("[*]") != std::string::npos) {
      result_.left_out.push_back(Printable(path) + ": a member that elements may lack");
      return;
    }
    Json escapes = under;  // any of these, and nothing is asked
    if (may_be_absent) escapes.push_back(Test(path, "exists", false));
    Json conditions = std::move(tests);
    if (!escapes.empty()) {
      Json all;
      if (conditions.size() == 1) {
        all = conditions.front();
      } else {
        all["all"] = std::move(conditions);
      }
      escapes.push_back(std::move(all));
      Json any;
      any["any"] = std::move(escapes);
      conditions = Json::array({std::move(any)});
    }
    Json rule = RuleOf(std::move(conditions));
    rule["on_deny"] = path + " is not what the tool's input schema asks for";
    if (CompilesClean(rule)) {
      result_.rules.push_back(std::move(rule));
    } else {
      result_.left_out.push_back(Printable(path) + ": what it asks for makes no rule");
    }
  }

  SchemaRules result_;
};

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.find_first_of(".[]") == std::string::npos &&
         FindInvalidUtf8(name) == std::string::npos;
}

}  // namespace

std::string MemberPath(const std::string& parent, const std::string& name) {
  if (IsPlainName(name)) return parent + "." + name;
  return parent + "[" + Json(name).dump(-1, ' ', false, Json::error_handler_t::replace) + "]";
}

SchemaRules RulesOfSchema(const Json& schema) {
  Reader reader;
  reader.ReadMembers(schema, "args", Json::array(), 0);
  return std::move(reader).Take();
}

}  // namespace callwarden::tool
