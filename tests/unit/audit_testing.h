#ifndef TESTS_UNIT_AUDIT_TESTING_H_
#define TESTS_UNIT_AUDIT_TESTING_H_

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/audit.h"
#include "callwarden/audit_log.h"
#include "callwarden/clock.h"
#include "callwarden/tool_call.h"

#include "tests/temporary_folder.h"

namespace callwarden::testing {

inline constexpr Timestamp kAuditNow{std::chrono::seconds(1772361000)};  // 2026-03-01T10:30:00Z

/// The folder of a log.
class AuditFolder : public callwarden_test::TemporaryFolder {
 public:
  /// The log's files, in the order of their names.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      if (entry.path().extension() == ".jsonl") files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
};

inline std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteAll(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

inline std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// All lines of a log, over all files.
inline std::vector<std::string> LinesOf(const AuditFolder& folder) {
  std::string text;
  for (const std::string& file : folder.Files()) text += ReadAll(file);
  return LinesOf(text);
}

/// A line without what chains it, which no literal can hold.
inline std::string Unchained(const std::string& line) {
  return line.substr(0, line.rfind(",\"prev\":")) + "}";
}

inline AuditLogSummary VerifyTexts(const std::vector<std::string>& texts, AuditVerifyOptions options = {}) {
  AuditLogVerifier verifier(options);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    verifier.BeginFile("file" + std::to_string(i + 1));
    verifier.Add(texts[i]);
  }
  return verifier.Finish();
}

inline AuditLogSummary Verify(const AuditFolder& folder, AuditVerifyOptions options = {}) {
  std::vector<std::string> texts;
  for (const std::string& file : folder.Files()) texts.push_back(ReadAll(file));
  return VerifyTexts(texts, options);
}

/// A call and its record: denied with the verdict that needs no policy.
struct SampleCall {
  explicit SampleCall(std::string_view tool, std::optional<std::string_view> arguments = {}) {
    call.tool = tool;
    call.arguments = arguments;
    record.at = kAuditNow;
    record.verdict = &verdict;
    record.call = &call;
  }
  SampleCall(const SampleCall&) = delete;
  SampleCall& operator=(const SampleCall&) = delete;
  Verdict verdict;
  ToolCall call;
  AuditRecord record;
};

}  // namespace callwarden::testing

#endif  // TESTS_UNIT_AUDIT_TESTING_H_
