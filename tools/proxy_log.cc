#include "proxy_log.h"

#include <climits>

#include <poll.h>
#include <unistd.h>

#include "output.h"
#include "printable.h"

namespace callwarden::tool {
namespace {

// Names and ids come over the wire; this much of them tells one from another.
constexpr std::size_t kShownBytes = 128;

std::string Shown(std::string_view hostile) {
  std::string text = Printable(hostile.substr(0, kShownBytes));
  if (hostile.size() > kShownBytes) text += "...";
  return text;
}

bool IsGoodNews(mcp::EventKind kind) {
  switch (kind) {
    case mcp::EventKind::kCallAllowed:
    case mcp::EventKind::kToolsFiltered:
    case mcp::EventKind::kSettled:
    case mcp::EventKind::kConnectionLost:  // how every session ends
      return true;
    case mcp::EventKind::kCallRefused:
    case mcp::EventKind::kApprovalAsked:
    case mcp::EventKind::kApprovalAnswered:
    case mcp::EventKind::kMessageRefused:
    case mcp::EventKind::kMessageDropped:
    case mcp::EventKind::kServerDropped:
    case mcp::EventKind::kServerRefused:
      return false;
  }
  return false;
}

std::string Describe(const Verdict& verdict) {
  std::string text(Name(verdict.effect()));
  if (!verdict.allowed()) text += " (" + std::string(Name(verdict.reason())) + ")";
  if (!verdict.rule().empty()) text += " " + Printable(verdict.rule());
  if (const auto wait = verdict.retry_after()) text += ", retry in " + WaitText(*wait);
  return text;
}

}  // namespace

void ProxyLog::Say(std::string_view text) {
  if (left_out_ > 0 && Write("callwarden: left out " + Count(left_out_, "line") + " that nobody read\n")) {
    left_out_ = 0;
  }
  if (!Write("callwarden: " + std::string(text) + "\n")) ++left_out_;
}

void ProxyLog::Tell(const mcp::Event& event) {
  const Verdict* would = event.decision == nullptr ? nullptr : event.decision->would();
  if (IsGoodNews(event.kind) && !verbose_ && would == nullptr) return;
  std::string line(event.text);
  if (!event.tool.empty()) line += " \"" + Shown(event.tool) + "\"";
  if (!event.id.empty()) line += " id " + Shown(event.id);
  if (event.kind == mcp::EventKind::kSettled) {
    if (!verbose_) return;
    line += ": " + std::string(Name(event.outcome));
  } else if (event.decision != nullptr) {
    line += ": " + Describe(event.decision->verdict());
    if (would != nullptr) line += "; if nothing were shadowed: " + Describe(*would);
  }
  Say(line);
}

bool ProxyLog::Write(const std::string& line) {
  // A pipe that polls as writable takes PIPE_BUF bytes without blocking, and whole.
  pollfd ready = {STDERR_FILENO, POLLOUT, 0};
  if (poll(&ready, 1, 0) <= 0 || line.size() > PIPE_BUF) return false;
  return write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace callwarden::tool
