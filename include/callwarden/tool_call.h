#ifndef CALLWARDEN_TOOL_CALL_H_
#define CALLWARDEN_TOOL_CALL_H_

#include <optional>
#include <span>
#include <string_view>

#include "callwarden/arguments.h"
#include "callwarden/attribute.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

/// One call that is about to be dispatched, as borrowed views.
///
/// Thread safety: a value. Ownership: borrows everything until the decision has been returned.
/// Who says what: tool and arguments come from the model and are hostile; grant, session, attributes and
/// context are the host's word and must never be taken from arguments or from what a client claims.
struct ToolCall {
  /// The tool's name, exactly as it will be dispatched.
  std::string_view tool = {};
  /// The arguments as JSON text, exactly as they will be dispatched. Absent (nullopt) means no arguments,
  /// which is read as `{}`; empty text is not absent and is refused. Needs no padding and no terminator.
  std::optional<std::string_view> arguments = {};
  /// Arguments that the host has parsed already; used instead of `arguments`, which must then be absent.
  const ArgumentSource* parsed_arguments = nullptr;
  /// Id of the grant; empty means none. Readable in policies as `grant.id`.
  std::string_view grant = {};
  /// Id of the session; empty means none. Readable in policies as `context.session`.
  std::string_view session = {};
  /// Attributes of the grant, readable as `grant.NAME`.
  std::span<const Attribute> grant_attributes = {};
  /// Attributes of this call, readable as `context.NAME`.
  std::span<const Attribute> context = {};
  /// True when the host has made sure that a person approved exactly this call (this tool with these
  /// arguments, for this grant and session) and that this approval has not been used before.
  bool approved = false;
  /// Id of an approval that comes with the call; empty means none. A Gate checks and consumes it;
  /// CompiledPolicy::Decide, which keeps no approvals, ignores it.
  std::string_view approval = {};
  /// What an earlier run of the call left to go on with, such as the state of an MCP server that asked back;
  /// empty: a new call. An approval of the call does not cover it, nor one of it the call.
  std::string_view continuation = {};
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_TOOL_CALL_H_
