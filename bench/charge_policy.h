#ifndef CALLWARDEN_BENCH_CHARGE_POLICY_H_
#define CALLWARDEN_BENCH_CHARGE_POLICY_H_

#include <string_view>

namespace bench {

/// The policy of the workloads that read arguments: three conditions on a call of `charge`, and no limit.
inline constexpr std::string_view kChargePolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "charge": {
      "require": [
        {
          "conditions": [
            { "path": "args.amount", "op": "lte", "value": 50000 },
            { "path": "args.currency", "op": "in", "value": ["usd", "eur"] },
            { "path": "args.customer", "op": "starts_with", "value": "cus_" }
          ]
        }
      ]
    }
  }
})";

}  // namespace bench

#endif  // CALLWARDEN_BENCH_CHARGE_POLICY_H_
