#ifndef CALLWARDEN_TOOLS_LOG_RECORD_H_
#define CALLWARDEN_TOOLS_LOG_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "output.h"

namespace callwarden::tool {

/// One line of an audit log, as far as people are shown it; docs/operations.md tells all of it.
struct LogRecord {
  std::string type;  ///< decision, completion, start, gap, recovered
  std::string time;
  std::string effect, reason, rule, message, tool, grant, label, session;
  std::string would_effect, would_rule;  ///< empty: shadow changes nothing
  struct Limit {
    std::string rule;
    uint64_t used = 0;
    uint64_t max = 0;
  };
  std::vector<Limit> limits;
  int64_t latency_ns = 0;
  std::string outcome;                ///< of a completion
  uint64_t dropped = 0, refused = 0;  ///< of a gap
  std::string damaged_file;           ///< of a recovery
};

/// Reads a line; nothing when it is none of an audit log.
std::optional<LogRecord> ReadLogRecord(std::string_view line);

/// Which records are wanted; empty fields want all.
struct LogFilter {
  std::string grant, tool, decision;
  bool Wants(const LogRecord& record) const;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_LOG_RECORD_H_
