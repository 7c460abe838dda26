#include "output_buffer.h"

#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace callwarden::tool {
namespace {

constexpr std::size_t kCompactBytes = std::size_t{1} << 20;

}  // namespace

OutputBuffer::OutputBuffer(int fd) : fd_(fd), kind_(Kind::kOther) {
  struct stat info = {};
  if ((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0) {
    kind_ = Kind::kNonBlocking;
  } else if (fstat(fd, &info) == 0) {
    if (S_ISSOCK(info.st_mode)) kind_ = Kind::kSocket;
    if (S_ISFIFO(info.st_mode)) kind_ = Kind::kPipe;
  }
}

void OutputBuffer::Add(std::string_view line) {
  bytes_.append(line);
  bytes_.push_back('\n');
}

void OutputBuffer::Clear() {
  bytes_.clear();
  sent_ = 0;
}

bool OutputBuffer::Flush() {
  bool reader_is_there = true;
  while (!empty()) {
    const ssize_t count = Write(std::string_view(bytes_).substr(sent_));
    if (count < 0) {
      if (errno == EINTR) continue;
      reader_is_there = errno == EAGAIN || errno == EWOULDBLOCK;
      break;
    }
    sent_ += static_cast<std::size_t>(count);
    written_ += static_cast<uint64_t>(count);
  }
  if (empty() || sent_ > kCompactBytes) {
    bytes_.erase(0, sent_);
    sent_ = 0;
    if (bytes_.capacity() > 4 * kCompactBytes && bytes_.size() < kCompactBytes) bytes_.shrink_to_fit();
  }
  return reader_is_there;
}

ssize_t OutputBuffer::Write(std::string_view bytes) const {
  if (kind_ == Kind::kSocket) return send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (kind_ != Kind::kNonBlocking) {
    pollfd ready = {fd_, POLLOUT, 0};
    if (poll(&ready, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    // A pipe that polls as writable takes this many bytes without blocking.
    if (kind_ == Kind::kPipe) bytes = bytes.substr(0, PIPE_BUF);
  }
  return write(fd_, bytes.data(), bytes.size());
}

}  // namespace callwarden::tool
