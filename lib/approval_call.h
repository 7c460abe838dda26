#ifndef CALLWARDEN_LIB_APPROVAL_CALL_H_
#define CALLWARDEN_LIB_APPROVAL_CALL_H_

#include <optional>
#include <string_view>

#include "callwarden/approvals.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// DigestCall for one whose arguments are canonical already. Absent without memory.
std::optional<CallDigest> DigestOf(const ToolCall& call, std::string_view canonical_arguments) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_APPROVAL_CALL_H_
