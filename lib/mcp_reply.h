#ifndef CALLWARDEN_LIB_MCP_REPLY_H_
#define CALLWARDEN_LIB_MCP_REPLY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/mcp.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace internal {

/// The error codes that are ever emitted.
enum class Code : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kCapabilityMissing = -32021,
  kUrlElicitation = -32042,
};

/// What a refusal says that comes from this layer rather than from the policy.
enum class Override : uint8_t { kNone = 0, kDeclined, kExpired, kInternalError };

/// Appends `text` as the inside of a JSON string: escaped, control characters (C1 too) as spaces, bytes that
/// are not UTF-8 as U+FFFD, and at most `size_max` bytes of the text, cut between code points.
void AppendEscaped(std::string& out, std::string_view text, std::size_t size_max);

// Each appends a whole message.
void AppendError(std::string& out, std::string_view id, Code code, std::string_view message);
void AppendDenial(std::string& out, std::string_view id, std::string_view tool, const Verdict& verdict,
                  std::string_view approval_id, Era era, const ReplyOptions& options, Override reason);
/// Appends the inside of `_meta`, text and all: the `result` object.
void AppendDenialResult(std::string& out, const Verdict& verdict, std::string_view approval_id, Era era,
                        const ReplyOptions& options, Override reason);

/// What a person is asked: `Approve NAME?`, and why if the policy's author says so. Escaped.
void AppendQuestion(std::string& out, std::string_view tool, const Verdict& verdict);
/// The place where people approve, escaped.
void AppendUrl(std::string& out, std::string_view url, std::string_view approval_id);

}  // namespace internal
}  // namespace mcp
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MCP_REPLY_H_
