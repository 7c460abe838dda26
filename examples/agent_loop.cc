// A custom agent loop: every tool call that the model proposes is judged before it is dispatched, a refusal
// goes back to the model as the tool's result, and the run ends when its session has used up its budget of
// calls.

#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/callwarden.h"

namespace {

struct ProposedCall {
  std::string tool;
  std::string arguments;  // JSON text, as the model wrote it
};

/// Stands for a model: proposes the next of its calls, whatever it is told.
class ScriptedModel {
 public:
  explicit ScriptedModel(std::vector<ProposedCall> script) : script_(std::move(script)) {}

  std::optional<ProposedCall> Next() {
    if (next_ == script_.size()) return std::nullopt;
    return script_[next_++];
  }
  void Tell(std::string_view result) { std::cout << "  " << result << "\n"; }

 private:
  std::vector<ProposedCall> script_;
  std::size_t next_ = 0;
};

using Tool = std::function<std::string(std::string_view arguments)>;

/// Runs one session to its end. The session's id is made by the host: one run, one budget.
void RunSession(ScriptedModel& model, const std::map<std::string, Tool>& tools,
                const callwarden::CompiledPolicy& policy, callwarden::CounterStore& counters,
                const callwarden::Clock& clock, std::string_view session) {
  while (const std::optional<ProposedCall> call = model.Next()) {
    std::cout << call->tool << " " << call->arguments << "\n";
    callwarden::Decision decision = policy.Decide(
        {.tool = call->tool, .arguments = call->arguments, .grant = "support-bot", .session = session},
        counters, clock.Now());
    if (decision.rule() == "/all_tools/limits/session_calls") {
      std::cout << "  the session ends: " << decision.message() << "\n";
      return;
    }
    if (!decision.allowed()) {
      model.Tell("refused: " + std::string(decision.message()));
      continue;
    }
    const auto tool = tools.find(call->tool);
    if (tool == tools.end()) {
      decision.Complete(callwarden::Outcome::kNotSent);  // nothing ran, so nothing is charged
      model.Tell("no such tool");
      continue;
    }
    model.Tell(tool->second(call->arguments));  // the text that was judged is the text that is dispatched
    decision.Complete(callwarden::Outcome::kOk);
  }
}

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "all_tools": {
      "limits": [ { "counter": "session_calls", "window": "day", "max": 3, "scope": ["grant", "session"] } ]
    },
    "tools": {
      "search": {},
      "translate": {},
      "send_reply": { "deny_if": [ { "conditions": [ { "path": "args.text", "op": "contains", "value": "refund" } ],
                                     "on_deny": "Refunds are promised by people" } ] }
    }
  })");
  if (!compiled.ok()) return 1;
  callwarden::MemoryCounterStore counters;
  // Stands still, so that this program prints the same at any time; a host takes a SystemClock.
  const callwarden::ManualClock clock(callwarden::kTimeMin);

  const std::map<std::string, Tool> tools = {
      {"search", [](std::string_view) { return "2 articles found"; }},
      {"send_reply", [](std::string_view) { return "sent"; }},
  };
  ScriptedModel model({{"search", R"({"query": "late parcel"})"},
                       {"translate", R"({"text": "late parcel"})"},
                       {"send_reply", R"({"text": "We will refund you."})"},
                       {"delete_account", R"({"id": 7})"},
                       {"send_reply", R"({"text": "It arrives tomorrow."})"},
                       {"search", R"({"query": "weather"})"},
                       {"search", R"({"query": "news"})"}});
  RunSession(model, tools, *compiled.policy(), counters, clock, "session-1");
}
