// An agent loop that asks a person on the terminal before a call that needs one: the gate keeps the question
// in its approval store, the person's answer goes there, and the call is made again with the approval's id.
// An approval is good for exactly this call, once. The end of the input counts as no.

#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/approvals.h"
#include "callwarden/callwarden.h"
#include "callwarden/gate.h"

namespace {

/// What a person may be shown: a terminal acts on control characters, and other letters can turn text around.
std::string Printable(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string shown;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      shown += c;
    } else {
      shown += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return shown;
}

/// Shows what waits, and takes a person's answer to the store. False: it may not run.
bool AskPerson(callwarden::ApprovalStore& approvals, std::string_view id) {
  const std::optional<callwarden::Approval> asked = approvals.Find(id);
  if (!asked) return false;
  std::cout << "  " << Printable(asked->message) << "\n  " << Printable(asked->tool) << " "
            << Printable(asked->arguments) << "\n  Run it? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  // Arguments that were cut end in an ellipsis: nobody approves what cannot be seen.
  const bool yes = (answer == "y" || answer == "yes") && asked->arguments.ends_with('}');
  std::cout << (yes ? "approved\n" : "denied\n");
  return (yes ? approvals.Approve(id, "terminal") : approvals.Deny(id, "terminal")).ok() && yes;
}

using Tool = std::function<std::string()>;

/// One call from question to result; what the model is told.
std::string Handle(callwarden::Gate& gate, const std::map<std::string, Tool>& tools, std::string_view tool,
                   std::string_view arguments) {
  callwarden::ToolCall call{
      .tool = tool, .arguments = arguments, .grant = "assistant", .session = "terminal"};
  callwarden::Decision decision = gate.Check(call);
  if (decision.effect() == callwarden::Effect::kRequireApproval) {
    const std::string id(decision.approval_id());  // empty: the store took no question, and finds none
    if (!AskPerson(*gate.approvals(), id)) return "refused: a person said no";
    call.approval = id;
    decision = gate.Check(call);  // rules and limits hold for an approved call as well
  }
  if (!decision.allowed()) return "refused: " + std::string(decision.message());
  std::string result = tools.at(std::string(tool))();
  decision.Complete(callwarden::Outcome::kOk);
  return result;
}

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": {
      "read_file": {},
      "delete_file": {
        "action": "require_approval",
        "reason": "A person confirms deletions",
        "deny_if": [ { "conditions": [ { "path": "args.path", "op": "starts_with", "value": "/etc/" } ],
                       "on_deny": "Files below /etc stay" } ],
        "limits": [ { "counter": "deletions", "window": "day", "max": 2, "scope": "grant" } ]
      }
    }
  })");
  if (!compiled.ok()) return 1;
  // Stands still, so that this program prints the same at any time; a host takes a SystemClock.
  const callwarden::ManualClock clock(callwarden::kTimeMin);
  callwarden::MemoryCounterStore counters({.clock = &clock});
  callwarden::ApprovalStore approvals({.clock = &clock});
  callwarden::Gate gate(
      {.policy = compiled.policy(), .counters = &counters, .clock = &clock, .approvals = &approvals});

  const std::map<std::string, Tool> tools = {
      {"read_file", [] { return "2 lines"; }},
      {"delete_file", [] { return "deleted"; }},
  };
  // Stands for a model that proposes calls.
  const std::vector<std::pair<std::string, std::string>> proposed = {
      {"read_file", R"({"path": "/tmp/a"})"},
      {"delete_file", R"({"path": "/tmp/a"})"},
      {"delete_file", R"({"path": "/tmp/b"})"},
      {"delete_file", R"({"path": "/etc/passwd"})"},
      {"delete_file", R"({"path": "/tmp/a"})"},  // the same again needs another approval
      {"delete_file", R"({"path": "/tmp/\u202etxt.c"})"},
      {"delete_file", R"({"path": "/tmp/d"})"},
  };
  for (const auto& [tool, arguments] : proposed) {
    std::cout << tool << " " << arguments << "\n";
    const std::string result = Handle(gate, tools, tool, arguments);  // may ask on the terminal
    std::cout << "  " << result << "\n";
  }
}
