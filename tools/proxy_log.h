#ifndef CALLWARDEN_TOOLS_PROXY_LOG_H_
#define CALLWARDEN_TOOLS_PROXY_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "callwarden/mcp.h"

namespace callwarden::tool {

/// Lines for people on stderr, which the server writes to as well. Never waits for a reader: while nobody
/// reads stderr, lines are left out and counted.
///
/// Thread safety: one thread.
class ProxyLog {
 public:
  /// `verbose`: also what went well.
  explicit ProxyLog(bool verbose) : verbose_(verbose) {}

  /// Writes `callwarden: TEXT`. The text must be printable.
  void Say(std::string_view text);
  /// Writes a line about an event, if it is of interest.
  void Tell(const mcp::Event& event);

 private:
  static bool Write(const std::string& line);

  bool verbose_;
  uint64_t left_out_ = 0;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_PROXY_LOG_H_
