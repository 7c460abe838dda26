#include "lib/json_scanner.h"

#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lib/json_tree.h"
#include "tests/catch.h"

namespace {

using callwarden::internal::JsonScanner;
using callwarden::internal::JsonTree;
using callwarden::internal::JsonValue;
using callwarden::internal::LineCursor;
using callwarden::internal::Number;
using callwarden::internal::ParseJsonTree;
using callwarden::internal::ScanBuffers;
using callwarden::internal::ScanExtent;
using callwarden::internal::ScanResult;

// Writes every event with its places.
class Log {
 public:
  std::string text;
  std::size_t stop_after = ~std::size_t{0};

  bool BeginObject(std::size_t begin) { return Add("{@" + std::to_string(begin)); }
  bool EndObject(std::size_t end) { return Add("}@" + std::to_string(end)); }
  bool BeginArray(std::size_t begin) { return Add("[@" + std::to_string(begin)); }
  bool EndArray(std::size_t end) { return Add("]@" + std::to_string(end)); }
  bool Name(std::string_view name, bool /*escaped*/, std::size_t begin) {
    return Add(std::string(name) + ":@" + std::to_string(begin));
  }
  bool String(std::string_view value, bool /*escaped*/, std::size_t begin, std::size_t end) {
    return Add("'" + std::string(value) + "'" + Span(begin, end));
  }
  bool Number(const callwarden::internal::Number* number, std::size_t begin, std::size_t end) {
    return Add((number == nullptr ? "unrepresentable" : "number") + Span(begin, end));
  }
  bool Boolean(bool value, std::size_t begin, std::size_t end) {
    return Add((value ? "true" : "false") + Span(begin, end));
  }
  bool Null(std::size_t begin, std::size_t end) { return Add("null" + Span(begin, end)); }

 private:
  static std::string Span(std::size_t begin, std::size_t end) {
    return "@" + std::to_string(begin) + "-" + std::to_string(end);
  }
  bool Add(const std::string& event) {
    if (!text.empty()) text += ' ';
    text += event;
    return --stop_after != 0;
  }
};

std::string Scan(std::string_view json) {
  Log log;
  ScanBuffers buffers;
  const ScanResult result = JsonScanner<Log&>(json, buffers, log).Scan();
  REQUIRE(result.status == ScanResult::Status::kOk);
  return log.text;
}

// The byte at which a text is refused; it must be.
std::size_t InvalidAt(std::string_view json) {
  Log log;
  ScanBuffers buffers;
  const ScanResult result = JsonScanner<Log&>(json, buffers, log).Scan();
  CAPTURE(json);
  REQUIRE(result.status == ScanResult::Status::kInvalid);
  return result.offset;
}

}  // namespace

TEST_CASE("events come in order, with their places", "[json]") {
  CHECK(Scan(R"({"a": [1, true,null,"x"], "b":{} })") ==
        "{@0 a:@1 [@6 number@7-8 true@10-14 null@15-19 'x'@20-23 ]@24 b:@26 {@30 }@32 }@34");
  CHECK(Scan("  -1.5e+3\n") == "number@2-9");
  CHECK(Scan("\"\"") == "''@0-2");
  CHECK(Scan("[]") == "[@0 ]@2");
  CHECK(Scan("[1e999]") == "[@0 unrepresentable@1-6 ]@7");
  CHECK(Scan("[18446744073709551616, false]") == "[@0 unrepresentable@1-21 false@23-28 ]@29");
}

TEST_CASE("a scan may end behind the first value", "[json]") {
  const auto end_of = [](std::string_view text) {
    Log log;
    ScanBuffers buffers;
    const ScanResult result = JsonScanner<Log&>(text, buffers, log, ScanExtent::kFirstValue).Scan();
    return result.status == ScanResult::Status::kOk ? std::optional<std::size_t>(result.offset)
                                                    : std::nullopt;
  };
  CHECK(end_of("{}") == 2);
  CHECK(end_of("  {} ") == 4);
  CHECK(end_of(R"({"a":[1,{"b":"}"}]},"id":1})") == 19);
  CHECK(end_of("{}}") == 2);
  CHECK(end_of("[1]x") == 3);
  CHECK(end_of("{}\xFF\x80") == 2);  // what stands behind is nobody's concern
  CHECK(end_of("{\"a\":\"\xFF\"}}") == std::nullopt);
  CHECK(end_of("{\"a\":1]}") == std::nullopt);
  CHECK(end_of("{") == std::nullopt);
  CHECK(end_of("") == std::nullopt);
}

// What a block must say of some bytes, byte by byte.
template <class Block>
void CheckBlock(const std::string& bytes) {
  std::size_t end = 0;
  bool high = false;
  for (; end < Block::kSize; ++end) {
    const auto byte = static_cast<unsigned char>(bytes[end]);
    if (byte == '"' || byte == '\\' || byte < 0x20) break;
    high |= byte >= 0x80;
  }
  const Block block(bytes.data());
  REQUIRE(block.has_end() == (end != Block::kSize));
  if (block.has_end()) REQUIRE(block.end() == end);
  REQUIRE((block.highs() != 0) == high);
}

template <class Block>
void CheckBlocks() {
  for (int filler : {0x00, 0x1F, 0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF}) {
    for (std::size_t at = 0; at < Block::kSize; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        CAPTURE(filler, at, byte);
        std::string before(Block::kSize, 'x');  // what comes behind must not show before the byte
        for (std::size_t i = at; i < before.size(); ++i) before[i] = static_cast<char>(filler);
        before[at] = static_cast<char>(byte);
        CheckBlock<Block>(before);
        std::string among(Block::kSize, static_cast<char>(filler));
        among[at] = static_cast<char>(byte);
        CheckBlock<Block>(among);
      }
    }
  }
}

TEST_CASE("a block finds what ends a run of a string, whatever stands around it", "[json]") {
  CheckBlocks<callwarden::internal::WordBlock>();
  CheckBlocks<callwarden::internal::StringBlock>();
}

// Keeps the last number.
struct LastNumber {
  std::optional<callwarden::internal::Number> last;
  bool BeginObject(std::size_t) { return true; }
  bool EndObject(std::size_t) { return true; }
  bool BeginArray(std::size_t) { return true; }
  bool EndArray(std::size_t) { return true; }
  bool Name(std::string_view, bool, std::size_t) { return true; }
  bool String(std::string_view, bool, std::size_t, std::size_t) { return true; }
  bool Number(const callwarden::internal::Number* number, std::size_t, std::size_t) {
    last = number == nullptr ? std::nullopt : std::optional(*number);
    return true;
  }
  bool Boolean(bool, std::size_t, std::size_t) { return true; }
  bool Null(std::size_t, std::size_t) { return true; }
};

TEST_CASE("numbers read on the way are those that the slow reader reads, bit for bit", "[json]") {
  const auto check = [](const std::string& text) {
    CAPTURE(text);
    LastNumber handler;
    ScanBuffers buffers;
    REQUIRE(JsonScanner<LastNumber&>(text, buffers, handler).Scan().status == ScanResult::Status::kOk);
    Number expected;
    REQUIRE(callwarden::internal::ParseNumber(text, expected) == handler.last.has_value());
    if (!handler.last) return;
    CHECK(handler.last->kind == expected.kind);
    CHECK(handler.last->u == expected.u);
  };
  std::mt19937_64 random(20260301);
  for (int i = 0; i < 20000; ++i) {
    std::string digits = std::to_string(random() >> random() % 64);
    const std::string sign = random() % 2 == 0 ? "-" : "";
    check(sign + digits);
    std::string fraction = std::to_string(random() >> random() % 64);
    fraction.insert(0, random() % 4, '0');
    check(sign + digits + "." + fraction);
    check(sign + "0." + fraction);
    check(sign + digits + "." + fraction + "e-" + std::to_string(random() % 30));
  }
  for (const char* text :
       {"0", "-0", "-0.0", "0.0", "9007199254740992.0", "9007199254740993.0", "900719925474099.3",
        "999999999999999999", "-999999999999999999", "1000000000000000000", "9223372036854775807",
        "-9223372036854775808", "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "-9223372036854775809", "0.000000000000000001", "0.100000000000000005", "123456789.123456789"}) {
    check(text);
  }
}

TEST_CASE("escapes are decoded", "[json]") {
  CHECK(Scan(R"("a\"\\\/\b\f\n\r\tz")") == "'a\"\\/\b\f\n\r\tz'@0-20");
  CHECK(Scan(R"("\u0041\u00e9\u20AC\ud83d\uDE00")") == "'Aé€😀'@0-32");
  CHECK(Scan(R"("é\u0000€")") == std::string("'é\0€'@0-13", 13));
  CHECK(Scan(R"({"\u0061": "b\u0063", "d": "e"})") == "{@0 a:@1 'bc'@11-20 d:@22 'e'@27-30 }@31");
}

TEST_CASE("a text is refused at the byte at which no document could go on", "[json]") {
  struct Case {
    std::string_view text;
    std::size_t at;
  };
  for (const Case& c : std::vector<Case>{{"", 0},
                                         {"  ", 2},
                                         {"{", 1},
                                         {"[", 1},
                                         {"[1", 2},
                                         {"[1,", 3},
                                         {"[1,]", 3},
                                         {"[,1]", 1},
                                         {"[1 2]", 3},
                                         {"[1}", 2},
                                         {"{\"a\"}", 4},
                                         {"{\"a\":}", 5},
                                         {"{\"a\":1,}", 7},
                                         {"{\"a\":1]", 6},
                                         {"{a:1}", 1},
                                         {"{1:1}", 1},
                                         {"{} x", 3},
                                         {"{}{}", 2},
                                         {"1 2", 2},
                                         {"01", 1},
                                         {"-", 1},
                                         {"-a", 1},
                                         {"1.", 2},
                                         {"1.e5", 2},
                                         {"1e", 2},
                                         {"1e+", 3},
                                         {"+1", 0},
                                         {".5", 0},
                                         {"tru", 3},
                                         {"trux", 3},
                                         {"nul]", 3},
                                         {"True", 0},
                                         {"NaN", 0},
                                         {"\"", 1},
                                         {"\"a", 2},
                                         {"\"a\n\"", 2},
                                         {"\"\\x\"", 2},
                                         {"\"\\u12g4\"", 5},
                                         {"\"\\u12", 5},
                                         {"\"\\", 2},
                                         {"\"\\ud800\"", 7},
                                         {"\"\\ud800\\n\"", 8},
                                         {"\"\\ud800\\u0041\"", 9},
                                         {"\"\\ud800\\udb00\"", 10},
                                         {"\"\\udc00\"", 4},
                                         {"\"\\uDFFF\"", 4},
                                         {"\"a\xFF\"", 2},
                                         {"\"\xC3\"", 2},
                                         {"\"\\n\xE2\x82 \"", 5},
                                         {"\"\xED\xA0\x80\"", 2},
                                         {"\xEF\xBB\xBF{}", 0},
                                         {"'a'", 0},
                                         {"[1]//", 3},
                                         {"/**/1", 0}}) {
    CAPTURE(c.text);
    CHECK(InvalidAt(c.text) == c.at);
  }
  CHECK(InvalidAt(std::string_view("1\0", 2)) == 1);
  CHECK(InvalidAt(std::string_view("\"\0\"", 3)) == 1);
}

TEST_CASE("a handler stops the scan where it says so", "[json]") {
  const std::string_view json = R"({"a": [1, "x"]})";
  const std::vector<std::size_t> places{0, 1, 6, 7, 10, 13, 14};
  for (std::size_t i = 0; i < places.size(); ++i) {
    Log log;
    log.stop_after = i + 1;
    ScanBuffers buffers;
    const ScanResult result = JsonScanner<Log&>(json, buffers, log).Scan();
    CAPTURE(i, log.text);
    CHECK(result.status == ScanResult::Status::kStopped);
    CHECK(result.offset == places[i]);
  }
}

TEST_CASE("depth costs no stack", "[json]") {
  const std::size_t levels = 1000000;
  const std::string text = std::string(levels, '[') + std::string(levels, ']');
  const JsonTree tree = ParseJsonTree(text, 512);
  CHECK_FALSE(tree.invalid_at.has_value());
  CHECK(tree.too_deep);
  CHECK(ParseJsonTree(std::string(levels, '['), 512).invalid_at == levels);
}

TEST_CASE("a tree keeps order, places and repeated members", "[json]") {
  const JsonTree tree = ParseJsonTree(R"({"a": 1, "b": [true, null], "a": "x"})", 4);
  REQUIRE_FALSE(tree.invalid_at.has_value());
  const JsonValue& root = tree.root;
  REQUIRE(root.members.size() == 3);
  CHECK(root.begin == 0);
  CHECK(root.end == 37);
  CHECK(root.members[2].name == "a");
  CHECK(root.members[2].name_begin == 28);
  CHECK(root.members[2].value.string == "x");
  REQUIRE(root.Find("a") != nullptr);
  CHECK(root.Find("a")->Is(JsonValue::Type::kNumber));  // the first
  CHECK(root.Find("c") == nullptr);
  CHECK(root.members[1].value.items.size() == 2);
  CHECK(root.members[1].value.begin == 14);
  CHECK(root.members[1].value.end == 26);
}

TEST_CASE("what nests too deep is marked and the rest is read", "[json]") {
  const JsonTree tree = ParseJsonTree(R"({"a": [[1, [2]], 3], "b": {}})", 2);
  CHECK(tree.too_deep);
  const JsonValue& a = tree.root.members.at(0).value;
  REQUIRE(a.items.size() == 2);
  CHECK(a.items[0].Is(JsonValue::Type::kTooDeep));
  CHECK(a.items[0].begin == 7);
  CHECK(a.items[0].items.empty());
  CHECK(a.items[1].Is(JsonValue::Type::kNumber));
  CHECK(tree.root.members.at(1).value.Is(JsonValue::Type::kObject));
}

TEST_CASE("lines and columns count from one, in code points", "[json]") {
  LineCursor cursor("aé€\n😀b\r\n\nc");
  const auto at = [&](std::size_t offset) {
    const auto position = cursor.At(offset);
    return std::to_string(position.line) + ':' + std::to_string(position.column);
  };
  CHECK(at(0) == "1:1");
  CHECK(at(1) == "1:2");
  CHECK(at(3) == "1:3");
  CHECK(at(6) == "1:4");
  CHECK(at(7) == "2:1");
  CHECK(at(11) == "2:2");
  CHECK(at(12) == "2:3");
  CHECK(at(14) == "3:1");
  CHECK(at(15) == "4:1");
  CHECK(at(16) == "4:2");
  CHECK(at(100) == "4:2");  // past the end is the end
  CHECK(at(3) == "1:3");    // and back
}
