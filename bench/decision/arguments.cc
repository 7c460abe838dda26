// W2: three conditions on raw JSON arguments, beside simdjson's DOM parse of the same bytes. reader_bench has
// more sizes.

#include <memory>
#include <string_view>

#include <simdjson.h>

#include "bench/charge_policy.h"
#include "bench/decision/workloads.h"

namespace bench {
namespace {

using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::Reason;
using callwarden::Timestamp;

constexpr Timestamp kNow{std::chrono::seconds(1772366400)};

constexpr std::string_view kArguments =
    R"({"amount":4999,"currency":"usd","customer":"cus_9s6XKzkNRiz8i3","description":"Order 1047, two )"
    R"(items","capture":true,"metadata":{"order":"1047","note":null}})";

struct Shared {
  std::shared_ptr<const CompiledPolicy> policy = Compile(kChargePolicy);
  MemoryCounterStore counters{{.capacity_keys = 16, .clock = nullptr, .secret = {}}};
  Reason Decide(std::string_view arguments) {
    const Decision decision = policy->Decide({.tool = "charge", .arguments = arguments}, counters, kNow);
    return decision.reason();
  }
};

struct Dom {
  simdjson::padded_string text{kArguments};
  simdjson::dom::parser parser;
};

}  // namespace

void AddArguments(std::vector<Budget>& budgets) {
  Add("W2/dom", "simdjson's DOM parse of the arguments", [] {
    auto dom = std::make_shared<Dom>();
    return [dom] {
      simdjson::dom::element document;
      return dom->parser.parse(dom->text).get(document) == simdjson::SUCCESS && document.is_object();
    };
  });
  Add("W2/charge", "three conditions on 157 bytes of arguments", [] {
    auto shared = std::make_shared<Shared>();
    Expect(shared->Decide(R"({"amount":50001,"currency":"usd","customer":"cus_9"})") ==
               Reason::kRequirementFailed,
           "an amount too large");
    Expect(shared->Decide(R"({"amount":1,"amount":2,"currency":"usd","customer":"cus_9"})") ==
               Reason::kMalformedCall,
           "a repeated name");
    return [shared] { return shared->Decide(kArguments) == Reason::kAllowed; };
  });
  budgets.push_back({"W2 charge / DOM parse",
                     "raw arguments, three conditions",
                     Budget::Kind::kAtMost,
                     {"W2/charge"},
                     "W2/dom",
                     1.5});
}

}  // namespace bench
