// Runs the policy test files of the project: the conformance cases, the attacks and the policies among the
// examples.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/policy_test.h"

#include "tests/catch.h"

namespace {

namespace fs = std::filesystem;
using callwarden::Diagnostic;
using callwarden::PolicyTestCase;
using callwarden::PolicyTestOptions;
using callwarden::PolicyTestReport;

std::optional<std::string> ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The files of a folder whose names end so; tests run in the source tree's root.
std::vector<fs::path> FilesOf(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Runs each file; whatever does not pass is a failed check that names it.
void RunFiles(const std::vector<fs::path>& files) {
  REQUIRE_FALSE(files.empty());
  std::size_t cases = 0;
  for (const fs::path& path : files) {
    const std::string file = path.string();
    const std::optional<std::string> text = ReadFile(path);
    CAPTURE(file);
    REQUIRE(text.has_value());
    PolicyTestOptions options;
    options.read_policy_file = [&](std::string_view name) { return ReadFile(path.parent_path() / name); };
    const PolicyTestReport report = callwarden::RunPolicyTests(*text, options);
    if (report.error) {
      UNSCOPED_INFO(report.error->line << ':' << report.error->column << ": " << report.error->message);
    }
    CHECK_FALSE(report.error.has_value());
    for (const Diagnostic& d : report.policy_diagnostics) {
      UNSCOPED_INFO(d.line << ':' << d.column << ": " << d.message << " [" << d.code << ']');
    }
    CHECK(report.policy_diagnostics.empty());
    CHECK_FALSE(report.cases.empty());
    for (const PolicyTestCase& test : report.cases) {
      INFO(test.name << '\n' << test.failure);
      CHECK(test.passed);
    }
    CHECK(report.failed() == 0);
    cases += report.cases.size();
  }
  CHECK(cases >= files.size());
}

}  // namespace

TEST_CASE("every conformance case holds", "[conformance]") {
  RunFiles(FilesOf("tests/conformance", ".json"));
}

TEST_CASE("every attack is refused, and its harmless neighbours are not", "[conformance]") {
  RunFiles(FilesOf("examples/attacks", ".json"));
}

TEST_CASE("the example policies do what their tests say", "[conformance]") {
  RunFiles(FilesOf("examples/policies", "_test.json"));
}
