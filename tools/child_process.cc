#include "child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "output.h"
#include "printable.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

void CloseIfOpen(int& fd) {
  if (fd >= 0) close(std::exchange(fd, -1));
}

/// A pipe whose ends close themselves, and that no other program inherits.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends;
    if (pipe(ends.data()) != 0) throw ToolError(std::string("pipe: ") + std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
    for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    CloseIfOpen(read_end);
    CloseIfOpen(write_end);
  }
  int read_end = -1;
  int write_end = -1;
};

/// The ends of a pipe are two open files, so this is not felt at the other end.
int NonBlocking(int& fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return std::exchange(fd, -1);
}

/// What runs in the new process: only calls that are safe between fork and exec.
[[noreturn]] void Execute(char* const* arguments, const Pipe& input, const Pipe& output, int report,
                          [[maybe_unused]] pid_t parent) {
  setpgid(0, 0);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);  // it was gone before the request was made
#endif
  signal(SIGPIPE, SIG_DFL);  // what is ignored stays ignored over exec
  if (dup2(input.read_end, STDIN_FILENO) >= 0 && dup2(output.write_end, STDOUT_FILENO) >= 0) {
    execvp(arguments[0], arguments);
  }
  const int error = errno;
  // A pipe takes this much whole. Where it cannot be written there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(report, &error, sizeof error);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command) {
  Pipe input;
  Pipe output;
  Pipe report;  // closed by a successful exec, else it carries errno
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw ToolError(std::string("fork: ") + std::strerror(errno));
  if (pid_ == 0) Execute(arguments.data(), input, output, report.write_end, parent);
  setpgid(pid_, pid_);  // both do it, so that it is done whoever comes first

  CloseIfOpen(report.write_end);
  ssize_t count;
  do {
    count = read(report.read_end, &start_error_, sizeof start_error_);
  } while (count < 0 && errno == EINTR);
  if (start_error_ != 0) {
    Collect(0);
    return;
  }
  input_ = NonBlocking(input.write_end);
  output_ = NonBlocking(output.read_end);
}

ChildProcess::~ChildProcess() {
  CloseInput();
  CloseOutput();
  if (pid_ > 0) {
    Signal(SIGKILL);
    Collect(0);
  }
}

void ChildProcess::CloseInput() { CloseIfOpen(input_); }

void ChildProcess::CloseOutput() { CloseIfOpen(output_); }

void ChildProcess::Signal(int signal) const {
  if (pid_ > 0) kill(-pid_, signal);
}

bool ChildProcess::HasEnded() {
  if (pid_ > 0) Collect(WNOHANG);
  return pid_ <= 0;
}

void ChildProcess::Collect(int wait_options) {
  // Looked at first and collected afterwards: until then the group's number is not given to anybody else.
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | wait_options) != 0) {
    if (errno != EINTR) return;
  }
  if (info.si_pid == 0) return;  // WNOHANG, and it runs
  kill(-pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  exit_status_ = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int ReportCannotStart(const std::string& program, int error) {
  ReportError(Printable(program) + ": cannot be started: " + std::strerror(error));
  return error == ENOENT ? 127 : 126;
}

}  // namespace callwarden::tool
