// Any bytes as a policy test file: an error or results, never a crash; and twice the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/policy_test.h"

#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const callwarden::PolicyTestReport report = callwarden::RunPolicyTests(text);
  FUZZ_CHECK(!report.error || report.cases.empty());
  FUZZ_CHECK(!report.error || !report.error->message.empty());
  for (const callwarden::PolicyTestCase& test : report.cases) FUZZ_CHECK(test.passed == test.failure.empty());
  const callwarden::PolicyTestReport again = callwarden::RunPolicyTests(text);
  FUZZ_CHECK(again.passed() == report.passed() && again.failed() == report.failed());
  return 0;
}
