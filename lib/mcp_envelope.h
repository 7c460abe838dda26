#ifndef CALLWARDEN_LIB_MCP_ENVELOPE_H_
#define CALLWARDEN_LIB_MCP_ENVELOPE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/mcp.h"

#include "lib/arguments_ahead.h"
#include "lib/mcp_json.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace internal {

using callwarden::internal::JsonCursor;
using callwarden::internal::JsonText;

/// What a client says that it can do.
struct Capabilities {
  bool elicitation = false;
  bool form = false;  ///< as the revisions that know modes mean it: an empty object means form
  bool url = false;
};

/// A value that is there, by its bytes.
struct RawValue {
  std::string_view bytes;  ///< empty: not there
  bool present() const noexcept { return !bytes.empty(); }
  char first() const noexcept { return bytes.empty() ? '\0' : bytes.front(); }
  bool IsObject() const noexcept { return first() == '{'; }
  bool IsString() const noexcept { return first() == '"'; }
};

/// A request's id. Two ids are the same request's when type and value are the same.
struct MessageId {
  enum class Kind : uint8_t { kAbsent, kIllegal, kInteger, kString };
  Kind kind = Kind::kAbsent;
  std::string_view raw;   ///< as written
  int64_t integer = 0;    ///< within +-(2^53-1)
  std::string_view text;  ///< what a string says
  bool legal() const noexcept { return kind == Kind::kInteger || kind == Kind::kString; }
  bool operator==(const MessageId& other) const noexcept {
    return kind == other.kind && integer == other.integer && text == other.text;
  }
};

/// The parts of one message that somebody acts on. Views of the message, or of the cursor that read it.
struct Envelope {
  bool is_object = false;
  bool version_ok = false;  ///< `jsonrpc` is exactly "2.0"
  bool root_variant = false;
  bool id_doubtful = false;  ///< more than one id, or a variant of one
  MessageId id;
  RawValue method_value;
  JsonText method;  ///< when method_value is a string
  RawValue params, result, error;

  // Of `params`, when it is an object.
  bool params_variant = false;
  RawValue name_value;
  JsonText name;
  RawValue arguments;
  /// Whether `arguments` is an object that nobody has read yet: whoever forwards the message has it read.
  bool arguments_unread = false;
  uint64_t arguments_ahead = 0;  ///< from ArgumentsReading, for the decision
  RawValue meta;
  bool modern = false;  ///< `_meta` has a protocol version
  bool meta_broken = false;
  bool has_capabilities = false;
  Capabilities capabilities;
  RawValue request_state, input_responses, request_id, client_capabilities, notifications;

  // Of `result`, when it is an object.
  bool result_fault = false;  ///< one of these is there twice
  bool list_fault = false;    ///< there is a variant of `tools` or `cacheScope`
  RawValue is_error, result_type, task, tools, cache_scope, state, protocol_version, server_capabilities;

  bool is_request_or_notification() const noexcept { return method_value.present(); }
};

/// Reads the arguments of calls in the middle of their message, strictly, so that they are read once.
class ArgumentsReading {
 public:
  /// What has come of a message, and its text from the opening brace of `params.arguments` on. Number and
  /// size 0: they are not read now.
  virtual callwarden::internal::ArgumentsAhead Read(const Envelope& envelope,
                                                    std::string_view text) noexcept = 0;

 protected:
  ~ArgumentsReading() = default;
};

/// Reads a message of the client: strict throughout, but for `params.arguments` that `reading` (unless null)
/// does not read, which the policy's reader is to read then. The envelope comes as it is made. False: the
/// cursor says why; then nothing of the envelope holds.
bool ReadFromClient(JsonCursor& cursor, std::string_view text, uint32_t depth_max, Envelope& envelope,
                    ArgumentsReading* reading = nullptr) noexcept;
/// Reads a message of the server: its root strictly, results by grammar only.
bool ReadFromServer(JsonCursor& cursor, std::string_view text, uint32_t depth_max,
                    Envelope& envelope) noexcept;

/// Reads an id from its bytes, which are one valid JSON value.
MessageId ReadId(JsonCursor& cursor, std::string_view bytes) noexcept;
/// Reads `clientCapabilities`, or what `initialize` has of them; the cursor stands before the value.
bool ReadCapabilities(JsonCursor& cursor, Capabilities& capabilities) noexcept;

/// Finds a member of an object that has been read before; nothing when there is none or it is no object.
RawValue FindMember(JsonCursor& cursor, std::string_view object, std::string_view name) noexcept;
/// Whether a value is the JSON string that says `text` exactly.
bool SaysExactly(JsonCursor& cursor, RawValue value, std::string_view text) noexcept;

/// Whether a name would be taken for `name` by somebody who ignores case, or stops at NUL.
bool IsVariant(std::string_view found, std::string_view name) noexcept;
/// Likewise for methods, where white space around it might be ignored as well.
bool IsNearMethod(std::string_view found, std::string_view method) noexcept;

}  // namespace internal
}  // namespace mcp
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MCP_ENVELOPE_H_
