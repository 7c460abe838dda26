#ifndef CALLWARDEN_TOOLS_OUTPUT_H_
#define CALLWARDEN_TOOLS_OUTPUT_H_

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "callwarden/decision.h"
#include "callwarden/policy.h"

namespace callwarden::tool {

/// JSON with members in the order in which they were added, so that output is stable.
using Json = nlohmann::ordered_json;

/// Results go to stdout, errors and diagnostics to stderr.
inline void Out(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
inline void Err(std::string_view text) {
  std::fflush(stdout);  // so that the two come in order where they end up in one place
  std::fwrite(text.data(), 1, text.size(), stderr);
}

/// Writes the line `callwarden: error: WHAT` to stderr.
void ReportError(std::string_view what);

/// One line, for a reader of JSON lines; or indented.
std::string JsonLine(const Json& value);
std::string JsonDocument(const Json& value);

Json ToJson(const Diagnostic& diagnostic);
Json ToJson(const std::vector<Diagnostic>& diagnostics);
/// effect, reason, rule, message, retry_after_ms (null when there is none).
Json ToJson(const Verdict& verdict);

/// A wait for people: `250 ms`, `30 s`, `1.5 s`.
std::string WaitText(std::chrono::milliseconds wait);

/// `1 error`, `2 errors`.
std::string Count(std::size_t count, std::string_view noun);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_OUTPUT_H_
