#include "log_record.h"

namespace callwarden::tool {
namespace {

std::string TextOf(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

template <class T>
T NumberOf(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number() ? member->get<T>() : T{};
}

}  // namespace

std::optional<LogRecord> ReadLogRecord(std::string_view line) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  LogRecord record;
  record.type = TextOf(json, "type");
  if (record.type.empty()) return std::nullopt;
  record.time = TextOf(json, "time");
  record.effect = TextOf(json, "effect");
  record.reason = TextOf(json, "reason");
  record.rule = TextOf(json, "rule");
  record.message = TextOf(json, "message");
  record.tool = TextOf(json, "tool");
  record.grant = TextOf(json, "grant");
  record.label = TextOf(json, "grant_label");
  record.session = TextOf(json, "session");
  record.latency_ns = NumberOf<int64_t>(json, "latency_ns");
  record.outcome = TextOf(json, "outcome");
  record.dropped = NumberOf<uint64_t>(json, "dropped");
  record.refused = NumberOf<uint64_t>(json, "refused");
  record.damaged_file = TextOf(json, "file");
  if (const auto would = json.find("would"); would != json.end() && would->is_object()) {
    record.would_effect = TextOf(*would, "effect");
    record.would_rule = TextOf(*would, "rule");
  }
  if (const auto limits = json.find("limits"); limits != json.end() && limits->is_array()) {
    for (const nlohmann::json& limit : *limits) {
      if (!limit.is_object()) return std::nullopt;
      record.limits.push_back(
          {TextOf(limit, "rule"), NumberOf<uint64_t>(limit, "used"), NumberOf<uint64_t>(limit, "max")});
    }
  }
  return record;
}

bool LogFilter::Wants(const LogRecord& record) const {
  if (grant.empty() && tool.empty() && decision.empty()) return true;
  return record.type == "decision" && (grant.empty() || record.grant == grant || record.label == grant) &&
         (tool.empty() || record.tool == tool) && (decision.empty() || record.effect == decision);
}

}  // namespace callwarden::tool
