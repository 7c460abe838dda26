#include <memory>
#include <string>
#include <vector>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "call_flags.h"
#include "commands.h"
#include "load_policy.h"
#include "output.h"
#include "printable.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

std::string EffectText(Effect effect, const Style& style) {
  const std::string name(Name(effect));
  if (effect == Effect::kAllow) return style.Green(name);
  return effect == Effect::kDeny ? style.Red(name) : style.Yellow(name);
}

ExitCode CodeOf(Effect effect) {
  if (effect == Effect::kAllow) return kExitOk;
  return effect == Effect::kDeny ? kExitDeny : kExitApproval;
}

std::string VerdictLines(const Verdict& verdict, const Style& style) {
  std::string lines = EffectText(verdict.effect(), style);
  if (!verdict.allowed()) lines += " (" + std::string(Name(verdict.reason())) + ")";
  lines += "\n";
  if (!verdict.rule().empty()) lines += "rule     " + Printable(verdict.rule()) + "\n";
  if (!verdict.message().empty()) lines += "message  " + Printable(verdict.message()) + "\n";
  if (const auto wait = verdict.retry_after()) lines += "retry    in " + WaitText(*wait) + "\n";
  return lines;
}

/// One line a call, when there are several.
std::string NumberedLine(std::size_t number, std::size_t times, const Verdict& verdict, const Style& style) {
  std::string line = std::to_string(number);
  line.insert(0, std::to_string(times).size() - line.size(), ' ');
  line += "  " + EffectText(verdict.effect(), style);
  if (!verdict.allowed()) line += " (" + std::string(Name(verdict.reason())) + ")";
  if (!verdict.rule().empty()) line += "  " + Printable(verdict.rule());
  if (const auto wait = verdict.retry_after()) line += "  retry in " + WaitText(*wait);
  return line + "\n";
}

Json DecisionJson(const Decision& decision) {
  Json json = ToJson(decision.verdict());
  json["would"] = decision.would() != nullptr ? ToJson(*decision.would()) : Json();
  return json;
}

void PrintDecision(const Decision& decision, const CallFlags& flags, std::size_t number) {
  const Style style = Style::For(stdout);
  if (flags.json()) {
    Json json;
    if (flags.times() > 1) json["call"] = number;
    json.update(DecisionJson(decision));
    Out(JsonLine(json));
    return;
  }
  Out(flags.times() > 1 ? NumberedLine(number, flags.times(), decision.verdict(), style)
                        : VerdictLines(decision.verdict(), style));
  if (decision.would() != nullptr) {
    Out("would    be " + EffectText(decision.would()->effect(), style) +
        " if nothing were shadowed: " + Printable(decision.would()->rule()) + "\n");
  }
}

int Decide(const CallFlags& flags) {
  CallInput input;
  flags.ReadCall(input);
  const auto policy = LoadPolicy(flags.policy());
  if (policy == nullptr) return kExitProblems;
  MemoryCounterStore counters;
  const Timestamp now = input.time();
  Effect last = Effect::kDeny;
  std::vector<Decision> in_flight;
  for (std::size_t number = 1; number <= flags.times(); ++number) {
    Decision decision = policy->Decide(input.call(), counters, now);
    PrintDecision(decision, flags, number);
    last = decision.effect();
    if (const auto outcome = flags.outcome()) {
      decision.Complete(*outcome);
    } else if (!decision.reservation().empty()) {
      in_flight.push_back(std::move(decision));
    }
  }
  return CodeOf(last);
}

}  // namespace

void AddDecideCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("decide", "Decide one call, as a host would before it dispatches it");
  command->footer(
      "Counts start empty and are gone afterwards. With --times, one line a call; the exit code is the\n"
      "last call's. A VALUE is a number, true, false or a \"string\" when JSON reads it so, else a string\n"
      "as it stands. --call takes the keys tool, arguments, arguments_text, grant, session, context,\n"
      "grant_attributes, at, approved.\n"
      "Exit codes: 0 allow, 3 deny, 4 approval required; 1 the policy has errors, 2 bad usage or a file\n"
      "that cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden decide --policy policy.json --tool run_code --arguments '{\"n\": 1}' --times 11\n"
      "  echo '{\"tool\": \"run_code\", \"context\": {\"env\": \"prod\"}}' |\n"
      "    callwarden decide --policy policy.json --call - --json\n");
  const auto flags = std::make_shared<CallFlags>();
  flags->AddTo(*command);
  command->callback([flags, &action] { action = [flags] { return Decide(*flags); }; });
}

}  // namespace callwarden::tool
