#ifndef CALLWARDEN_TOOLS_PROXY_SESSION_H_
#define CALLWARDEN_TOOLS_PROXY_SESSION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>

#include "callwarden/gate.h"
#include "callwarden/mcp.h"

#include "proxy_log.h"
#include "relay.h"

namespace callwarden::tool {

/// Puts an MCP session between the two sides of a relay.
///
/// Thread safety: one thread. Ownership: borrows all it is given; owns the session.
class ProxySession final : public RelayHandler {
 public:
  struct Hooks {
    /// SIGHUP, or a file that policies come from has changed: puts new ones in force, if they are good.
    std::function<std::optional<SwapReport>()> reload;
    /// Whether such a file has changed since it was asked last.
    std::function<bool()> files_changed;
    /// Keeps counts for the next run. Called a while after some changed.
    std::function<void()> save_state;
  };

  ProxySession(Relay& relay, const mcp::SessionOptions& options, Hooks hooks, ProxyLog& log);

  void OnClientLine(std::string_view line) override;
  void OnServerLine(std::string_view line) override;
  void OnClientLineTooLong() override;
  void OnServerLineTooLong() override;
  void OnServerGone() override;
  void OnHangup() override;
  std::optional<Time> NextTime() override;
  void OnTime(Time now) override;

 private:
  /// A message that waits in the relay's buffer.
  struct Unsent {
    uint64_t ticket;
    uint64_t begin;  // OutputBuffer::added() before it
  };

  void Do(const mcp::Output& output);
  void ForgetSent();

  Relay& relay_;
  Gate& gate_;
  mcp::Session session_;
  Hooks hooks_;
  ProxyLog& log_;
  std::deque<Unsent> unsent_;
  Time next_look_;  // at files
  Time next_save_;
  bool counted_ = false;  // since the last save
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_PROXY_SESSION_H_
