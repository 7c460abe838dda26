// A host that holds nlohmann::json values. Exit code 0 when both answers are as expected.

#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"
#include "callwarden/callwarden.h"

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": { "pay": { "require": [ { "conditions": [ { "path": "args.amount", "op": "lte", "value": 100 } ] } ] } }
  })");
  if (!compiled.ok()) return 1;
  callwarden::MemoryCounterStore counters;
  const callwarden::SystemClock clock;
  const auto allows = [&](const nlohmann::json& value) {
    const callwarden::NlohmannArguments arguments(value);
    callwarden::ToolCall call;
    call.tool = "pay";
    call.parsed_arguments = &arguments;
    return compiled.policy()->Decide(call, counters, clock.Now()).allowed();
  };
  if (!allows({{"amount", 100}})) return 2;
  return allows({{"amount", "100"}}) ? 3 : 0;
}
