// The adaptor for nlohmann::json value by value, with literal expectations.

#include "callwarden/adaptors/nlohmann.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "tests/catch.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::CompileOptions;
using callwarden::NlohmannArguments;
using callwarden::Reason;
using nlohmann::json;

// Whatever is not malformed runs into a rule whose name says what the value at `args.a` is.
constexpr std::string_view kTelling = R"({"version": "1", "default": "deny", "tools": {"t": {"deny_if": [
  {"name": "absent", "conditions": [{"path": "args.a", "op": "exists", "value": false}]},
  {"name": "text", "conditions": [{"path": "args.a", "op": "type", "value": "string"},
                                  {"path": "args.a", "op": "eq", "value": "grün"}]},
  {"name": "string", "conditions": [{"path": "args.a", "op": "type", "value": "string"}]},
  {"name": "true", "conditions": [{"path": "args.a", "op": "type", "value": "boolean"},
                                  {"path": "args.a", "op": "eq", "value": true}]},
  {"name": "false", "conditions": [{"path": "args.a", "op": "type", "value": "boolean"}]},
  {"name": "largest", "conditions": [{"path": "args.a", "op": "type", "value": "number"},
                                     {"path": "args.a", "op": "eq", "value": 18446744073709551615}]},
  {"name": "least", "conditions": [{"path": "args.a", "op": "type", "value": "number"},
                                   {"path": "args.a", "op": "eq", "value": -9223372036854775808}]},
  {"name": "odd", "conditions": [{"path": "args.a", "op": "type", "value": "number"},
                                 {"path": "args.a", "op": "eq", "value": 9007199254740993}]},
  {"name": "integer", "conditions": [{"path": "args.a", "op": "type", "value": "integer"}]},
  {"name": "number", "conditions": [{"path": "args.a", "op": "type", "value": "number"}]},
  {"name": "second", "conditions": [{"path": "args.a[1].b", "op": "eq", "value": 2},
                                    {"path": "args.a", "op": "type", "value": "array"}]},
  {"name": "array", "conditions": [{"path": "args.a", "op": "type", "value": "array"}]},
  {"name": "object", "conditions": [{"path": "args.a", "op": "type", "value": "object"}]}
]}}})";

// The name of the rule that the arguments run into, or "malformed".
template <class Json>
std::string Told(const Json& arguments, const CompileOptions& options = {}) {
  const auto compiled = CompiledPolicy::Compile(kTelling, options);
  REQUIRE(compiled.ok());
  callwarden::MemoryCounterStore counters({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  const NlohmannArguments source(arguments);
  callwarden::ToolCall call;
  call.tool = "t";
  call.parsed_arguments = &source;
  const callwarden::Decision decision = compiled.policy()->Decide(call, counters, callwarden::kTimeMin);
  if (decision.reason() == Reason::kMalformedCall) return "malformed";
  CHECK(decision.reason() == Reason::kDeniedByRule);
  return std::string(decision.rule().substr(std::string_view("/tools/t/deny_if/").size()));
}

template <class Json>
std::string ToldOf(Json value) {
  Json arguments = Json::object();
  arguments["a"] = std::move(value);
  return Told(arguments);
}

json Nested(std::size_t depth) {
  json value = json::array();
  for (std::size_t i = 1; i < depth; ++i) value = json::array({std::move(value)});
  return value;
}

// A host's own flavour: another map, another string of bytes, small numbers.
using SmallJson = nlohmann::basic_json<std::map, std::vector, std::string, bool, int32_t, uint16_t, float>;

}  // namespace

TEMPLATE_TEST_CASE("each kind of value comes through as it is", "[nlohmann]", json, nlohmann::ordered_json) {
  using Json = TestType;
  CHECK(Told(Json::object()) == "absent");
  CHECK(ToldOf<Json>(nullptr) == "absent");
  CHECK(ToldOf<Json>("grün") == "text");
  CHECK(ToldOf<Json>("") == "string");
  CHECK(ToldOf<Json>(true) == "true");
  CHECK(ToldOf<Json>(false) == "false");
  CHECK(ToldOf<Json>((std::numeric_limits<uint64_t>::max)()) == "largest");
  CHECK(ToldOf<Json>((std::numeric_limits<int64_t>::min)()) == "least");
  CHECK(ToldOf<Json>(int64_t{9007199254740993}) == "odd");
  CHECK(ToldOf<Json>(9007199254740992.0) == "integer");
  CHECK(ToldOf<Json>(-1) == "integer");
  CHECK(ToldOf<Json>(2.5) == "number");
  CHECK(ToldOf<Json>(Json::array({1, Json{{"b", 2}}})) == "second");
  CHECK(ToldOf<Json>(Json::array({Json{{"b", 2}}, Json{{"b", 1}}})) == "array");
  CHECK(ToldOf<Json>(Json::object({{"b", 2}})) == "object");
}

TEST_CASE("a basic_json of other types comes through as well", "[nlohmann]") {
  CHECK(ToldOf<SmallJson>("grün") == "text");
  CHECK(ToldOf<SmallJson>(uint16_t{65535}) == "integer");
  CHECK(ToldOf<SmallJson>(-5) == "integer");
  CHECK(ToldOf<SmallJson>(2.5F) == "number");
}

TEST_CASE("what JSON does not have is refused", "[nlohmann]") {
  CHECK(ToldOf<json>(json::binary({1, 2, 3})) == "malformed");
  CHECK(ToldOf<json>(json(json::value_t::discarded)) == "malformed");
  CHECK(Told(json::parse("{", nullptr, /*allow_exceptions=*/false)) == "malformed");
  CHECK(ToldOf<json>(std::numeric_limits<double>::infinity()) == "malformed");
  CHECK(ToldOf<json>(std::numeric_limits<double>::quiet_NaN()) == "malformed");
  CHECK(ToldOf<json>("\xFF") == "malformed");
  CHECK(ToldOf<json>(json{{"\xED\xA0\x80", 1}}) == "malformed");
  CHECK(ToldOf<json>(json{{std::string("a\0b", 3), 1}}) == "malformed");
  CHECK(ToldOf<json>(std::string("a\0b", 3)) == "malformed");
}

TEST_CASE("arguments are one object", "[nlohmann]") {
  CHECK(Told(json()) == "malformed");
  CHECK(Told(json::array()) == "malformed");
  CHECK(Told(json("a")) == "malformed");
  CHECK(Told(json(1)) == "malformed");
}

TEST_CASE("names are checked as in text", "[nlohmann]") {
  CHECK(Told(json{{"a", 1}, {"A", 2}}) == "malformed");
  nlohmann::ordered_json twice = nlohmann::ordered_json::object();
  // ordered_json is a vector of pairs underneath, and takes a name twice from who asks for it.
  auto& members = twice.get_ref<nlohmann::ordered_json::object_t&>();
  static_cast<nlohmann::ordered_json::object_t::Container&>(members).push_back({"a", 1});
  static_cast<nlohmann::ordered_json::object_t::Container&>(members).push_back({"a", 2});
  REQUIRE(twice.size() == 2);
  CHECK(Told(twice) == "malformed");
}

TEST_CASE("nesting is bounded whatever the value holds", "[nlohmann]") {
  CHECK(Told(json{{"a", Nested(63)}}) == "array");
  CHECK(Told(json{{"a", Nested(64)}}) == "malformed");
  // The walk stops at the bound: half a million levels would take more stack than there is.
  CHECK(Told(json{{"a", Nested(500000)}}) == "malformed");
  CompileOptions deepest;
  deepest.arguments_depth_max = 512;
  CHECK(Told(json{{"a", Nested(511)}}, deepest) == "array");
  CHECK(Told(json{{"a", Nested(512)}}, deepest) == "malformed");
}

TEST_CASE("size is bounded by names and strings", "[nlohmann]") {
  CompileOptions options;
  options.arguments_size_max_bytes = 10;
  CHECK(Told(json{{"a", "123456789"}}, options) == "string");
  CHECK(Told(json{{"a", "1234567890"}}, options) == "malformed");
}

// A value that is gone before the decision does not compile.
static_assert(std::is_constructible_v<NlohmannArguments<json>, const json&>);
static_assert(!std::is_constructible_v<NlohmannArguments<json>, json>);
static_assert(!std::is_constructible_v<NlohmannArguments<json>, const json>);
