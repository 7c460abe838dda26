#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "callwarden/policy.h"

#include "check_tools.h"
#include "commands.h"
#include "diagnostic_printer.h"
#include "input_file.h"
#include "output.h"
#include "style.h"
#include "tool_error.h"
#include "tool_list.h"

namespace callwarden::tool {
namespace {

struct CheckFlags {
  std::vector<std::string> files;
  std::string tools;
  bool json = false;
  bool strict = false;
};

/// How checking one file went.
struct FileReport {
  ExitCode code = kExitOk;
  std::size_t errors = 0;
  std::size_t warnings = 0;
  Json json;
};

std::string ShapeText(const PolicyShape& shape) {
  return Count(shape.tools_exact, "tool") + ", " + Count(shape.tools_glob, "glob") + ", " +
         Count(shape.rules, "rule") + ", " + Count(shape.limits, "limit");
}

Json ShapeJson(const PolicyShape& shape) {
  Json json;
  json["tools_exact"] = shape.tools_exact;
  json["tools_glob"] = shape.tools_glob;
  json["rules"] = shape.rules;
  json["limits"] = shape.limits;
  json["argument_paths"] = shape.argument_paths;
  return json;
}

/// `tools` is null when the policy is not held against any.
FileReport CheckFile(const std::string& path, const CheckFlags& flags, const std::vector<ListedTool>* tools) {
  const std::string text = ReadText(path);
  const CompileResult result = CompiledPolicy::Compile(text);
  std::vector<Diagnostic> diagnostics(result.diagnostics().begin(), result.diagnostics().end());
  if (result.ok() && tools != nullptr) {
    for (Diagnostic& warning : CheckAgainstTools(text, *tools)) diagnostics.push_back(std::move(warning));
  }
  FileReport report;
  report.json["file"] = DisplayName(path);
  report.json["ok"] = result.ok();
  report.json["diagnostics"] = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    ++(diagnostic.severity == Severity::kError ? report.errors : report.warnings);
    report.json["diagnostics"].push_back(ToJson(diagnostic));
  }
  report.json["shape"] = result.ok() ? ShapeJson(result.policy()->shape()) : Json();
  if (!result.ok() || (flags.strict && report.warnings > 0)) report.code = kExitProblems;
  if (flags.json) return report;

  PrintDiagnostics(DiagnosticPrinter(DisplayName(path), text, Style::For(stderr)), diagnostics);
  std::string line = DisplayName(path) + ": ";
  if (result.ok()) {
    line += Style::For(stdout).Green("ok") + " (" + ShapeText(result.policy()->shape()) + ")";
    if (report.warnings > 0) line += ", " + Count(report.warnings, "warning");
  } else {
    line += Count(report.errors, "error") + ", " + Count(report.warnings, "warning");
  }
  Out(line + "\n");
  return report;
}

FileReport Unreadable(const std::string& path, const ToolError& error) {
  ReportError(error.what());
  FileReport report;
  report.code = kExitUsage;
  report.json["file"] = DisplayName(path);
  report.json["ok"] = false;
  report.json["error"] = error.what();
  return report;
}

int Check(const CheckFlags& flags) {
  if (std::count(flags.files.begin(), flags.files.end(), "-") + (flags.tools == "-" ? 1 : 0) > 1) {
    throw ToolError("standard input can be read once only");
  }
  std::vector<ListedTool> tools;
  if (!flags.tools.empty()) tools = ReadToolList(ReadText(flags.tools), DisplayName(flags.tools));
  int code = kExitOk;
  std::size_t errors = 0;
  std::size_t warnings = 0;
  Json files = Json::array();
  for (const std::string& path : flags.files) {
    FileReport report;
    try {
      report = CheckFile(path, flags, flags.tools.empty() ? nullptr : &tools);
    } catch (const ToolError& error) {  // the other files are checked all the same
      report = Unreadable(path, error);
    }
    code = std::max<int>(code, report.code);
    errors += report.errors;
    warnings += report.warnings;
    files.push_back(std::move(report.json));
  }
  if (flags.json) {
    Json json;
    json["ok"] = code == kExitOk;
    json["errors"] = errors;
    json["warnings"] = warnings;
    json["files"] = std::move(files);
    Out(JsonDocument(json));
  }
  return code;
}

}  // namespace

void AddCheckCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("check", "Compile policies and report every mistake in them");
  command->footer(
      "Diagnostics go to stderr, as FILE:LINE:COLUMN; one line per file to stdout.\n"
      "Exit codes: 0 no errors, 1 errors (with --strict: or warnings), 2 a file cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden check policy.json\n"
      "  callwarden check --strict --json policies/*.json\n"
      "  callwarden check --tools tools.json policy.json\n");
  const auto flags = std::make_shared<CheckFlags>();
  command->add_option("policy", flags->files, "Policy documents; - is standard input")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--tools", flags->tools,
                   "Warn of what does not fit the tools of this tools/list result; - is stdin")
      ->type_name("FILE");
  command->add_flag("--json", flags->json, "Print one JSON document instead");
  command->add_flag("--strict", flags->strict, "Let warnings fail the check too");
  command->callback([flags, &action] { action = [flags] { return Check(*flags); }; });
}

}  // namespace callwarden::tool
