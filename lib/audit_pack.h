#ifndef CALLWARDEN_LIB_AUDIT_PACK_H_
#define CALLWARDEN_LIB_AUDIT_PACK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/audit.h"
#include "callwarden/config.h"

#include "lib/audit_record.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A decision that is about to be packed: first its size is known, then there is a place for it.
///
/// Thread safety: one thread. Ownership: borrows the record. Allocation: none.
class DecisionPacker {
 public:
  /// `arguments` is what is packed of them, as `state` says; `size_max` bounds the whole. With `whole_call`
  /// the attributes are packed too.
  DecisionPacker(const AuditRecord& record, ArgumentsState state, std::string_view arguments, bool whole_call,
                 std::size_t size_max) noexcept;
  std::size_t size() const noexcept { return head_.size; }
  void Pack(std::byte* place) const noexcept;

 private:
  void TakeText(AuditText which, std::string_view text) noexcept;

  const AuditRecord& record_;
  std::string_view arguments_;
  PackedRecord head_;
  std::array<std::string_view, kTextCount> texts_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_PACK_H_
