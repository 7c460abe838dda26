#include "callwarden/approvals.h"

#include "lib/approval_call.h"
#include "lib/canonical.h"
#include "lib/crypto.h"

CALLWARDEN_NAMESPACE_BEGIN

bool AppendCanonicalArguments(const ToolCall& call, std::string& out) {
  if (call.parsed_arguments == nullptr && !call.arguments.has_value()) {
    out.append("{}");
    return true;
  }
  if (call.parsed_arguments != nullptr && call.arguments.has_value()) return false;
  const std::size_t before = out.size();
  internal::CanonicalWriter writer(out);
  const bool read =
      call.parsed_arguments != nullptr ? writer.Walk(*call.parsed_arguments) : writer.Read(*call.arguments);
  if (!read) out.resize(before);
  return read;
}

std::optional<CallDigest> DigestCall(const ToolCall& call) {
  std::string arguments;
  if (!AppendCanonicalArguments(call, arguments)) return std::nullopt;
  return internal::DigestOf(call, arguments);
}

namespace internal {

std::optional<CallDigest> DigestOf(const ToolCall& call, std::string_view canonical_arguments) noexcept {
  Sha256 hash;
  const auto add = [&](std::string_view part) {
    hash.Add64(part.size());
    hash.Add(part);
  };
  for (const std::string_view part : {call.grant, call.session, call.tool, canonical_arguments}) add(part);
  if (!call.continuation.empty()) add(call.continuation);
  return hash.Finish();
}

}  // namespace internal

std::string_view Name(ApprovalState state) noexcept {
  switch (state) {
    case ApprovalState::kPending:
      return "pending";
    case ApprovalState::kApproved:
      return "approved";
    case ApprovalState::kDenied:
      return "denied";
    case ApprovalState::kExpired:
      return "expired";
    case ApprovalState::kUsed:
      return "used";
  }
  return {};
}

const char* ApprovalError::message() const noexcept {
  switch (kind) {
    case Kind::kNone:
      return "No error";
    case Kind::kUnknown:
      return "There is no such approval";
    case Kind::kState:
      return "The approval is not in a state that allows this";
    case Kind::kFull:
      return "Too many approvals wait already";
    case Kind::kMalformed:
      return "The call's arguments cannot be read";
    case Kind::kFile:
      return "The approvals file cannot be opened, locked, read or written";
    case Kind::kDamaged:
      return "The approvals file is damaged";
    case Kind::kForeign:
      return "The file is not an approvals file, or one of a later version";
    case Kind::kUnsafe:
      return "The approvals file is not a regular file that only its owner, this process's user, can write";
  }
  return "Unknown error";
}

CALLWARDEN_NAMESPACE_END
