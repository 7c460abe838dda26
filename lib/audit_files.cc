#include "lib/audit_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/audit_text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr std::size_t kNumberDigits = 8;
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kStampSize = 16;  // 20260301T103000Z
constexpr mode_t kFileMode = 0600;

bool AreDigits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <class T>
T NumberIn(std::string_view digits) noexcept {
  T value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// The number and stamp of NAME-00000001-20260301T103000Z.jsonl; nothing for any other name.
struct LogFileName {
  uint64_t number = 0;
  Timestamp stamp{};
};
std::optional<LogFileName> ReadFileName(std::string_view file, std::string_view name) noexcept {
  if (!file.starts_with(name) || !file.ends_with(kSuffix)) return std::nullopt;
  file.remove_prefix(name.size());
  file.remove_suffix(std::min(kSuffix.size(), file.size()));
  if (file.size() < 2 + kNumberDigits + kStampSize || file.front() != '-') return std::nullopt;
  const std::string_view stamp = file.substr(file.size() - kStampSize);
  const std::string_view number = file.substr(1, file.size() - 2 - kStampSize);
  if (file[file.size() - kStampSize - 1] != '-' || !AreDigits(number) || number.size() > 18) {
    return std::nullopt;
  }
  if (!AreDigits(stamp.substr(0, 8)) || stamp[8] != 'T' || !AreDigits(stamp.substr(9, 6)) ||
      stamp[15] != 'Z') {
    return std::nullopt;
  }
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::year;
  const std::chrono::year_month_day date(year(NumberIn<int>(stamp.substr(0, 4))),
                                         month(NumberIn<unsigned>(stamp.substr(4, 2))),
                                         day(NumberIn<unsigned>(stamp.substr(6, 2))));
  const int64_t second = NumberIn<int64_t>(stamp.substr(9, 2)) * 3600 +
                         NumberIn<int64_t>(stamp.substr(11, 2)) * 60 + NumberIn<int64_t>(stamp.substr(13, 2));
  LogFileName read;
  read.number = NumberIn<uint64_t>(number);
  if (date.ok() && date.year() >= year(1970) && date.year() < year(2262)) {
    read.stamp = std::chrono::sys_days(date) + std::chrono::seconds(second);
  }
  return read;
}

std::string FileName(std::string_view name, uint64_t number, Timestamp now) {
  std::string digits = std::to_string(number);
  if (digits.size() < kNumberDigits) digits.insert(0, kNumberDigits - digits.size(), '0');
  AuditOut stamp;
  stamp.Stamp(now);
  std::string file(name);
  return file.append("-").append(digits).append("-").append(stamp.text()).append(kSuffix);
}

int ReadAt(int file, uint64_t offset, std::size_t size, char* out) noexcept {
  while (size > 0) {
    const ssize_t got = pread(file, out, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return EIO;  // somebody made it shorter
    out += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return 0;
}

/// The offset after the last line feed before `end`; 0 when there is none.
int FindLineBegin(int file, uint64_t end, uint64_t& begin) noexcept {
  std::array<char, 16384> block;
  while (end > 0) {
    const std::size_t size = static_cast<std::size_t>(std::min<uint64_t>(end, block.size()));
    if (const int error = ReadAt(file, end - size, size, block.data()); error != 0) return error;
    const std::size_t at = std::string_view(block.data(), size).rfind('\n');
    if (at != std::string_view::npos) {
      begin = end - size + at + 1;
      return 0;
    }
    end -= size;
  }
  begin = 0;
  return 0;
}

/// What stands at the end of a file: the last whole line, and where it ends.
struct Tail {
  uint64_t size = 0;
  uint64_t whole_size = 0;  // without a torn line
  bool is_line = false;     // the last whole line is one of the log's
  ChainEnd end;
};
int ReadTail(int file, Tail& tail) {
  constexpr uint64_t kLineMax = uint64_t{1} << 30;
  struct stat status;
  if (fstat(file, &status) != 0) return errno;
  tail.size = static_cast<uint64_t>(status.st_size);
  if (const int error = FindLineBegin(file, tail.size, tail.whole_size); error != 0) return error;
  if (tail.whole_size == 0) return 0;
  uint64_t begin = 0;
  if (const int error = FindLineBegin(file, tail.whole_size - 1, begin); error != 0) return error;
  if (tail.whole_size - begin > kLineMax) return 0;
  std::string line(static_cast<std::size_t>(tail.whole_size - 1 - begin), '\0');
  if (const int error = ReadAt(file, begin, line.size(), line.data()); error != 0) return error;
  ChainLink link;
  tail.is_line = ReadChainLink(line, link);
  if (!tail.is_line) return 0;
  tail.end.next = link.seq + (link.numbered ? 1 : 0);
  std::copy(link.hash.begin(), link.hash.end(), tail.end.hash.begin());
  return 0;
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }
  int Take() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

}  // namespace

AuditFiles::AuditFiles(std::string directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {}

AuditFiles::~AuditFiles() {
  Close();
  if (lock_ >= 0) close(lock_);
}

int AuditFiles::TakeLock() {
  if (lock_ >= 0) return 0;
  Descriptor lock(open(PathOf(name_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (lock.get() < 0) return errno;
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return errno;
  lock_ = lock.Take();
  return 0;
}

int AuditFiles::List(std::vector<uint64_t>& numbers, std::vector<std::string>& names) const {
  DIR* const directory = opendir(directory_.c_str());
  if (directory == nullptr) return errno;
  std::vector<std::pair<uint64_t, std::string>> files;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    if (const auto read = ReadFileName(entry->d_name, name_)) files.emplace_back(read->number, entry->d_name);
    errno = 0;
  }
  const int error = errno;
  closedir(directory);
  std::sort(files.begin(), files.end());
  for (auto& [number, file] : files) {
    numbers.push_back(number);
    names.push_back(std::move(file));
  }
  return error;
}

int AuditFiles::Open(uint64_t size_max, Found& found) {
  found = {};
  if (const int error = TakeLock(); error != 0) return error;
  std::vector<uint64_t> numbers;
  std::vector<std::string> names;
  if (const int error = List(numbers, names); error != 0) return error;
  if (names.empty()) return 0;
  number_ = numbers.back();
  Descriptor last(open(PathOf(names.back()).c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  if (last.get() < 0) return errno;
  Tail tail;
  if (const int error = ReadTail(last.get(), tail); error != 0) return error;
  const bool damaged = tail.whole_size > 0 && !tail.is_line;
  if (damaged) {  // not ours to mend: it is left as it is, and the log begins anew
    found.damaged = names.back();
    return 0;
  }
  if (tail.whole_size < tail.size) {
    if (ftruncate(last.get(), static_cast<off_t>(tail.whole_size)) != 0) return errno;
    found.torn_file = names.back();
    found.cut_bytes = tail.size - tail.whole_size;
  }
  const uint64_t size = tail.whole_size;
  // A file that was begun and never written: the chain ends in one before it.
  for (std::size_t i = names.size() - 1; tail.whole_size == 0 && i > 0; --i) {
    const Descriptor before(open(PathOf(names[i - 1]).c_str(), O_RDONLY | O_CLOEXEC));
    if (before.get() < 0) return errno;
    tail = {};
    if (const int error = ReadTail(before.get(), tail); error != 0) return error;
    if (tail.whole_size > 0 && !tail.is_line) found.damaged = names[i - 1];
  }
  found.end = tail.end;
  found.begun = ReadFileName(names.back(), name_)->stamp;
  if (size_max != 0 && size >= size_max) return 0;
  path_ = PathOf(names.back());
  size_ = size;
  file_ = last.Take();
  return 0;
}

int AuditFiles::Begin(Timestamp now) {
  for (;;) {
    const std::string path = PathOf(FileName(name_, number_ + 1, now));
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, kFileMode);
    if (file < 0 && errno != EEXIST) return errno;
    ++number_;
    if (file < 0) continue;
    Close();
    file_ = file;
    path_ = path;
    size_ = 0;
    return 0;
  }
}

int AuditFiles::Append(std::string_view bytes) noexcept {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(file_, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = written == 0 ? ENOSPC : errno;
      if (done > 0 && ftruncate(file_, static_cast<off_t>(size_)) != 0) Close();
      return error;
    }
    done += static_cast<std::size_t>(written);
  }
  size_ += bytes.size();
  return 0;
}

int AuditFiles::Sync() noexcept {
  if (file_ < 0) return 0;
  while (fdatasync(file_) != 0) {
    if (errno == EINVAL) return 0;  // a file system that has nothing to force
    if (errno != EINTR) return errno;
  }
  return 0;
}

int AuditFiles::SyncDirectory() noexcept {
  const Descriptor directory(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) return errno == EINVAL ? 0 : errno;
  return 0;
}

bool AuditFiles::Displaced() const noexcept {
  struct stat by_name;
  struct stat by_descriptor;
  if (fstat(file_, &by_descriptor) != 0) return true;
  if (stat(path_.c_str(), &by_name) != 0) return true;
  return by_name.st_ino != by_descriptor.st_ino || by_name.st_dev != by_descriptor.st_dev;
}

void AuditFiles::Close() noexcept {
  if (file_ >= 0) close(std::exchange(file_, -1));
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
