#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit_command.h"
#include "input_file.h"
#include "latencies.h"
#include "log_files.h"
#include "log_record.h"
#include "output.h"
#include "printable.h"
#include "progress.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

struct StatsFlags {
  std::vector<std::string> files;
  LogFilter filter;
  std::size_t top = 10;
  bool json = false;
};

/// Counts texts, at most so many different ones: names come from callers, who may have no end of them.
class Counts {
 public:
  void Add(const std::string& text) {
    const auto found = counts_.find(text);
    if (found != counts_.end()) {
      ++found->second;
    } else if (counts_.size() < kTextsMax) {
      counts_.emplace(text, 1);
    } else {
      ++other_;
    }
  }
  /// The most frequent, ties in the order of their texts.
  std::vector<std::pair<std::string, uint64_t>> Top(std::size_t count) const {
    std::vector<std::pair<std::string, uint64_t>> all(counts_.begin(), counts_.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    if (all.size() > count) all.resize(count);
    return all;
  }
  uint64_t other() const { return other_; }
  bool empty() const { return counts_.empty(); }

 private:
  static constexpr std::size_t kTextsMax = 100000;
  std::map<std::string, uint64_t> counts_;
  uint64_t other_ = 0;
};

struct LimitUse {
  uint64_t used = 0;  ///< the most, in relation to max
  uint64_t max = 0;
  uint64_t refused = 0;
};

struct Stats {
  uint64_t lines = 0;
  uint64_t bad_lines = 0;
  uint64_t decisions = 0;
  uint64_t not_written = 0;
  uint64_t recoveries = 0;
  std::string first, last;
  std::map<std::string, uint64_t> effects, reasons, outcomes, would;
  Counts denied;  ///< "grant, tool: reason"
  Counts rules, would_rules;
  std::map<std::string, LimitUse> limits;
  Latencies latencies;
};

void AddLimits(const LogRecord& record, Stats& stats) {
  for (const LogRecord::Limit& limit : record.limits) {
    LimitUse& use = stats.limits[limit.rule];
    // used / max above what was there; in products, since max may be 0
    if (use.max == 0 || static_cast<long double>(limit.used) * static_cast<long double>(use.max) >
                            static_cast<long double>(use.used) * static_cast<long double>(limit.max)) {
      use.used = limit.used;
      use.max = limit.max;
    }
    if (record.reason == "limit_exceeded" && record.rule == limit.rule) ++use.refused;
  }
}

void Add(const LogRecord& record, Stats& stats) {
  if (record.type == "gap") stats.not_written += record.dropped + record.refused;
  if (record.type == "recovered") ++stats.recoveries;
  if (record.type == "completion") ++stats.outcomes[record.outcome];
  if (record.type != "decision") return;
  ++stats.decisions;
  if (stats.first.empty()) stats.first = record.time;
  stats.last = record.time;
  ++stats.effects[record.effect];
  ++stats.reasons[record.reason];
  if (record.effect != "allow") {
    const std::string who = record.label.empty() ? record.grant : record.label;
    stats.denied.Add((who.empty() ? "(no grant)" : who) + ", " + record.tool + ": " + record.reason);
    if (!record.rule.empty()) stats.rules.Add(record.rule);
  }
  if (!record.would_effect.empty()) {
    ++stats.would[record.would_effect];
    stats.would_rules.Add(record.would_rule);
  }
  AddLimits(record, stats);
  stats.latencies.Add(record.latency_ns);
}

/// Limits by how near their maximum they came, nearest first.
std::vector<std::pair<std::string, LimitUse>> NearLimits(const Stats& stats, std::size_t count) {
  std::vector<std::pair<std::string, LimitUse>> all(stats.limits.begin(), stats.limits.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return static_cast<long double>(a.second.used) * static_cast<long double>(b.second.max) >
           static_cast<long double>(b.second.used) * static_cast<long double>(a.second.max);
  });
  if (all.size() > count) all.resize(count);
  return all;
}

Json ToJson(const Counts& counts, std::size_t top) {
  Json json = Json::array();
  for (const auto& [text, count] : counts.Top(top)) json.push_back({{"what", text}, {"count", count}});
  return json;
}

Json ToJson(const Stats& stats, std::size_t top) {
  Json json;
  json["decisions"] = stats.decisions;
  json["first"] = stats.first;
  json["last"] = stats.last;
  json["effects"] = stats.effects;
  json["reasons"] = stats.reasons;
  json["outcomes"] = stats.outcomes;
  json["denied"] = ToJson(stats.denied, top);
  json["rules"] = ToJson(stats.rules, top);
  json["would"] = stats.would;
  json["would_rules"] = ToJson(stats.would_rules, top);
  json["limits"] = Json::array();
  for (const auto& [rule, use] : NearLimits(stats, top)) {
    json["limits"].push_back(
        {{"rule", rule}, {"used", use.used}, {"max", use.max}, {"refused", use.refused}});
  }
  json["latency_ns"] = {{"p50", stats.latencies.At(500)},
                        {"p90", stats.latencies.At(900)},
                        {"p99", stats.latencies.At(990)},
                        {"max", stats.latencies.At(1000)}};
  json["not_written"] = stats.not_written;
  json["recoveries"] = stats.recoveries;
  json["bad_lines"] = stats.bad_lines;
  return json;
}

std::string Row(uint64_t count, const std::string& text) {
  const std::string number = std::to_string(count);
  return std::string(number.size() < 10 ? 10 - number.size() : 0, ' ') + number + "  " + Printable(text) +
         "\n";
}

void PrintCounts(const Style& style, const std::string& title, const Counts& counts, std::size_t top) {
  if (counts.empty()) return;
  Out("\n" + style.Bold(title) + "\n");
  for (const auto& [text, count] : counts.Top(top)) Out(Row(count, text));
  if (counts.other() > 0) Out(Row(counts.other(), "others, too many to tell apart"));
}

void PrintMap(const Style& style, const std::string& title, const std::map<std::string, uint64_t>& counts) {
  if (counts.empty()) return;
  Out("\n" + style.Bold(title) + "\n");
  for (const auto& [text, count] : counts) Out(Row(count, text));
}

void Print(const Stats& stats, std::size_t top) {
  const Style style = Style::For(stdout);
  Out(style.Bold(Count(stats.decisions, "decision")));
  if (stats.decisions > 0) Out(" from " + Printable(stats.first) + " to " + Printable(stats.last));
  Out("\n");
  for (const auto& [effect, count] : stats.effects) Out(Row(count, effect));
  PrintMap(style, "Reasons", stats.reasons);
  PrintCounts(style, "Who was refused what", stats.denied, top);
  PrintCounts(style, "Rules that refused most", stats.rules, top);
  PrintMap(style, "What shadowed rules and limits would have done", stats.would);
  PrintCounts(style, "Shadowed rules that would have decided", stats.would_rules, top);
  if (!stats.limits.empty()) {
    Out("\n" + style.Bold("Limits, the nearest to their maximum first") + "\n");
    for (const auto& [rule, use] : NearLimits(stats, top)) {
      const std::string text = Printable(rule) + ": " + std::to_string(use.used) + " of " +
                               std::to_string(use.max) +
                               (use.refused > 0 ? ", refused " + Count(use.refused, "time") : std::string());
      Out("  " + (use.refused > 0 ? style.Red(text) : text) + "\n");
    }
  }
  PrintMap(style, "How admitted calls ended", stats.outcomes);
  if (stats.latencies.total() > 0) {
    Out("\n" + style.Bold("Time to decide") + "\n  half within " + std::to_string(stats.latencies.At(500)) +
        " ns, 90 % within " + std::to_string(stats.latencies.At(900)) + " ns, 99 % within " +
        std::to_string(stats.latencies.At(990)) + " ns, all within " +
        std::to_string(stats.latencies.At(1000)) + " ns\n");
  }
  if (stats.not_written > 0) {
    Out("\n" + style.Yellow(Count(stats.not_written, "record") + " never written") + "\n");
  }
}

int RunStats(const StatsFlags& flags) {
  const std::vector<std::string> files = LogFiles(flags.files);
  Stats stats;
  Progress progress("reading", TotalSize(files));
  uint64_t done = 0;
  for (const std::string& path : files) {
    LineFile file(path);
    while (const auto line = file.NextLine()) {
      progress.At(done + file.bytes());
      ++stats.lines;
      const std::optional<LogRecord> record = ReadLogRecord(*line);
      if (!record.has_value()) {
        if (++stats.bad_lines == 1) {
          progress.Clear();
          ReportError(DisplayName(path) + ":" + std::to_string(file.line()) +
                      ": not a line of an audit log; left out");
        }
      } else if (flags.filter.Wants(*record)) {
        Add(*record, stats);
      }
    }
    done += file.bytes();
  }
  progress.Clear();
  if (flags.json) {
    Out(JsonDocument(ToJson(stats, flags.top)));
  } else {
    Print(stats, flags.top);
  }
  return stats.bad_lines > 0 ? kExitProblems : kExitOk;
}

}  // namespace

void AddAuditStatsCommand(CLI::App& audit, Action& action) {
  CLI::App* command = audit.add_subcommand("stats", "Sum up an audit log");
  command->footer(
      "Who was refused what, the rules and limits behind it, what shadowed rules would have refused, and "
      "how\n"
      "long decisions took.\n"
      "Exit codes: 0 fine, 1 some lines are none of an audit log, 2 a file cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden audit stats /var/log/my_server --grant agent-42\n");
  const auto flags = std::make_shared<StatsFlags>();
  command->add_option("file", flags->files, "The log's files, or its folder; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--grant", flags->filter.grant, "Only this grant's decisions, by id or label");
  command->add_option("--tool", flags->filter.tool, "Only this tool's");
  command->add_option("--decision", flags->filter.decision, "Only these")
      ->check(CLI::IsMember({"allow", "deny", "require_approval"}));
  command->add_option("--top", flags->top, "How many rows of each table")->capture_default_str();
  command->add_flag("--json", flags->json, "Print one JSON document instead");
  command->callback([flags, &action] { action = [flags] { return RunStats(*flags); }; });
}

}  // namespace callwarden::tool
