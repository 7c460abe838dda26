#ifndef CALLWARDEN_TOOLS_PROGRESS_H_
#define CALLWARDEN_TOOLS_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace callwarden::tool {

/// Shows how far long work is, in one line on stderr, when that is a terminal and the work takes longer than
/// a moment. The line is gone when the object is.
class Progress {
 public:
  /// `what` is a verb such as `verifying`; `total` in the units of At, 0 when nobody knows.
  Progress(std::string what, uint64_t total);
  Progress(const Progress&) = delete;  // one line on the terminal
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Clear(); }

  /// Cheap enough for every line of a file.
  void At(uint64_t done) {
    if (terminal_ && (++calls_ & 255) == 0) Show(done);
  }
  /// For work whose progress is looked at now and then only.
  void Now(uint64_t done) {
    if (terminal_) Show(done);
  }
  /// Takes the line away, for other output; the next At brings it back.
  void Clear();

 private:
  void Show(uint64_t done);

  const std::string what_;
  const uint64_t total_;
  const bool terminal_;
  bool shown_ = false;
  uint64_t calls_ = 0;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_PROGRESS_H_
