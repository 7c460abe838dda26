// A whole decision under a policy with every operator, wildcards, limits and shadow: the first line of the
// input is the tool's name, the rest its arguments. Malformed is never allowed, what is decided is told in
// full, and an exact repetition without limits decides the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "callwarden/callwarden.h"

#include "tests/differential/json.h"
#include "tests/fuzz/check.h"

namespace {

constexpr std::string_view kPolicy = R"({
  "version": "1", "default": "deny", "hide": ["drop_*", "secret"],
  "all_tools": {
    "deny_if": [{"conditions": [{"path": "args.debug", "op": "eq", "value": true}]}],
    "limits": [{"counter": "all", "window": "second", "max": 1000000, "scope": "global"}]},
  "tools": {
    "pay": {
      "require": [
        {"conditions": [{"path": "args.amount", "op": "lte", "value": 10000},
                        {"path": "args.currency", "op": "in", "value": ["usd", "eur"]}]},
        {"conditions": [{"path": "args.to", "op": "format", "value": "email"}], "mode": "shadow"}],
      "require_approval_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 500}]}],
      "limits": [{"counter": "spend", "window": "day", "max": 100000, "amount": "args.amount", "unit": 0.01}]},
    "db_*": {
      "deny_if": [
        {"conditions": [{"any": [{"path": "args.rows[*].name", "op": "contains", "value": "x"},
                                 {"not": {"path": "args.rows[0].id", "op": "type", "value": "integer"}}]}]},
        {"conditions": [{"path": "args.tags", "op": "contains", "value": 1}]},
        {"conditions": [{"path": "args.q", "op": "regex", "value": "(?i)drop\\s+table"}]},
        {"conditions": [{"path": "args.m[*][*]", "op": "glob", "value": "*a*"}]}]},
    "text": {
      "require": [{"conditions": [{"path": "args.s", "op": "max_length", "value": 8},
                                  {"path": "args.s", "op": "regex", "value": "^a.*z$"},
                                  {"path": "args[\"odd.name\"]", "op": "starts_with", "value": "k"},
                                  {"path": "args.t", "op": "ends_with", "value": "q"}]}]},
    "run.*": {"rate_limit": "1000000/minute"}
  }
})";

const callwarden::CompiledPolicy& Policy() {
  static const auto* const policy = new std::shared_ptr<const callwarden::CompiledPolicy>(
      callwarden::CompiledPolicy::Compile(kPolicy).policy());
  FUZZ_CHECK(*policy != nullptr);
  return **policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using callwarden::Reason;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), size);
  callwarden::ToolCall call;
  call.tool = input.substr(0, line);
  if (line != size) call.arguments = input.substr(line + 1);
  call.grant = "g";
  call.session = "s";
  const callwarden::Decision decision =
      Policy().Decide(call, callwarden::fuzz::Counters(), callwarden::fuzz::kNow);
  FUZZ_CHECK(decision.reason() != Reason::kInternalError);
  FUZZ_CHECK(decision.allowed() == (decision.reason() == Reason::kAllowed));
  FUZZ_CHECK(decision.allowed() == decision.rule().empty());
  FUZZ_CHECK(decision.message().size() <= callwarden::Verdict::kMessageMax);
  if (call.arguments && !reference::AcceptsArguments(*call.arguments, std::size_t{1} << 20, 64)) {
    FUZZ_CHECK(decision.reason() == Reason::kMalformedCall);
  }
  if (decision.allowed()) {
    FUZZ_CHECK(Policy().Lists(call.tool) && !Policy().Hides(call.tool));
  } else if (decision.reason() != Reason::kLimitExceeded && decision.reason() != Reason::kLimitUnavailable) {
    const callwarden::Decision again =
        Policy().Decide(call, callwarden::fuzz::Counters(), callwarden::fuzz::kNow);
    FUZZ_CHECK(again.reason() == decision.reason() && again.rule() == decision.rule());
    FUZZ_CHECK(again.message() == decision.message());
  }
  return 0;
}
