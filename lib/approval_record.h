#ifndef CALLWARDEN_LIB_APPROVAL_RECORD_H_
#define CALLWARDEN_LIB_APPROVAL_RECORD_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "callwarden/approvals.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// One change of an approval, as it is written down. Which members of `approval` count depends on `kind`.
struct ApprovalRecord {
  enum class Kind : uint8_t {
    kRequest,  ///< all that is known when it is asked for; `at` is requested_at
    kApprove,  ///< id, answered_by, note, expires_at; `at` is answered_at
    kDeny,     ///< id, answered_by, note; `at` is answered_at
    kExpire,   ///< id
    kUse,      ///< id
    kKeep,     ///< all of it: where it stood when the file was rewritten; `at` is when it ended, if it has
  };
  Kind kind = Kind::kRequest;
  Timestamp at{};
  std::chrono::nanoseconds wait{};  ///< kRequest, kKeep: how long it may wait
  Approval approval;
};

/// The record as a JSON object without its closing brace, so that a check can be added.
std::string EncodeApprovalRecord(const ApprovalRecord& record);
/// Reads what EncodeApprovalRecord wrote; nothing on any other text.
std::optional<ApprovalRecord> DecodeApprovalRecord(std::string_view text);

/// `text` with every byte that is no UTF-8 as U+FFFD, cut to at most `size` bytes between code points.
std::string Utf8Prefix(std::string_view text, std::size_t size);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_APPROVAL_RECORD_H_
