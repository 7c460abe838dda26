#ifndef CALLWARDEN_TOOLS_CHILD_PROCESS_H_
#define CALLWARDEN_TOOLS_CHILD_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace callwarden::tool {

/// A program that runs with its standard input and output on pipes of ours; its stderr is ours.
///
/// It leads a process group of its own, so that a terminal's Ctrl-C reaches it once, through us, and so that
/// a launcher such as `npx` is signalled together with what it launched. On Linux the kernel kills it when
/// the thread that started it ends, however that happened.
///
/// Thread safety: one thread, the one that made it. Ownership: owns process and pipes; the destructor kills
/// what is left of the group and collects it.
class ChildProcess {
 public:
  /// Starts `command[0]`, looked up in PATH, with the rest as its arguments. No shell reads them.
  /// Errors: start_error() is then an errno, and nothing runs. Throws ToolError when the system has no pipe
  /// or process left.
  explicit ChildProcess(const std::vector<std::string>& command);
  ChildProcess(const ChildProcess&) = delete;  // one owner of the process and its pipes
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  /// Why the program could not be executed; 0 when it runs, or ran.
  int start_error() const { return start_error_; }

  /// Our ends of the pipes, which do not block; -1 when closed.
  int input() const { return input_; }
  int output() const { return output_; }
  void CloseInput();
  void CloseOutput();

  /// Sends a signal to the group; does nothing once the program has been collected.
  void Signal(int signal) const;
  /// Whether it has ended. Kills what it left behind in its group, and collects it.
  bool HasEnded();
  /// Its exit status, or 128 and the number of the signal that ended it; empty while it runs.
  std::optional<int> exit_status() const { return exit_status_; }

 private:
  void Collect(int wait_options);

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  int start_error_ = 0;
  std::optional<int> exit_status_;
};

/// Reports that a program could not be started. Returns the exit code that shells and env(1) have for it: 127
/// when there is no such program, 126 when it cannot be executed.
int ReportCannotStart(const std::string& program, int error);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_CHILD_PROCESS_H_
