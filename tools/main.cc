#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "output.h"
#include "printable.h"
#include "tool_error.h"
#include "version.h"

namespace {

using callwarden::tool::Action;
using callwarden::tool::ExitCode;
using callwarden::tool::Printable;
using callwarden::tool::ReportError;

constexpr const char* kFooter =
    "Example:\n"
    "  callwarden check policy.json\n"
    "  callwarden decide --policy policy.json --tool run_code --arguments '{\"n\": 1}'\n"
    "\n"
    "Exit codes: 0 fine, or allowed; 1 errors in a policy, or failed tests; 2 bad usage, or a file\n"
    "that cannot be read; 3 denied; 4 approval required (3 and 4: decide only). `proxy` returns what\n"
    "the server returned.\n"
    "`callwarden COMMAND --help` tells more; `-` as a file is standard input.\n";

/// The parser complains about what is missing before it does about what it did not know; the latter is
/// mostly the reason for the former.
std::string UsageText(const CLI::App& app, const CLI::ParseError& error) {
  for (const std::string& unknown : app.remaining(/*recurse=*/true)) {
    if (unknown != "--") return "unknown command or argument \"" + Printable(unknown) + "\"";
  }
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
      app.get_subcommands().empty()) {
    return "no command given";
  }
  return Printable(error.what());
}

int Usage(const CLI::App& app, const CLI::ParseError& error) {
  std::string command;
  for (const CLI::App* chosen : app.get_subcommands()) command = " " + chosen->get_name();
  ReportError(UsageText(app, error) + "; see `callwarden" + command + " --help`");
  return ExitCode::kExitUsage;
}

int Run(int argc, char** argv) {
  CLI::App app("Checks callwarden policies, tests and explains them, and gates MCP servers with them.",
               "callwarden");
  app.footer(kFooter);
  app.set_version_flag("--version", "callwarden " + callwarden::tool::Version(),
                       "Print the version and exit");
  app.require_subcommand(1);
  Action action;
  callwarden::tool::AddCheckCommand(app, action);
  callwarden::tool::AddDecideCommand(app, action);
  callwarden::tool::AddTestCommand(app, action);
  callwarden::tool::AddExplainCommand(app, action);
  callwarden::tool::AddInitCommand(app, action);
  callwarden::tool::AddReplayCommand(app, action);
  callwarden::tool::AddBenchCommand(app, action);
#if defined(CALLWARDEN_TOOL_HAS_GATE)
  callwarden::tool::AddApprovalsCommand(app, action);
  callwarden::tool::AddAuditCommand(app, action);
  callwarden::tool::AddGrantsCommand(app, action);
  callwarden::tool::AddProxyCommand(app, action);
#endif
  callwarden::tool::AddCompletionCommand(app, action);
  callwarden::tool::AddManPageCommand(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return Usage(app, error);
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  int code = ExitCode::kExitUsage;
  try {
    code = Run(argc, argv);
  } catch (const std::exception& error) {  // ToolError, or no memory
    ReportError(error.what());
  }
  // A result that did not reach its reader is no result: a full disk must not look like an allow.
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    ReportError(std::string("standard output: ") + std::strerror(errno != 0 ? errno : EIO));
    code = ExitCode::kExitUsage;
  }
  return code;
}
