// Any bytes are read as a grants document without a crash, within bounded time; errors and a table exclude
// each other; every diagnostic stands in the text and shows no secret; and what is read decides as it says.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/callwarden.h"
#include "callwarden/gate.h"

#include "tests/fuzz/check.h"

namespace {

std::shared_ptr<const callwarden::CompiledPolicy> PolicyOf(std::string_view name, std::string& error) {
  static const auto policy =
      callwarden::CompiledPolicy::Compile(
          R"({"version": "1", "default": "deny", "tools": {"t": {"require": [{"name": "label",
          "conditions": [{"path": "grant.label", "op": "exists", "value": true}]}]}}})")
          .policy();
  if (name.size() % 3 == 2) {
    error = "two over";
    return nullptr;
  }
  return policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const callwarden::GrantTableResult result = callwarden::GrantTable::Read(text, PolicyOf);
  FUZZ_CHECK(result.ok() == result.diagnostics().empty());
  for (const callwarden::Diagnostic& d : result.diagnostics()) {
    FUZZ_CHECK(d.severity == callwarden::Severity::kError);
    FUZZ_CHECK(d.line >= 1 && d.column >= 1 && d.line <= size + 1 && d.column <= size + 1);
    FUZZ_CHECK(!d.code.empty() && !d.message.empty() && d.message.find('\n') == std::string::npos);
    FUZZ_CHECK(d.pointer.empty() || d.pointer.front() == '/');
  }
  if (!result.ok()) return 0;
  // What a document may say, a host may say, too.
  const auto grants = result.table()->grants();
  FUZZ_CHECK(callwarden::GrantTable::Create({grants.begin(), grants.end()}).ok());
  callwarden::Gate gate({.grants = result.table(), .counters = &callwarden::fuzz::Counters()});
  const callwarden::Timestamp now = gate.clock().Now();
  for (const callwarden::Grant& grant : grants) {
    if (grant.id.empty()) continue;
    FUZZ_CHECK(result.table()->Find(grant.id) == &grant);
    callwarden::ToolCall call;
    call.tool = "t";
    call.grant = grant.id;
    const callwarden::Decision decision = gate.Check(call);
    const bool far = (!grant.not_before || *grant.not_before < now - std::chrono::hours(1)) &&
                     (!grant.expires || *grant.expires > now + std::chrono::hours(1));
    const bool valid = far && !grant.disabled && grant.policy != nullptr;
    if (valid) FUZZ_CHECK(decision.allowed() == !grant.label.empty());
    if (grant.disabled) FUZZ_CHECK(decision.reason() == callwarden::Reason::kNoPolicy);
    FUZZ_CHECK(!gate.Authenticate(grant.id + ".x").ok());
  }
  return 0;
}
