// Any bytes are compiled without a crash, within bounded time; errors and a policy exclude each other; every
// diagnostic stands in the text; and what compiles decides.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/callwarden.h"

#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const callwarden::CompileResult result = callwarden::CompiledPolicy::Compile(text);
  bool error = false;
  for (const callwarden::Diagnostic& d : result.diagnostics()) {
    error |= d.severity == callwarden::Severity::kError;
    FUZZ_CHECK(d.line >= 1 && d.column >= 1 && d.line <= size + 1 && d.column <= size + 1);
    FUZZ_CHECK(!d.code.empty() && !d.message.empty() && d.message.find('\n') == std::string::npos);
    FUZZ_CHECK(d.pointer.empty() || d.pointer.front() == '/');
  }
  FUZZ_CHECK(error != result.ok());
  if (!result.ok()) return 0;
  callwarden::MemoryCounterStore& counters = callwarden::fuzz::Counters();
  callwarden::ToolCall call;
  call.tool = "run_code";
  call.arguments = R"({"a":1,"b":{"c":["x",2.5,null]},"amount":3})";
  call.grant = "g";
  call.session = "s";
  const callwarden::Decision decision = result.policy()->Decide(call, counters, callwarden::fuzz::kNow);
  FUZZ_CHECK(decision.reason() != callwarden::Reason::kInternalError);
  FUZZ_CHECK(decision.allowed() == (decision.reason() == callwarden::Reason::kAllowed));
  FUZZ_CHECK(decision.allowed() == decision.rule().empty());
  return 0;
}
