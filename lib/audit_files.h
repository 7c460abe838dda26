#ifndef CALLWARDEN_LIB_AUDIT_FILES_H_
#define CALLWARDEN_LIB_AUDIT_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/config.h"

#include "lib/audit_chain.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The files of one log, as their only writer sees them. docs/operations.md tells their names.
///
/// Thread safety: one thread. Errors: an errno, 0 when all went well; nothing is half done but what is said.
class AuditFiles {
 public:
  AuditFiles(std::string directory, std::string name);
  AuditFiles(const AuditFiles&) = delete;  // holds descriptors and a lock
  AuditFiles& operator=(const AuditFiles&) = delete;
  ~AuditFiles();

  /// What an earlier writer left.
  struct Found {
    ChainEnd end;
    std::string torn_file;   ///< name of the file that a torn line was cut off; empty: none
    uint64_t cut_bytes = 0;  ///< of it
    std::string damaged;     ///< name of the last file, when its last line is none of the log's; empty: fine
    Timestamp begun{};       ///< stamp of the file that is gone on with
  };
  /// Takes the lock, and goes on with the last file if that has less than `size_max` bytes (0: any) and can
  /// be gone on with; otherwise no file is open afterwards.
  int Open(uint64_t size_max, Found& found);
  /// Begins the next file, which no file of that name existed before; the file before is closed. On failure
  /// the file before stays open.
  int Begin(Timestamp now);

  bool is_open() const noexcept { return file_ >= 0; }
  uint64_t size() const noexcept { return size_; }
  /// Appends all of it, or nothing: what a failed write left is cut off again. If that fails as well the file
  /// is given up, and is_open() is false.
  int Append(std::string_view bytes) noexcept;
  int Sync() noexcept;
  int SyncDirectory() noexcept;
  /// Whether the open file's name no longer leads to it: it was removed or moved away.
  bool Displaced() const noexcept;
  /// Gives the file up; the next Begin makes another.
  void Close() noexcept;

 private:
  int TakeLock();
  int List(std::vector<uint64_t>& numbers, std::vector<std::string>& names) const;
  std::string PathOf(std::string_view file) const { return directory_ + "/" + std::string(file); }

  const std::string directory_;
  const std::string name_;
  int lock_ = -1;
  int file_ = -1;
  std::string path_;     // of the open file
  uint64_t number_ = 0;  // of the last file
  uint64_t size_ = 0;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_FILES_H_
