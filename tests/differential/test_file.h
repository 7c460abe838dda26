#ifndef TESTS_DIFFERENTIAL_TEST_FILE_H_
#define TESTS_DIFFERENTIAL_TEST_FILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/json.h"
#include "tests/differential/reference.h"

namespace reference {

/// One step of a test: a call, or the completion of an earlier one.
struct TestStep {
  Nanos at = 0;
  bool completes = false;
  std::size_t completed = 0;  // which step's call
  Call call;
  bool open = false;  // a call that is not reported complete right after it
  Outcome outcome = Outcome::kOk;
  Value expect;  // null, or the object
};

struct PolicyTest {
  std::string name;
  std::vector<TestStep> steps;
};

/// A policy test file (section 11) that has tests; of one that expects diagnostics `tests` is empty.
struct TestFile {
  std::string policy_text;
  std::vector<PolicyTest> tests;
};

/// Reads a file; nothing, and why in `error`, when it is not of the form. `folder` is where a `policy_file`
/// is looked for.
std::optional<TestFile> ReadTestFile(std::string_view text, const std::string& folder, std::string& error);

/// Writes a test with what the reference decides as its expectations, ready for tests/conformance/.
std::string WriteTestFile(const std::string& policy_text, const PolicyTest& test);

/// How a verdict differs from an `expect` object; empty when it does not.
std::string Differs(const Value& expect, const Verdict& verdict, const std::optional<Verdict>& would);

/// Runs one test on the reference; empty when every expectation was met.
std::string RunOnReference(const Policy& policy, const PolicyTest& test);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_TEST_FILE_H_
