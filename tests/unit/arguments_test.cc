#include "callwarden/arguments.h"

#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::ArgumentWriter;
using callwarden::CompiledPolicy;
using callwarden::CompileOptions;
using callwarden::Decision;
using callwarden::Reason;
using callwarden_unit::Call;
using callwarden_unit::CallWith;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::Written;

using Event = std::function<bool(ArgumentWriter&)>;

// A text's tokens as nlohmann_json's parser meets them, duplicates included.
class Recorder : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Event> events;
  bool null() override {
    return Add([](ArgumentWriter& w) { return w.Null(); });
  }
  bool boolean(bool value) override {
    return Add([value](ArgumentWriter& w) { return w.Boolean(value); });
  }
  bool number_integer(number_integer_t value) override {
    return Add([value](ArgumentWriter& w) { return w.Int64(value); });
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Add([value](ArgumentWriter& w) { return w.Uint64(value); });
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == std::string::npos) {  // an integer that this parser rounds
      return Add([](ArgumentWriter& w) { return w.Unsupported(); });
    }
    return Add([value](ArgumentWriter& w) { return w.Double(value); });
  }
  bool string(string_t& value) override {
    return Add([value](ArgumentWriter& w) { return w.String(value); });
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    return Add([](ArgumentWriter& w) { return w.BeginObject(); });
  }
  bool key(string_t& value) override {
    return Add([value](ArgumentWriter& w) { return w.Name(value); });
  }
  bool end_object() override {
    return Add([](ArgumentWriter& w) { return w.EndObject(); });
  }
  bool start_array(std::size_t) override {
    return Add([](ArgumentWriter& w) { return w.BeginArray(); });
  }
  bool end_array() override {
    return Add([](ArgumentWriter& w) { return w.EndArray(); });
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool Add(Event event) {
    events.push_back(std::move(event));
    return true;
  }
};

// A source of the same document; nothing when that parser does not take the text.
std::optional<Written> Parsed(std::string_view text) {
  Recorder recorder;
  if (!nlohmann::json::sax_parse(text, &recorder)) return std::nullopt;
  return Written([events = std::move(recorder.events)](ArgumentWriter& writer) {
    for (const Event& event : events) {
      if (!event(writer)) return;
    }
  });
}

Decision Decide(const CompiledPolicy& policy, const callwarden::ToolCall& call) {
  static callwarden::MemoryCounterStore store({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  return policy.Decide(call, store, kNoon);
}

Decision Decide(const Written::Function& write) {
  static const auto policy = Compile(R"({"version": "1", "default": "allow"})");
  const Written source(write);
  return Decide(*policy, CallWith(source));
}

// The detail of a refusal; "allowed" when there is none.
std::string Detail(const Written::Function& write) {
  const Decision decision = Decide(write);
  if (decision.allowed()) return "allowed";
  CHECK(decision.reason() == Reason::kMalformedCall);
  CHECK(decision.rule() == "(malformed call)");
  const std::string message(decision.message());
  const std::string start = "Arguments refused: ";
  REQUIRE(message.substr(0, start.size()) == start);
  return message.substr(start.size());
}

// Writes `{"a": VALUE}`.
Written::Function Member(const Event& value) {
  return [value](ArgumentWriter& w) {
    w.BeginObject();
    w.Name("a");
    value(w);
    w.EndObject();
  };
}

// Rules that tell values apart, in an order in which the first to object says much of the value.
std::shared_ptr<const CompiledPolicy> Telling() {
  return Compile(R"({"version": "1", "default": "deny", "tools": {"t": {
    "deny_if": [
      {"name": "string", "conditions": [{"path": "args.a", "op": "type", "value": "string"},
                                        {"path": "args.a", "op": "min_length", "value": 3}]},
      {"name": "short string", "conditions": [{"path": "args.a", "op": "type", "value": "string"}]},
      {"name": "big", "conditions": [{"path": "args.a", "op": "type", "value": "number"},
                                     {"path": "args.a", "op": "gt", "value": 9007199254740992}]},
      {"name": "negative", "conditions": [{"path": "args.a", "op": "type", "value": "number"},
                                          {"path": "args.a", "op": "lt", "value": 0}]},
      {"name": "integer", "conditions": [{"path": "args.a", "op": "type", "value": "integer"}]},
      {"name": "number", "conditions": [{"path": "args.a", "op": "type", "value": "number"}]},
      {"name": "true", "conditions": [{"path": "args.a", "op": "type", "value": "boolean"},
                                      {"path": "args.a", "op": "eq", "value": true}]},
      {"name": "boolean", "conditions": [{"path": "args.a", "op": "type", "value": "boolean"}]},
      {"name": "long array", "conditions": [{"path": "args.a", "op": "type", "value": "array"},
                                            {"path": "args.a", "op": "min_length", "value": 3}]},
      {"name": "has x", "conditions": [{"path": "args.a", "op": "type", "value": "array"},
                                       {"path": "args.a", "op": "contains", "value": "x"}]},
      {"name": "array", "conditions": [{"path": "args.a", "op": "type", "value": "array"}]},
      {"name": "deep", "conditions": [{"path": "args.a.b[1].c", "op": "eq", "value": 7}]},
      {"name": "list", "conditions": [{"path": "args.list[*].p", "op": "gt", "value": 5}]},
      {"name": "object", "conditions": [{"path": "args.a", "op": "type", "value": "object"},
                                        {"path": "args.a", "op": "min_length", "value": 2}]},
      {"name": "absent", "conditions": [{"path": "args.a", "op": "exists", "value": false}]}
    ]}}})");
}

}  // namespace

TEST_CASE("a written value gets the verdict of its text", "[arguments]") {
  const auto policy = Telling();
  std::vector<std::string> rules;
  for (const std::string_view text : {R"({})",
                                      R"({"a":null})",
                                      R"({"a":"abc"})",
                                      R"({"a":"ab"})",
                                      R"({"a":"äöü"})",
                                      R"({"a":"äö"})",
                                      R"({"a":""})",
                                      R"({"a":0})",
                                      R"({"a":-0})",
                                      R"({"a":-0.0})",
                                      R"({"a":-1})",
                                      R"({"a":1.5})",
                                      R"({"a":1.0})",
                                      R"({"a":1e3})",
                                      R"({"a":9007199254740992})",
                                      R"({"a":9007199254740993})",
                                      R"({"a":18446744073709551615})",
                                      R"({"a":-9223372036854775808})",
                                      R"({"a":5e-324})",
                                      R"({"a":1.7976931348623157e308})",
                                      R"({"a":true})",
                                      R"({"a":false})",
                                      R"({"a":[]})",
                                      R"({"a":[1,2]})",
                                      R"({"a":[1,2,3]})",
                                      R"({"a":["x"]})",
                                      R"({"a":["y","x"]})",
                                      R"({"a":["y",null]})",
                                      R"({"a":{}})",
                                      R"({"a":{"b":[]}})",
                                      R"({"a":{"b":[0,{"c":7}]}})",
                                      R"({"a":{"b":[0,{"c":8}]}})",
                                      R"({"a":{"b":[0,{"c":null}]}})",
                                      R"({"a":{"b":{}}})",
                                      R"({"a":{"x":1,"y":2}})",
                                      R"({"list":[{"p":1},{"p":6}]})",
                                      R"({"list":[{"p":1},{"p":5}]})",
                                      R"({"list":[]})",
                                      R"({"list":[{"p":"6"}]})",
                                      R"({"list":[{}]})",
                                      R"({"list":[[]]})",
                                      R"({"list":{}})",
                                      R"({"A":1})",
                                      R"({"a":1,"A":1})",
                                      R"({"a":"x\u0000y"})",
                                      R"({"b":"x\u0000y"})",
                                      R"({"a\u0000":1})",
                                      R"({"a":1,"a":1})",
                                      R"({"b":1,"\u0062":2})",
                                      R"({"a":[[[[[[[[[[]]]]]]]]]]})"}) {
    CAPTURE(text);
    const auto source = Parsed(text);
    REQUIRE(source.has_value());
    const Decision of_text = Decide(*policy, Call(text));
    const Decision of_value = Decide(*policy, CallWith(*source));
    CHECK(of_value.effect() == of_text.effect());
    CHECK(of_value.reason() == of_text.reason());
    CHECK(of_value.rule() == of_text.rule());
    if (rules.empty() || rules.back() != of_text.rule()) rules.emplace_back(of_text.rule());
  }
  CHECK(rules.size() > 25);  // the rules do tell these apart
}

TEST_CASE("written, each document of the corpus gets the verdict of its text", "[arguments]") {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto policy = Telling();
  std::ifstream file("tests/corpus/arguments.txt", std::ios::binary);
  REQUIRE(file.is_open());
  std::size_t compared = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t first = line.find('\t');
    const std::string code = line.substr(first + 1, line.find('\t', first + 1) - first - 1);
    std::string text;
    uint32_t bits = 0;
    int count = 0;
    for (const char c : code.substr(0, code.find('='))) {
      bits = bits << 6 | static_cast<uint32_t>(kAlphabet.find(c));
      count += 6;
      if (count < 8) continue;
      count -= 8;
      text.push_back(static_cast<char>(bits >> count & 0xFF));
    }
    // That parser drops a byte order mark and ends at U+0000, so neither can be written.
    if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string::npos) continue;
    const auto source = Parsed(text);
    if (!source) continue;
    CAPTURE(line);
    const Decision of_text = Decide(*policy, Call(text));
    const Decision of_value = Decide(*policy, CallWith(*source));
    CHECK(of_value.reason() == of_text.reason());
    CHECK(of_value.rule() == of_text.rule());
    ++compared;
  }
  CHECK(compared > 100);
}

TEST_CASE("a source that writes nothing is malformed", "[arguments]") {
  CHECK(Detail([](ArgumentWriter&) {}) == "the parsed value has no proper end");
}

TEST_CASE("events must be balanced", "[arguments]") {
  const std::string unbalanced = "the parsed value has no proper end";
  CHECK(Detail([](ArgumentWriter& w) { w.BeginObject(); }) == unbalanced);
  CHECK(Detail([](ArgumentWriter& w) { w.EndObject(); }) == unbalanced);
  CHECK(Detail([](ArgumentWriter& w) { w.EndArray(); }) == unbalanced);
  CHECK(Detail([](ArgumentWriter& w) { w.Name("a"); }) == unbalanced);
  CHECK(Detail([](ArgumentWriter& w) { w.BeginObject(), w.EndArray(); }) == unbalanced);
  CHECK(Detail([](ArgumentWriter& w) { w.BeginObject(), w.EndObject(), w.EndObject(); }) == unbalanced);
  CHECK(Detail(Member([](ArgumentWriter& w) { return w.BeginArray(); })) == unbalanced);
  CHECK(Detail(Member([](ArgumentWriter& w) { return w.BeginArray() && w.EndObject(); })) == unbalanced);
  CHECK(Detail(Member([](ArgumentWriter& w) { return w.BeginObject(); })) == unbalanced);
}

TEST_CASE("there is one root", "[arguments]") {
  const std::string unbalanced = "the parsed value has no proper end";
  const auto object = [](ArgumentWriter& w) { return w.BeginObject() && w.EndObject(); };
  CHECK(Detail([&](ArgumentWriter& w) { object(w); }) == "allowed");
  CHECK(Detail([&](ArgumentWriter& w) { object(w), object(w); }) == unbalanced);
  CHECK(Detail([&](ArgumentWriter& w) { object(w), w.Null(); }) == unbalanced);
  CHECK(Detail([&](ArgumentWriter& w) { object(w), w.BeginArray(); }) == unbalanced);
  CHECK(Detail([&](ArgumentWriter& w) { object(w), w.Name("a"); }) == unbalanced);
}

TEST_CASE("names and values take turns", "[arguments]") {
  const std::string unbalanced = "the parsed value has no proper end";
  const auto in_object = [](const Event& inside) {
    return [inside](ArgumentWriter& w) { w.BeginObject(), inside(w), w.EndObject(); };
  };
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.Int64(1); })) == unbalanced);
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.Null(); })) == unbalanced);
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.String("a"); })) == unbalanced);
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.BeginObject() && w.EndObject(); })) == unbalanced);
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.Name("a"); })) == unbalanced);
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.Name("a") && w.Name("b"); })) == unbalanced);
  CHECK(Detail(in_object([](ArgumentWriter& w) { return w.Name("a") && w.Int64(1) && w.Int64(2); })) ==
        unbalanced);
  CHECK(Detail(Member([](ArgumentWriter& w) {
          return w.BeginArray() && w.Name("b") && w.Int64(1) && w.EndArray();
        })) == unbalanced);
}

TEST_CASE("arguments that are no object are refused", "[arguments]") {
  const std::string no_object = "not a JSON object";
  CHECK(Detail([](ArgumentWriter& w) { w.Null(); }) == no_object);
  CHECK(Detail([](ArgumentWriter& w) { w.Boolean(true); }) == no_object);
  CHECK(Detail([](ArgumentWriter& w) { w.Int64(1); }) == no_object);
  CHECK(Detail([](ArgumentWriter& w) { w.Uint64(1); }) == no_object);
  CHECK(Detail([](ArgumentWriter& w) { w.Double(1); }) == no_object);
  CHECK(Detail([](ArgumentWriter& w) { w.String("{}"); }) == no_object);
  CHECK(Detail([](ArgumentWriter& w) { w.BeginArray(), w.EndArray(); }) == no_object);
}

TEST_CASE("a name that the host's parser kept twice is refused", "[arguments]") {
  const auto named = [](const std::vector<std::string>& names) {
    return [names](ArgumentWriter& w) {
      w.BeginObject();
      for (const std::string& name : names) w.Name(name), w.Int64(1);
      w.EndObject();
    };
  };
  CHECK(Detail(named({"a", "b", "ab", ""})) == "allowed");
  CHECK(Detail(named({"a", "b", "a"})) == "a member name is repeated");
  CHECK(Detail(named({"", ""})) == "a member name is repeated");
  for (int count = 1; count <= 70; ++count) {
    CAPTURE(count);
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("name" + std::to_string(i));
    CHECK(Detail(named(names)) == "allowed");
    names.push_back("name0");
    CHECK(Detail(named(names)) == "a member name is repeated");
  }
  // The same name in two objects is no repetition.
  CHECK(Detail(Member([](ArgumentWriter& w) {
          return w.BeginObject() && w.Name("a") && w.Null() && w.EndObject();
        })) == "allowed");
}

TEST_CASE("numbers must be finite", "[arguments]") {
  const auto number = [](double value) {
    return Detail(Member([value](ArgumentWriter& w) { return w.Double(value); }));
  };
  using limits = std::numeric_limits<double>;
  const std::string refused = "a number that 64 bits cannot hold";
  CHECK(number(limits::quiet_NaN()) == refused);
  CHECK(number(-limits::quiet_NaN()) == refused);
  CHECK(number(limits::infinity()) == refused);
  CHECK(number(-limits::infinity()) == refused);
  CHECK(number((limits::max)()) == "allowed");
  CHECK(number(limits::lowest()) == "allowed");
  CHECK(number(limits::denorm_min()) == "allowed");
  CHECK(number(-0.0) == "allowed");
}

TEST_CASE("strings and names must be UTF-8, wherever they stand", "[arguments]") {
  for (const std::string_view bad :
       {std::string_view("\x80"), std::string_view("\xC3"), std::string_view("\xC0\xAF"),
        std::string_view("\xED\xA0\x80"), std::string_view("\xF4\x90\x80\x80"), std::string_view("abc\xFF"),
        std::string_view("12345678\xE2\x82"), std::string_view("\xE2\x82\0", 3)}) {
    CAPTURE(bad.size());
    CHECK(Detail(Member([bad](ArgumentWriter& w) { return w.String(bad); })) == "not UTF-8");
    CHECK(Detail([bad](ArgumentWriter& w) { w.BeginObject(), w.Name(bad), w.Null(), w.EndObject(); }) ==
          "not UTF-8");
  }
  CHECK(Detail(Member([](ArgumentWriter& w) { return w.String("é€😀\x7F"); })) == "allowed");
  CHECK(Detail([](ArgumentWriter& w) { w.BeginObject(), w.Name("é€😀"), w.Null(), w.EndObject(); }) ==
        "allowed");
}

TEST_CASE("a name may not hold U+0000, a string that is read neither", "[arguments]") {
  const std::string_view nul("a\0b", 3);
  CHECK(Detail([nul](ArgumentWriter& w) { w.BeginObject(), w.Name(nul), w.Null(), w.EndObject(); }) ==
        "a member name holds U+0000");
  CHECK(Detail(Member([nul](ArgumentWriter& w) { return w.String(nul); })) == "allowed");
  const auto reads =
      CompileEntry(R"({"deny_if": [{"conditions": [{"path": "args.a", "op": "eq", "value": "x"}]}]})");
  const Written source(Member([nul](ArgumentWriter& w) { return w.String(nul); }));
  CHECK(Decide(*reads, CallWith(source)).message() ==
        "Arguments refused: a string that the policy reads holds U+0000");
}

TEST_CASE("depth is bounded as in text", "[arguments]") {
  const auto nested = [](std::size_t levels, bool arrays) {
    return [levels, arrays](ArgumentWriter& w) {
      w.BeginObject();
      for (std::size_t i = 1; i < levels; ++i) {
        if (i == 1 || !arrays) w.Name("a");
        arrays ? w.BeginArray() : w.BeginObject();
      }
      for (std::size_t i = 1; i < levels; ++i) arrays ? w.EndArray() : w.EndObject();
      w.EndObject();
    };
  };
  for (const bool arrays : {false, true}) {
    CAPTURE(arrays);
    CHECK(Detail(nested(1, arrays)) == "allowed");
    CHECK(Detail(nested(64, arrays)) == "allowed");
    CHECK(Detail(nested(65, arrays)) == "nested too deep");
    CHECK(Detail(nested(100000, arrays)) == "nested too deep");
  }
}

TEST_CASE("what JSON does not have is refused", "[arguments]") {
  const std::string refused = "the parsed value holds what JSON does not have";
  CHECK(Detail([](ArgumentWriter& w) { w.Unsupported(); }) == refused);
  CHECK(Detail(Member([](ArgumentWriter& w) { return w.Unsupported(); })) == refused);
}

TEST_CASE("names and strings together are bounded", "[arguments]") {
  CompileOptions options;
  options.arguments_size_max_bytes = 10;
  const auto policy = Compile(R"({"version": "1", "default": "allow"})", options);
  const auto detail = [&](std::string_view name, std::string_view value) {
    const Written source(
        [=](ArgumentWriter& w) { w.BeginObject(), w.Name(name), w.String(value), w.EndObject(); });
    const Decision decision = Decide(*policy, CallWith(source));
    return decision.allowed() ? std::string("allowed") : std::string(decision.message());
  };
  CHECK(detail("abcde", "fghij") == "allowed");
  CHECK(detail("abcde", "fghijk") == "Arguments refused: too long");
  CHECK(detail("abcdefghij", "") == "allowed");
  CHECK(detail("abcdefghijk", "") == "Arguments refused: too long");
  CHECK(detail("", "abcdefghijk") == "Arguments refused: too long");
}

TEST_CASE("after a refusal every event is ignored and says so", "[arguments]") {
  std::vector<bool> answers;
  const std::string detail = Detail([&](ArgumentWriter& w) {
    answers.push_back(w.BeginObject());
    answers.push_back(w.Name("a"));
    answers.push_back(w.Unsupported());
    answers.push_back(w.Null());
    answers.push_back(w.Name("a"));
    answers.push_back(w.Int64(1));
    answers.push_back(w.Uint64(1));
    answers.push_back(w.Double(1));
    answers.push_back(w.Boolean(true));
    answers.push_back(w.String("x"));
    answers.push_back(w.BeginArray());
    answers.push_back(w.EndArray());
    answers.push_back(w.BeginObject());
    answers.push_back(w.EndObject());
    answers.push_back(w.EndObject());
  });
  CHECK(detail == "the parsed value holds what JSON does not have");
  std::vector<bool> expected(answers.size(), false);
  expected[0] = expected[1] = true;
  CHECK(answers == expected);
}

TEST_CASE("the call after a refused one is judged afresh", "[arguments]") {
  CHECK(Detail([](ArgumentWriter& w) { w.BeginObject(), w.Name("a"); }) ==
        "the parsed value has no proper end");
  CHECK(Detail(Member([](ArgumentWriter& w) { return w.Int64(1); })) == "allowed");
}

TEST_CASE("arguments as text and as a value are one too many", "[arguments]") {
  const auto policy = Compile(R"({"version": "1", "default": "allow"})");
  int writes = 0;
  const Written source([&](ArgumentWriter& w) { ++writes, w.BeginObject(), w.EndObject(); });
  callwarden::ToolCall call = CallWith(source);
  CHECK(Decide(*policy, call).allowed());
  CHECK(writes == 1);
  call.arguments = "{}";
  CHECK(Decide(*policy, call).reason() == Reason::kMalformedCall);
  call.arguments = "";
  CHECK(Decide(*policy, call).reason() == Reason::kMalformedCall);
  CHECK(writes == 1);
}

TEST_CASE("a value is written once for a decision, on its thread", "[arguments]") {
  const auto policy = Telling();
  int writes = 0;
  const Written source([&](ArgumentWriter& w) {
    ++writes;
    w.BeginObject(), w.Name("a"), w.Int64(5), w.EndObject();
  });
  CHECK(Decide(*policy, CallWith(source)).rule() == "/tools/t/deny_if/integer");
  CHECK(writes == 1);
}

TEST_CASE("a decision from inside a walk is refused and leaves the outer one alone", "[arguments]") {
  const auto policy = Telling();
  callwarden::MemoryCounterStore store({.capacity_keys = 16, .clock = nullptr, .secret = {}});
  std::vector<Reason> inner;
  const auto decide_inside = [&] {
    const Decision decision = policy->Decide(Call(R"({"a":"a long string","list":[{"p":9}]})"), store, kNoon);
    CHECK(decision.effect() == callwarden::Effect::kDeny);
    CHECK(decision.rule() == "(internal error)");
    inner.push_back(decision.reason());
  };
  const Written source([&](ArgumentWriter& w) {
    decide_inside();
    w.BeginObject();
    w.Name("a");
    decide_inside();
    w.Double(1.5);
    w.Name("list");
    w.BeginArray();
    decide_inside();
    w.EndArray();
    w.EndObject();
    decide_inside();
  });
  const Decision outer = policy->Decide(CallWith(source), store, kNoon);
  CHECK(outer.rule() == "/tools/t/deny_if/number");
  CHECK(inner == std::vector<Reason>(4, Reason::kInternalError));
  // Afterwards the thread decides as before.
  CHECK(policy->Decide(Call(R"({"a":true})"), store, kNoon).rule() == "/tools/t/deny_if/true");
}
