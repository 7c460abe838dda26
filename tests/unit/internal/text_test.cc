#include "lib/text.h"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

using namespace callwarden::internal;
constexpr std::size_t kNone = std::string_view::npos;

// Whether a glob matches, by trying every run for every star.
bool MatchSlowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (MatchSlowly(pattern.substr(1), text.substr(i))) return true;
    }
    return false;
  }
  return !text.empty() && text.front() == pattern.front() && MatchSlowly(pattern.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("globs match whole texts", "[text]") {
  CHECK(MatchGlob("", ""));
  CHECK_FALSE(MatchGlob("", "a"));
  CHECK(MatchGlob("*", ""));
  CHECK(MatchGlob("***", "abc"));
  CHECK(MatchGlob("a*", "a"));
  CHECK(MatchGlob("a*c", "abbbc"));
  CHECK_FALSE(MatchGlob("a*c", "abbbcd"));
  CHECK(MatchGlob("*a*b*", "xaxbx"));
  CHECK_FALSE(MatchGlob("*a*b*", "xbxax"));
  CHECK(MatchGlob("*aab", "aaaaab"));
  CHECK(MatchGlob("a*/b", "a/x/b"));
  CHECK_FALSE(MatchGlob("a?c", "abc"));
  CHECK(MatchGlob("a?c", "a?c"));
  CHECK(MatchGlob("[a]\\", "[a]\\"));
  CHECK_FALSE(MatchGlob("\\*", "*"));
  CHECK_FALSE(MatchGlob("A", "a"));
  CHECK_FALSE(MatchGlob("ab", "a"));
  CHECK(MatchGlob(std::string_view("*\0*", 3), std::string_view("a\0b", 3)));
}

TEST_CASE("globs match what trying every run says", "[text]") {
  std::mt19937_64 random(20260301);
  std::size_t matches = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string pattern;
    std::string text;
    for (std::size_t n = random() % 7; n != 0; --n) pattern += "ab*"[random() % 3];
    for (std::size_t n = random() % 9; n != 0; --n) text += "ab"[random() % 2];
    CAPTURE(pattern, text);
    const bool expected = MatchSlowly(pattern, text);
    matches += expected ? 1 : 0;
    REQUIRE(MatchGlob(pattern, text) == expected);
  }
  CHECK(matches > 2000);
  CHECK(matches < 18000);
}

TEST_CASE("a glob of many stars stays cheap", "[text]") {
  const std::string text(20000, 'a');
  CHECK_FALSE(MatchGlob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
  CHECK(MatchGlob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*", text));
}

TEST_CASE("UTF-8 is refused at the byte that decides", "[text]") {
  struct Case {
    std::string_view text;
    std::size_t at;
  };
  for (const Case& c : std::vector<Case>{{"", kNone},
                                         {"abc", kNone},
                                         {"é€😀\x7F", kNone},
                                         {"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", kNone},
                                         {"\x80", 0},
                                         {"a\xBF", 1},
                                         {"\xC0\x80", 0},
                                         {"\xC1\xBF", 0},
                                         {"\xC2", 1},
                                         {"\xC2 ", 1},
                                         {"\xE0\x9F\xBF", 1},
                                         {"\xED\xA0\x80", 1},
                                         {"\xE2\x82", 2},
                                         {"\xE2\x82 ", 2},
                                         {"\xF0\x8F\xBF\xBF", 1},
                                         {"\xF4\x90\x80\x80", 1},
                                         {"\xF5", 0},
                                         {"\xFF", 0},
                                         {"12345678\xFF", 8},
                                         {"1234567\xC3", 8},
                                         {"1234567éééé\xFF", 15}}) {
    CAPTURE(c.text, c.at);
    CHECK(FindInvalidUtf8(c.text) == c.at);
  }
}

TEST_CASE("every code point is written and read back, and no surrogate is", "[text]") {
  for (uint32_t c = 1; c < 0x110000; c += c < 0x10000 ? 7 : 997) {
    char bytes[4];
    const std::string_view text(bytes, static_cast<std::size_t>(AppendUtf8(c, bytes) - bytes));
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    CAPTURE(c);
    REQUIRE((FindInvalidUtf8(text) == kNone) == !surrogate);
    REQUIRE(Utf8SequenceSize(text, 0) == (surrogate ? 0 : text.size()));
    REQUIRE(CountCodePoints(text) == 1);
  }
}

TEST_CASE("texts are cut between code points", "[text]") {
  const std::string_view text = "aé€😀b";  // 1 + 2 + 3 + 4 + 1 bytes
  CHECK(CutAtCodePoint(text, 0).empty());
  CHECK(CutAtCodePoint(text, 1) == "a");
  CHECK(CutAtCodePoint(text, 2) == "a");
  CHECK(CutAtCodePoint(text, 3) == "aé");
  CHECK(CutAtCodePoint(text, 5) == "aé");
  CHECK(CutAtCodePoint(text, 6) == "aé€");
  CHECK(CutAtCodePoint(text, 9) == "aé€");
  CHECK(CutAtCodePoint(text, 10) == "aé€😀");
  CHECK(CutAtCodePoint(text, 11) == text);
  CHECK(CutAtCodePoint(text, 100) == text);
}

TEST_CASE("names fold as parsers that ignore case fold them", "[text]") {
  CHECK(EqualFolded("", ""));
  CHECK(EqualFolded("Amount", "aMOUNT"));
  CHECK(EqualFolded("\xC5\xBF", "s"));  // U+017F
  CHECK(EqualFolded("pa\xC5\xBF\xC5\xBFword", "PASSWORD"));
  CHECK(EqualFolded("\xE2\x84\xAA", "K"));  // U+212A
  CHECK(EqualFolded("\xE2\x84\xAA", "k"));
  CHECK_FALSE(EqualFolded("a", "ab"));
  CHECK_FALSE(EqualFolded("", "a"));
  CHECK_FALSE(EqualFolded("é", "É"));
  CHECK_FALSE(EqualFolded("\xC5", "s"));
  CHECK_FALSE(EqualFolded("[", "{"));
  CHECK_FALSE(EqualFolded("@", "`"));
}

TEST_CASE("quotes show control bytes and end", "[text]") {
  CHECK(Quoted("") == "\"\"");
  CHECK(Quoted("a\"b\\é") == "\"a\"b\\é\"");
  CHECK(Quoted(std::string_view("\n\x7F\0\xFF", 4)) == "\"\\x0a\\x7f\\x00\\xff\"");
  CHECK(Quoted(std::string(60, 'x')) == '"' + std::string(60, 'x') + '"');
  CHECK(Quoted(std::string(61, 'x')) == '"' + std::string(60, 'x') + "...\"");
}

TEST_CASE("edit distances are counted up to their limit", "[text]") {
  CHECK(EditDistance("", "", 2) == 0);
  CHECK(EditDistance("deny", "deny", 2) == 0);
  CHECK(EditDistance("dney", "deny", 2) == 1);
  CHECK(EditDistance("den", "deny", 2) == 1);
  CHECK(EditDistance("defualt", "default", 2) == 1);
  CHECK(EditDistance("minuets", "minute", 2) == 2);
  CHECK(EditDistance("abc", "xyz", 2) == 3);
  CHECK(EditDistance("a", "abcdef", 2) == 3);
  CHECK(EditDistance(std::string(65, 'a'), std::string(65, 'a'), 2) == 3);  // not names
}

TEST_CASE("pointers escape as RFC 6901 says", "[text]") {
  std::string pointer = "/tools";
  AppendPointer(pointer, "a/b~c~1");
  CHECK(pointer == "/tools/a~1b~0c~01");
  AppendPointer(pointer, "");
  CHECK(pointer == "/tools/a~1b~0c~01/");
}
