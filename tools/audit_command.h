#ifndef CALLWARDEN_TOOLS_AUDIT_COMMAND_H_
#define CALLWARDEN_TOOLS_AUDIT_COMMAND_H_

#include <CLI/CLI.hpp>

#include "commands.h"

namespace callwarden::tool {

/// The commands below `audit`, as in commands.h.
void AddAuditVerifyCommand(CLI::App& audit, Action& action);
void AddAuditTailCommand(CLI::App& audit, Action& action);
void AddAuditStatsCommand(CLI::App& audit, Action& action);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_AUDIT_COMMAND_H_
