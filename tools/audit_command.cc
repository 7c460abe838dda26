#include "audit_command.h"

namespace callwarden::tool {

void AddAuditCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("audit", "Verify, follow and sum up audit logs");
  command->require_subcommand(1);
  command->footer(
      "Example:\n"
      "  callwarden audit verify /var/log/my_server\n"
      "  callwarden audit tail -f /var/log/my_server --decision deny\n"
      "  callwarden audit stats /var/log/my_server\n");
  AddAuditVerifyCommand(*command, action);
  AddAuditTailCommand(*command, action);
  AddAuditStatsCommand(*command, action);
}

}  // namespace callwarden::tool
