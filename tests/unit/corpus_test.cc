// The strict reader against tricky documents: tests/corpus/arguments.txt and the classes that are too large
// to keep. Every text ends at the last byte before a page that must not be read.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "tests/catch.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::CompileOptions;
using callwarden::Decision;
using callwarden::Effect;
using callwarden::Reason;

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr callwarden::Timestamp kNow = callwarden::kTimeMin;

// A copy of a text whose last byte is the last of its page, and whose next page faults when read.
#if __has_include(<sys/mman.h>)
class GuardedText {
 public:
  explicit GuardedText(std::string_view text) : text_size_(text.size()) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t body = (text.size() + page - 1) / page * page;
    size_ = body + page;
    map_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(map_ != MAP_FAILED);
    guard_ = static_cast<char*>(map_) + body;
    if (!text.empty()) std::memcpy(guard_ - text.size(), text.data(), text.size());
    REQUIRE(mprotect(guard_, page, PROT_NONE) == 0);
  }
  ~GuardedText() { munmap(map_, size_); }
  GuardedText(const GuardedText&) = delete;
  GuardedText& operator=(const GuardedText&) = delete;

  std::string_view view() const { return {guard_ - text_size_, text_size_}; }

 private:
  std::size_t text_size_;
  std::size_t size_ = 0;
  void* map_ = nullptr;
  char* guard_ = nullptr;
};
#else
class GuardedText {  // a block of exactly the text's size, for AddressSanitizer to watch
 public:
  explicit GuardedText(std::string_view text) : text_(new char[text.size()]), text_size_(text.size()) {
    std::memcpy(text_.get(), text.data(), text.size());
  }
  std::string_view view() const { return {text_.get(), text_size_}; }

 private:
  std::unique_ptr<char[]> text_;
  std::size_t text_size_;
};
#endif

std::shared_ptr<const CompiledPolicy> Compile(std::string_view text, const CompileOptions& options = {}) {
  auto result = CompiledPolicy::Compile(text, options);
  REQUIRE(result.ok());
  return result.policy();
}

// Reads nothing.
std::shared_ptr<const CompiledPolicy> ReadsNothing() {
  return Compile(R"({"version": "1", "default": "allow"})");
}

// Reads paths that no document here has.
std::shared_ptr<const CompiledPolicy> ReadsElsewhere() {
  return Compile(R"({"version": "1", "default": "allow", "all_tools": {"deny_if": [
      {"conditions": [{"path": "args.not_there.x[*].y[3]", "op": "eq", "value": 1}]},
      {"conditions": [{"path": "args[\"nor this\"]", "op": "regex", "value": "."}]}]}})");
}

// Reads the names that the documents use, and never fires: no value is both a string and a number.
std::shared_ptr<const CompiledPolicy> ReadsEverything() {
  std::string text = R"({"version": "1", "default": "allow", "all_tools": {"deny_if": [)";
  for (const std::string_view name : {"a", "b", "c", "x", "", "k0"}) {
    if (text.back() == '}') text += ',';
    const std::string path = R"({"path": "args[\")" + std::string(name) + R"(\"]", "op": "type", "value": )";
    text += R"({"conditions": [)" + path + R"("string"}, )" + path + R"("number"}]})";
  }
  text += "]}}";
  CompileOptions options;  // what these refuse depends on what is read, the corpus does not
  options.refuse_case_variants = false;
  options.refuse_nul_strings = false;
  return Compile(text, options);
}

enum class Answer { kAccepts, kRefuses, kNeither };

// What a policy says to these arguments. kNeither, with the details as a failed check, when the decision
// is not one that a reader can cause.
Answer Ask(const CompiledPolicy& policy, std::string_view arguments) {
  static callwarden::MemoryCounterStore store;
  callwarden::ToolCall call;
  call.tool = "t";
  call.arguments = arguments;
  const Decision decision = policy.Decide(call, store, kNow);
  if (decision.allowed()) {
    CHECK(decision.reason() == Reason::kAllowed);
    CHECK(decision.rule().empty());
    return Answer::kAccepts;
  }
  CHECK(decision.effect() == Effect::kDeny);
  CHECK(decision.reason() == Reason::kMalformedCall);
  CHECK(decision.rule() == "(malformed call)");
  CHECK(decision.message().substr(0, 19) == "Arguments refused: ");
  CHECK(decision.message().size() <= 1024);
  CHECK_FALSE(decision.retry_after().has_value());
  return decision.reason() == Reason::kMalformedCall ? Answer::kRefuses : Answer::kNeither;
}

Answer Ask(std::string_view arguments) {
  static const auto policy = ReadsNothing();
  const GuardedText text(arguments);
  return Ask(*policy, text.view());
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

std::string DecodeBase64(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const std::size_t value = kAlphabet.find(c);
    REQUIRE(value != std::string_view::npos);
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> count) & 0xFF));
    }
  }
  return bytes;
}

struct Document {
  bool accept = false;
  std::string bytes;
  std::string what;
};

std::vector<Document> ReadCorpus() {
  std::ifstream file("tests/corpus/arguments.txt", std::ios::binary);
  REQUIRE(file.is_open());  // tests run in the source tree's root
  std::vector<Document> documents;
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line.front() == '#') continue;
    INFO(line);
    const std::size_t first = line.find('\t');
    REQUIRE(first != std::string::npos);
    const std::size_t second = line.find('\t', first + 1);
    REQUIRE(second != std::string::npos);
    const std::string verdict = line.substr(0, first);
    REQUIRE((verdict == "accept" || verdict == "refuse"));
    documents.push_back({verdict == "accept", DecodeBase64(line.substr(first + 1, second - first - 1)),
                         line.substr(second + 1)});
  }
  return documents;
}

// Has every kind of token, escapes, text of every length of UTF-8 and nesting.
constexpr std::string_view kRich =
    R"({"s":"a\"b\\c\/d\b\f\n\r\t\u00e9\ud83d\ude00é€😀","n":[0,-1,10.5,1e-3,18446744073709551615],)"
    R"("l":[true,false,null],"o":{"":{},"e":[],"k\u0061":"v"},"long":"0123456789012345678901234567890123456789)"
    R"(01234567890123456789012345678901234567890123456789"})";

}  // namespace

TEST_CASE("each document of the corpus is accepted or refused as it says", "[corpus]") {
  const std::vector<Document> documents = ReadCorpus();
  std::size_t accepted = 0;
  for (const Document& document : documents) accepted += document.accept ? 1 : 0;
  REQUIRE(accepted > 150);
  REQUIRE(documents.size() - accepted > 500);

  const auto nothing = ReadsNothing();
  const auto elsewhere = ReadsElsewhere();
  const auto everything = ReadsEverything();
  for (const Document& document : documents) {
    INFO(document.what);
    CAPTURE(document.bytes);
    const Answer expected = document.accept ? Answer::kAccepts : Answer::kRefuses;
    const GuardedText text(document.bytes);
    CHECK(Ask(*nothing, text.view()) == expected);
    CHECK(Ask(*elsewhere, text.view()) == expected);
    CHECK(Ask(*everything, text.view()) == expected);
  }
}

TEST_CASE("a broken call leaves nothing behind for the next", "[corpus]") {
  const std::vector<Document> documents = ReadCorpus();
  for (const Document& document : documents) {
    if (document.accept) continue;
    INFO(document.what);
    CHECK(Ask(document.bytes) == Answer::kRefuses);
    CHECK(Ask(kRich) == Answer::kAccepts);
  }
}

TEST_CASE("every truncation of a valid document is refused", "[corpus]") {
  REQUIRE(Ask(kRich) == Answer::kAccepts);
  for (std::size_t size = 0; size < kRich.size(); ++size) {
    CAPTURE(size);
    CHECK(Ask(kRich.substr(0, size)) == Answer::kRefuses);
  }
}

TEST_CASE("every start but the first of a valid document is refused", "[corpus]") {
  for (std::size_t begin = 1; begin < kRich.size(); ++begin) {
    CAPTURE(begin);
    CHECK(Ask(kRich.substr(begin)) == Answer::kRefuses);
  }
}

TEST_CASE("a byte that no document holds is refused wherever it stands", "[corpus]") {
  for (const char byte : {'\x00', '\x01', '\x1F', '\xC0', '\xC1', '\xF5', '\xFF'}) {
    for (std::size_t at = 0; at <= kRich.size(); ++at) {
      CAPTURE(static_cast<int>(byte), at);
      std::string text(kRich);
      text.insert(at, 1, byte);
      CHECK(Ask(text) == Answer::kRefuses);
    }
  }
}

TEST_CASE("after the object only white space is accepted", "[corpus]") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const bool space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
    const Answer expected = space ? Answer::kAccepts : Answer::kRefuses;
    CHECK(Ask("{}" + std::string(1, static_cast<char>(byte))) == expected);
    CHECK(Ask(std::string(1, static_cast<char>(byte)) + "{}") == expected);
    CHECK(Ask("{} \n" + std::string(1, static_cast<char>(byte))) == expected);
  }
}

TEST_CASE("documents of every length end anywhere in a block", "[corpus]") {
  for (std::size_t size = 0; size <= 200; ++size) {
    CAPTURE(size);
    const std::string filler(size, 'x');
    CHECK(Ask(R"({"a":")" + filler + R"("})") == Answer::kAccepts);
    CHECK(Ask(R"({")" + filler + R"(":1})") == Answer::kAccepts);
    CHECK(Ask("{" + std::string(size, ' ') + "}") == Answer::kAccepts);
    CHECK(Ask("{}" + std::string(size, '\n')) == Answer::kAccepts);
    CHECK(Ask(R"({"a":1)" + std::string(size, ' ') + "}") == Answer::kAccepts);
    CHECK(Ask(R"({"a":")" + filler + "\xC3\"}") == Answer::kRefuses);
    CHECK(Ask(R"({"a":")" + filler + R"(\ud800"})") == Answer::kRefuses);
    CHECK(Ask(R"({")" + filler + R"(a":1,")" + filler + R"(\u0061":2})") == Answer::kRefuses);
    CHECK(Ask(R"({"a":")" + filler) == Answer::kRefuses);
    CHECK(Ask("{}" + std::string(size, ' ') + "x") == Answer::kRefuses);
  }
}

TEST_CASE("64 levels are accepted, 65 are not", "[corpus]") {
  const auto arrays = [](std::size_t levels) {  // the root object is the first level
    return R"({"a":)" + Repeat("[", levels - 1) + Repeat("]", levels - 1) + "}";
  };
  const auto objects = [](std::size_t levels) {
    return Repeat(R"({"a":)", levels - 1) + "{}" + Repeat("}", levels - 1);
  };
  const auto mixed = [](std::size_t levels) {
    std::string open = R"({"a":)";
    std::string close = "}";  // reversed
    for (std::size_t level = 1; level < levels; ++level) {
      open += level % 2 == 1 ? "[" : R"({"b":)";
      close += level % 2 == 1 ? ']' : '}';
    }
    return open + "1" + std::string(close.rbegin(), close.rend());
  };
  CHECK(Ask("{}") == Answer::kAccepts);
  for (const std::size_t levels : {2u, 63u, 64u}) {
    CAPTURE(levels);
    CHECK(Ask(arrays(levels)) == Answer::kAccepts);
    CHECK(Ask(objects(levels)) == Answer::kAccepts);
    CHECK(Ask(mixed(levels)) == Answer::kAccepts);
  }
  for (const std::size_t levels : {65u, 66u, 128u, 1024u, 1025u, 100000u}) {
    CAPTURE(levels);
    CHECK(Ask(arrays(levels)) == Answer::kRefuses);
    CHECK(Ask(objects(levels)) == Answer::kRefuses);
    CHECK(Ask(mixed(levels)) == Answer::kRefuses);
  }
  // wide is not deep
  CHECK(Ask(R"({"a":[)" + Repeat("[],", 5000) + "[]]}") == Answer::kAccepts);
  CHECK(Ask(R"({"a":[)" + Repeat(R"({"b":{}},)", 5000) + "{}]}") == Answer::kAccepts);
  // the deepest value comes after others, or is never closed
  CHECK(Ask(R"({"x":[1,2,{"y":[]}],"a":)" + Repeat("[", 64) + Repeat("]", 64) + "}") == Answer::kRefuses);
  CHECK(Ask(R"({"a":)" + Repeat("[", 500000)) == Answer::kRefuses);
  CHECK(Ask(Repeat(R"({"a":)", 200000)) == Answer::kRefuses);
  CHECK(Ask(R"({"a":)" + Repeat("]", 500000)) == Answer::kRefuses);
}

TEST_CASE("arguments of 1 MiB are accepted, one byte more is not", "[corpus]") {
  const auto padded = [](std::string_view begin, char filler, std::string_view end, std::size_t size) {
    return std::string(begin) + std::string(size - begin.size() - end.size(), filler) + std::string(end);
  };
  for (const std::size_t size : {kMebibyte - 1, kMebibyte}) {
    CAPTURE(size);
    CHECK(Ask(padded(R"({"a":")", 'x', R"("})", size)) == Answer::kAccepts);
    CHECK(Ask(padded(R"({")", 'x', R"(":1})", size)) == Answer::kAccepts);
    CHECK(Ask(padded("{}", ' ', "", size)) == Answer::kAccepts);
    CHECK(Ask(padded("", ' ', "{}", size)) == Answer::kAccepts);
  }
  for (const std::size_t size : {kMebibyte + 1, 2 * kMebibyte}) {
    CAPTURE(size);
    CHECK(Ask(padded(R"({"a":")", 'x', R"("})", size)) == Answer::kRefuses);
    CHECK(Ask(padded("{}", ' ', "", size)) == Answer::kRefuses);
    CHECK(Ask(padded("", ' ', "{}", size)) == Answer::kRefuses);
  }
}

TEST_CASE("huge strings, names and objects", "[corpus]") {
  const std::string half(kMebibyte / 2 - 100, 'x');
  CHECK(Ask(R"({"a":")" + Repeat(R"(\u00e9)", 150000) + R"("})") == Answer::kAccepts);
  CHECK(Ask(R"({"a":")" + Repeat(R"(\ud83d\ude00)", 80000) + R"("})") == Answer::kAccepts);
  CHECK(Ask(R"({"a":")" + Repeat(R"(\ud83d\ude00)", 80000) + R"(\ud83d"})") == Answer::kRefuses);
  CHECK(Ask(R"({"a":")" + Repeat("€", 300000) + R"("})") == Answer::kAccepts);
  CHECK(Ask(R"({"a":")" + Repeat("€", 300000) + "\xE2\x82\"}") == Answer::kRefuses);
  CHECK(Ask(R"({"a":")" + Repeat(R"(\\)", 400000) + R"("})") == Answer::kAccepts);
  CHECK(Ask(R"({"a":")" + Repeat(R"(\\)", 400000) + R"(\"})") == Answer::kRefuses);
  CHECK(Ask(R"({"a":[)" + Repeat("0,", 400000) + "0]}") == Answer::kAccepts);
  CHECK(Ask(R"({"a":[)" + Repeat("0,", 400000) + "]}") == Answer::kRefuses);
  CHECK(Ask(R"({"a":1)" + std::string(900000, '0') + "}") == Answer::kRefuses);
  CHECK(Ask(R"({"a":0.)" + std::string(900000, '0') + "1}") == Answer::kAccepts);

  CHECK(Ask(R"({")" + half + R"(a":1,")" + half + R"(b":2})") == Answer::kAccepts);
  CHECK(Ask(R"({")" + half + R"(a":1,")" + half + R"(a":2})") == Answer::kRefuses);

  const auto members = [](std::size_t count) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i) text += "\"k" + std::to_string(i) + "\":0,";
    return text;
  };
  for (std::size_t count = 1; count <= 70; ++count) {  // where a reader may change how it looks names up
    CAPTURE(count);
    CHECK(Ask(members(count) + R"("last":1})") == Answer::kAccepts);
    CHECK(Ask(members(count) + R"("k0":1})") == Answer::kRefuses);
    CHECK(Ask(members(count) + "\"k" + std::to_string(count - 1) + "\":1}") == Answer::kRefuses);
  }
  CHECK(Ask(members(80000) + R"("last":1})") == Answer::kAccepts);
  CHECK(Ask(members(80000) + R"("k0":1})") == Answer::kRefuses);
  CHECK(Ask(members(80000) + R"("k79999":1})") == Answer::kRefuses);
  CHECK(Ask(members(80000) + R"("\u006b40000":1})") == Answer::kRefuses);
  CHECK(Ask(R"({"a":[)" + Repeat(R"({"a":1,"b":2},)", 50000) + R"({"a":1,"a":2}]})") == Answer::kRefuses);
}

TEST_CASE("names of large objects are told apart by object, and refused where they repeat", "[corpus]") {
  const auto members = [](std::size_t begin, std::size_t end) {
    std::string text;
    for (std::size_t i = begin; i < end; ++i) {
      text += "\"a rather long name " + std::to_string(i) + "\":" + std::to_string(i) + ",";
    }
    return text;
  };
  const auto repeated = [](std::size_t i) { return "\"a rather long name " + std::to_string(i) + "\":0"; };
  callwarden::MemoryCounterStore store;
  const auto policy = ReadsNothing();
  for (const std::size_t count : {15u, 16u, 17u, 31u, 32u, 33u, 47u, 48u, 49u, 64u, 500u}) {
    for (const std::size_t inner : {1u, 16u, 17u, 33u, 300u}) {
      CAPTURE(count, inner);
      // An object within the object has the same names, and so have its neighbours.
      const std::string within = "{" + members(0, inner) + "\"z\":0}";
      const std::string begin = "{" + members(0, count) + "\"in\":[" + within + "," + within + "],";
      CHECK(Ask(begin + members(count, count + 40) + "\"z\":1}") == Answer::kAccepts);
      for (const std::size_t at : {std::size_t{0}, count / 2, count - 1}) {
        CHECK(Ask(begin + repeated(at) + "}") == Answer::kRefuses);
        CHECK(Ask(begin + members(count, count + 40) + repeated(at) + "}") == Answer::kRefuses);
        CHECK(Ask("{\"in\":[" + within + ",{" + members(0, count) + repeated(at) + "}]}") ==
              Answer::kRefuses);

        // The first fault of the text is the one that is told, though another may be met earlier.
        const std::string text = begin + repeated(at) + ",\"y\":1e999,\"x\":tru}";
        callwarden::ToolCall call;
        call.tool = "t";
        call.arguments = text;
        const Decision decision = policy->Decide(call, store, kNow);
        const std::string place = " at byte " + std::to_string(begin.size());
        CAPTURE(decision.message());
        CHECK(decision.message().ends_with(place));
      }
    }
  }
}

TEST_CASE("what is refused is never repeated in the message", "[corpus]") {
  callwarden::MemoryCounterStore store;
  const auto policy = ReadsNothing();
  for (const std::string_view text : {R"({"password":"hunter2","password":"hunter2"})", R"({"a":hunter2})",
                                      R"({"a":"hunter2)", R"({"a\u0000":"hunter2"})", R"("hunter2")",
                                      R"({"a":"hunter2\ud800"})", R"({"a":"hunter2"} hunter2)"}) {
    CAPTURE(text);
    const GuardedText guarded(text);
    callwarden::ToolCall call;
    call.tool = "t";
    call.arguments = guarded.view();
    const Decision decision = policy->Decide(call, store, kNow);
    CHECK(decision.reason() == Reason::kMalformedCall);
    CHECK(decision.message().find("hunter2") == std::string_view::npos);
  }
}

TEST_CASE("no arguments are an empty object, no text is not", "[corpus]") {
  callwarden::MemoryCounterStore store;
  const auto policy = ReadsNothing();
  callwarden::ToolCall call;
  call.tool = "t";
  CHECK(policy->Decide(call, store, kNow).allowed());
  call.arguments = std::string_view();
  CHECK(policy->Decide(call, store, kNow).reason() == Reason::kMalformedCall);
  call.arguments = std::string_view("", 0);
  CHECK(policy->Decide(call, store, kNow).reason() == Reason::kMalformedCall);
}
