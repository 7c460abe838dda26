#include "proxy_session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "output.h"

namespace callwarden::tool {
namespace {

// How soon an edited policy is noticed, and how much counting a killed proxy forgets.
constexpr std::chrono::seconds kLookEvery(1);
constexpr std::chrono::seconds kSaveEvery(10);

std::string Describe(const SwapReport& report) {
  std::size_t changed = 0;
  for (const LimitChange& limit : report.limits)
    changed += limit.kind == LimitChange::Kind::kCarriedOver ? 0 : 1;
  return "policies reloaded: revision " + std::to_string(report.revision) + ", " +
         Count(report.limits.size() - changed, "limit") + " as before, " + Count(changed, "limit") +
         " added, removed or changed";
}

}  // namespace

ProxySession::ProxySession(Relay& relay, const mcp::SessionOptions& options, Hooks hooks, ProxyLog& log)
    : relay_(relay),
      gate_(*options.gate),
      session_(options),
      hooks_(std::move(hooks)),
      log_(log),
      next_look_(std::chrono::steady_clock::now() + kLookEvery),
      next_save_(std::chrono::steady_clock::now() + kSaveEvery) {}

void ProxySession::OnClientLine(std::string_view line) { Do(session_.FromClient(line)); }
void ProxySession::OnServerLine(std::string_view line) { Do(session_.FromServer(line)); }
void ProxySession::OnClientLineTooLong() { Do(session_.TooLongFromClient()); }
void ProxySession::OnServerLineTooLong() { Do(session_.TooLongFromServer()); }

void ProxySession::OnServerGone() {
  ForgetSent();
  // Sending one of these back may release another, which then waits as well.
  for (; !unsent_.empty(); unsent_.pop_front()) Do(session_.NotSent(unsent_.front().ticket));
  if (const std::size_t open = session_.in_flight(); open > 0) {
    log_.Say("the server is gone, and " + Count(open, "request") + " without an answer");
  }
  Do(session_.ConnectionLost());
}

void ProxySession::OnHangup() {
  if (const auto report = hooks_.reload()) {
    log_.Say(Describe(*report));
    Do(session_.PolicyChanged(*report));
  }
}

std::optional<RelayHandler::Time> ProxySession::NextTime() {
  Time next = next_look_;
  if (counted_) next = std::min(next, next_save_);
  if (const auto deadline = session_.next_deadline()) {
    // The session's time is the gate's, which need not run with the steady clock.
    const auto wait = std::max(*deadline - gate_.clock().Now(), std::chrono::nanoseconds::zero());
    next = std::min(next, std::chrono::steady_clock::now() + wait);
  }
  return next;
}

void ProxySession::OnTime(Time now) {
  Do(session_.Tick());
  if (now >= next_look_) {
    next_look_ = now + kLookEvery;
    if (hooks_.files_changed && hooks_.files_changed()) OnHangup();
  }
  if (counted_ && now >= next_save_) {
    next_save_ = now + kSaveEvery;
    counted_ = false;
    hooks_.save_state();
  }
}

void ProxySession::Do(const mcp::Output& output) {
  ForgetSent();
  for (const mcp::ToServer& message : output.to_server) {
    unsent_.push_back({message.ticket, relay_.to_server().added()});
    relay_.to_server().Add(message.bytes);
  }
  for (const std::string_view message : output.to_client) relay_.to_client().Add(message);
  for (const mcp::Event& event : output.events) {
    counted_ =
        counted_ || event.kind == mcp::EventKind::kCallAllowed || event.kind == mcp::EventKind::kSettled;
    log_.Tell(event);
  }
}

/// Messages of which a byte is out are not ours any more.
void ProxySession::ForgetSent() {
  while (!unsent_.empty() && unsent_.front().begin < relay_.to_server().written()) unsent_.pop_front();
}

}  // namespace callwarden::tool
