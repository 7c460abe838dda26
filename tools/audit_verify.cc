#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "callwarden/audit_log.h"

#include "audit_command.h"
#include "input_file.h"
#include "log_files.h"
#include "output.h"
#include "printable.h"
#include "progress.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

struct VerifyFlags {
  std::vector<std::string> files;
  std::string key_file;
  std::string expect_last;
  std::optional<uint64_t> expect_count;
  bool json = false;
};

AuditLogSummary Walk(const VerifyFlags& flags) {
  AuditVerifyOptions options;
  if (!flags.key_file.empty()) {
    const std::vector<uint8_t> key = ReadKeyFile(flags.key_file);
    std::copy(key.begin(), key.end(), options.chain_key.emplace().begin());
  }
  AuditLogVerifier verifier(options);
  const std::vector<std::string> files = LogFiles(flags.files);
  Progress progress("verifying", TotalSize(files));
  uint64_t done = 0;
  for (const std::string& path : files) {
    LineFile file(path);
    verifier.BeginFile(DisplayName(path));
    for (std::string_view bytes = file.NextBytes(); !bytes.empty(); bytes = file.NextBytes()) {
      if (!verifier.Add(bytes)) return verifier.Finish();
      done += bytes.size();
      progress.At(done);
    }
  }
  return verifier.Finish();
}

/// What the log itself cannot show: that it is not all there.
std::string Expectation(const VerifyFlags& flags, const AuditLogSummary& summary) {
  if (flags.expect_count.has_value() && summary.records != *flags.expect_count) {
    return Count(*flags.expect_count, "record") + " expected, " + std::to_string(summary.records) + " found";
  }
  if (!flags.expect_last.empty() && summary.last_hash != flags.expect_last) {
    return "the last line is not the one that was expected: lines were cut off or added at the end";
  }
  return {};
}

Json ToJson(const AuditLogSummary& summary, const std::string& expectation) {
  Json json;
  json["ok"] = summary.ok() && expectation.empty();
  json["files"] = summary.files;
  json["lines"] = summary.lines;
  json["records"] = summary.records;
  json["first"] = summary.first_sequence;
  json["last"] = summary.last_sequence;
  json["last_hash"] = summary.last_hash;
  json["from_beginning"] = summary.from_beginning;
  json["gaps"] = summary.gaps;
  json["records_missing"] = summary.records_missing;
  json["recoveries"] = summary.recoveries;
  json["error"] = nullptr;
  if (summary.error.has_value()) {
    json["error"] = {{"file", summary.error->file},
                     {"line", summary.error->line},
                     {"seq", summary.error->sequence},
                     {"message", summary.error->message}};
  } else if (!expectation.empty()) {
    json["error"] = {{"message", expectation}};
  }
  return json;
}

void Print(const AuditLogSummary& summary, const std::string& expectation) {
  const Style style = Style::For(stdout);
  if (summary.error.has_value()) {
    const AuditLogError& error = *summary.error;
    const std::string record = error.sequence == 0 ? "" : " (number " + std::to_string(error.sequence) + ")";
    Out(style.Red("bad") + " " + error.file + ":" + std::to_string(error.line) + ": the line" + record + " " +
        error.message + "\n" + Count(summary.lines, "line") + " before it in order\n");
    return;
  }
  if (!expectation.empty()) {
    Out(style.Red("bad") + " " + expectation + "\n");
    return;
  }
  Out(style.Green("ok") + " " + Count(summary.records, "record") + " in " + Count(summary.files, "file") +
      "\n");
  if (summary.lines == 0) return;
  if (summary.records > 0) {
    Out("numbers " + std::to_string(summary.last_sequence - summary.records + 1) + " to " +
        std::to_string(summary.last_sequence) + "\n");
  }
  Out("last hash " + summary.last_hash + "\n");
  if (!summary.from_beginning) {
    Out(style.Yellow("note") + " the log begins before these files\n");
  }
  if (summary.gaps > 0) {
    Out(style.Yellow("note") + " " + Count(summary.records_missing, "record") + " never written, as " +
        Count(summary.gaps, "gap line") + (summary.gaps == 1 ? " tells\n" : " tell\n"));
  }
  if (summary.recoveries > 0) {
    Out(style.Yellow("note") + " torn by a crash and recovered: " + Count(summary.recoveries, "time") + "\n");
  }
}

int Verify(const VerifyFlags& flags) {
  const AuditLogSummary summary = Walk(flags);
  const std::string expectation = summary.ok() ? Expectation(flags, summary) : std::string();
  if (flags.json) {
    Out(JsonDocument(ToJson(summary, expectation)));
  } else {
    Print(summary, expectation);
  }
  return summary.ok() && expectation.empty() ? kExitOk : kExitProblems;
}

}  // namespace

void AddAuditVerifyCommand(CLI::App& audit, Action& action) {
  CLI::App* command = audit.add_subcommand("verify", "Find any change to an audit log");
  command->footer(
      "Names the first line that was changed, removed, added or moved. What was cut off the end can only be\n"
      "seen with --expect-last or --expect-count.\n"
      "Exit codes: 0 as it was written, 1 not so, 2 a file cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden audit verify /var/log/my_server --expect-last \"$(cat last_hash)\"\n");
  const auto flags = std::make_shared<VerifyFlags>();
  command
      ->add_option("file", flags->files, "The log's files in their order, or its folder; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--chain-key-file", flags->key_file, "The key of a log that has one: 64 hex digits")
      ->type_name("FILE");
  command->add_option("--expect-last", flags->expect_last, "Hash that the last line must have")
      ->type_name("HASH");
  command->add_option("--expect-count", flags->expect_count, "How many records there must be")
      ->type_name("N");
  command->add_flag("--json", flags->json, "Print one JSON document instead");
  command->callback([flags, &action] { action = [flags] { return Verify(*flags); }; });
}

}  // namespace callwarden::tool
