#ifndef CALLWARDEN_TOOLS_SIGNAL_PIPE_H_
#define CALLWARDEN_TOOLS_SIGNAL_PIPE_H_

#include <vector>

namespace callwarden::tool {

/// Turns SIGINT, SIGTERM, SIGHUP and SIGCHLD into bytes of a pipe, so that a loop over poll() hears of them
/// like of anything else, and ignores SIGPIPE: a reader that is gone is an error of write().
///
/// Thread safety: one thread. At most one at a time in a process; the destructor puts back what was there.
class SignalPipe {
 public:
  SignalPipe();
  SignalPipe(const SignalPipe&) = delete;  // signals have one disposition in a process
  SignalPipe& operator=(const SignalPipe&) = delete;
  ~SignalPipe();

  /// Readable when signals have come.
  int fd() const { return read_end_; }
  /// The signals that have come since, in their order.
  std::vector<int> Take();

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_SIGNAL_PIPE_H_
