#ifndef CALLWARDEN_LIB_AUDIT_ARGUMENTS_H_
#define CALLWARDEN_LIB_AUDIT_ARGUMENTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/audit.h"
#include "callwarden/config.h"

#include "lib/audit_chain.h"
#include "lib/audit_record.h"
#include "lib/audit_text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What the log says of a call's arguments without telling them: names, a keyed digest, and the values of
/// those paths that the host has named.
///
/// Thread safety: one thread. Allocation: the longest canonical arguments, kept.
class AuditArguments {
 public:
  explicit AuditArguments(const JsonlAuditOptions& options);

  /// How many of the options' paths are none.
  std::size_t bad_paths() const noexcept { return bad_paths_; }
  /// Appends the members `args_names`, `args_digest`, `args_malformed` and `args`, as far as there is
  /// something to say. `arguments` is what was packed.
  void Members(ArgumentsState state, std::string_view arguments, AuditOut& out);

 private:
  struct Path {
    std::string text;
    std::vector<std::string> names;  // as canonical JSON strings, with their quotes
  };
  void Canonical(std::string_view canonical, AuditOut& out);
  void Digest(std::string_view bytes, AuditOut& out) noexcept;

  AuditHasher hasher_;
  std::optional<HashText> empty_digest_;
  std::vector<Path> paths_;
  std::size_t bad_paths_ = 0;
  std::string canonical_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_ARGUMENTS_H_
