// W5: 10 to 100,000 tools, by exact name and by glob.

#include <memory>
#include <string>
#include <vector>

#include "bench/decision/workloads.h"

namespace bench {
namespace {

using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::Reason;
using callwarden::Timestamp;

constexpr Timestamp kNow{std::chrono::seconds(1772366400)};

// Every tool of `service-I_read`, or `service-I_*`, asks for an approval on "prod".
std::string CataloguePolicy(std::size_t tools, bool globs) {
  std::string text = R"({"version":"1","default":"deny","tools":{)";
  for (std::size_t i = 0; i < tools; ++i) {
    if (i != 0) text += ',';
    text += "\"service-" + std::to_string(i) + (globs ? "_*\"" : "_read\"");
    text += R"(:{"require_approval_if":[{"conditions":[{"path":"context.env","op":"eq","value":"prod"}]}]})";
  }
  return text + "}}";
}

struct Shared {
  Shared(std::size_t tools, bool globs) : policy(Compile(CataloguePolicy(tools, globs))) {
    for (std::size_t i = 0; i < 64; ++i) {
      names.push_back("service-" + std::to_string(i * (tools - 1) / 63) + "_read");
    }
  }
  std::shared_ptr<const CompiledPolicy> policy;
  MemoryCounterStore counters{{.capacity_keys = 16, .clock = nullptr, .secret = {}}};
  std::vector<std::string> names;
};

}  // namespace

void AddCatalogue(std::vector<Budget>& budgets) {
  for (const bool globs : {false, true}) {
    std::vector<std::string> names;
    for (const std::size_t tools : {10, 1000, 100000}) {
      const std::string kind = globs ? "globs" : "exact";
      const std::string name = "W5/" + kind + "_" + std::to_string(tools);
      Add(name, std::to_string(tools) + (globs ? " globs, 64 names that only they match" : " exact tools"),
          [tools, globs] {
            auto shared = std::make_shared<Shared>(tools, globs);
            return [shared, next = std::size_t{0}]() mutable {
              const std::size_t i = next++;
              const bool prod = i % 2 != 0;
              const callwarden::Attribute env{"env", std::string_view(prod ? "prod" : "test")};
              const Decision decision = shared->policy->Decide(
                  {.tool = shared->names[i % shared->names.size()], .context = {&env, 1}}, shared->counters,
                  kNow);
              return decision.reason() == (prod ? Reason::kApprovalRequired : Reason::kAllowed);
            };
          });
      names.push_back(name);
    }
    budgets.push_back({globs ? "W5 100,000 globs / 10 globs" : "W5 100,000 tools / 10 tools",
                       "flat in the number of tools",
                       Budget::Kind::kAtMost,
                       {names[1], names[2]},
                       names[0],
                       1.3});
  }
}

}  // namespace bench
