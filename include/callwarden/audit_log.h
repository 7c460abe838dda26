#ifndef CALLWARDEN_AUDIT_LOG_H_
#define CALLWARDEN_AUDIT_LOG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

struct AuditVerifyOptions {
  /// The key that the log was chained with (JsonlAuditOptions::chain_key). Absent: it was chained without.
  std::optional<std::array<uint8_t, 32>> chain_key = {};
  /// Longest line, which is held in memory; a longer one is an error. A line with arguments of 1 MiB may be
  /// six times as long when all of it is escaped.
  std::size_t line_size_max_bytes = std::size_t{64} << 20;
};

/// The first line of a log that is not as it was written.
struct AuditLogError {
  std::string file;       ///< as it was named to BeginFile
  uint64_t line = 0;      ///< 1-based; of a file that ends within a line, that line
  uint64_t sequence = 0;  ///< what the line says, which may be part of the lie; 0: nothing that can be read
  std::string message;    ///< one line, lower case, without a final period
};

/// What a verified log, or the part of it before the first error, holds.
struct AuditLogSummary {
  std::optional<AuditLogError> error;
  uint64_t files = 0;
  uint64_t lines = 0;
  uint64_t records = 0;  ///< decisions and completions
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  std::string last_hash;         ///< of the last line; empty without lines
  bool from_beginning = false;   ///< the first line is the first that the log ever had
  uint64_t gaps = 0;             ///< `gap` lines
  uint64_t records_missing = 0;  ///< dropped and refused, as the gap lines tell
  uint64_t recoveries = 0;       ///< `recovered` lines

  bool ok() const noexcept { return !error.has_value(); }
};

/// Checks that the lines of an audit log stand as a JsonlAuditSink wrote them: none changed, removed, added
/// or moved. What it proves, and what it cannot see, is told in docs/operations.md, "Audit log": without a
/// key whoever can write the files can write another log, and lines cut off the end leave a log that is
/// whole; compare `last_hash` and `last_sequence` with what was kept elsewhere (AuditLogEnd).
///
/// Thread safety: one thread at a time. Ownership: owns what it keeps; files are the caller's to read.
/// Allocation: the longest line that comes in pieces. Errors: nothing throws. Complexity: linear.
class CALLWARDEN_EXPORT AuditLogVerifier {
 public:
  explicit AuditLogVerifier(AuditVerifyOptions options = {});
  AuditLogVerifier(const AuditLogVerifier&) = delete;  // one walk over one log
  AuditLogVerifier& operator=(const AuditLogVerifier&) = delete;
  ~AuditLogVerifier();

  /// The next file, in the order of the log; the one before is at its end.
  void BeginFile(std::string_view name);
  /// The file's next bytes, in pieces of any size. False once there is an error.
  bool Add(std::string_view bytes);
  /// The log is at its end.
  [[nodiscard]] AuditLogSummary Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_AUDIT_LOG_H_
