// Every call of the conformance cases and attacks, decided over nlohmann's tree and over the text: the same
// verdicts, step by step, with counters of their own. What the tree cannot show is listed here, whole.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"

#include "tests/catch.h"
#include "tests/differential/compare.h"
#include "tests/differential/test_file.h"

namespace {

namespace fs = std::filesystem;
using callwarden::NlohmannArguments;
using differential::Decided;
using differential::Library;
using nlohmann::json;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<fs::path> JsonFilesOf(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE_FALSE(files.empty());
  return files;
}

bool Same(const reference::Verdict& a, const reference::Verdict& b) {
  // What a malformed call's message says behind its beginning names offsets, which a tree has not.
  return a.effect == b.effect && a.reason == b.reason && a.rule == b.rule &&
         a.retry_after_ms == b.retry_after_ms && (a.reason == "malformed_call" || a.message == b.message);
}

bool Same(const Decided& a, const Decided& b) {
  return Same(a.verdict, b.verdict) && a.would.has_value() == b.would.has_value() &&
         (!a.would || Same(*a.would, *b.would));
}

bool IsMalformed(const Decided& decided) {
  return decided.verdict.reason == "malformed_call" ||
         (decided.would && decided.would->reason == "malformed_call");
}

// What the strict reader says of a text that nlohmann's parser takes, and how many such texts were met where
// the tree is not refused as well.
struct Tally {
  std::size_t calls = 0;
  std::size_t trees = 0;
  std::map<std::string, std::set<std::string>> unseen;
};

void RunTest(const std::string& policy_text, const reference::PolicyTest& test, Tally& tally) {
  std::string errors;
  const auto policy = differential::Compile(policy_text, errors);
  REQUIRE(policy != nullptr);
  Library by_text(policy, test.steps.size());
  Library by_tree(policy, test.steps.size());
  for (std::size_t i = 0; i < test.steps.size(); ++i) {
    const reference::TestStep& step = test.steps[i];
    if (step.completes) {
      by_text.Complete(step.completed, step.outcome, step.at);
      by_tree.Complete(step.completed, step.outcome, step.at);
      continue;
    }
    ++tally.calls;
    const Decided text = by_text.Decide(i, step.call, step.at);
    json tree;
    if (step.call.arguments) tree = json::parse(*step.call.arguments, nullptr, /*allow_exceptions=*/false);
    const bool strict = step.call.arguments && reference::AcceptsArguments(*step.call.arguments, 1 << 20, 64);
    CAPTURE(i, step.call.tool, step.call.arguments.value_or("(absent)"));
    if (!step.call.arguments || tree.is_discarded()) {
      CHECK_FALSE(strict);  // nlohmann takes whatever the strict reader takes
      (void)by_tree.Decide(i, step.call, step.at);
    } else if (strict) {
      ++tally.trees;
      const NlohmannArguments arguments(tree);
      const Decided decided = by_tree.Decide(i, step.call, step.at, &arguments);
      INFO("by text: " << differential::Show(text));
      INFO("by tree: " << differential::Show(decided));
      CHECK(Same(text, decided));
    } else {
      CHECK(IsMalformed(text));
      const NlohmannArguments arguments(tree);
      Library apart(policy, 1);
      if (!IsMalformed(apart.Decide(0, step.call, step.at, &arguments))) {
        tally.unseen[reference::ReadJson(*step.call.arguments, {}).error].insert(*step.call.arguments);
      }
      (void)by_tree.Decide(i, step.call, step.at);  // so that the counters stay in step
    }
    if (!step.open) {
      by_text.Complete(i, step.outcome, step.at);
      by_tree.Complete(i, step.outcome, step.at);
    }
  }
}

Tally RunFolder(const fs::path& folder) {
  Tally tally;
  for (const fs::path& path : JsonFilesOf(folder)) {
    const std::string file = path.string();
    CAPTURE(file);
    std::string error;
    const auto read = reference::ReadTestFile(ReadFile(path), path.parent_path().string(), error);
    INFO(error);
    REQUIRE(read.has_value());
    for (const reference::PolicyTest& test : read->tests) {
      INFO(test.name);
      RunTest(read->policy_text, test, tally);
    }
  }
  return tally;
}

// The texts of which the tree says less than the strict reader, by what that reader says. Of those with a
// repeated name only that there are some: every one of them is such a text.
std::map<std::string, std::set<std::string>> Unseen(Tally tally) {
  const auto repeated = tally.unseen.find("duplicate member name");
  REQUIRE(repeated != tally.unseen.end());
  repeated->second = {"(any)"};
  return tally.unseen;
}

}  // namespace

TEST_CASE("conformance cases are decided alike over nlohmann's tree", "[nlohmann]") {
  const Tally tally = RunFolder("tests/conformance");
  INFO(tally.trees << " of " << tally.calls << " calls by tree");
  CHECK(tally.trees > tally.calls / 2);
  CHECK(Unseen(tally) == std::map<std::string, std::set<std::string>>{
                             {"duplicate member name", {"(any)"}},
                             {"no value", {"\xEF\xBB\xBF{}"}},  // a byte order mark is skipped
                             {"something after the value", {std::string("{}\0", 3)}},  // U+0000 ends the text
                             {"number out of range",                                   // rounded to a double
                              {R"({"v": -18446744073709551616})", R"({"v": -9223372036854775809})",
                               R"({"v": 100000000000000000000})", R"({"v": 18446744073709551616})",
                               R"({"v": 99999999999999999999999999999999999999999})"}},
                         });
}

TEST_CASE("attacks are refused alike over nlohmann's tree", "[nlohmann]") {
  const Tally tally = RunFolder("examples/attacks");
  CHECK(tally.trees > tally.calls / 2);
  CHECK(Unseen(tally) ==
        std::map<std::string, std::set<std::string>>{
            {"duplicate member name", {"(any)"}},
            {"no value", {"\xEF\xBB\xBF{}"}},
            {"something after the value", {std::string("{}\0", 3)}},
            {"number out of range",
             {R"({"amount": -9223372036854775809})", R"({"amount": 18446744073709551616})",
              R"({"amount": 99999999999999999999999999})", R"({"max_tokens": 18446744073709551616})"}},
        });
}
