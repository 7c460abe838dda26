#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callwarden/explain.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "call_flags.h"
#include "commands.h"
#include "explain_output.h"
#include "load_policy.h"
#include "output.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

int ExplainCall(const CallFlags& flags, bool show_values) {
  CallInput input;
  flags.ReadCall(input);
  const auto policy = LoadPolicy(flags.policy());
  if (policy == nullptr) return kExitProblems;
  MemoryCounterStore counters;
  const Timestamp now = input.time();
  std::vector<Decision> in_flight;
  for (uint32_t number = 1; number < flags.times(); ++number) {
    Decision decision = policy->Decide(input.call(), counters, now);
    if (const auto outcome = flags.outcome()) {
      decision.Complete(*outcome);
    } else if (!decision.reservation().empty()) {
      in_flight.push_back(std::move(decision));
    }
  }
  ExplainOptions options;
  options.show_values = show_values;
  const Explanation explanation = Explain(*policy, input.call(), counters, now, options);
  Out(flags.json() ? JsonDocument(ExplanationJson(explanation, input.call(), now))
                   : ExplanationText(explanation, input.call(), now, Style::For(stdout)));
  return kExitOk;
}

}  // namespace

void AddExplainCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("explain", "Show every entry, rule and limit that bears on one call, and why");
  command->footer(
      "Argument values are not shown, only their types and sizes, unless --show-values is given. With\n"
      "--times N the N-th call is explained, with what the calls before it have used up.\n"
      "Exit codes: 0 explained, whatever was decided; 1 the policy has errors, 2 bad usage or a file\n"
      "that cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden explain --policy policy.json --tool run_code --arguments @call.json --times 11\n");
  const auto flags = std::make_shared<CallFlags>();
  const auto show_values = std::make_shared<bool>(false);
  flags->AddTo(*command);
  command->add_flag("--show-values", *show_values, "Show the values that tests saw, too");
  command->callback([flags, show_values, &action] {
    action = [flags, show_values] { return ExplainCall(*flags, *show_values); };
  });
}

}  // namespace callwarden::tool
