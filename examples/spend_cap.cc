// A cap on spending when the price is known only afterwards: each call reserves the most that it may cost,
// and is settled to what it came to. Calls that run at the same time can therefore never overspend together.

#include <array>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

#include "callwarden/callwarden.h"

namespace {

/// Stands for a paid service: what a job really costs, in cents; nothing when the service fails.
struct Bill {
  bool ok = false;
  uint64_t cents = 0;
};

void Run(const callwarden::CompiledPolicy& policy, callwarden::CounterStore& counters,
         const callwarden::Clock& clock, std::string_view arguments, Bill bill) {
  callwarden::Decision decision =
      policy.Decide({.tool = "transcribe", .arguments = arguments, .grant = "team-a"}, counters, clock.Now());
  std::cout << arguments << ": ";
  if (!decision.allowed()) {
    std::cout << decision.message() << "\n";
    return;
  }
  std::cout << "reserved " << decision.reservation().weight(0) << ", ";
  if (!bill.ok) {
    decision.Complete(callwarden::Outcome::kError);  // the limit says `refund: on_error`
    std::cout << "failed, given back\n";
    return;
  }
  // One number for each charge of reservation(), in the limit's units: cents, since the policy says unit
  // 0.01.
  decision.CompleteWith(std::array{bill.cents});
  std::cout << "cost " << bill.cents << "\n";
}

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": {
      "transcribe": {
        "limits": [
          { "counter": "spend", "window": "day", "max": 1000, "scope": "grant",
            "amount": "args.max_cost", "unit": 0.01, "refund": "on_error" }
        ]
      }
    }
  })");
  if (!compiled.ok()) return 1;
  // Stands still, so that this program prints the same at any time; a host takes a SystemClock.
  const callwarden::ManualClock clock(callwarden::kTimeMin);
  callwarden::MemoryCounterStore counters({.clock = &clock});

  // 10.00 a day. Each reserves up to its max_cost, and the estimate of the second is far too high.
  Run(*compiled.policy(), counters, clock, R"({"max_cost": 4.00})", {.ok = true, .cents = 375});
  Run(*compiled.policy(), counters, clock, R"({"max_cost": 6.00})", {.ok = true, .cents = 25});
  Run(*compiled.policy(), counters, clock, R"({"max_cost": 5.50})", {.ok = false});
  Run(*compiled.policy(), counters, clock, R"({"max_cost": 6.00})",
      {.ok = true, .cents = 610});  // dearer than said
  Run(*compiled.policy(), counters, clock, R"({"max_cost": 0.01})", {.ok = true, .cents = 1});
  Run(*compiled.policy(), counters, clock, R"({"max_cost": "0"})", {.ok = true});
}
