// Lines out of a stream, and messages that come out as they went in.
#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

using callwarden::mcp::LineReader;
using callwarden_unit::Lines;
using callwarden_unit::Relay;

constexpr std::string_view kTooLong = "<too long>";

// Feeds a stream in pieces of `step` bytes.
Lines Read(std::string_view stream, std::size_t step, std::size_t line_max, bool* unfinished = nullptr) {
  LineReader reader(line_max);
  Lines lines;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    const std::string piece(stream.substr(at, step));  // dies before the next one
    reader.Add(piece);
    while (const auto line = reader.Next()) {
      CHECK(line->bytes.size() <= line_max);
      lines.emplace_back(line->too_long ? kTooLong : line->bytes);
    }
  }
  if (unfinished != nullptr) *unfinished = reader.unfinished();
  return lines;
}

// A JSON value at random, with odd spellings and spaces.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}
  std::string Value(int depth) {
    switch (Below(depth > 0 ? 8 : 6)) {
      case 0:
        return "null";
      case 1:
        return Below(2) == 0 ? "true" : "false";
      case 2:
        return std::to_string(static_cast<int32_t>(random_()));
      case 3:
        return std::to_string(Below(1000)) + "." + std::to_string(Below(1000)) + (Below(2) == 0 ? "" : "e-2");
      case 4:
      case 5:
        return Text();
      case 6: {
        std::string text = "[" + Space();
        for (uint32_t i = 0, n = Below(5); i < n; ++i)
          text += (i == 0 ? "" : ",") + Space() + Value(depth - 1) + Space();
        return text + "]";
      }
      default:
        return Object(depth - 1);
    }
  }
  std::string Object(int depth) {
    std::string text = "{" + Space();
    for (uint32_t i = 0, n = Below(depth > 1 ? 20 : 5); i < n; ++i) {
      text += (i == 0 ? "" : ",") + Space() + "\"k" + std::to_string(i) + "\"" + Space() + ":" + Space() +
              Value(depth);
    }
    return text + Space() + "}";
  }
  std::string Text() {
    static const std::vector<std::string> pieces{"a",
                                                 "Z9",
                                                 " ",
                                                 "\\n",
                                                 "\\\"",
                                                 "\\\\",
                                                 "\\/",
                                                 "\\u00e9",
                                                 "\\ud83d\\ude00",
                                                 "\xC3\xA9",
                                                 "\xE2\x82\xAC",
                                                 "\xF0\x9F\x98\x80",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 ":",
                                                 "\xE2\x80\xA8",
                                                 "0123456789abcdefghij"};
    std::string text = "\"";
    for (uint32_t i = 0, n = Below(8); i < n; ++i)
      text += pieces[Below(static_cast<uint32_t>(pieces.size()))];
    return text + "\"";
  }
  std::string Space() { return Below(6) == 0 ? (Below(2) == 0 ? " " : "\t ") : ""; }
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

 private:
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("MCP: lines") {
  const std::string stream = "one\n\n\r\ntwo\r\nth\rree\r\r\n four \n" + std::string(8, 'x') + "\n" +
                             std::string(9, 'y') + "\n" + std::string(8, 'z') + "\r\n" +
                             std::string(100, 'w') + "\r\nfive\n" + std::string(9, 'v') + "\r\nsix";
  const Lines expected{"one",
                       "two",
                       "th\rree\r",
                       " four ",
                       std::string(8, 'x'),
                       std::string(kTooLong),
                       std::string(8, 'z'),
                       std::string(kTooLong),
                       "five",
                       std::string(kTooLong)};
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    CAPTURE(step);
    bool unfinished = false;
    CHECK(Read(stream, step, 8, &unfinished) == expected);
    CHECK(unfinished);
  }
  bool unfinished = true;
  CHECK(Read("a\n", 1, 8, &unfinished) == Lines{"a"});
  CHECK_FALSE(unfinished);
  CHECK(Read("", 1, 8).empty());
  CHECK(Read(std::string(100, 'x'), 7, 8, &unfinished).empty());
  CHECK(unfinished);
}

TEST_CASE("MCP: ten thousand messages come out as they went in, both ways") {
  Relay relay({}, R"({"version": "1", "default": "allow", "tools": {}})");
  relay.Initialize("2025-11-25", R"({"elicitation":{}})");
  const uint32_t seed = 20261123;
  INFO("seed " << seed);
  Generator generate(seed);
  for (int i = 0; i < 10000; ++i) {
    const std::string id =
        generate.Below(2) == 0 ? std::to_string(i) : "\"\\u0069d" + std::to_string(i) + "\"";
    const std::string space = generate.Space();
    std::string request = space + R"({"jsonrpc":"2.0",)" + space;
    std::string answer = space + R"({"id":)" + id + R"(,"jsonrpc":"2.0",)";
    switch (generate.Below(5)) {
      case 0:
        request += R"("id":)" + id + R"(,"method":"tools/list"})";
        answer += R"("result":{"tools":[{"name":"a","inputSchema":)" + generate.Object(2) +
                  R"(}],"nextCursor":)" + generate.Text() + "}}";
        break;
      case 1:
        request += R"("method":"vendor/x","params":)" + generate.Object(3) + R"(,"id":)" + id + "}";
        answer += R"("result":)" + generate.Value(3) + "}";
        break;
      case 2:
        request += R"("id":)" + id + R"(,"result":)" + generate.Value(3) + "}";  // to a request of the server
        answer = R"({"jsonrpc":"2.0","method":"notifications/x","params":)" + generate.Object(3) + "}";
        break;
      default:
        request += R"("id":)" + id + R"(,"method":"tools/call","params":{"arguments":)" + generate.Object(4) +
                   R"(,"name":"tool_)" + std::to_string(generate.Below(5)) + "\"" + space + "}}";
        answer += R"("result":{"structuredContent":)" + generate.Value(3) + R"(,"content":[)" +
                  generate.Object(2) + "]}}";
        break;
    }
    CAPTURE(request, answer);
    REQUIRE(relay.Client(request).server == Lines{request});
    REQUIRE(relay.Server(answer).client == Lines{answer});
  }
  CHECK(relay.session->in_flight() == 0);
}

TEST_CASE("MCP: a thousand calls at once, answered in any order") {
  Relay relay;
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(relay.Client(callwarden_unit::CallLine(std::to_string(i), "echo")).server.size() == 1);
    order.push_back(i);
  }
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  for (const int i : order) {
    const std::string answer =
        R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"result":{"n":)" + std::to_string(i) + "}}";
    const auto seen = relay.Server(answer);
    REQUIRE(seen.client == Lines{answer});
    REQUIRE(seen.outcomes.size() == 1);
  }
  CHECK(relay.session->in_flight() == 0);
}
