#include "callwarden/policy_test.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

using callwarden::PolicyTestOptions;
using callwarden::PolicyTestReport;
using callwarden::RunPolicyTests;

// `code pointer line:column` of the error that makes a file unreadable; empty when it was read.
std::string Error(std::string_view text, const PolicyTestOptions& options = {}) {
  const PolicyTestReport report = RunPolicyTests(text, options);
  if (!report.error) return {};
  CHECK(report.cases.empty());
  CHECK(report.passed() == 0);
  CHECK(report.failed() == 1);
  CHECK_FALSE(report.error->message.empty());
  return report.error->code + ' ' + report.error->pointer + ' ' + std::to_string(report.error->line) + ':' +
         std::to_string(report.error->column);
}

constexpr std::string_view kPolicy = R"("policy": {"version": "1", "default": "deny", "tools": {
    "t": {"rate_limit": "1/minute", "limits": [{"counter": "f", "algorithm": "inflight", "max": 1}]}, "free": {},
    "attr": {"require": [{"conditions": [{"path": "context.a", "op": "eq", "value": 18446744073709551615},
                                         {"path": "context.b", "op": "eq", "value": true},
                                         {"path": "grant.c", "op": "eq", "value": "x"},
                                         {"path": "grant.d", "op": "eq", "value": 0.5},
                                         {"path": "grant.id", "op": "eq", "value": "default"}]}]}}})";

std::string File(std::string_view calls) {
  return "{" + std::string(kPolicy) + R"(, "tests": [{"name": "n", "calls": [)" + std::string(calls) + "]}]}";
}

// The failure of the one test of these calls; "passed" when it passed.
std::string Run(std::string_view calls) {
  const PolicyTestReport report = RunPolicyTests(File(calls));
  REQUIRE_FALSE(report.error.has_value());
  REQUIRE(report.cases.size() == 1);
  CHECK(report.cases[0].name == "n");
  CHECK(report.passed() == (report.cases[0].passed ? 1 : 0));
  CHECK(report.failed() == (report.cases[0].passed ? 0 : 1));
  CHECK(report.cases[0].passed == report.cases[0].failure.empty());
  return report.cases[0].passed ? "passed" : report.cases[0].failure;
}

// The error's pointer below the first call, of a file with that call.
std::string CallError(std::string_view call) {
  const PolicyTestReport report = RunPolicyTests(File(call));
  if (!report.error) return "none";
  const std::string start = "/tests/0/calls/0";
  REQUIRE(report.error->pointer.substr(0, start.size()) == start);
  return report.error->code + ' ' + report.error->pointer.substr(start.size());
}

}  // namespace

TEST_CASE("a report that was never made has nothing passed and nothing failed", "[policy_test]") {
  const PolicyTestReport report;
  CHECK(report.passed() == 0);
  CHECK(report.failed() == 0);
}

TEST_CASE("a file that cannot be read says where", "[policy_test]") {
  CHECK(Error("") == "invalid_json  1:1");
  CHECK(Error("{\n  \"tests\": [,]}") == "invalid_json  2:13");
  CHECK(Error("[]") == "bad_value  1:1");
  CHECK(Error("{\"tests\": []}") == "missing_key  1:1");
  CHECK(Error("{" + std::string(kPolicy) + "}") == "missing_key  1:1");
  CHECK(Error("{" + std::string(kPolicy) + R"(, "tests": [], "expect_diagnostics": []})") ==
        "conflicting_keys  1:1");
  CHECK(Error(R"({"policy": {}, "policy_text": "", "tests": []})") == "conflicting_keys  1:1");
  CHECK(Error(R"({"policy": {}, "tests": {}})") == "bad_value /tests 1:25");
  CHECK(Error(R"({"policy": {}, "tests": [], "test": []})") == "unknown_key /test 1:29");
  CHECK(Error(R"({"policy": {}, "tests": [], "tests": []})") == "duplicate_key /tests 1:29");
  CHECK(Error(R"({"policy_text": 5, "tests": []})") == "bad_value /policy_text 1:17");
  CHECK(Error("{\"policy\": {},\n \"tests\": [5]}") == "bad_value /tests/0 2:12");
  CHECK(Error(R"({"policy": {}, "tests": [{"calls": []}]})") == "missing_key /tests/0 1:26");
  CHECK(Error(R"({"policy": {}, "tests": [{"name": "x"}]})") == "missing_key /tests/0 1:26");
  CHECK(Error(R"({"policy": {}, "tests": [{"name": 1, "calls": []}]})") == "bad_value /tests/0/name 1:35");
  CHECK(Error(R"({"policy": {}, "tests": [{"name": "x", "calls": [], "é": 1}]})") ==
        "unknown_key /tests/0/é 1:53");
  CHECK(Error(R"({"policy": {}, "expect_diagnostics": {}})") == "bad_value /expect_diagnostics 1:38");
  CHECK(Error(R"({"policy": {}, "expect_diagnostics": [{"severity": "error", "code": "x"}]})") ==
        "missing_key /expect_diagnostics/0 1:39");
  CHECK(
      Error(
          R"({"policy": {}, "expect_diagnostics": [{"severity": "error", "code": "x", "pointer": "", "line": -1}]})") ==
      "bad_value /expect_diagnostics/0/line 1:97");
  // Of several errors the first in the text.
  CHECK(Error(R"({"x": 1, "policy": {}, "tests": [], "y": 1})") == "unknown_key /x 1:2");
}

TEST_CASE("a file's size and depth are bounded", "[policy_test]") {
  const std::string text = File("");
  PolicyTestOptions options;
  options.file_size_max_bytes = text.size();
  CHECK(Error(text, options).empty());
  options.file_size_max_bytes = text.size() - 1;
  CHECK(Error(text, options) == "bound_exceeded  1:1");
  const std::string deep =
      R"({"policy": {}, "tests": )" + std::string(600, '[') + std::string(600, ']') + "}";
  CHECK(Error(deep).substr(0, 8) == "too_deep");
}

TEST_CASE("a call that cannot be read says where", "[policy_test]") {
  const std::string rest = R"("expect": {"effect": "allow"})";
  CHECK(CallError("5") == "bad_value ");
  CHECK(CallError("{" + rest + "}") == "missing_key ");
  CHECK(CallError(R"({"tool": "t"})") == "missing_key ");
  CHECK(CallError(R"({"tool": 1, )" + rest + "}") == "bad_value /tool");
  CHECK(CallError(R"({"tool": "t", "expect": {}})") == "missing_key /expect");
  CHECK(CallError(R"({"tool": "t", "expect": "allow"})") == "bad_value /expect");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "permit"}})") == "bad_value /expect/effect");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "deny", "reason": "because"}})") ==
        "bad_value /expect/reason");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "deny", "rules": ""}})") ==
        "unknown_key /expect/rules");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "deny", "retry_after_ms": -1}})") ==
        "bad_value /expect/retry_after_ms");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "deny", "retry_after_ms": 0.5}})") ==
        "bad_value /expect/retry_after_ms");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "deny", "retry_after_ms": 9223372036854775808}})") ==
        "bad_value /expect/retry_after_ms");
  CHECK(CallError(R"({"tool": "t", "expect": {"effect": "deny", "would": {"effect": 1}}})") ==
        "bad_value /expect/would/effect");
  CHECK(CallError(R"({"tool": "t", "arguments": {}, "arguments_text": "{}", )" + rest + "}") ==
        "conflicting_keys ");
  CHECK(CallError(R"({"tool": "t", "arguments_text": {}, )" + rest + "}") == "bad_value /arguments_text");
  for (const std::string_view bad : {"a", "ab=", "a===", "ab=c", "ab!=", "abcd=", "ab c"}) {
    CAPTURE(bad);
    CHECK(CallError(R"({"tool": "t", "arguments_base64": ")" + std::string(bad) + "\", " + rest + "}") ==
          "bad_value /arguments_base64");
  }
  CHECK(CallError(R"({"tool": "t", "context": [], )" + rest + "}") == "bad_value /context");
  CHECK(CallError(R"({"tool": "t", "context": {"a": null}, )" + rest + "}") == "bad_value /context/a");
  CHECK(CallError(R"({"tool": "t", "grant_attributes": {"a": []}, )" + rest + "}") ==
        "bad_value /grant_attributes/a");
  CHECK(CallError(R"({"tool": "t", "grant_attributes": {"a": 1e999}, )" + rest + "}") ==
        "bad_value /grant_attributes/a");
  CHECK(CallError(R"({"tool": "t", "approved": 1, )" + rest + "}") == "bad_value /approved");
  CHECK(CallError(R"({"tool": "t", "outcome": "fine", )" + rest + "}") == "bad_value /outcome");
  CHECK(CallError(R"({"tool": "t", "session": null, )" + rest + "}") == "bad_value /session");
  CHECK(CallError(R"({"complete": 0})") == "bad_value /complete");
  CHECK(CallError(R"({"complete": -1})") == "bad_value /complete");
  CHECK(CallError(R"({"complete": "0"})") == "bad_value /complete");
  CHECK(CallError(R"({"complete": 0, "tool": "t"})").substr(0, 11) == "bad_value /");
}

TEST_CASE("times are RFC 3339 in UTC", "[policy_test]") {
  const auto time = [](std::string_view at) {
    return CallError(R"({"tool": "free", "expect": {"effect": "allow"}, "at": ")" + std::string(at) + "\"}");
  };
  for (const std::string_view good :
       {"2026-03-01T10:30:00Z", "2024-02-29T23:59:59Z", "2026-03-01T10:30:00.1Z",
        "2026-03-01T10:30:00.123456789Z", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z"}) {
    CAPTURE(good);
    CHECK(time(good) == "none");
  }
  for (const std::string_view bad : {"",
                                     "2026-03-01",
                                     "2026-03-01T10:30Z",
                                     "2026-03-01T10:30:00",
                                     "2026-03-01T10:30:00z",
                                     "2026-03-01t10:30:00Z",
                                     "2026-03-01 10:30:00Z",
                                     "2026-03-01T10:30:00+00:00",
                                     "2026-02-29T10:30:00Z",
                                     "2026-13-01T10:30:00Z",
                                     "2026-00-01T10:30:00Z",
                                     "2026-01-00T10:30:00Z",
                                     "2026-01-32T10:30:00Z",
                                     "2026-03-01T24:00:00Z",
                                     "2026-03-01T10:60:00Z",
                                     "2026-03-01T10:30:60Z",
                                     "2026-03-01T10:30:00.Z",
                                     "2026-03-01T10:30:00.1234567890Z",
                                     "2026-03-01T10:30:00ZZ",
                                     "+2026-03-01T10:30:00Z",
                                     "1600-01-01T00:00:00Z",
                                     "9999-01-01T00:00:00Z"}) {
    CAPTURE(bad);
    CHECK(time(bad) == "bad_value /at");
  }
}

TEST_CASE("what a call gives is held against what is expected", "[policy_test]") {
  CHECK(Run("") == "passed");
  CHECK(Run(R"({"tool": "free", "expect": {"effect": "allow"}})") == "passed");
  CHECK(Run(R"({"tool": "free", "expect": {"effect": "allow", "reason": "allowed", "rule": "", "message": "",
                                          "retry_after_ms": null, "would": null}})") == "passed");
  CHECK(Run(R"({"tool": "free", "expect": {"effect": "deny"}})") ==
        R"(call 0: expected effect "deny", got "allow")");
  CHECK(Run(R"({"tool": "x", "expect": {"effect": "deny", "reason": "hidden", "rule": "r", "message": "m",
                                       "retry_after_ms": 5, "would": {"effect": "allow"}}})") ==
        "call 0: expected reason \"hidden\", got \"not_listed\"\n"
        "call 0: expected rule \"r\", got \"(default deny)\"\n"
        "call 0: expected message \"m\", got \"Tool \"x\" is not permitted by policy\"\n"
        "call 0: expected retry_after_ms \"5\", got \"none\"\n"
        "call 0: expected would \"allow\", got none");
}

TEST_CASE("numbers and strings of attributes reach the policy", "[policy_test]") {
  CHECK(Run(R"({"tool": "attr", "context": {"a": 18446744073709551615, "b": true},
               "grant_attributes": {"c": "x", "d": 5e-1}, "expect": {"effect": "allow"}})") == "passed");
  CHECK(Run(R"({"tool": "attr", "context": {"a": 18446744073709551614, "b": true},
               "grant_attributes": {"c": "x", "d": 0.5}, "expect": {"effect": "allow"}})") != "passed");
}

TEST_CASE("arguments are passed on as they stand", "[policy_test]") {
  const std::string malformed = R"(, "expect": {"effect": "deny", "reason": "malformed_call"}})";
  CHECK(Run(R"({"tool": "free", "arguments": null)" + malformed) == "passed");
  CHECK(Run(R"({"tool": "free", "arguments": {"a": 1, "a": 2})" + malformed) == "passed");
  CHECK(Run(R"({"tool": "free", "arguments_text": "")" + malformed) == "passed");
  CHECK(Run(R"({"tool": "free", "arguments_base64": "")" + malformed) == "passed");
  CHECK(Run(R"({"tool": "free", "arguments_base64": "/w==")" + malformed) == "passed");
  CHECK(Run(R"({"tool": "free", "arguments_base64": "e30=", "expect": {"effect": "allow"}})") == "passed");
  CHECK(Run(R"({"tool": "free", "arguments_base64": "ICB7fSAg", "expect": {"effect": "allow"}})") ==
        "passed");
  CHECK(Run(R"({"tool": "free", "arguments_text": "{\"a\":1}", "expect": {"effect": "allow"}})") == "passed");
}

TEST_CASE("time goes on from call to call, and may go back", "[policy_test]") {
  CHECK(Run(R"({"tool": "t", "session": "s", "expect": {"effect": "allow"}},
               {"tool": "t", "session": "s", "at": "2026-01-01T00:00:00.5Z",
                "expect": {"effect": "deny", "retry_after_ms": 59500}},
               {"tool": "t", "session": "s", "expect": {"effect": "deny", "retry_after_ms": 59500}},
               {"tool": "t", "session": "s", "at": "2026-01-01T00:01:00Z", "expect": {"effect": "allow"}},
               {"tool": "t", "session": "s", "at": "2026-01-01T00:00:00Z",
                "expect": {"effect": "deny", "retry_after_ms": 120000}})") == "passed");
}

TEST_CASE("calls stay in flight until they are completed", "[policy_test]") {
  const std::string open =
      R"({"tool": "t", "session": "a", "outcome": "open", "expect": {"effect": "allow"}})";
  const std::string denied =
      R"({"tool": "t", "session": "b", "expect": {"effect": "deny", "rule": "/tools/t/limits/f"}})";
  const std::string allowed = R"({"tool": "t", "session": "b", "expect": {"effect": "allow"}})";
  CHECK(Run(open + ',' + denied) == "passed");
  CHECK(Run(open + ',' + denied + R"(, {"complete": 0}, )" + allowed) == "passed");
  CHECK(Run(open + R"(, {"complete": 0, "outcome": "error", "at": "2026-01-01T00:00:01Z"}, )" + allowed) ==
        "passed");
  CHECK(Run(open + R"(, {"complete": 0}, {"complete": 0})") == "call 2: call 0 is not in flight");
  CHECK(Run(allowed + R"(, {"complete": 0})") == "call 1: call 0 is not in flight");
  CHECK(Run(open + ',' + denied + R"(, {"complete": 1})") == "call 2: call 1 is not in flight");
  CHECK(Run(open + R"(, {"complete": 0}, {"complete": 1})") == "call 2: call 1 is not in flight");
}

TEST_CASE("each test has a store of its own", "[policy_test]") {
  const std::string test =
      R"({"name": "n", "calls": [{"tool": "t", "session": "s", "expect": {"effect": "allow"}}]})";
  const PolicyTestReport report =
      RunPolicyTests("{" + std::string(kPolicy) + R"(, "tests": [)" + test + ',' + test + "]}");
  CHECK(report.passed() == 2);
  CHECK(report.failed() == 0);
}

TEST_CASE("a policy file is read by the host alone", "[policy_test]") {
  const std::string_view text =
      R"({"policy_file": "a/b.json", "tests": [{"name": "n", "calls": [{"tool": "t", "expect": {"effect": "allow"}}]}]})";
  CHECK(Error(text) == "bad_value /policy_file 1:17");
  std::vector<std::string> asked;
  PolicyTestOptions options;
  options.read_policy_file = [&](std::string_view path) -> std::optional<std::string> {
    asked.emplace_back(path);
    return R"({"version": "1", "default": "allow"})";
  };
  CHECK(RunPolicyTests(text, options).passed() == 1);
  CHECK(asked == std::vector<std::string>{"a/b.json"});
  options.read_policy_file = [](std::string_view) { return std::nullopt; };
  CHECK(Error(text, options) == "bad_value /policy_file 1:17");
}

TEST_CASE("a policy that does not compile fails the file, and says why", "[policy_test]") {
  const PolicyTestReport report = RunPolicyTests(
      R"({"policy_text": "{\"version\": \"1\",\n\"default\": 5}", "tests": [{"name": "n", "calls": []}]})");
  CHECK_FALSE(report.error.has_value());
  REQUIRE(report.policy_diagnostics.size() == 1);
  CHECK(report.policy_diagnostics[0].pointer == "/default");
  CHECK(report.policy_diagnostics[0].line == 2);
  CHECK(report.policy_diagnostics[0].column == 12);
  CHECK(report.cases.empty());
  CHECK(report.passed() == 0);
  CHECK(report.failed() == 1);
}

TEST_CASE("the policy's bounds are the options'", "[policy_test]") {
  PolicyTestOptions options;
  options.compile.arguments_size_max_bytes = 5;
  const std::string text = File(
      R"({"tool": "free", "arguments": {"a": 1}, "expect": {"effect": "deny", "reason": "malformed_call"}})");
  CHECK(RunPolicyTests(text, options).passed() == 1);
  CHECK(RunPolicyTests(text).failed() == 1);
}

TEST_CASE("diagnostics are held against those expected", "[policy_test]") {
  const auto run = [](std::string_view expected) {
    const PolicyTestReport report = RunPolicyTests(
        R"({"policy_text": "{\"version\": \"1\",\n \"default\": 5, \"x\": 1}", "expect_diagnostics": [)" +
        std::string(expected) + "]}");
    REQUIRE(report.cases.size() == 1);
    CHECK(report.cases[0].name == "diagnostics");
    CHECK(report.policy_diagnostics.empty());
    return report.cases[0].passed ? "passed" : report.cases[0].failure;
  };
  const std::string bad = R"({"severity": "error", "code": "bad_value", "pointer": "/default")";
  const std::string unknown = R"({"severity": "error", "code": "unknown_key", "pointer": "/x")";
  CHECK(run(bad + "}," + unknown + "}") == "passed");
  CHECK(run(unknown + R"(, "line": 2, "column": 16},)" + bad + R"(, "line": 2})") == "passed");
  CHECK(run(unknown + R"(, "line": 2, "column": 14},)" + bad + "}") ==
        R"(error unknown_key at "/x": expected at 2:14, got 2:16)");
  CHECK(run(bad + "}") == R"(unexpected error unknown_key at "/x": unknown key "x")");
  CHECK(run(bad + "}," + unknown + R"(}, {"severity": "warning", "code": "zero_max", "pointer": ""})") ==
        R"(expected warning zero_max at "")");
  CHECK(run(bad + "}," + R"({"severity": "warning", "code": "unknown_key", "pointer": "/x"})") != "passed");
}
