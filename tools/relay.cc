#include "relay.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace callwarden::tool {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

using Time = RelayHandler::Time;

bool IsTemporary(int error) { return error == EINTR || error == EAGAIN || error == EWOULDBLOCK; }

int Milliseconds(Time until, Time now) {
  using std::chrono::milliseconds;
  const auto wait = std::chrono::ceil<milliseconds>(until - now);
  return static_cast<int>(std::clamp(wait, milliseconds(0), milliseconds(60000)).count());
}

}  // namespace

Relay::Relay(ChildProcess& server, SignalPipe& signals, const RelayOptions& options)
    : server_(server),
      signals_(signals),
      options_(options),
      to_client_(options.client_out),
      to_server_(server.input()),
      from_client_(options.line_max_bytes),
      from_server_(options.line_max_bytes),
      chunk_(kReadBytes) {}

int Relay::Run(RelayHandler& handler) {
  handler_ = &handler;
  while (!server_ended_) Wait();
  return Finish();
}

/// One turn: waits until something can be done, and does it.
void Relay::Wait() {
  const bool client_keeps_up = !client_hears_ || to_client_.size() < options_.pending_max_bytes;
  const bool server_keeps_up = to_server_.size() < options_.pending_max_bytes;
  enum { kSignals, kClientIn, kClientOut, kServerIn, kServerOut, kCount };
  std::array<pollfd, kCount> fds;
  fds[kSignals] = {signals_.fd(), POLLIN, 0};
  fds[kClientIn] = {client_speaks_ && client_keeps_up && server_keeps_up ? options_.client_in : -1, POLLIN,
                    0};
  fds[kClientOut] = {client_hears_ && !to_client_.empty() ? options_.client_out : -1, POLLOUT, 0};
  fds[kServerIn] = {to_server_.empty() ? -1 : server_.input(), POLLOUT, 0};
  fds[kServerOut] = {client_keeps_up ? server_.output() : -1, POLLIN, 0};

  const Time now = std::chrono::steady_clock::now();
  int timeout = stopping_ == Stopping::kNo ? -1 : Milliseconds(deadline_, now);
  if (const auto next = handler_->NextTime()) {
    const int wait = Milliseconds(*next, now);
    timeout = timeout < 0 ? wait : std::min(timeout, wait);
  }
  if (poll(fds.data(), fds.size(), timeout) < 0) {
    for (pollfd& entry : fds) entry.revents = 0;  // a signal
  }

  // First, and also when poll saw only what came after it: a signal is to reach the server before the end of
  // its input, which might let it end as if nothing had been.
  TakeSignals();
  if (fds[kClientOut].revents != 0) FlushClient();
  if (fds[kServerIn].revents != 0) FlushServer();
  if (fds[kServerOut].revents != 0) ReadServer();
  if (fds[kClientIn].revents != 0) ReadClient();
  if (timeout >= 0) {
    const Time later = std::chrono::steady_clock::now();
    CheckDeadline(later);
    if (const auto next = handler_->NextTime(); next && *next <= later) handler_->OnTime(later);
  }
  // Mostly there is room, which saves a turn.
  FlushClient();
  FlushServer();
}

void Relay::TakeSignals() {
  for (const int signal : signals_.Take()) {
    if (signal == SIGHUP) {
      handler_->OnHangup();
    } else if (signal == SIGCHLD) {
      server_ended_ = server_.HasEnded();
    } else {
      server_.Signal(signal);
      if (stopped_by_ == 0) stopped_by_ = signal;
      if (stopping_ == Stopping::kNo || stopping_ == Stopping::kInputEnded) {
        stopping_ = Stopping::kTerminated;
        deadline_ = std::chrono::steady_clock::now() + options_.term_grace;
      }
    }
  }
}

/// Reads once; empty when there is nothing now or any more, of which errno (0: the end) tells.
std::string_view Relay::ReadSome(int fd) {
  const ssize_t count = read(fd, chunk_.data(), chunk_.size());
  if (count == 0) errno = 0;
  return {chunk_.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

void Relay::ReadClient() {
  const std::string_view bytes = ReadSome(options_.client_in);
  if (bytes.empty()) {
    if (!IsTemporary(errno)) EndInput();
    return;
  }
  from_client_.Add(bytes);
  while (const auto line = from_client_.Next()) {
    if (line->too_long) {
      handler_->OnClientLineTooLong();
    } else {
      handler_->OnClientLine(line->bytes);
    }
  }
}

/// Returns how many bytes it read.
std::size_t Relay::ReadServer() {
  const std::string_view bytes = ReadSome(server_.output());
  if (bytes.empty()) {
    if (!IsTemporary(errno)) LoseServer();
    return 0;
  }
  from_server_.Add(bytes);
  while (const auto line = from_server_.Next()) {
    if (line->too_long) {
      handler_->OnServerLineTooLong();
    } else {
      handler_->OnServerLine(line->bytes);
    }
  }
  return bytes.size();
}

void Relay::FlushClient() {
  if (client_hears_ && !to_client_.Flush()) {
    client_hears_ = false;
    EndInput();  // nobody reads answers any more, so none are worth asking for
  }
  if (!client_hears_) to_client_.Clear();
}

void Relay::FlushServer() {
  if (server_.input() < 0) return;
  if (!to_server_.empty() && !to_server_.Flush()) {
    // It reads no more, yet may still answer what it has read.
    server_.CloseInput();
    EndInput();
  } else if (!client_speaks_ && to_server_.empty()) {
    server_.CloseInput();
  }
}

void Relay::EndInput() {
  client_speaks_ = false;
  if (stopping_ != Stopping::kNo) return;
  stopping_ = Stopping::kInputEnded;
  deadline_ = std::chrono::steady_clock::now() + options_.grace;
}

void Relay::LoseServer() {
  server_.CloseOutput();
  if (server_gone_) return;
  server_gone_ = true;
  server_.CloseInput();
  EndInput();
  handler_->OnServerGone();
}

void Relay::CheckDeadline(Time now) {
  if (stopping_ == Stopping::kNo || now < deadline_) return;
  const bool first = stopping_ == Stopping::kInputEnded;
  server_.Signal(first ? SIGTERM : SIGKILL);
  stopping_ = first ? Stopping::kTerminated : Stopping::kKilled;
  deadline_ = now + options_.term_grace;
}

/// The server has ended: passes on what it said last, and what the handler says for it.
int Relay::Finish() {
  // What it left in the pipe, and no more: a process that it set free may hold the pipe open, and write on.
  for (std::size_t total = 0; server_.output() >= 0 && total < options_.line_max_bytes;) {
    const std::size_t count = ReadServer();
    if (count == 0) break;
    total += count;
  }
  LoseServer();
  const Time until = std::chrono::steady_clock::now() + options_.term_grace;
  for (FlushClient(); !to_client_.empty(); FlushClient()) {
    const Time now = std::chrono::steady_clock::now();
    if (now >= until) break;
    pollfd ready = {options_.client_out, POLLOUT, 0};
    poll(&ready, 1, Milliseconds(until, now));
  }
  return *server_.exit_status();
}

}  // namespace callwarden::tool
