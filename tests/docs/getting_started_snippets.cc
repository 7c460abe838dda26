// The code of docs/getting-started.md, which a test finds here, put to use.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "callwarden/callwarden.h"

#include "tests/catch.h"

namespace {

std::string Report(std::span<const callwarden::Diagnostic> diagnostics) {
  return "no policy: " + diagnostics.front().message;
}

std::string Refuse(std::string_view message, std::string_view rule,
                   std::optional<std::chrono::milliseconds>) {
  return std::string(message) + " | " + std::string(rule);
}

bool Dispatch(std::string_view name, std::string_view) { return name == "run_code"; }

std::string Serve(std::string_view text, std::string_view name, std::string_view raw_arguments) {
  const std::string_view grant_id = "g";
  const std::string_view session_id = "s";
  // clang-format off
  const auto compiled = callwarden::CompiledPolicy::Compile(text);  // from callwarden/callwarden.h; never throws
  if (!compiled.ok()) return Report(compiled.diagnostics());        // located messages, and no policy

  callwarden::SystemClock clock;
  callwarden::MemoryCounterStore counters;                          // one for the process

  // For every call:
  callwarden::Decision decision = compiled.policy()->Decide(
      {.tool = name, .arguments = raw_arguments, .grant = grant_id, .session = session_id}, counters, clock.Now());
  if (!decision.allowed()) return Refuse(decision.message(), decision.rule(), decision.retry_after());
  const bool ok = Dispatch(name, raw_arguments);
  decision.Complete(ok ? callwarden::Outcome::kOk : callwarden::Outcome::kError);
  // clang-format on
  return ok ? "ran" : "failed";
}

}  // namespace

TEST_CASE("the first steps' code does what they say", "[docs]") {
  constexpr std::string_view kPolicy = R"({"version": "1", "default": "deny", "tools": {"run_code": {}}})";
  CHECK(Serve(kPolicy, "run_code", "{}") == "ran");
  CHECK(Serve(kPolicy, "other", "{}") == "Tool \"other\" is not permitted by policy | (default deny)");
  CHECK(Serve("{}", "run_code", "{}").starts_with("no policy: "));
}
