#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "commands.h"
#include "input_file.h"
#include "load_policy.h"
#include "log_files.h"
#include "output.h"
#include "printable.h"
#include "progress.h"
#include "recorded_call.h"
#include "style.h"
#include "tool_error.h"
#include "utc_time.h"

namespace callwarden::tool {
namespace {

struct ReplayFlags {
  std::vector<std::string> files;
  std::string policy;
  std::string against;
  std::size_t keys = std::size_t{1} << 20;
  bool all = false;
  bool quiet = false;
  bool json = false;
};

/// A policy with counters of its own, which see every call of the file in its order.
struct Side {
  Side(std::shared_ptr<const CompiledPolicy> compiled, std::size_t keys)
      : policy(std::move(compiled)), counters({.capacity_keys = keys}) {}
  Decision Decide(const RecordedCall& call) { return policy->Decide(call.call(), counters, call.time()); }
  std::shared_ptr<const CompiledPolicy> policy;
  MemoryCounterStore counters;
};

/// Calls whose end the log tells later. What a log never tells of is taken for `ok` when too much is open.
class OpenCalls {
 public:
  void Add(uint64_t sequence, Decision decision) {
    order_.push_back(sequence);
    open_.emplace(sequence, std::move(decision));
    while (order_.size() > kOpenMax) {
      open_.erase(order_.front());
      order_.pop_front();
    }
  }
  void Complete(uint64_t sequence, Outcome outcome) {
    const auto found = open_.find(sequence);
    if (found == open_.end()) return;
    found->second.Complete(outcome);
    open_.erase(found);
  }

 private:
  static constexpr std::size_t kOpenMax = 4096;
  std::unordered_map<uint64_t, Decision> open_;
  std::deque<uint64_t> order_;
};

class Replay {
 public:
  Replay(const ReplayFlags& flags, std::shared_ptr<const CompiledPolicy> policy,
         std::shared_ptr<const CompiledPolicy> against)
      : flags_(flags), new_(std::move(policy), flags.keys), style_(Style::For(stdout)) {
    if (against != nullptr) old_.emplace(std::move(against), flags.keys);
  }

  int Run() {
    const std::vector<std::string> files = LogFiles(flags_.files);
    Progress progress("replaying", TotalSize(files));
    progress_ = &progress;
    uint64_t done = 0;
    RecordedCall call;
    for (const std::string& path : files) {
      LineFile file(path);
      name_ = DisplayName(path);
      while (const auto line = file.NextLine()) {
        progress.At(done + file.bytes());
        Line(call, *line, file.line());
      }
      if (!file.Rest().empty()) Line(call, file.Rest(), file.line() + 1);
      done += file.bytes();
    }
    progress.Clear();
    PrintTotals();
    return kExitOk;
  }

 private:
  void Line(RecordedCall& call, std::string_view text, uint64_t number) {
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
    switch (call.Read(text, name_, number)) {
      case RecordedCall::Kind::kCall:
        return Judge(call, number);
      case RecordedCall::Kind::kCompletion:
        open_new_.Complete(call.sequence(), call.outcome());
        return open_old_.Complete(call.sequence(), call.outcome());
      case RecordedCall::Kind::kNotRecorded:
        ++not_recorded_;
        return;
      case RecordedCall::Kind::kOther:
        return;
    }
  }

  void Judge(const RecordedCall& call, uint64_t number) {
    ++calls_;
    Decision now = new_.Decide(call);
    std::string_view effect = call.effect();
    std::string_view reason = call.reason();
    std::string_view rule;
    Decision before;
    if (old_.has_value()) {
      before = old_->Decide(call);
      effect = Name(before.effect());
      reason = Name(before.reason());
      rule = before.rule();
    }
    ++effects_[std::string(Name(now.effect()))];
    if (!effect.empty()) {
      ++compared_;
      const bool other_effect = effect != Name(now.effect());
      const bool other_reason = reason != Name(now.reason()) || (old_.has_value() && rule != now.rule());
      if (other_effect || other_reason) {
        other_effect ? ++changed_ : ++other_reasons_;
        ++changes_[Step(effect, reason) + " -> " + Step(Name(now.effect()), Name(now.reason()))];
        if (!flags_.quiet && (other_effect || flags_.all)) Show(call, number, effect, reason, rule, now);
      }
    }
    if (old_.has_value()) Settle(call, std::move(before), open_old_);
    Settle(call, std::move(now), open_new_);
  }

  /// A log tells how calls that it admitted ended; any other call ends at once.
  static void Settle(const RecordedCall& call, Decision decision, OpenCalls& open) {
    if (!decision.allowed()) return;
    if (call.sequence() != 0 && call.effect() == Name(Effect::kAllow)) {
      open.Add(call.sequence(), std::move(decision));
    } else {
      decision.Complete(call.outcome());
    }
  }

  static std::string Step(std::string_view effect, std::string_view reason) {
    std::string step(effect);
    if (effect != Name(Effect::kAllow)) step.append(" (").append(reason).append(")");
    return step;
  }

  void Show(const RecordedCall& call, uint64_t number, std::string_view effect, std::string_view reason,
            std::string_view rule, const Decision& now) {
    progress_->Clear();
    if (flags_.json) {
      Json json;
      json["file"] = name_;
      json["line"] = number;
      json["at"] = UtcTimeText(call.time());
      json["tool"] = Printable(call.call().tool);
      json["grant"] = Printable(call.call().grant);
      json["before"] = {{"effect", effect}, {"reason", reason}, {"rule", rule}};
      json["after"] = ToJson(now.verdict());
      Out(JsonLine(json));
      return;
    }
    const std::string after = Step(Name(now.effect()), Name(now.reason()));
    Out(style_.Dim(name_ + ":" + std::to_string(number)) + "  " + style_.Bold(Printable(call.call().tool)) +
        (call.call().grant.empty() ? "" : "  grant " + Printable(call.call().grant)) + "  " +
        Printable(Step(effect, reason)) + " -> " +
        (now.allowed()                   ? style_.Green(after)
         : now.effect() == Effect::kDeny ? style_.Red(after)
                                         : style_.Yellow(after)) +
        (now.rule().empty() ? "" : "  " + Printable(now.rule())) + "\n");
  }

  void PrintTotals() {
    if (flags_.json) {
      Json json;
      json["calls"] = calls_;
      json["effects"] = effects_;
      json["compared"] = compared_;
      json["changed"] = changed_;
      json["other_reasons"] = other_reasons_;
      json["changes"] = changes_;
      json["not_recorded"] = not_recorded_;
      Out(JsonLine(json));
      return;
    }
    std::string line = Count(calls_, "call") + ":";
    for (const auto& [effect, count] : effects_) line += " " + std::to_string(count) + " " + effect + ",";
    line.back() = '\n';
    Out(line);
    if (compared_ > 0) {
      const std::string changed = std::to_string(changed_) + " changed";
      Out((changed_ > 0 ? style_.Yellow(changed) : style_.Green(changed)) + ", " +
          std::to_string(other_reasons_) + " with another reason or rule\n");
      for (const auto& [step, count] : changes_)
        Out("  " + std::to_string(count) + "  " + Printable(step) + "\n");
    }
    if (not_recorded_ > 0) {
      Out(style_.Yellow("left out") + " " + Count(not_recorded_, "call") +
          " without recorded arguments (JsonlAuditOptions::record_arguments)\n");
    }
  }

  const ReplayFlags& flags_;
  Side new_;
  std::optional<Side> old_;
  const Style style_;
  Progress* progress_ = nullptr;
  std::string name_;
  OpenCalls open_new_, open_old_;
  uint64_t calls_ = 0, compared_ = 0, changed_ = 0, other_reasons_ = 0, not_recorded_ = 0;
  std::map<std::string, uint64_t> effects_, changes_;
};

int RunReplay(const ReplayFlags& flags) {
  const auto policy = LoadPolicy(flags.policy);
  const auto against = flags.against.empty() ? nullptr : LoadPolicy(flags.against);
  if (policy == nullptr || (against == nullptr && !flags.against.empty())) return kExitProblems;
  // On the heap, since it holds two policies' decisions.
  return std::make_unique<Replay>(flags, policy, against)->Run();
}

}  // namespace

void AddReplayCommand(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("replay", "Run recorded calls under a policy, and show what changes");
  command->footer(
      "Calls are lines of an audit log that holds whole calls (JsonlAuditOptions::record_arguments), or "
      "JSON\n"
      "lines of the form that calls have in policy test files. Each is judged at its own time, in the order "
      "of\n"
      "the files, with counters that begin empty.\n"
      "Without --against, decisions are compared with those that the log recorded.\n"
      "Exit codes: 0 replayed, 1 a policy has errors, 2 a file or line cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden replay --policy new.json --against old.json calls.jsonl\n");
  const auto flags = std::make_shared<ReplayFlags>();
  command->add_option("file", flags->files, "Recorded calls, or an audit log's folder; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--policy,-p", flags->policy, "The policy to try")->required()->type_name("FILE");
  command->add_option("--against", flags->against, "The policy to compare with")->type_name("FILE");
  command->add_option("--counts", flags->keys, "How many counts there is room for")->capture_default_str();
  command->add_flag("--all", flags->all, "Show calls too that keep their effect for another reason or rule");
  command->add_flag("--quiet,-q", flags->quiet, "Print the totals only");
  command->add_flag("--json", flags->json, "Print JSON lines, the last one with the totals");
  command->callback([flags, &action] { action = [flags] { return RunReplay(*flags); }; });
}

}  // namespace callwarden::tool
