// W4: an equality-heavy policy. 33N + 5 rules on one path, of which a call's value meets one.

#include <memory>
#include <string>
#include <vector>

#include "bench/decision/workloads.h"

namespace bench {
namespace {

using callwarden::Attribute;
using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::Reason;
using callwarden::Timestamp;

constexpr Timestamp kNow{std::chrono::seconds(1772366400)};

// Record i is for role i % 7: everybody else is refused. Every eleventh rule names several records.
std::string HospitalPolicy(std::size_t rules) {
  std::string text = R"({"version":"1","default":"deny","tools":{"read_record":{"deny_if":[)";
  for (std::size_t i = 0; i < rules; ++i) {
    const std::string record = "\"record-" + std::to_string(i) + "\"";
    if (i != 0) text += ',';
    text += R"({"conditions":[{"path":"args.record","op":)";
    text += i % 11 == 0 ? R"("in","value":[)" + record + ",\"copy-" + std::to_string(i) + "\"]}"
                        : R"("eq","value":)" + record + "}";
    text += R"(,{"path":"context.role","op":"neq","value":"role-)" + std::to_string(i % 7) + "\"}]}";
  }
  return text + "]}}}";
}

struct Shared {
  explicit Shared(std::size_t rules) : policy(Compile(HospitalPolicy(rules))) {
    // 64 calls over the whole list: of three that match a rule, two are allowed and one is refused; every
    // fourth matches none.
    for (std::size_t i = 0; i < 64; ++i) {
      const std::size_t record = i * (rules - 1) / 63;
      const std::size_t role = i % 4 == 2 ? record + 1 : record;
      const std::string name = i % 4 == 3 ? "other-" + std::to_string(i) : "record-" + std::to_string(record);
      calls.push_back({R"({"record":")" + name + "\"}", "role-" + std::to_string(role % 7),
                       i % 4 == 2 ? Reason::kDeniedByRule : Reason::kAllowed});
    }
  }
  struct Call {
    std::string arguments;
    std::string role;
    Reason reason;
  };
  std::shared_ptr<const CompiledPolicy> policy;
  MemoryCounterStore counters{{.capacity_keys = 16, .clock = nullptr, .secret = {}}};
  std::vector<Call> calls;
};

}  // namespace

void AddRules(std::vector<Budget>& budgets) {
  std::vector<std::string> names;
  for (const std::size_t rules : {38, 3305, 9905}) {
    const std::string name = "W4/rules_" + std::to_string(rules);
    Add(name, std::to_string(rules) + " equality rules on one path, raw arguments", [rules] {
      auto shared = std::make_shared<Shared>(rules);
      return [shared, next = std::size_t{0}]() mutable {
        const Shared::Call& call = shared->calls[next++ % shared->calls.size()];
        const Attribute role{"role", std::string_view(call.role)};
        const Decision decision = shared->policy->Decide(
            {.tool = "read_record", .arguments = call.arguments, .context = {&role, 1}}, shared->counters,
            kNow);
        return decision.reason() == call.reason;
      };
    });
    names.push_back(name);
  }
  budgets.push_back({"W4 9,905 rules / 38 rules",
                     "flat in the number of rules",
                     Budget::Kind::kAtMost,
                     {names[1], names[2]},
                     names[0],
                     1.3});
}

}  // namespace bench
