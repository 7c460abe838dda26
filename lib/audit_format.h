#ifndef CALLWARDEN_LIB_AUDIT_FORMAT_H_
#define CALLWARDEN_LIB_AUDIT_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "callwarden/audit.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"

#include "lib/audit_arguments.h"
#include "lib/audit_chain.h"
#include "lib/audit_record.h"
#include "lib/audit_text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Writes the lines of the log, each chained to the one before; docs/operations.md describes them.
///
/// Thread safety: one thread. Allocation: what the longest line and the longest arguments need, kept.
/// Errors: false when there was no memory or no hash; `out` and `end` are then as they were.
class AuditFormatter {
 public:
  explicit AuditFormatter(const JsonlAuditOptions& options);
  std::size_t bad_paths() const noexcept { return arguments_.bad_paths(); }

  /// A packed record.
  bool Record(const std::byte* packed, ChainEnd& end, AuditOut& out);
  /// The sink begins to write into a file.
  bool Start(Timestamp now, ChainEnd& end, AuditOut& out) noexcept;
  /// So many records were left out before this line.
  bool Gap(Timestamp now, uint64_t dropped, uint64_t refused, ChainEnd& end, AuditOut& out) noexcept;
  /// What an earlier process left behind was not whole: so many bytes of a torn line were cut off `file`, or
  /// its last line is none of the log's.
  bool Recovered(Timestamp now, std::string_view file, uint64_t cut_bytes, bool damaged, ChainEnd& end,
                 AuditOut& out) noexcept;

 private:
  bool Chain(std::size_t line_begin, bool numbered, ChainEnd& end, AuditOut& out) noexcept;

  bool whole_call_;
  bool digest_key_given_;
  AuditHasher chain_;
  AuditArguments arguments_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_FORMAT_H_
