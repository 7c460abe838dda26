#include "child_process.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace {

[[noreturn]] void Fail(const std::string& what, int error) {
  throw std::runtime_error(what + ": " + std::strerror(error));
}

void CloseIfOpen(int& fd) {
  if (fd >= 0) close(std::exchange(fd, -1));
}

/// A pipe whose ends no other program inherits.
std::array<int, 2> MakePipe() {
  std::array<int, 2> ends;
  if (pipe(ends.data()) != 0) Fail("pipe", errno);
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  return ends;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  signal(SIGPIPE, SIG_IGN);  // a server that is gone is an error of WriteLine
  std::array<int, 2> input = MakePipe();
  std::array<int, 2> output = MakePipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int error = posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  close(output[1]);
  to_child_ = input[1];
  from_child_ = output[0];
  if (error != 0) {
    pid_ = -1;
    CloseIfOpen(to_child_);
    CloseIfOpen(from_child_);
    Fail(command[0], error);
  }
}

ChildProcess::~ChildProcess() {
  CloseIfOpen(to_child_);
  CloseIfOpen(from_child_);
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
}

void ChildProcess::WriteLine(const std::string& line) {
  const std::string bytes = line + "\n";
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = write(to_child_, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) Fail("writing to the server", errno);
    if (count > 0) done += static_cast<std::size_t>(count);
  }
}

std::string ChildProcess::ReadLine(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) throw std::runtime_error("the server does not answer");
    pollfd ready = {from_child_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(left)) < 0 && errno != EINTR) Fail("waiting for the server", errno);
    if (ready.revents == 0) continue;
    std::array<char, 4096> chunk;
    const ssize_t count = read(from_child_, chunk.data(), chunk.size());
    if (count < 0 && errno != EINTR) Fail("reading from the server", errno);
    if (count == 0) throw std::runtime_error("the server has gone without an answer");
    if (count > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

int ChildProcess::Finish() {
  CloseIfOpen(to_child_);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
