#ifndef CALLWARDEN_TOOLS_OUTPUT_BUFFER_H_
#define CALLWARDEN_TOOLS_OUTPUT_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace callwarden::tool {

/// Whole lines on their way to a file descriptor, written as far as it takes them without blocking. The
/// descriptor may be one that others share (such as our standard output), whose flags are not ours to set.
///
/// Thread safety: one thread. Ownership: borrows the descriptor.
class OutputBuffer {
 public:
  explicit OutputBuffer(int fd);

  /// Appends `line` and a newline.
  void Add(std::string_view line);
  /// Drops what waits.
  void Clear();
  /// Writes what the reader takes. False when the reader is gone (errno says how).
  bool Flush();

  bool empty() const { return sent_ == bytes_.size(); }
  /// Bytes that wait.
  std::size_t size() const { return bytes_.size() - sent_; }
  /// Bytes added and bytes written since the beginning: a line whose end is at most `written()` is out.
  uint64_t added() const { return written_ + size(); }
  uint64_t written() const { return written_; }

 private:
  /// As write(), but EAGAIN instead of waiting.
  ssize_t Write(std::string_view bytes) const;

  enum class Kind { kNonBlocking, kSocket, kPipe, kOther };

  int fd_;
  Kind kind_;
  std::string bytes_;
  std::size_t sent_ = 0;
  uint64_t written_ = 0;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_OUTPUT_BUFFER_H_
