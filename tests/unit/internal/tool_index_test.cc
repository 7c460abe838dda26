#include "lib/tool_index.h"

#include <algorithm>
#include <list>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

using callwarden::internal::FoldToolName;
using callwarden::internal::GlobIndex;
using callwarden::internal::ScratchVector;
using callwarden::internal::ToolIndex;
using callwarden::internal::ToolMatch;

// Whether a glob matches, by trying every run for every star.
bool Matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (Matches(pattern.substr(1), text.substr(i))) return true;
    }
    return false;
  }
  return !text.empty() && text.front() == pattern.front() && Matches(pattern.substr(1), text.substr(1));
}

std::string Fold(std::string_view name) {
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

std::vector<uint32_t> Sorted(ScratchVector<uint32_t>& ranks) {
  std::vector<uint32_t> sorted(ranks.data(), ranks.data() + ranks.size());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// A tool index and a scan of the same patterns.
class Both {
 public:
  void AddTool(const std::string& pattern) {
    if (pattern.find('*') != std::string::npos) {
      index_.AddGlob(Keep(pattern), static_cast<uint32_t>(globs_.size()));
      globs_.push_back(pattern);
    } else {
      index_.AddExact(Keep(pattern), static_cast<uint32_t>(exact_.size() + 1));
      exact_.push_back(pattern);
    }
  }
  void AddHidden(const std::string& pattern) {
    index_.AddHidden(Keep(pattern));
    hidden_.push_back(pattern);
  }
  void Finish() {
    index_.Finish([this](std::string_view text) { return Keep(text); });
  }

  void Compare(const std::string& name) const {
    CAPTURE(name);
    ToolMatch match;
    ScratchVector<uint32_t> found;
    REQUIRE((index_.FindKey(name, match) || index_.FindOther(name, match, found)));

    const auto exact = std::find(exact_.begin(), exact_.end(), name);
    const bool spelt_out =
        name.find('*') == std::string::npos &&
        (exact != exact_.end() || std::find(hidden_.begin(), hidden_.end(), name) != hidden_.end());
    const bool usual =
        !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        });
    std::vector<uint32_t> globs;
    for (uint32_t g = 0; g < globs_.size(); ++g) {
      if (Matches(globs_[g], name)) globs.push_back(g);
    }
    const bool hidden =
        std::any_of(hidden_.begin(), hidden_.end(), [&](const std::string& h) { return Matches(h, name); });
    CHECK(index_.IsHidden(name) == hidden);
    CHECK(index_.IsListed(name) == (exact != exact_.end() || !globs.empty()));
    CHECK(match.name_allowed == (spelt_out || usual));
    if (!match.name_allowed) return;
    CHECK(match.hidden == hidden);
    CHECK(match.listed == (exact != exact_.end() || !globs.empty()));
    if (exact != exact_.end()) {
      CHECK(match.plan == static_cast<uint32_t>(exact - exact_.begin() + 1));
      CHECK_FALSE(match.confusable);
      return;
    }
    CHECK(match.plan == ToolMatch::kNoPlan);
    CHECK(Sorted(found) == globs);
    if (hidden) return;  // which is reported, whatever else the name looks like
    const std::string folded = Fold(name);
    bool confusable = false;
    const auto like = [&](const std::string& pattern) {
      const bool glob = pattern.find('*') != std::string::npos;
      confusable |= glob ? globs.empty() && Matches(Fold(pattern), folded) : Fold(pattern) == folded;
    };
    std::for_each(exact_.begin(), exact_.end(), like);
    std::for_each(globs_.begin(), globs_.end(), like);
    std::for_each(hidden_.begin(), hidden_.end(), like);
    CHECK(match.confusable == confusable);
    confusable_seen_ += confusable ? 1 : 0;
    listed_seen_ += globs.empty() ? 0 : 1;
  }

  mutable std::size_t confusable_seen_ = 0;
  mutable std::size_t listed_seen_ = 0;

 private:
  std::string_view Keep(std::string_view text) { return texts_.emplace_back(text); }
  ToolIndex index_;
  std::list<std::string> texts_;
  std::vector<std::string> exact_;
  std::vector<std::string> globs_;
  std::vector<std::string> hidden_;
};

std::string RandomName(std::mt19937_64& random, std::string_view letters, std::size_t most) {
  std::string name;
  for (std::size_t n = random() % (most + 1); n != 0; --n) name += letters[random() % letters.size()];
  return name;
}

bool IsAllStars(const std::string& pattern) {
  return pattern.empty() || pattern.find_first_not_of('*') == std::string::npos;
}

}  // namespace

TEST_CASE("the glob index finds what a scan finds", "[tool_index]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    GlobIndex index;
    std::vector<std::string> patterns;
    const std::size_t count = random() % 40;
    while (patterns.size() < count) {
      const std::string pattern = RandomName(random, "ab_*", 6);
      if (pattern.find('*') != std::string::npos) patterns.push_back(pattern);
    }
    for (uint32_t i = 0; i < patterns.size(); ++i) index.Add(patterns[i], i);
    index.Finish();
    CHECK(index.empty() == patterns.empty());
    for (int n = 0; n < 100; ++n) {
      const std::string name = RandomName(random, "ab_", 8);
      std::vector<uint32_t> expected;
      for (uint32_t i = 0; i < patterns.size(); ++i) {
        if (Matches(patterns[i], name)) expected.push_back(i);
      }
      CAPTURE(round, name);
      ScratchVector<uint32_t> ranks;
      REQUIRE(index.Match(name, ranks));
      REQUIRE(Sorted(ranks) == expected);
      REQUIRE(index.MatchesAny(name) == !expected.empty());
    }
  }
}

TEST_CASE("the tool index answers as a scan of all patterns does", "[tool_index]") {
  std::mt19937_64 random(11);
  std::size_t confusable = 0;
  std::size_t listed = 0;
  for (int round = 0; round < 150; ++round) {
    Both both;
    std::set<std::string> tools;
    std::set<std::string> hidden;
    for (std::size_t n = random() % 12; n != 0; --n) {
      const std::string pattern = RandomName(random, "abAB_*", 4);
      if (!IsAllStars(pattern) && tools.insert(pattern).second) both.AddTool(pattern);
    }
    for (std::size_t n = random() % 4; n != 0; --n) {
      const std::string pattern = RandomName(random, "abAB_ *", 4);
      if (!IsAllStars(pattern) && hidden.insert(pattern).second) both.AddHidden(pattern);
    }
    both.Finish();
    for (int n = 0; n < 100; ++n) both.Compare(RandomName(random, "abAB_ ", 5));
    for (const std::string& name : tools) both.Compare(name);
    for (const std::string& name : hidden) both.Compare(name);
    both.Compare("");
    both.Compare(std::string(128, 'a'));
    both.Compare(std::string(129, 'a'));
    confusable += both.confusable_seen_;
    listed += both.listed_seen_;
  }
  CHECK(confusable > 500);
  CHECK(listed > 500);
}

TEST_CASE("names beyond the bounds are allowed where they are spelt out", "[tool_index]") {
  Both both;
  const std::string longer(200, 'x');
  both.AddTool(longer);
  both.AddTool("has space");
  both.AddHidden("hidden name");
  both.AddHidden(std::string(300, 'y'));
  both.AddHidden("*tail");
  both.Finish();
  for (const std::string& name : {longer, std::string("has space"), std::string("hidden name"),
                                  std::string(300, 'y'), std::string("has tail"), std::string("HAS SPACE"),
                                  std::string(200, 'X'), std::string("tail"), std::string("Tail")}) {
    both.Compare(name);
  }
}

TEST_CASE("folding trims spaces and lowers ASCII letters only", "[tool_index]") {
  char buffer[64];
  CHECK(FoldToolName("  Read_File ", buffer) == "read_file");
  CHECK(FoldToolName("", buffer).empty());
  CHECK(FoldToolName("   ", buffer).empty());
  CHECK(FoldToolName("\tÉ[]", buffer) == "\tÉ[]");
}
