// What comes from the client: docs of the rules are in ARCHITECTURE.md, "The MCP layer".
#include <algorithm>
#include <utility>

#include "lib/gate_impl.h"
#include "lib/mcp_session.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace {

using callwarden::internal::ArgumentsAhead;
using callwarden::internal::GateAccess;
using internal::Envelope;
using internal::JsonCursor;
using internal::MessageId;
using internal::Pending;

constexpr std::string_view kCallMethod = "tools/call";
constexpr std::string_view kListMethod = "tools/list";
constexpr std::string_view kStatePrefix = "cw1.";

bool HasControl(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool IsNearCallOrList(std::string_view method) noexcept {
  return method != kCallMethod && method != kListMethod &&
         (internal::IsNearMethod(method, kCallMethod) || internal::IsNearMethod(method, kListMethod));
}

// Reads the arguments of a call for the gate as soon as the message has named the tool, which is mostly
// before them.
class ReadingForGate final : public internal::ArgumentsReading {
 public:
  ReadingForGate(Gate* gate, std::string_view grant) noexcept : gate_(gate), grant_(grant) {}

  ArgumentsAhead Read(const Envelope& envelope, std::string_view text) noexcept override {
    const bool is_call = envelope.method_value.IsString() && envelope.method.value == kCallMethod;
    if (gate_ == nullptr || !is_call || !envelope.name_value.IsString()) return {};
    return GateAccess::ImplOf(*gate_).ReadAhead(grant_, envelope.name.value, text);
  }

 private:
  Gate* gate_;
  std::string_view grant_;
};

}  // namespace

void Session::Impl::FromClient(std::string_view message) {
  if (message.empty()) return;
  if (message.size() > options.message_size_max_bytes) {
    RefuseUnread(Code::kInvalidRequest, "Invalid Request: the message is too long");
    return;
  }
  cursor.Start(message, 1, /*strict=*/true);
  if (cursor.Peek() == '[') {
    ReadBatch(message);
  } else {
    ReadOne(message);
  }
}

// Answers what cannot be read, whose id nobody knows.
void Session::Impl::RefuseUnread(Code code, std::string_view text) {
  ReplyError(NoId(), code, text);
  Log(EventKind::kMessageRefused, text);
}

void Session::Impl::RefuseFailed(JsonCursor::Failure failure) {
  switch (failure) {
    case JsonCursor::Failure::kTooDeep:
      RefuseUnread(Code::kInvalidRequest, "Invalid Request: nested too deeply");
      break;
    case JsonCursor::Failure::kNoMemory:
      RefuseUnread(Code::kInternalError, "Internal error");
      break;
    case JsonCursor::Failure::kNone:
    case JsonCursor::Failure::kSyntax:
      RefuseUnread(Code::kParseError, "Parse error");
      break;
  }
}

void Session::Impl::Refuse(const Envelope& envelope, Code code, std::string_view text) {
  // What follows arguments that are no JSON means nothing, the id least of all.
  if (envelope.arguments_unread) {
    if (const auto failure = ReadArguments(envelope.arguments.bytes); failure != JsonCursor::Failure::kNone) {
      RefuseFailed(failure);
      return;
    }
  }
  const bool is_response =
      !envelope.method_value.present() && (envelope.result.present() || envelope.error.present());
  const bool no_id = envelope.id.kind == MessageId::Kind::kAbsent && !envelope.id_doubtful;
  if (is_response || no_id) {
    Log(EventKind::kMessageDropped, text);
    return;
  }
  const bool exact = envelope.id.legal() && !envelope.id_doubtful && pending.Find(envelope.id) == nullptr;
  ReplyError(exact ? envelope.id.raw : NoId(), code, text);
  Log(EventKind::kMessageRefused, text, exact ? envelope.id.raw : std::string_view());
}

void Session::Impl::ReadBatch(std::string_view message) {
  elements.clear();
  cursor.Start(message, options.depth_max, /*strict=*/true);
  bool many = false;
  bool nested = false;
  cursor.Enter();
  for (;;) {
    const JsonCursor::Step step = cursor.NextItem();
    if (step == JsonCursor::Step::kEnd) break;
    if (step == JsonCursor::Step::kMember) {
      nested |= cursor.Peek() == '[';
      const std::size_t begin = cursor.position();
      cursor.SkipValue();
      many |= elements.size() >= options.in_flight_max;
      if (!many) elements.push_back(cursor.Since(begin));
    }
    if (cursor.failure() != JsonCursor::Failure::kNone) break;
  }
  if (cursor.failure() != JsonCursor::Failure::kNone || !cursor.AtEnd()) {
    RefuseFailed(cursor.failure());
    return;
  }
  std::string_view wrong;
  if (revision != kBatches) {
    wrong = "Invalid Request: batches are not part of this revision";
  } else if (!MayFitALine(message)) {
    wrong = "Invalid Request: line break inside the message";
  } else if (elements.empty() || nested) {
    wrong = "Invalid Request: empty or nested batch";
  } else if (many) {
    wrong = "Invalid Request: too many messages in a batch";
  } else if (std::any_of(elements.begin(), elements.end(), [&](std::string_view element) {
               return internal::SaysExactly(again, internal::FindMember(inner, element, "method"),
                                            "initialize");
             })) {
    wrong = "Invalid Request: initialize in a batch";
  }
  if (!wrong.empty()) {
    RefuseUnread(Code::kInvalidRequest, wrong);
    return;
  }
  for (const std::string_view element : elements) ReadOne(element);
}

// Whether arguments that the envelope only passed over are one JSON object, duplicates and numbers aside.
JsonCursor::Failure Session::Impl::ReadArguments(std::string_view arguments) noexcept {
  constexpr uint32_t kDepthAbove = 2;  // of the message and of its params
  inner.Start(arguments, options.depth_max < kDepthAbove ? 0 : options.depth_max - kDepthAbove,
              /*strict=*/true);
  if (!inner.SkipValue() || !inner.AtEnd()) return inner.failure();
  return JsonCursor::Failure::kNone;
}

// The checks that concern every message. False: it has been answered.
bool Session::Impl::CheckRoot(const Envelope& envelope, bool below_fault) {
  std::string_view wrong;
  const bool has_method = envelope.method_value.present();
  if (cursor.fault_at_root()) {
    wrong = "Invalid Request: duplicate member or unrepresentable number";
  } else if (envelope.root_variant) {
    wrong = "Invalid Request: misspelt member";
  } else if (!envelope.version_ok) {
    wrong = "Invalid Request: jsonrpc must be \"2.0\"";
  } else if (has_method && (envelope.result.present() || envelope.error.present())) {
    wrong = "Invalid Request: method beside result or error";
  } else if (!has_method && envelope.result.present() == envelope.error.present()) {
    wrong = "Invalid Request: neither a request nor a response";
  } else if (has_method && !envelope.method_value.IsString()) {
    wrong = "Invalid Request: method must be a string";
  } else if (has_method && IsNearCallOrList(envelope.method.value)) {
    wrong = "Invalid Request: misspelt method";
  } else if (envelope.id.kind == MessageId::Kind::kIllegal) {
    wrong = "Invalid Request: id must be a string or an integer";
  } else if (!has_method && envelope.id.kind == MessageId::Kind::kAbsent) {
    wrong = "Invalid Request: a response without an id";
  } else if (has_method && envelope.id.legal() && pending.Find(envelope.id) != nullptr) {
    wrong = "Invalid Request: id already in use";
  }
  if (!wrong.empty()) {
    Refuse(envelope, Code::kInvalidRequest, wrong);
    return false;
  }
  if (below_fault) {
    Refuse(envelope, Code::kInvalidParams, "Invalid params: duplicate member or unrepresentable number");
    return false;
  }
  if (envelope.params_variant) {
    Refuse(envelope, Code::kInvalidParams, "Invalid params: misspelt member");
    return false;
  }
  return true;
}

void Session::Impl::ReadOne(std::string_view message) {
  Envelope envelope;
  ReadingForGate reading(options.gate, options.grant);
  if (!internal::ReadFromClient(cursor, message, options.depth_max, envelope, &reading)) {
    RefuseFailed(cursor.failure());
    return;
  }
  if (!envelope.is_object) {
    RefuseUnread(Code::kInvalidRequest, "Invalid Request: not an object");
    return;
  }
  KeepName(envelope);
  if (envelope.modern && revision == 0) no_null_ids = true;
  const std::string_view method = envelope.method.value;
  const bool is_call = envelope.method_value.IsString() && method == kCallMethod;
  bool below_fault = cursor.fault_below();
  if (envelope.arguments_unread && !is_call) {
    // Arguments of something else than a call are nobody's but ours to check.
    const auto failure = ReadArguments(envelope.arguments.bytes);
    if (failure != JsonCursor::Failure::kNone) {
      RefuseFailed(failure);
      return;
    }
    envelope.arguments_unread = false;
    below_fault |= inner.fault_at_root() || inner.fault_below();
  }
  if (!MayFitALine(message)) {
    Refuse(envelope, Code::kInvalidRequest, "Invalid Request: line break inside the message");
    return;
  }
  if (!CheckRoot(envelope, below_fault)) return;
  if (!envelope.method_value.present()) {
    HandleResponse(envelope, message);
  } else if (envelope.id.kind == MessageId::Kind::kAbsent) {
    HandleNotification(envelope, message);
  } else {
    HandleRequest(envelope, message);
  }
}

void Session::Impl::HandleRequest(const Envelope& envelope, std::string_view message) {
  const std::string_view method = envelope.method.value;
  if (lost) {
    ReplyError(envelope.id.raw, Code::kInternalError, "The server is gone");
    Log(EventKind::kMessageRefused, "the server is gone", envelope.id.raw);
  } else if (pending.size() >= options.in_flight_max) {
    Refuse(envelope, Code::kInvalidRequest, "Invalid Request: too many requests in flight");
  } else if (method == kCallMethod) {
    HandleCall(envelope, message);
  } else if (method == kListMethod) {
    if ((envelope.params.present() && !envelope.params.IsObject()) || envelope.meta_broken) {
      Refuse(envelope, Code::kInvalidParams, "Invalid params: params and its _meta must be objects");
      return;
    }
    Forward(envelope, message, Pending::Kind::kList);
  } else if (method == "initialize") {
    Forward(envelope, message, Pending::Kind::kInitialize);
  } else if (method == "subscriptions/listen") {
    Forward(envelope, message, Pending::Kind::kListen);
  } else {
    Forward(envelope, message, Pending::Kind::kOther);
  }
}

void Session::Impl::Forward(const Envelope& envelope, std::string_view message, Pending::Kind kind) {
  Pending& entry = pending.Add(envelope.id, kind);
  entry.era = envelope.modern ? Era::kModern : Era::kLegacy;
  if (kind == Pending::Kind::kInitialize && envelope.client_capabilities.IsObject()) {
    inner.Start(envelope.client_capabilities.bytes, options.depth_max, /*strict=*/true);
    internal::ReadCapabilities(inner, entry.capabilities);
  }
  if (kind == Pending::Kind::kListen) {
    entry.hears_tools =
        internal::FindMember(inner, envelope.notifications.bytes, "toolsListChanged").bytes == "true";
  } else if (options.request_timeout > std::chrono::milliseconds::zero()) {
    SetDeadline(entry, options.request_timeout);
  }
  to_server.push_back({message, internal::PendingTable::TicketOf(entry)});
}

void Session::Impl::HandleNotification(const Envelope& envelope, std::string_view message) {
  const std::string_view method = envelope.method.value;
  if (method == kCallMethod || method == kListMethod) {
    Refuse(envelope, Code::kInvalidRequest, "a request without an id");
    return;
  }
  if (lost) {
    Log(EventKind::kMessageDropped, "the server is gone");
    return;
  }
  if (method == "notifications/cancelled") {
    const MessageId id = internal::ReadId(inner, envelope.request_id.bytes);
    Pending* const entry = id.legal() ? pending.Find(id) : nullptr;
    if (entry != nullptr && entry->kind == Pending::Kind::kHeld) {
      // The server never saw the call, so it is not to see its end.
      Withdraw(*entry);
      Log(EventKind::kCallRefused, "cancelled while it waited for an approval", entry->id_raw, entry->tool,
          entry->decision.get());
      pending.Remove(*entry);
      return;
    }
    if (entry != nullptr && !entry->cancelled && entry->kind != Pending::Kind::kInitialize) {
      entry->cancelled = true;
      // The entry of a list stays until its answer comes: if it were forgotten, the answer might pass,
      // unfiltered, for the one to a later request of the same id.
      if (entry->kind != Pending::Kind::kList) SetDeadline(*entry, options.cancel_grace);
    }
  }
  to_server.push_back({message, 0});
}

void Session::Impl::HandleResponse(const Envelope& envelope, std::string_view message) {
  if (envelope.id.kind == MessageId::Kind::kString && envelope.id.text.starts_with(minted_prefix)) {
    HandleMinted(envelope);
  } else if (lost) {
    Log(EventKind::kMessageDropped, "the server is gone");
  } else {
    to_server.push_back({message, 0});
  }
}

void Session::Impl::HandleCall(const Envelope& envelope, std::string_view message) {
  std::string_view wrong;
  if (!envelope.params.IsObject()) {
    wrong = "Invalid params: params must be an object";
  } else if (!envelope.name_value.IsString() || envelope.name.value.empty()) {
    wrong = "Invalid params: name must be a string";
  } else if (HasControl(envelope.name.value)) {
    wrong = "Invalid params: control character in the name";
  } else if (envelope.arguments.present() && !envelope.arguments.IsObject()) {
    wrong = "Invalid params: arguments must be an object";
  } else if (envelope.meta_broken) {
    wrong = "Invalid params: _meta must be an object with a protocol version and capabilities";
  } else if (envelope.modern && !envelope.has_capabilities) {
    wrong = "Invalid params: clientCapabilities is missing";
  }
  if (!wrong.empty()) {
    Refuse(envelope, Code::kInvalidParams, wrong);
    return;
  }
  if (envelope.modern && envelope.request_state.IsString()) {
    internal::JsonText state;
    inner.Start(envelope.request_state.bytes, 1, /*strict=*/true);
    if (inner.ReadText(state) && state.value.starts_with(kStatePrefix)) {
      HandleRetry(envelope, message, std::string(state.value));
      return;
    }
  }
  Call call;
  call.envelope = &envelope;
  call.bytes = message;
  Decide(call);
}

ToolCall Session::Impl::MakeCall(const Call& call) const noexcept {
  ToolCall tool_call;
  tool_call.tool = call.envelope->name.value;
  if (call.envelope->arguments.present()) tool_call.arguments = call.envelope->arguments.bytes;
  tool_call.grant = options.grant;
  tool_call.session = options.session;
  tool_call.grant_attributes = options.grant_attributes;
  tool_call.context = options.context;
  tool_call.approval = call.approval;
  tool_call.approved = call.approved;
  tool_call.continuation = call.continuation;
  return tool_call;
}

// Keeps a name that had escapes: the cursor that read it may read something else while the output lives.
void Session::Impl::KeepName(Envelope& envelope) {
  constexpr std::size_t kQuotes = 2;
  if (!envelope.name_value.IsString() || envelope.name.value.size() + kQuotes == envelope.name.raw.size())
    return;
  std::string& text = NewText();
  text = envelope.name.value;
  envelope.name.value = text;
}

void Session::Impl::Decide(const Call& call) {
  const Envelope& envelope = *call.envelope;
  std::unique_ptr<Decision> decision = pending.NewDecision();
  if (options.gate != nullptr) {
    GateAccess::ImplOf(*options.gate).Check(MakeCall(call), *decision, envelope.arguments_ahead);
  }

  // If the arguments were not read ahead, their end, and with it all that follows, was found by matching
  // brackets. That was right if they are one object, which the gate has found unless it says that the call is
  // malformed; under a shadowed policy it may be so, and allowed.
  const bool malformed =
      decision->reason() == Reason::kMalformedCall ||
      (decision->would() != nullptr && decision->would()->reason() == Reason::kMalformedCall);
  if (malformed && envelope.arguments_unread) {
    if (const auto failure = ReadArguments(envelope.arguments.bytes); failure != JsonCursor::Failure::kNone) {
      decision->Complete(Outcome::kNotSent);
      RefuseFailed(failure);
      pending.Retire(std::move(decision));
      return;
    }
  }
  if (decision->allowed()) {
    Admit(call, std::move(decision));
  } else if (decision->effect() == Effect::kRequireApproval && call.held == nullptr) {
    Ask(call, std::move(decision));
  } else {
    Deny(call, std::move(decision), Override::kNone, "refused");
  }
}

void Session::Impl::Admit(const Call& call, std::unique_ptr<Decision> decision) {
  const Envelope& envelope = *call.envelope;
  Pending& entry = call.held != nullptr ? *call.held : pending.Add(envelope.id, Pending::Kind::kCall);
  if (call.held != nullptr) {
    entry.kind = Pending::Kind::kCall;
    entry.has_deadline = false;
    pending.Retire(std::move(entry.decision));
  } else {
    entry.tool.assign(envelope.name.value);
  }
  entry.era = envelope.modern ? Era::kModern : Era::kLegacy;
  entry.decision = std::move(decision);
  if (envelope.modern && entry.decision->approval_status() == ApprovalStatus::kReady) {
    entry.line.assign(call.bytes);  // in case that the server asks back, and the call goes on
  }
  if (options.request_timeout > std::chrono::milliseconds::zero())
    SetDeadline(entry, options.request_timeout);
  to_server.push_back({call.bytes, internal::PendingTable::TicketOf(entry)});
  Log(EventKind::kCallAllowed, "allowed", entry.id_raw, entry.tool, entry.decision.get());
}

void Session::Impl::Deny(const Call& call, std::unique_ptr<Decision> decision, Override reason,
                         std::string_view text) {
  const Envelope& envelope = *call.envelope;
  std::string& reply = NewText();
  const std::string_view approval_id =
      options.approvals == ApprovalMode::kInBandOnly ? std::string_view() : decision->approval_id();
  internal::AppendDenial(reply, envelope.id.raw, envelope.name.value, decision->verdict(), approval_id,
                         envelope.modern ? Era::kModern : Era::kLegacy, options.replies, reason);
  ToClient(reply);
  Log(EventKind::kCallRefused, text, envelope.id.raw, envelope.name.value, decision.get());
  pending.Retire(std::move(decision));
  if (call.held != nullptr) pending.Remove(*call.held);
}

}  // namespace mcp
CALLWARDEN_NAMESPACE_END
