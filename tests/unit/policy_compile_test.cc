// policy.h: compiling, its bounds and what it reports.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "callwarden/policy.h"

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::CompileOptions;
using callwarden::CompileResult;
using callwarden::Decision;
using callwarden::Diagnostic;
using callwarden::MemoryCounterStore;
using callwarden::PolicyMode;
using callwarden::PolicyShape;
using callwarden::Reason;
using callwarden::Severity;
using callwarden_unit::Call;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;

static_assert(!std::is_copy_constructible_v<CompiledPolicy>);
static_assert(!std::is_copy_assignable_v<CompiledPolicy>);

Decision Decide(const CompiledPolicy& policy, std::string_view arguments) {
  static MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  return policy.Decide(Call(arguments), store, kNoon);
}

// `severity code pointer line:column` of each diagnostic.
std::vector<std::string> Diagnose(std::string_view text, const CompileOptions& options = {}) {
  const CompileResult result = CompiledPolicy::Compile(text, options);
  std::vector<std::string> lines;
  bool errors = false;
  for (const Diagnostic& d : result.diagnostics()) {
    errors |= d.severity == Severity::kError;
    CHECK_FALSE(d.message.empty());
    CHECK(d.message.find('\n') == std::string::npos);
    CHECK(d.message.back() != '.');
    lines.push_back(std::string(Name(d.severity)) + ' ' + d.code + ' ' + d.pointer + ' ' +
                    std::to_string(d.line) + ':' + std::to_string(d.column));
  }
  CHECK(result.ok() == !errors);
  CHECK((result.policy() != nullptr) == result.ok());
  return lines;
}

using Lines = std::vector<std::string>;

std::string Tools(std::string_view tools) {
  return R"({"version": "1", "default": "deny", "tools": )" + std::string(tools) + "}";
}

}  // namespace

TEST_CASE("severities have names", "[policy]") {
  CHECK(Name(Severity::kError) == "error");
  CHECK(Name(Severity::kWarning) == "warning");
}

TEST_CASE("a result that was never made holds nothing", "[policy]") {
  const CompileResult result;
  CHECK_FALSE(result.ok());
  CHECK(result.policy() == nullptr);
  CHECK(result.diagnostics().empty());
}

TEST_CASE("diagnostics come in the order of the text, with line and column", "[policy]") {
  const std::string_view text =
      "{\n"
      "  \"version\": \"2\",\n"
      "  \"défault\": \"deny\", \"default\": \"dney\",\n"
      "  \"tools\": {\n"
      "    \"a\": {\"limits\": [{\"counter\": \"é\", \"window\": \"minuets\", \"max\": 0}]},\n"
      "\t\"\": {},\r\n"
      "    \"x y\": {\"deny_if\": [{\"conditions\": [{\"path\": \"arg.x\", \"op\": \"is\", \"value\": "
      "1}]}]}\n"
      "  }\n"
      "}\n";
  CHECK(Diagnose(text) == Lines{"error bad_value /version 2:14", "error unknown_key /défault 3:3",
                                "error bad_value /default 3:33",
                                "error bad_value /tools/a/limits/0/window 5:49",
                                "warning zero_max /tools/a/limits/0/max 5:67",
                                "error bad_pattern /tools/ 6:2", "warning unusual_tool_name /tools/x y 7:5",
                                "error bad_path /tools/x y/deny_if/0/conditions/0/path 7:50",
                                "error unknown_operator /tools/x y/deny_if/0/conditions/0/op 7:65"});
}

TEST_CASE("hints propose a fix", "[policy]") {
  const CompileResult result =
      CompiledPolicy::Compile(R"({"version": "1", "defualt": "deny", "default": "dney"})");
  REQUIRE(result.diagnostics().size() == 2);
  CHECK(result.diagnostics()[0].hint == R"(did you mean "default"?)");
  CHECK(result.diagnostics()[1].hint == R"(did you mean "deny"?)");
}

TEST_CASE("warnings come with a policy", "[policy]") {
  const CompileResult result = CompiledPolicy::Compile(
      R"({"version": "1", "default": "deny", "tools": {"t": {"require": [{"conditions": []}]}}})");
  CHECK(result.ok());
  REQUIRE(result.diagnostics().size() == 1);
  CHECK(result.diagnostics()[0].severity == Severity::kWarning);
  CHECK(result.diagnostics()[0].code == "empty_require");
}

TEST_CASE("text that is not JSON is one diagnostic, where it can no longer go on", "[policy]") {
  CHECK(Diagnose("") == Lines{"error invalid_json  1:1"});
  CHECK(Diagnose("\n\n  ") == Lines{"error invalid_json  3:3"});
  CHECK(Diagnose("{\"version\": \"1\",\n \"ä\": }") == Lines{"error invalid_json  2:7"});
  CHECK(Diagnose("\xEF\xBB\xBF{}") == Lines{"error invalid_json  1:1"});
  CHECK(Diagnose(std::string_view("\0", 1)) == Lines{"error invalid_json  1:1"});
  CHECK(Diagnose("[]") == Lines{"error bad_value  1:1"});
  CHECK(Diagnose("{}") == Lines{"error missing_key  1:1", "error missing_key  1:1"});
}

TEST_CASE("the document's size is bounded", "[policy]") {
  const std::string text = Tools("{}");
  CompileOptions options;
  options.document_size_max_bytes = text.size();
  CHECK(Diagnose(text, options).empty());
  options.document_size_max_bytes = text.size() - 1;
  CHECK(Diagnose(text, options) == Lines{"error bound_exceeded  1:1"});
  options.document_size_max_bytes = 0;
  CHECK(Diagnose("", options) == Lines{"error invalid_json  1:1"});
  const std::string largest = text + std::string((std::size_t{4} << 20) - text.size(), '\n');
  CHECK(Diagnose(largest).empty());
  CHECK(Diagnose(largest + '\n') == Lines{"error bound_exceeded  1:1"});
}

TEST_CASE("the document's depth is bounded", "[policy]") {
  // document, tools, entry, list, rule, conditions, condition: seven levels
  const std::string text =
      Tools(R"({"t": {"deny_if": [{"conditions": [{"path": "args.a", "op": "eq", "value": 1}]}]}})");
  CompileOptions options;
  options.document_depth_max = 7;
  CHECK(Diagnose(text, options).empty());
  options.document_depth_max = 6;
  CHECK(Diagnose(text, options) == Lines{"error too_deep /tools/t/deny_if/0/conditions/0 1:81"});
  options.document_depth_max = 0;
  CHECK(Diagnose(text, options) == Lines{"error too_deep  1:1"});
  options.document_depth_max = UINT32_MAX;  // held to 512
  const auto nested = [](std::size_t levels) {
    return R"({"version": "1", "default": "deny", "x": )" + std::string(levels - 1, '[') +
           std::string(levels - 1, ']') + '}';
  };
  CHECK(Diagnose(nested(512), options) == Lines{"error unknown_key /x 1:37"});
  CHECK(Diagnose(nested(513), options).size() == 2);
  CHECK(Diagnose(nested(100000), options).size() == 2);
}

TEST_CASE("the number of tools is bounded", "[policy]") {
  CompileOptions options;
  options.tool_entries_max = 2;
  CHECK(Diagnose(Tools(R"({"a": {}, "b*": {}})"), options).empty());
  CHECK(Diagnose(Tools(R"({"a": {}, "b*": {}, "c": {}})"), options) ==
        Lines{"error bound_exceeded /tools/c 1:66"});
  options.tool_entries_max = 0;
  CHECK(Diagnose(R"({"version": "1", "default": "deny", "all_tools": {}, "tools": {}})", options).empty());
}

TEST_CASE("the rules of an entry are bounded, all lists together", "[policy]") {
  const std::string rule = R"({"conditions": [{"path": "args.a", "op": "eq", "value": 1}]})";
  const std::string three = R"({"require": [)" + rule + R"(], "deny_if": [)" + rule +
                            R"(], "require_approval_if": [)" + rule + "]}";
  CompileOptions options;
  options.rules_per_entry_max = 3;
  CHECK(Diagnose(Tools(R"({"a": )" + three + R"(, "b": )" + three + "}"), options).empty());
  options.rules_per_entry_max = 2;
  CHECK(Diagnose(Tools(R"({"a": )" + three + "}"), options) == Lines{"error bound_exceeded /tools/a 1:47"});
  CHECK(Diagnose(R"({"version": "1", "default": "deny", "all_tools": )" + three + "}", options) ==
        Lines{"error bound_exceeded /all_tools 1:50"});
}

TEST_CASE("the limits that apply to a call are bounded", "[policy]") {
  const auto limit = [](std::string_view counter) {
    return R"({"counter": ")" + std::string(counter) + R"(", "window": "minute", "max": 5})";
  };
  const std::string text = R"({"version": "1", "default": "deny", "all_tools": {"limits": [)" + limit("all") +
                           R"(]}, "tools": {"ab": {"limits": [)" + limit("exact") +
                           R"(], "rate_limit": "1/hour"}, "a*": {"limits": [)" + limit("glob") +
                           R"(]}, "*b": {"rate_limit": "7/day"}}})";
  CompileOptions options;
  options.limits_per_call_max = 5;
  CHECK(Diagnose(text, options).empty());
  options.limits_per_call_max = 4;
  CHECK(Diagnose(text, options) == Lines{"error bound_exceeded /tools/ab 1:124"});

  // A name that only globs match has no key to report at: its calls are denied.
  const std::string globs = R"({"version": "1", "default": "deny", "tools": {"a*": {"limits": [)" +
                            limit("first") + R"(]}, "*b": {"limits": [)" + limit("second") + "]}}}";
  options.limits_per_call_max = 1;
  const auto policy = Compile(globs, options);
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  callwarden::ToolCall call = Call("{}");
  call.tool = "ax";
  CHECK(policy->Decide(call, store, kNoon).allowed());
  call.tool = "axb";
  const Decision decision = policy->Decide(call, store, kNoon);
  CHECK(decision.reason() == Reason::kLimitUnavailable);
  CHECK(decision.rule() ==
        "/tools/*b/limits/second");  // of equally many literal bytes, the first in byte order
  CHECK(callwarden_unit::Used(store) == 1);
}

TEST_CASE("sixteen limits is the most, whatever the option says", "[policy]") {
  std::string limits;
  for (int i = 0; i < 17; ++i) {
    if (i != 0) limits += ", ";
    limits += R"({"counter": "c)" + std::to_string(i) + R"(", "window": "minute", "max": 5})";
    if (i == 15) {
      const auto policy = CompileEntry(R"({"limits": [)" + limits + "]}");
      const Decision decision = Decide(*policy, "{}");
      CHECK(decision.allowed());
      CHECK(decision.reservation().size() == 16);
    }
  }
  CompileOptions options;
  options.limits_per_call_max = 1000;
  CHECK(Diagnose(Tools(R"({"t": {"limits": [)" + limits + "]}}"), options) ==
        Lines{"error bound_exceeded /tools/t 1:47"});
}

TEST_CASE("the size of a regex program is bounded", "[policy]") {
  const std::string text = Tools(
      R"({"t": {"deny_if": [{"conditions": [{"path": "args.a", "op": "regex", "value": "(a|b){20}c"}]}]}})");
  CHECK(Diagnose(text).empty());
  CompileOptions options;
  options.regex_program_size_max = 10;
  CHECK(Diagnose(text, options) == Lines{"error bound_exceeded /tools/t/deny_if/0/conditions/0/value 1:124"});
  // So it is for a pattern that is never run by the engine.
  const std::string literal = Tools(
      R"({"t": {"deny_if": [{"conditions": [{"path": "args.a", "op": "regex", "value": "abcdefghijklmno"}]}]}})");
  CHECK(Diagnose(literal).empty());
  CHECK(Diagnose(literal, options).size() == 1);
}

TEST_CASE("the size of arguments is bounded", "[policy]") {
  CompileOptions options;
  options.arguments_size_max_bytes = 10;
  const auto policy = Compile(R"({"version": "1", "default": "allow"})", options);
  CHECK(Decide(*policy, R"({"a":1234})").allowed());
  const Decision decision = Decide(*policy, R"({"a":12345})");
  CHECK(decision.reason() == Reason::kMalformedCall);
  CHECK(decision.message() == "Arguments refused: too long at byte 10");
  CHECK(Decide(*policy, "{}").allowed());
}

TEST_CASE("the depth of arguments is bounded", "[policy]") {
  CompileOptions options;
  options.arguments_depth_max = 3;
  const auto policy = Compile(R"({"version": "1", "default": "allow"})", options);
  CHECK(Decide(*policy, R"({"a":[{}]})").allowed());
  const Decision decision = Decide(*policy, R"({"a":[{"b":[]}]})");
  CHECK(decision.reason() == Reason::kMalformedCall);
  CHECK(decision.message() == "Arguments refused: nested too deep at byte 11");
  options.arguments_depth_max = UINT32_MAX;  // held to 512
  const auto deep = Compile(R"({"version": "1", "default": "allow"})", options);
  const auto nested = [](std::size_t levels) {
    return R"({"a":)" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + '}';
  };
  CHECK(Decide(*deep, nested(512)).allowed());
  CHECK(Decide(*deep, nested(513)).reason() == Reason::kMalformedCall);
}

TEST_CASE("the refusal of case variants can be turned off", "[policy]") {
  const std::string_view entry =
      R"({"deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5}]}]})";
  CompileOptions options;
  const auto strict = CompileEntry(entry, options);
  CHECK(Decide(*strict, R"({"Amount":9})").message() ==
        "Arguments refused: a member name differs only by case from one that the policy reads at byte 1");
  CHECK(Decide(*strict, R"({"amount":1})").allowed());
  options.refuse_case_variants = false;
  const auto loose = CompileEntry(entry, options);
  CHECK(Decide(*loose, R"({"Amount":9})").allowed());
  CHECK(Decide(*loose, R"({"amount":9})").reason() == Reason::kDeniedByRule);
  CHECK(Decide(*loose, R"({"amount":"a\u0000"})").reason() == Reason::kMalformedCall);  // the other one is on
}

TEST_CASE("the refusal of U+0000 in strings can be turned off", "[policy]") {
  const std::string_view entry =
      R"({"deny_if": [{"conditions": [{"path": "args.name", "op": "starts_with", "value": "x"}]}]})";
  CompileOptions options;
  const auto strict = CompileEntry(entry, options);
  CHECK(Decide(*strict, R"({"name":"a\u0000"})").message() ==
        "Arguments refused: a string that the policy reads holds U+0000 at byte 8");
  CHECK(Decide(*strict, R"({"other":"a\u0000"})").allowed());
  options.refuse_nul_strings = false;
  const auto loose = CompileEntry(entry, options);
  CHECK(Decide(*loose, R"({"name":"a\u0000"})").allowed());
  CHECK(Decide(*loose, R"({"name":"x\u0000"})").reason() == Reason::kDeniedByRule);
  CHECK(Decide(*loose, R"({"a\u0000":1})").reason() == Reason::kMalformedCall);  // never in names
  CHECK(Decide(*loose, R"({"Name":1})").reason() == Reason::kMalformedCall);     // the other one is on
}

TEST_CASE("a policy borrows nothing from its text, and lives without its result", "[policy]") {
  auto text = std::make_unique<std::string>(
      R"({"version": "1", "default": "deny", "description": "what it is for", "hide": ["hidden"], "tools": {
        "t": {"deny_if": [{"name": "rule", "on_deny": "not this", "conditions": [
                {"path": "args[\"a name of some length\"]", "op": "in", "value": ["one", "two"]},
                {"path": "context.env", "op": "eq", "value": "prod"}]}],
              "limits": [{"counter": "counter", "window": "minute", "max": 1, "scope": "context.env"}]},
        "glob_*": {"action": "deny", "reason": "none of these"}}})");
  std::shared_ptr<const CompiledPolicy> policy;
  {
    auto result = std::make_unique<CompileResult>(CompiledPolicy::Compile(*text));
    REQUIRE(result->ok());
    policy = result->policy();
    CHECK(policy.use_count() == 2);
  }
  CHECK(policy.use_count() == 1);
  text->assign(text->size(), 'x');
  text.reset();
  CHECK(policy->description() == "what it is for");
  MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
  const callwarden::Attribute env{"env", "prod"};
  callwarden::ToolCall call = Call(R"({"a name of some length":"two"})");
  call.context = {&env, 1};
  const Decision denied = policy->Decide(call, store, kNoon);
  CHECK(denied.rule() == "/tools/t/deny_if/rule");
  CHECK(denied.message() == "not this");
  call.arguments = R"({"a name of some length":"three"})";
  CHECK(policy->Decide(call, store, kNoon).allowed());
  CHECK(policy->Decide(call, store, kNoon).rule() == "/tools/t/limits/counter");
  call.tool = "glob_x";
  CHECK(policy->Decide(call, store, kNoon).message() == "none of these");
  CHECK(policy->Hides("hidden"));
}

TEST_CASE("mode and description are the document's", "[policy]") {
  const auto plain = Compile(R"({"version": "1", "default": "deny"})");
  CHECK(plain->mode() == PolicyMode::kEnforce);
  CHECK(plain->description().empty());
  const auto enforced =
      Compile(R"({"version": "1", "default": "deny", "mode": "enforce", "description": "é\n"})");
  CHECK(enforced->mode() == PolicyMode::kEnforce);
  CHECK(enforced->description() == "é\n");
  const auto shadow = Compile(R"({"version": "1", "default": "deny", "mode": "shadow"})");
  CHECK(shadow->mode() == PolicyMode::kShadow);
}

TEST_CASE("a host can shadow a whole document", "[policy]") {
  callwarden::CompileOptions options;
  options.shadow = true;
  for (const char* text : {R"({"version": "1", "default": "deny", "hide": ["h"]})",
                           R"({"version": "1", "default": "deny", "hide": ["h"], "mode": "enforce"})"}) {
    const auto policy = callwarden::CompiledPolicy::Compile(text, options).policy();
    REQUIRE(policy != nullptr);
    CHECK(policy->mode() == PolicyMode::kShadow);
    CHECK_FALSE(policy->Hides("h"));
    MemoryCounterStore store({.capacity_keys = 64, .clock = nullptr, .secret = {}});
    callwarden::ToolCall call;
    call.tool = "h";
    const Decision decision = policy->Decide(call, store, kNoon);
    CHECK(decision.allowed());
    REQUIRE(decision.would() != nullptr);
    CHECK(decision.would()->reason() == Reason::kHidden);
  }
}

TEST_CASE("a policy's shape counts what it holds", "[policy]") {
  const PolicyShape empty = Compile(R"({"version": "1", "default": "deny"})")->shape();
  CHECK(empty.tools_exact == 0);
  CHECK(empty.tools_glob == 0);
  CHECK(empty.rules == 0);
  CHECK(empty.limits == 0);
  CHECK(empty.argument_paths == 0);
  CHECK(empty.memory_bytes > 0);
  const auto policy = Compile(R"({"version": "1", "default": "deny", "hide": ["h"],
    "all_tools": {"require": [{"conditions": [{"path": "args.a", "op": "exists", "value": true}]}]},
    "tools": {
      "a": {"deny_if": [{"conditions": [{"path": "args.a", "op": "eq", "value": 1},
                                        {"path": "args[\"a\"]", "op": "neq", "value": 2},
                                        {"path": "args.b.c[*]", "op": "eq", "value": 2},
                                        {"path": "grant.id", "op": "eq", "value": "x"}]},
                        {"conditions": []}],
            "limits": [{"counter": "c", "window": "minute", "max": 1, "amount": "args.n"}],
            "rate_limit": "1/minute"},
      "b": {}, "c_*": {}}})");
  const PolicyShape shape = policy->shape();
  CHECK(shape.tools_exact == 2);
  CHECK(shape.tools_glob == 1);
  CHECK(shape.rules == 3);
  CHECK(shape.limits == 2);
  CHECK(shape.argument_paths ==
        4);  // args.a twice, since all_tools is an entry of its own; args.b.c[*], args.n
  CHECK(shape.memory_bytes > empty.memory_bytes);
}

TEST_CASE("a number beyond every double is an error, however large its exponent", "[policy]") {
  for (const std::string_view number : {"1e309", "1e9223372036854775806", "1e9223372036854775807",
                                        "10e9223372036854775807", "1e99999999999999999999"}) {
    CAPTURE(number);
    const std::string text =
        Tools(R"({"t": {"deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": )" +
              std::string(number) + "}]}]}}");
    CHECK(Diagnose(text) == Lines{"error bad_value /tools/t/deny_if/0/conditions/0/value 1:121"});
    const auto policy = Compile(R"({"version": "1", "default": "allow"})");
    const std::string arguments = R"({"a":)" + std::string(number) + "}";
    CHECK(Decide(*policy, arguments).message() ==
          "Arguments refused: a number that 64 bits cannot hold at byte 5");
  }
}

TEST_CASE("the bounds of arguments hold for empty objects, too", "[policy]") {
  CompileOptions options;
  options.arguments_size_max_bytes = 1;
  CHECK(Decide(*Compile(R"({"version": "1", "default": "allow"})", options), "{}").reason() ==
        Reason::kMalformedCall);
  options = {};
  options.arguments_depth_max = 0;
  const auto flat = Compile(R"({"version": "1", "default": "allow"})", options);
  CHECK(Decide(*flat, "{ }").reason() == Reason::kMalformedCall);
  CHECK(Decide(*flat, "{}").reason() == Reason::kMalformedCall);
}
