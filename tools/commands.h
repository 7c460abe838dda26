#ifndef CALLWARDEN_TOOLS_COMMANDS_H_
#define CALLWARDEN_TOOLS_COMMANDS_H_

#include <functional>

#include <CLI/CLI.hpp>

namespace callwarden::tool {

/// What a command does once its arguments have been read; returns an ExitCode, may throw ToolError.
using Action = std::function<int()>;

/// Each adds one command to `app` and, when the command line names it, stores into `action` what to do.
/// `action` must outlive `app`'s parse.
void AddCheckCommand(CLI::App& app, Action& action);
void AddDecideCommand(CLI::App& app, Action& action);
void AddTestCommand(CLI::App& app, Action& action);
void AddExplainCommand(CLI::App& app, Action& action);
void AddInitCommand(CLI::App& app, Action& action);
void AddReplayCommand(CLI::App& app, Action& action);
void AddBenchCommand(CLI::App& app, Action& action);
#if defined(CALLWARDEN_TOOL_HAS_GATE)
void AddApprovalsCommand(CLI::App& app, Action& action);
void AddAuditCommand(CLI::App& app, Action& action);
void AddGrantsCommand(CLI::App& app, Action& action);
void AddProxyCommand(CLI::App& app, Action& action);
#endif
/// These two describe all commands of `app`, which must outlive the action.
void AddCompletionCommand(CLI::App& app, Action& action);
void AddManPageCommand(CLI::App& app, Action& action);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_COMMANDS_H_
