#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callwarden/memory_counter_store.h"

#include "lib/crc32c.h"
#include "lib/memory_store_impl.h"
#include "lib/siphash.h"

// The file, every number little-endian:
//   header   magic 8 | version 4 | flags 4 | written at, ns since the epoch 8 | records 8 | secret 16 |
//            check of the secret 16 | CRC-32C of all before 4
//   block    records in it 4 (1 to 256) | records of 40 | CRC-32C of all before 4
//   ...
//   trailer  magic 8 | records 8 | CRC-32C of all before 4
// A record is fp 8 | check 8 | word 8 | tolerance, ns 8 | tag of the spec 4 | format of the word 4.

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::Crc32c;
using internal::WordFormat;
using Kind = SnapshotError::Kind;
using Core = internal::CounterCore<internal::StdPolicy>;
using Record = Core::Record;

constexpr std::string_view kMagic = "CWCOUNT\n";
constexpr std::string_view kEndMagic = "CWCTEND\n";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kFlagSecret = 1;
constexpr std::size_t kHeaderSize = 68;
constexpr std::size_t kTrailerSize = 20;
constexpr std::size_t kRecordSize = 40;
constexpr std::size_t kBlockRecords = 256;
constexpr std::size_t kBlockSizeMax = 4 + kBlockRecords * kRecordSize + 4;

using Buffer = std::array<unsigned char, kBlockSizeMax>;

struct Header {
  uint32_t flags = 0;
  Timestamp written_at{};
  uint64_t records = 0;
  std::array<uint64_t, 2> secret{};
  std::array<uint64_t, 2> secret_check{};
};

SnapshotError Failure(Kind kind) noexcept { return {kind, 0}; }
SnapshotError FileFailure(int error) noexcept { return {Kind::kFile, error}; }

// Tells secrets apart without telling the secret.
std::array<uint64_t, 2> CheckOf(const std::array<uint64_t, 2>& secret) noexcept {
  internal::SipHasher128 hasher(secret);
  hasher.UpdatePrefixed("callwarden counter snapshot");
  return hasher.Finish();
}

class Writer {
 public:
  explicit Writer(unsigned char* out) noexcept : begin_(out), at_(out) {}
  void Bytes(std::string_view bytes) noexcept { at_ = std::copy(bytes.begin(), bytes.end(), at_); }
  void U32(uint32_t value) noexcept { Number(value, 4); }
  void U64(uint64_t value) noexcept { Number(value, 8); }
  void Crc() noexcept { U32(Crc32c(begin_, size())); }
  std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

 private:
  void Number(uint64_t value, unsigned bytes) noexcept {
    for (unsigned b = 0; b < bytes; ++b) *at_++ = static_cast<unsigned char>(value >> (8 * b));
  }
  unsigned char* begin_;
  unsigned char* at_;
};

class Reader {
 public:
  explicit Reader(const unsigned char* in) noexcept : begin_(in), at_(in) {}
  bool Matches(std::string_view bytes) noexcept {
    const bool equal = std::equal(bytes.begin(), bytes.end(), at_,
                                  [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
    at_ += bytes.size();
    return equal;
  }
  uint32_t U32() noexcept { return static_cast<uint32_t>(Number(4)); }
  uint64_t U64() noexcept { return Number(8); }
  bool CrcHolds() noexcept {
    const uint32_t crc = Crc32c(begin_, static_cast<std::size_t>(at_ - begin_));
    return U32() == crc;
  }

 private:
  uint64_t Number(unsigned bytes) noexcept {
    uint64_t value = 0;
    for (unsigned b = 0; b < bytes; ++b) value |= uint64_t{*at_++} << (8 * b);
    return value;
  }
  const unsigned char* begin_;
  const unsigned char* at_;
};

// Closes what it holds; the descriptor of one file.
class File {
 public:
  explicit File(int fd) noexcept : fd_(fd) {}
  File(const File&) = delete;  // owns the descriptor
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool open() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  // 0, or an errno. What close says matters after writing, on network file systems.
  int Close() noexcept { return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno; }

  int WriteAt(const unsigned char* data, std::size_t size, uint64_t offset) const noexcept {
    while (size > 0) {
      const ssize_t written = ::pwrite(fd_, data, size, static_cast<off_t>(offset));
      if (written < 0) {
        if (errno == EINTR) continue;
        return errno;
      }
      data += written;
      size -= static_cast<std::size_t>(written);
      offset += static_cast<uint64_t>(written);
    }
    return 0;
  }
  // Reads up to `size` bytes; fewer only at the end of the file.
  int ReadAt(unsigned char* data, std::size_t size, uint64_t offset, std::size_t& got) const noexcept {
    got = 0;
    while (got < size) {
      const ssize_t n = ::pread(fd_, data + got, size - got, static_cast<off_t>(offset + got));
      if (n < 0) {
        if (errno == EINTR) continue;
        return errno;
      }
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    return 0;
  }

 private:
  int fd_;
};

// A path beside another, and the folder of both; without allocating.
struct Paths {
  std::array<char, PATH_MAX> temporary{};
  std::array<char, PATH_MAX> folder{};

  bool Set(std::string_view path) noexcept {
    constexpr std::string_view kSuffix = ".XXXXXX";
    if (path.empty() || path.size() + kSuffix.size() >= temporary.size()) return false;
    std::copy(kSuffix.begin(), kSuffix.end(), std::copy(path.begin(), path.end(), temporary.begin()));
    const std::size_t slash = path.rfind('/');
    const std::string_view parent =
        slash == std::string_view::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
    std::copy(parent.begin(), parent.end(), folder.begin());
    return true;
  }
};

int SyncFolder(const char* folder) noexcept {
  File file(::open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.open()) return errno;
  return ::fsync(file.fd()) == 0 || errno == EINVAL ? 0 : errno;  // EINVAL: the file system has no such thing
}

void PutHeader(Writer& out, const Header& header) noexcept {
  out.Bytes(kMagic);
  out.U32(kVersion);
  out.U32(header.flags);
  out.U64(static_cast<uint64_t>(header.written_at.time_since_epoch().count()));
  out.U64(header.records);
  for (uint64_t part : header.secret) out.U64(part);
  for (uint64_t part : header.secret_check) out.U64(part);
  out.Crc();
}

SnapshotError GetHeader(const File& file, Header& header) noexcept {
  std::array<unsigned char, kHeaderSize> bytes{};
  std::size_t got = 0;
  if (const int error = file.ReadAt(bytes.data(), bytes.size(), 0, got); error != 0)
    return FileFailure(error);
  Reader in(bytes.data());
  if (got < kMagic.size() || !in.Matches(kMagic)) return Failure(Kind::kForeign);
  if (got < bytes.size()) return Failure(Kind::kDamaged);
  const uint32_t version = in.U32();
  header.flags = in.U32();
  header.written_at = Timestamp(std::chrono::nanoseconds(static_cast<int64_t>(in.U64())));
  header.records = in.U64();
  for (uint64_t& part : header.secret) part = in.U64();
  for (uint64_t& part : header.secret_check) part = in.U64();
  const bool intact = in.CrcHolds();
  if (version != kVersion) return Failure(intact ? Kind::kVersion : Kind::kDamaged);
  return intact ? SnapshotError() : Failure(Kind::kDamaged);
}

// Gathers records into blocks and writes them.
class BlockWriter {
 public:
  BlockWriter(const File& file, uint64_t offset) noexcept : file_(file), offset_(offset) {}

  void Add(const Record& record) noexcept {
    Writer out(block_.data() + 4 + held_ * kRecordSize);
    out.U64(record.fp);
    out.U64(record.check);
    out.U64(record.word);
    out.U64(static_cast<uint64_t>(record.tolerance_ns));
    out.U32(record.spec_tag);
    out.U32(static_cast<uint32_t>(record.format));
    ++records_;
    if (++held_ == kBlockRecords) Flush();
  }
  void Flush() noexcept {
    if (held_ == 0) return;
    Writer(block_.data()).U32(static_cast<uint32_t>(held_));
    const std::size_t size = 4 + held_ * kRecordSize;
    Writer(block_.data() + size).U32(Crc32c(block_.data(), size));
    Append(block_.data(), size + 4);
    held_ = 0;
  }
  void End() noexcept {
    Flush();
    Writer out(block_.data());
    out.Bytes(kEndMagic);
    out.U64(records_);
    out.Crc();
    Append(block_.data(), out.size());
  }
  uint64_t records() const noexcept { return records_; }
  int error() const noexcept { return error_; }

 private:
  void Append(const unsigned char* data, std::size_t size) noexcept {
    if (error_ == 0) error_ = file_.WriteAt(data, size, offset_);
    offset_ += size;
  }
  const File& file_;
  uint64_t offset_;
  std::size_t held_ = 0;
  uint64_t records_ = 0;
  int error_ = 0;
  Buffer block_;
};

bool Plausible(const Record& record, uint32_t format) noexcept {
  return record.fp != 0 && record.word != internal::kSealed && record.tolerance_ns >= 0 &&
         format < static_cast<uint32_t>(WordFormat::kGauge);
}

// Reads the file after its header, checking everything, and calls `f` with each record; stops when that
// returns false.
template <class F>
SnapshotError ReadRecords(const File& file, const Header& header, F&& f) noexcept {
  Buffer bytes;
  uint64_t offset = kHeaderSize;
  uint64_t left = header.records;
  std::size_t got = 0;
  while (left > 0) {
    const std::size_t count = std::min<uint64_t>(left, kBlockRecords);  // blocks but the last are full
    const std::size_t size = 4 + count * kRecordSize;
    if (const int error = file.ReadAt(bytes.data(), size + 4, offset, got); error != 0)
      return FileFailure(error);
    Reader check(bytes.data() + size);
    if (got < size + 4 || check.U32() != Crc32c(bytes.data(), size)) return Failure(Kind::kDamaged);
    Reader in(bytes.data());
    if (in.U32() != count) return Failure(Kind::kDamaged);
    for (std::size_t i = 0; i < count; ++i) {
      Record record;
      record.fp = in.U64();
      record.check = in.U64();
      record.word = in.U64();
      record.tolerance_ns = static_cast<int64_t>(in.U64());
      record.spec_tag = in.U32();
      const uint32_t format = in.U32();
      if (!Plausible(record, format)) return Failure(Kind::kDamaged);
      record.format = static_cast<WordFormat>(format);
      if (!f(record)) return Failure(Kind::kTooSmall);
    }
    offset += size + 4;
    left -= count;
  }
  if (const int error = file.ReadAt(bytes.data(), kTrailerSize + 1, offset, got); error != 0) {
    return FileFailure(error);
  }
  Reader in(bytes.data());
  const bool whole =
      got == kTrailerSize && in.Matches(kEndMagic) && in.U64() == header.records && in.CrcHolds();
  return whole ? SnapshotError() : Failure(Kind::kDamaged);
}

SnapshotError WriteFile(const File& file, const Core& core, const Clock& clock, Header& header) noexcept {
  BlockWriter blocks(file, kHeaderSize);
  core.ForEach(clock.Now(), [&](const Record& record) {
    if (record.format != WordFormat::kGauge) blocks.Add(record);  // no call in flight outlives the process
  });
  blocks.End();
  if (blocks.error() != 0) return FileFailure(blocks.error());
  // After the walk: a count that was dropped during it had ended by now, and Restore leaves out what has.
  header.written_at = clock.Now();
  header.records = blocks.records();
  std::array<unsigned char, kHeaderSize> bytes{};
  Writer out(bytes.data());
  PutHeader(out, header);
  if (const int error = file.WriteAt(bytes.data(), out.size(), 0); error != 0) return FileFailure(error);
  return ::fsync(file.fd()) == 0 ? SnapshotError() : FileFailure(errno);
}

}  // namespace

const char* SnapshotError::message() const noexcept {
  switch (kind) {
    case Kind::kNone:
      return "no error";
    case Kind::kUnavailable:
      return "the counter store has no memory";
    case Kind::kFile:
      return "the snapshot file could not be read or written";
    case Kind::kForeign:
      return "the file is not a snapshot of counters";
    case Kind::kVersion:
      return "the snapshot is in a format that this version does not read";
    case Kind::kDamaged:
      return "the snapshot is damaged or cut short";
    case Kind::kSecret:
      return "the snapshot was made with another secret";
    case Kind::kNotEmpty:
      return "the counter store holds counts already";
    case Kind::kTooSmall:
      return "the counter store has too little room for the snapshot";
  }
  return "unknown error";
}

SnapshotError MemoryCounterStore::Save(const char* path) const noexcept {
  if (impl_ == nullptr) return Failure(Kind::kUnavailable);
  Paths paths;
  if (path == nullptr || !paths.Set(path)) return FileFailure(path == nullptr ? EINVAL : ENAMETOOLONG);
  File file(::mkstemp(paths.temporary.data()));  // mode 0600: it holds the secret
  if (!file.open()) return FileFailure(errno);
  ::fcntl(file.fd(), F_SETFD, FD_CLOEXEC);

  Header header;
  header.secret_check = CheckOf(impl_->secret);
  if (!impl_->secret_given) {
    header.flags = kFlagSecret;
    header.secret = impl_->secret;
  }
  SnapshotError error = WriteFile(file, impl_->core, *impl_->clock, header);
  if (const int code = file.Close(); error.ok() && code != 0) error = FileFailure(code);
  if (error.ok() && ::rename(paths.temporary.data(), path) != 0) error = FileFailure(errno);
  if (!error.ok()) {
    ::unlink(paths.temporary.data());
    return error;
  }
  const int code = SyncFolder(paths.folder.data());
  return code == 0 ? SnapshotError() : FileFailure(code);
}

SnapshotError MemoryCounterStore::Restore(const char* path) noexcept {
  if (impl_ == nullptr) return Failure(Kind::kUnavailable);
  if (path == nullptr) return FileFailure(EINVAL);
  if (impl_->core.keys() != 0) return Failure(Kind::kNotEmpty);
  const File file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.open()) return FileFailure(errno);

  Header header;
  if (const SnapshotError error = GetHeader(file, header); !error.ok()) return error;
  if (const SnapshotError error = ReadRecords(file, header, [](const Record&) { return true; });
      !error.ok()) {
    return error;
  }
  const bool adopt = !impl_->secret_given;
  const bool has_secret = (header.flags & kFlagSecret) != 0;
  if ((adopt && !has_secret) || CheckOf(adopt ? header.secret : impl_->secret) != header.secret_check) {
    return Failure(Kind::kSecret);
  }

  // A count left out here had ended by `now`; the floors keep a clock that steps back from reviving it.
  const Timestamp now = std::max(header.written_at, impl_->clock->Now());
  const SnapshotError error = ReadRecords(file, header, [&](const Record& record) {
    return Core::Idle(record, now) || impl_->core.Put(record, now);
  });
  if (!error.ok()) {
    impl_->core.Clear();
    return error;
  }
  impl_->core.RaiseFloors(now);
  if (adopt) impl_->secret = header.secret;
  return error;
}

CALLWARDEN_NAMESPACE_END
