#include "lib/approval_journal.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/crypto.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Kind = ApprovalError::Kind;

constexpr std::string_view kHeader = "{\"callwarden_approvals\":1}\n";
constexpr std::string_view kCheckName = ",\"check\":\"";
constexpr std::size_t kCheckSize = kCheckName.size() + 8 + 2;
// No line of ours is as long: arguments are at most 1 MiB, their canonical form several times that.
constexpr std::size_t kLineMax = std::size_t{64} << 20;
constexpr std::size_t kChunk = std::size_t{64} << 10;

ApprovalError FileError(int error) noexcept { return {Kind::kFile, error, 0}; }

uint32_t CheckOf(uint32_t before, std::string_view body) {
  std::string text;
  text.reserve(4 + body.size());
  for (unsigned i = 0; i < 4; ++i) text += static_cast<char>(before >> (8 * i) & 0xFF);
  text.append(body);
  return Crc32c(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

std::array<uint8_t, 4> BytesOf(uint32_t check) noexcept {
  return {static_cast<uint8_t>(check >> 24), static_cast<uint8_t>(check >> 16),
          static_cast<uint8_t>(check >> 8), static_cast<uint8_t>(check)};
}

// 0, or an errno.
int WriteAt(int fd, std::string_view bytes, uint64_t offset) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (written == 0) return EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return 0;
}

// 0, or an errno. Tries again and again rather than waits: a process that stopped while it has the lock must
// not stop all others.
int TakeLock(int fd) noexcept {
  constexpr int64_t kNanosecondsMax = 5'000'000'000;
  constexpr int kYields = 16;  // mostly the lock is free after some microseconds
  int yields = 0;
  int64_t waited_ns = 0;
  int64_t pause_ns = 20'000;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return errno;
    if (yields++ < kYields) {
      ::sched_yield();
      continue;
    }
    if (waited_ns >= kNanosecondsMax) return ETIMEDOUT;
    const std::timespec pause{0, static_cast<long>(pause_ns)};
    ::nanosleep(&pause, nullptr);
    waited_ns += pause_ns;
    if (pause_ns < 2'000'000) pause_ns *= 2;
  }
  return 0;
}

bool SameFile(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool IsSafe(const struct stat& file) noexcept {
  const uid_t self = ::geteuid();
  return S_ISREG(file.st_mode) && (file.st_uid == self || file.st_uid == 0 || self == 0) &&
         (file.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

ApprovalJournal::~ApprovalJournal() { Close(); }

void ApprovalJournal::Close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));  // gives up the lock, too
}

void ApprovalJournal::Unlock() noexcept {
  if (fd_ >= 0) ::flock(fd_, LOCK_UN);
}

ApprovalError ApprovalJournal::Damaged() {
  damaged_line_ = lines_ + 2;  // the one that comes now; the first is no line of ours
  return {Kind::kDamaged, 0, damaged_line_};
}

ApprovalError ApprovalJournal::Lock(Reader& reader) {
  if (damaged_line_ != 0) {
    struct stat opened {};
    struct stat named {};
    if (::fstat(fd_, &opened) == 0 && ::lstat(path_.c_str(), &named) == 0 && SameFile(opened, named)) {
      return {Kind::kDamaged, 0, damaged_line_};
    }
    Close();  // a person has moved it away
  }
  ApprovalError error = OpenLocked(reader);
  if (error.ok()) error = ReadNew(reader);
  if (!error.ok()) Unlock();
  return error;
}

ApprovalError ApprovalJournal::OpenLocked(Reader& reader) {
  constexpr int kTriesMax = 100;  // each finds that another process has just replaced the file
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (fd_ < 0) {
      // O_NONBLOCK: a pipe that lies there must not make us wait. No effect on files.
      fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR);
      if (fd_ < 0) return errno == ELOOP ? ApprovalError{Kind::kUnsafe, ELOOP, 0} : FileError(errno);
      end_ = 0;
      lines_ = 0;
      check_ = 0;
      damaged_line_ = 0;
      reader.Restart();
    }
    struct stat opened {};
    struct stat named {};
    if (::fstat(fd_, &opened) != 0) return FileError(errno);
    if (!IsSafe(opened)) {
      Close();
      return {Kind::kUnsafe, 0, 0};
    }
    if (const int error = TakeLock(fd_); error != 0) return FileError(error);
    if (::lstat(path_.c_str(), &named) == 0 && SameFile(opened, named)) return {};
    Close();
  }
  return FileError(EAGAIN);
}

ApprovalError ApprovalJournal::Begin() {
  if (::ftruncate(fd_, 0) != 0) return FileError(errno);
  if (const int error = WriteAt(fd_, kHeader, 0); error != 0) {
    if (::ftruncate(fd_, 0) != 0) Close();  // a part of the header is seen as such next time
    return FileError(error);
  }
  if (sync_ && ::fsync(fd_) != 0) return FileError(errno);
  end_ = kHeader.size();
  return {};
}

ApprovalError ApprovalJournal::ReadNew(Reader& reader) {
  struct stat file {};
  if (::fstat(fd_, &file) != 0) return FileError(errno);
  const auto size = static_cast<uint64_t>(file.st_size);
  if (size < end_) return Damaged();  // nobody cuts whole lines
  if (size == end_ && end_ != 0) return {};
  std::string bytes;
  uint64_t offset = end_;
  for (;;) {
    const std::size_t before = bytes.size();
    std::size_t scanned = before;  // there is no line feed up to there
    bytes.resize(before + kChunk);
    const ssize_t got = ::pread(fd_, bytes.data() + before, kChunk, static_cast<off_t>(offset));
    bytes.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0) {
      if (errno == EINTR) continue;
      return FileError(errno);
    }
    if (got == 0) break;
    offset += static_cast<uint64_t>(got);
    if (end_ == 0) {
      const std::string_view start = std::string_view(bytes).substr(0, kHeader.size());
      if (start != kHeader.substr(0, start.size())) return {Kind::kForeign, 0, 1};
      if (start.size() < kHeader.size()) continue;
      bytes.erase(0, kHeader.size());
      end_ = kHeader.size();
      scanned = 0;
    }
    if (const ApprovalError error = TakeLines(bytes, scanned, reader); !error.ok()) return error;
    if (bytes.size() > kLineMax) return Damaged();
  }
  if (end_ == 0) return Begin();
  return bytes.empty() ? ApprovalError() : TakeTail(bytes, reader);
}

// Takes the whole lines from the front of `bytes`.
ApprovalError ApprovalJournal::TakeLines(std::string& bytes, std::size_t scanned, Reader& reader) {
  std::size_t begin = 0;
  for (;;) {
    const std::size_t feed = bytes.find('\n', begin == 0 ? scanned : begin);
    if (feed == std::string::npos) break;
    std::string_view body;
    uint32_t check = 0;
    const std::string_view line = std::string_view(bytes).substr(begin, feed - begin);
    if (!CheckHolds(line, body, check)) return Damaged();
    if (!reader.Apply(body)) return Damaged();
    check_ = check;
    ++lines_;
    end_ += line.size() + 1;
    begin = feed + 1;
  }
  bytes.erase(0, begin);
  return {};
}

// What comes after the last line feed. Whoever wrote it has not come to the end, or the disk has lost the
// end, which then reads as zeros.
ApprovalError ApprovalJournal::TakeTail(std::string_view tail, Reader& reader) {
  tail = tail.substr(0, tail.find_last_not_of('\0') + 1);
  // Inside of strings quotes are escaped, so this is where the line's own check begins.
  const std::size_t name = tail.find(kCheckName);
  if (name == std::string_view::npos || tail.size() - name < kCheckSize) {
    if (!tail.empty() && tail.front() != '{') return Damaged();
    return ::ftruncate(fd_, static_cast<off_t>(end_)) == 0 ? ApprovalError() : FileError(errno);
  }
  // A whole line that lacks its line feed counts, since what it says may be that something was used.
  std::string_view body;
  uint32_t check = 0;
  if (!CheckHolds(tail, body, check)) return Damaged();
  const uint64_t end = end_ + tail.size();
  if (::ftruncate(fd_, static_cast<off_t>(end)) != 0) return FileError(errno);
  if (const int error = WriteAt(fd_, "\n", end); error != 0) return FileError(error);
  if (!reader.Apply(body)) return Damaged();
  check_ = check;
  ++lines_;
  end_ = end + 1;
  return {};
}

// `body` is the line up to its check.
bool ApprovalJournal::CheckHolds(std::string_view line, std::string_view& body, uint32_t& check) const {
  if (line.size() < kCheckSize) return false;
  body = line.substr(0, line.size() - kCheckSize);
  const std::string_view end = line.substr(body.size());
  std::array<uint8_t, 4> bytes{};
  if (!end.starts_with(kCheckName) || !end.ends_with("\"}") ||
      !FromHex(end.substr(kCheckName.size(), 8), bytes)) {
    return false;
  }
  check = CheckOf(check_, body);
  return bytes == BytesOf(check);
}

std::string ApprovalJournal::Seal(std::span<const std::string> bodies, uint32_t& check) const {
  std::string lines;
  for (const std::string& body : bodies) {
    check = CheckOf(check, body);
    lines.append(body).append(kCheckName).append(ToHex(BytesOf(check))).append("\"}\n");
  }
  return lines;
}

ApprovalError ApprovalJournal::Append(std::span<const std::string> bodies, bool& written) {
  written = false;
  uint32_t check = check_;
  const std::string lines = Seal(bodies, check);
  if (const int error = WriteAt(fd_, lines, end_); error != 0) {
    // If this fails, too, the next operation reads all of the file and cuts off what is no whole line.
    if (::ftruncate(fd_, static_cast<off_t>(end_)) != 0) Close();
    return FileError(error);
  }
  written = true;
  check_ = check;
  lines_ += bodies.size();
  end_ += lines.size();
  if (sync_ && ::fsync(fd_) != 0) return FileError(errno);
  return {};
}

bool ApprovalJournal::Rewrite(std::span<const std::string> bodies) {
  struct stat old {};
  if (::fstat(fd_, &old) != 0 || old.st_uid != ::geteuid()) return false;
  const std::string temporary = path_ + ".new";
  ::unlink(temporary.c_str());  // of a process that ended meanwhile; nobody else writes it, by the lock
  const int fd =
      ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (fd < 0) return false;
  uint32_t check = 0;
  const std::string lines = std::string(kHeader) + Seal(bodies, check);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::fchmod(fd, old.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) != 0 ||
      WriteAt(fd, lines, 0) != 0 || ::fsync(fd) != 0 || ::rename(temporary.c_str(), path_.c_str()) != 0) {
    ::unlink(temporary.c_str());
    ::close(fd);
    return false;
  }
  Close();
  fd_ = fd;
  end_ = lines.size();
  lines_ = bodies.size();
  check_ = check;
  return true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
