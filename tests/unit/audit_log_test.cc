#include "callwarden/audit_log.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/audit_testing.h"

namespace {

using namespace callwarden;
using namespace callwarden::testing;

using Key = std::array<uint8_t, 32>;

/// A log of three decisions and a completion, in one file.
std::string SmallLog(std::optional<Key> key = std::nullopt) {
  const AuditFolder folder;
  {
    JsonlAuditOptions options;
    options.directory = folder.path();
    options.chain_key = key;
    JsonlAuditSink sink(options);
    for (const char* tool : {"one", "two", "three"}) REQUIRE(sink.Record(SampleCall(tool).record).recorded);
    sink.Complete({.at = kAuditNow, .sequence = 2});
  }
  return ReadAll(folder.Files().at(0));
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST_CASE("A log as it was written verifies, in pieces of any size") {
  const std::string log = SmallLog();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{300}, log.size()}) {
    AuditLogVerifier verifier;
    verifier.BeginFile("log");
    for (std::size_t at = 0; at < log.size(); at += piece)
      CHECK(verifier.Add(std::string_view(log).substr(at, piece)));
    const AuditLogSummary summary = verifier.Finish();
    CHECK(summary.ok());
    CHECK(summary.files == 1);
    CHECK(summary.lines == 5);
    CHECK(summary.records == 4);
    CHECK(summary.first_sequence == 1);
    CHECK(summary.last_sequence == 4);
    CHECK(summary.from_beginning);
    CHECK(summary.last_hash == log.substr(log.size() - 67, 64));
  }
}

TEST_CASE("Any byte that is changed is found, in the line that it is in") {
  const std::string log = SmallLog();
  std::size_t line = 1;
  for (std::size_t i = 0; i < log.size(); ++i) {
    for (const char change : {'\x01', '\x20', '\x80'}) {
      std::string changed = log;
      changed[i] = static_cast<char>(changed[i] ^ change);
      const AuditLogSummary summary = VerifyTexts({changed});
      CAPTURE(i, line);
      REQUIRE_FALSE(summary.ok());
      REQUIRE(summary.error->line == line);
      REQUIRE(summary.lines == line - 1);
    }
    if (log[i] == '\n') ++line;
  }
}

TEST_CASE("Any byte that is missing or added is found") {
  const std::string log = SmallLog();
  for (std::size_t i = 0; i < log.size(); ++i) {
    std::string shorter = log;
    shorter.erase(i, 1);
    REQUIRE_FALSE(VerifyTexts({shorter}).ok());
    std::string longer = log;
    longer.insert(i, 1, ' ');
    REQUIRE_FALSE(VerifyTexts({longer}).ok());
  }
}

TEST_CASE("Lines that are missing, moved, repeated or foreign are found") {
  const std::vector<std::string> lines = LinesOf(SmallLog());
  const std::vector<std::string> other = LinesOf(SmallLog());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> changed = lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    AuditLogSummary summary = VerifyTexts({Joined(changed)});
    if (i == 0) {  // the begin of a log may be in files that are not here
      CHECK(summary.ok());
      CHECK_FALSE(summary.from_beginning);
    } else if (i == lines.size() - 1) {  // nothing tells that there was more, but what was kept elsewhere
      CHECK(summary.ok());
      CHECK(summary.last_sequence == 3);
    } else {
      REQUIRE_FALSE(summary.ok());
      CHECK(summary.error->line == i + 1);
      CHECK(summary.error->message ==
            "does not follow the line before it: a line between them is missing, moved or replaced");
    }
    if (i > 0) {
      changed = lines;
      std::swap(changed[i - 1], changed[i]);
      CHECK_FALSE(VerifyTexts({Joined(changed)}).ok());
      changed = lines;
      changed[i] = other[i];
      CHECK(VerifyTexts({Joined(changed)}).error->line == i + 1);
    }
    changed = lines;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    CHECK(VerifyTexts({Joined(changed)}).error->line == i + 2);
  }
}

TEST_CASE("The log goes through files; a torn line ends it") {
  const std::string log = SmallLog();
  const std::size_t cut = log.find('\n', log.find('\n') + 1) + 1;
  const AuditLogSummary summary = VerifyTexts({log.substr(0, cut), "", log.substr(cut)});
  CHECK(summary.ok());
  CHECK(summary.files == 3);
  AuditLogSummary torn = VerifyTexts({log.substr(0, cut - 1), log.substr(cut)});
  REQUIRE_FALSE(torn.ok());
  CHECK(torn.error->file == "file1");
  CHECK(torn.error->line == 2);
  CHECK(torn.error->message == "is torn: the file ends within it");
  torn = VerifyTexts({log.substr(cut), log.substr(0, cut)});
  CHECK(torn.error->file == "file2");
  CHECK(torn.error->line == 1);
}

TEST_CASE("A chain with a key needs the key") {
  Key key{};
  key[0] = 1;
  Key wrong{};
  const std::string log = SmallLog(key);
  CHECK(VerifyTexts({log}, {.chain_key = key}).ok());
  CHECK(VerifyTexts({log}).error->message == "was chained with a key, and none is given");
  CHECK(VerifyTexts({log}, {.chain_key = wrong}).error->message ==
        "was changed, or chained with another key");
  CHECK(VerifyTexts({SmallLog()}, {.chain_key = key}).error->message ==
        "was chained without a key, and one is given");
}

TEST_CASE("What is no log is named, and so is a line without end") {
  CHECK(VerifyTexts({}).ok());
  CHECK(VerifyTexts({""}).last_hash.empty());
  CHECK(VerifyTexts({"\n"}).error->message == "is no line of an audit log");
  CHECK(VerifyTexts({"{}\n"}).error->message == "is no line of an audit log");
  AuditLogVerifier verifier({.chain_key = {}, .line_size_max_bytes = 10});
  verifier.BeginFile("f");
  CHECK(verifier.Add("0123456789"));
  CHECK_FALSE(verifier.Add("0"));
  CHECK_FALSE(verifier.Add("\n"));
  CHECK(verifier.Finish().error->message == "is too long");
}

}  // namespace
