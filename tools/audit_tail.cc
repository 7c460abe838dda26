#include <cstdint>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "audit_command.h"
#include "input_file.h"
#include "log_files.h"
#include "log_record.h"
#include "output.h"
#include "printable.h"
#include "progress.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

struct TailFlags {
  std::vector<std::string> files;
  std::size_t count = 10;
  bool follow = false;
  LogFilter filter;
  bool completions = false;
  bool json = false;
};

std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string EffectText(const std::string& effect, const Style& style) {
  const std::string padded = Padded(Printable(effect == "require_approval" ? "approval" : effect), 8);
  if (effect == "allow") return style.Green(padded);
  return effect == "deny" ? style.Red(padded) : style.Yellow(padded);
}

std::string HumanLine(const LogRecord& record, const Style& style) {
  std::string line = style.Dim(Printable(record.time)) + "  ";
  if (record.type == "gap") {
    return line + style.Yellow(std::to_string(record.dropped + record.refused) + " records were not written");
  }
  if (record.type == "recovered") {
    return line + style.Yellow("the log was torn or damaged in " + Printable(record.damaged_file));
  }
  if (record.type == "completion") {
    return line + Padded("ended", 8) + "  " + Printable(record.outcome);
  }
  if (record.type != "decision") return line + Printable(record.type);
  line += EffectText(record.effect, style) + "  " + style.Bold(Printable(record.tool));
  if (!record.grant.empty()) {
    line += "  grant " + Printable(record.grant);
    if (!record.label.empty()) line += " (" + Printable(record.label) + ")";
  }
  if (record.effect != "allow") line += "  " + Printable(record.reason) + " " + Printable(record.rule);
  if (!record.would_effect.empty()) {
    line += style.Magenta("  would " + Printable(record.would_effect) + " " + Printable(record.would_rule));
  }
  if (!record.message.empty()) line += "  " + style.Dim(Printable(record.message));
  return line;
}

class Tail {
 public:
  explicit Tail(const TailFlags& flags) : flags_(flags), style_(Style::For(stdout)) {}

  int Run() {
    const std::vector<std::string> files = LogFiles(flags_.files);
    Progress progress("reading", TotalSize(files));
    uint64_t done = 0;
    for (const std::string& path : files) {
      file_ = std::make_unique<LineFile>(path);
      path_ = path;
      while (const auto line = file_->NextLine()) {
        progress.At(done + file_->bytes());
        Take(*line);
      }
      done += file_->bytes();
    }
    progress.Clear();
    for (const std::string& line : last_) Out(line);
    last_.clear();
    showing_ = true;
    if (flags_.follow) Follow();
    return kExitOk;
  }

 private:
  void Take(std::string_view text) {
    const std::optional<LogRecord> record = ReadLogRecord(text);
    if (!record.has_value()) {
      ReportError(DisplayName(path_) + ":" + std::to_string(file_->line()) + ": not a line of an audit log");
      return;
    }
    if (record->type == "start" || (record->type == "completion" && !flags_.completions)) return;
    if (!flags_.filter.Wants(*record)) return;
    std::string line = flags_.json ? std::string(text) : HumanLine(*record, style_);
    line += '\n';
    if (showing_) {
      Out(line);
      return;
    }
    last_.push_back(std::move(line));
    if (last_.size() > flags_.count) last_.pop_front();
  }

  /// The file after the one that is followed: the next name in its folder that begins the same.
  std::string NextFile() const {
    const std::filesystem::path current(path_);
    const std::string name = current.filename().string();
    const std::string stem = name.substr(0, name.find('-') + 1);
    const std::filesystem::path folder = current.has_parent_path() ? current.parent_path() : ".";
    std::string next;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::string other = entry->path().filename().string();
      if (entry->path().extension() != ".jsonl" || !other.starts_with(stem) || other <= name) continue;
      if (next.empty() || other < next) next = other;
    }
    return next.empty() ? next : (folder / next).string();
  }

  void Follow() {
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 200'000'000};
    for (;;) {
      std::fflush(stdout);
      if (std::ferror(stdout) != 0) return;
      nanosleep(&kPause, nullptr);
      const std::string next = path_ == "-" ? "" : NextFile();
      while (const auto line = file_->NextLine()) Take(*line);
      if (next.empty()) continue;  // found before the last look, so nothing more comes into this one
      file_ = std::make_unique<LineFile>(next);
      path_ = next;
    }
  }

  const TailFlags& flags_;
  const Style style_;
  std::unique_ptr<LineFile> file_;
  std::string path_;
  std::deque<std::string> last_;
  bool showing_ = false;
};

}  // namespace

void AddAuditTailCommand(CLI::App& audit, Action& action) {
  CLI::App* command = audit.add_subcommand("tail", "Show the last decisions of an audit log, and follow it");
  command->footer(
      "Example:\n"
      "  callwarden audit tail -f /var/log/my_server --decision deny\n");
  const auto flags = std::make_shared<TailFlags>();
  command->add_option("file", flags->files, "The log's files, or its folder; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("-n,--count", flags->count, "How many of the last to show")->capture_default_str();
  command->add_flag("-f,--follow", flags->follow, "Go on as the log grows, into its next files too");
  command->add_option("--grant", flags->filter.grant, "Only this grant's, by id or label");
  command->add_option("--tool", flags->filter.tool, "Only this tool's");
  command->add_option("--decision", flags->filter.decision, "Only these")
      ->check(CLI::IsMember({"allow", "deny", "require_approval"}));
  command->add_flag("--completions", flags->completions, "Show how calls ended, too");
  command->add_flag("--json", flags->json, "Print the log's lines as they are");
  command->callback([flags, &action] { action = [flags] { return Tail(*flags).Run(); }; });
}

}  // namespace callwarden::tool
