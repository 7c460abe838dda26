#ifndef CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_CHILD_PROCESS_H_
#define CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_CHILD_PROCESS_H_

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

/// A program that runs with its standard input and output on pipes. Its stderr is ours.
///
/// Ownership: the destructor closes the pipes, and ends and collects the program.
/// Errors: std::runtime_error, which says what failed.
class ChildProcess {
 public:
  /// Starts `command[0]` with the rest as its arguments.
  explicit ChildProcess(const std::vector<std::string>& command);
  ChildProcess(const ChildProcess&) = delete;  // one owner of the process and its pipes
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  /// Writes `line` and a newline.
  void WriteLine(const std::string& line);
  /// The next line, without its newline. Gives up after `patience`, so that a silent server is an error
  /// and not a hang.
  std::string ReadLine(std::chrono::milliseconds patience = std::chrono::seconds(10));
  /// Ends its input, waits for it, and returns its exit status; -1 when a signal ended it.
  int Finish();

 private:
  pid_t pid_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
  std::string buffer_;
};

#endif  // CALLWARDEN_EXAMPLES_RUN_CODE_SERVER_CHILD_PROCESS_H_
