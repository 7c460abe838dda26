#include <iostream>

#include "callwarden/callwarden.h"

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": {
      "charge": {
        "require": [ { "conditions": [ { "path": "args.amount", "op": "lte", "value": 10000 } ] } ],
        "limits": [ { "counter": "charges", "window": "minute", "max": 2, "scope": "grant" } ]
      }
    }
  })");
  for (const auto& problem : compiled.diagnostics()) {
    std::cerr << problem.line << ":" << problem.column << ": " << problem.message << "\n";
  }
  if (!compiled.ok()) return 1;
  callwarden::SystemClock clock;
  callwarden::MemoryCounterStore counters;  // allocated once; no count is lost to a reload of the policy

  for (const char* arguments : {R"({"amount": 500})", R"({"amount": "500"})", R"({"amount": 90000})", "{}",
                                R"({"amount": 700})", R"({"amount": 900})"}) {
    callwarden::Decision decision = compiled.policy()->Decide(
        {.tool = "charge", .arguments = arguments, .grant = "agent-42"}, counters, clock.Now());
    std::cout << arguments << ": " << Name(decision.effect()) << " " << decision.message() << "\n";
    if (decision.allowed()) decision.Complete(callwarden::Outcome::kOk);  // after the call has run
  }
}
