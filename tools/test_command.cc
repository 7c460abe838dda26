#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/policy_test.h"

#include "commands.h"
#include "diagnostic_printer.h"
#include "input_file.h"
#include "output.h"
#include "printable.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

struct TestFlags {
  std::vector<std::string> files;
  bool json = false;
  bool verbose = false;
};

/// A `policy_file` next to a test file: opened on the library's behalf, and remembered so that
/// diagnostics can show its lines.
struct PolicyFile {
  std::string path;
  std::string text;
  std::string error;  ///< why it could not be read
};

std::string BesideFile(const std::string& test_file, std::string_view path) {
  const std::size_t slash = test_file.rfind('/');
  if (path.starts_with('/') || test_file == "-" || slash == std::string::npos) return std::string(path);
  return test_file.substr(0, slash + 1) + std::string(path);
}

std::optional<std::string> ReadPolicyFile(const std::string& test_file, std::string_view path,
                                          PolicyFile& policy) {
  policy.path = BesideFile(test_file, path);
  try {
    policy.text = ReadText(policy.path);
  } catch (const ToolError& error) {
    policy.error = error.what();
    return std::nullopt;
  }
  return policy.text;
}

struct Totals {
  std::size_t passed = 0;
  std::size_t failed = 0;
  int code = kExitOk;
};

Json ReportJson(const PolicyTestReport& report) {
  Json json;
  json["passed"] = report.passed();
  json["failed"] = report.failed();
  json["error"] = report.error.has_value() ? ToJson(*report.error) : Json();
  json["policy_diagnostics"] = ToJson(report.policy_diagnostics);
  json["tests"] = Json::array();
  for (const PolicyTestCase& test : report.cases) {
    Json entry;
    entry["name"] = test.name;
    entry["passed"] = test.passed;
    entry["failure"] = test.passed ? Json() : Json(test.failure);
    json["tests"].push_back(std::move(entry));
  }
  return json;
}

/// `text` with each of its lines indented.
std::string Indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += "    " + Printable(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void PrintReport(const std::string& name, std::string_view text, const PolicyFile& policy,
                 const PolicyTestReport& report, bool verbose) {
  const Style style = Style::For(stdout);
  const Style error_style = Style::For(stderr);
  if (report.error.has_value()) Err(DiagnosticPrinter(name, text, error_style).Format(*report.error));
  // A policy inside the test file has lines of its own, so only those of a policy file can be shown.
  const bool has_file = !policy.text.empty();
  PrintDiagnostics(
      DiagnosticPrinter(has_file ? DisplayName(policy.path) : name + " (its policy)",
                        has_file ? std::string_view(policy.text) : std::string_view(), error_style),
      report.policy_diagnostics);
  for (const PolicyTestCase& test : report.cases) {
    if (!test.passed) {
      Out(style.Red("FAIL") + " " + name + ": " + Printable(test.name) + "\n" + Indented(test.failure));
    } else if (verbose) {
      Out(style.Green("pass") + " " + name + ": " + Printable(test.name) + "\n");
    }
  }
}

void RunFile(const std::string& path, const TestFlags& flags, Totals& totals, Json& files) {
  const std::string name = DisplayName(path);
  std::string text;
  try {
    text = ReadText(path);
  } catch (const ToolError& error) {  // the other files are run all the same
    ReportError(error.what());
    totals.code = kExitUsage;
    ++totals.failed;
    files.push_back({{"file", name}, {"passed", 0}, {"failed", 1}, {"error", error.what()}});
    return;
  }
  PolicyFile policy;
  PolicyTestOptions options;
  options.read_policy_file = [&](std::string_view named) { return ReadPolicyFile(path, named, policy); };
  const PolicyTestReport report = RunPolicyTests(text, options);
  totals.passed += report.passed();
  totals.failed += report.failed();
  if (report.failed() > 0) totals.code = std::max<int>(totals.code, kExitProblems);
  if (!policy.error.empty()) {
    ReportError(policy.error);
    totals.code = kExitUsage;
  }
  if (!flags.json) {
    PrintReport(name, text, policy, report, flags.verbose);
    return;
  }
  Json json;
  json["file"] = name;
  json.update(ReportJson(report));
  files.push_back(std::move(json));
}

int Test(const TestFlags& flags) {
  if (std::count(flags.files.begin(), flags.files.end(), "-") > 1) {
    throw ToolError("standard input can be read once only");
  }
  Totals totals;
  Json files = Json::array();
  for (const std::string& path : flags.files) RunFile(path, flags, totals, files);
  if (flags.json) {
    Json json;
    json["passed"] = totals.passed;
    json["failed"] = totals.failed;
    json["files"] = std::move(files);
    Out(JsonDocument(json));
  } else {
    const Style style = Style::For(stdout);
    const std::string failed = std::to_string(totals.failed) + " failed";
    Out(std::to_string(totals.passed) + " passed, " + (totals.failed > 0 ? style.Red(failed) : failed) +
        "\n");
  }
  return totals.code;
}

}  // namespace

void AddTestCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("test", "Run policy test files: calls with the decisions expected");
  command->footer(
      "Failed tests are shown with what was expected and what came; the last line is\n"
      "`N passed, N failed`. A file that is no test file counts as one failed.\n"
      "Exit codes: 0 all passed, 1 a test failed, 2 a file cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden test policy_tests/*.json\n");
  const auto flags = std::make_shared<TestFlags>();
  command->add_option("file", flags->files, "Policy test files; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_flag("--verbose,-v", flags->verbose, "Show the tests that pass too");
  command->add_flag("--json", flags->json, "Print one JSON document instead");
  command->callback([flags, &action] { action = [flags] { return Test(*flags); }; });
}

}  // namespace callwarden::tool
