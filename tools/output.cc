#include "output.h"

#include "style.h"

namespace callwarden::tool {
namespace {

// Strings come from calls and policies; bytes that are not UTF-8 are replaced, never a reason to fail.
std::string Dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void ReportError(std::string_view what) {
  Err("callwarden: " + Style::For(stderr).Red("error:") + " " + std::string(what) + "\n");
}

std::string JsonLine(const Json& value) { return Dump(value, -1); }
std::string JsonDocument(const Json& value) { return Dump(value, 2); }

Json ToJson(const Diagnostic& diagnostic) {
  Json json;
  json["severity"] = std::string(Name(diagnostic.severity));
  json["code"] = diagnostic.code;
  json["pointer"] = diagnostic.pointer;
  json["line"] = diagnostic.line;
  json["column"] = diagnostic.column;
  json["message"] = diagnostic.message;
  json["hint"] = diagnostic.hint.empty() ? Json() : Json(diagnostic.hint);
  return json;
}

Json ToJson(const std::vector<Diagnostic>& diagnostics) {
  Json json = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) json.push_back(ToJson(diagnostic));
  return json;
}

Json ToJson(const Verdict& verdict) {
  Json json;
  json["effect"] = std::string(Name(verdict.effect()));
  json["reason"] = std::string(Name(verdict.reason()));
  json["rule"] = std::string(verdict.rule());
  json["message"] = std::string(verdict.message());
  const auto wait = verdict.retry_after();
  json["retry_after_ms"] = wait.has_value() ? Json(wait->count()) : Json();
  return json;
}

std::string WaitText(std::chrono::milliseconds wait) {
  const auto ms = wait.count();
  if (ms < 1000) return std::to_string(ms) + " ms";
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 != 0) {
    const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    text += "." + fraction.substr(0, fraction.find_last_not_of('0') + 1);
  }
  return text + " s";
}

std::string Count(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace callwarden::tool
