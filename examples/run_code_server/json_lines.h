#ifndef CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_JSON_LINES_H_
#define CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_JSON_LINES_H_

#include <cstddef>
#include <istream>
#include <optional>
#include <set>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

/// Longest message that the server reads; what is longer is skipped without being kept.
inline constexpr std::size_t kLineMaxBytes = std::size_t{10} << 20;

enum class LineStatus { kEnd, kLine, kTooLong };

/// Reads up to the next `\n`, the only separator; one `\r` before it is not part of the message. A tail
/// without `\n` at the end of the input is no message.
inline LineStatus ReadLine(std::istream& input, std::string& line) {
  line.clear();
  bool too_long = false;
  for (;;) {
    const auto next = input.rdbuf()->sbumpc();
    if (next == std::char_traits<char>::eof()) return LineStatus::kEnd;
    const char c = std::char_traits<char>::to_char_type(next);
    if (c == '\n') break;
    if (line.size() == kLineMaxBytes) {
      too_long = true;
    } else {
      line += c;
    }
  }
  if (too_long) return LineStatus::kTooLong;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return LineStatus::kLine;
}

/// Reads one JSON value more strictly than nlohmann::json does by itself: no byte order mark, and no
/// object with two members of one name, of which it would keep the last and other readers the first.
inline std::optional<nlohmann::json> ParseStrictly(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) return std::nullopt;
  bool duplicate = false;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end) names.pop_back();
    if (event == Event::key && !names.back().insert(value.get<std::string>()).second) duplicate = true;
    return true;
  };
  nlohmann::json value = nlohmann::json::parse(text, watch, /*allow_exceptions=*/false);
  if (duplicate || value.is_discarded()) return std::nullopt;
  return value;
}

#endif  // CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_JSON_LINES_H_
