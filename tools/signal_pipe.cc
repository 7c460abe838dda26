#include "signal_pipe.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tool_error.h"

namespace callwarden::tool {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};

// Handlers get no argument of ours.
std::atomic<int> handler_fd{-1};
std::array<struct sigaction, kSignals.size()> actions_before;
struct sigaction sigpipe_before;

void Write(int signal) {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A pipe too full to take it has bytes that wake the loop already.
  [[maybe_unused]] const ssize_t written = write(handler_fd.load(), &byte, 1);
  errno = saved_errno;
}

}  // namespace

SignalPipe::SignalPipe() {
  std::array<int, 2> ends;
  if (pipe(ends.data()) != 0) throw ToolError(std::string("pipe: ") + std::strerror(errno));
  for (const int end : ends) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK);
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
  handler_fd = write_end_;
  struct sigaction action = {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = Write;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &actions_before[i]);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, &sigpipe_before);
}

SignalPipe::~SignalPipe() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &actions_before[i], nullptr);
  sigaction(SIGPIPE, &sigpipe_before, nullptr);
  handler_fd = -1;
  close(read_end_);
  close(write_end_);
}

std::vector<int> SignalPipe::Take() {
  std::vector<int> signals;
  std::array<unsigned char, 64> bytes;
  ssize_t count;
  while ((count = read(read_end_, bytes.data(), bytes.size())) > 0 || (count < 0 && errno == EINTR)) {
    if (count > 0) signals.insert(signals.end(), bytes.data(), bytes.data() + count);
  }
  return signals;
}

}  // namespace callwarden::tool
