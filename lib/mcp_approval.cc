// How a person is asked about a call: by a state that the client brings back (modern), by a question to the
// client while the call is held (legacy), or elsewhere.
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "callwarden/approvals.h"

#include "lib/crypto.h"
#include "lib/mcp_session.h"
#include "lib/random_bits.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace {

using internal::Envelope;
using internal::JsonCursor;
using internal::JsonText;
using internal::Pending;
using internal::RawValue;

constexpr std::string_view kKey = "callwarden";  // of our question among the inputs that a result asks for
constexpr std::string_view kWho = "client elicitation";
constexpr std::string_view kContinuation = "continuation of an approved call";
constexpr std::string_view kSchema =
    "\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"approve\":{\"type\":\"boolean\"}},"
    "\"required\":[\"approve\"]}";
constexpr uint32_t kAnyDepth = 512;

// A state is TOKEN, or TOKEN.BASE64URL with a continuation behind it: then the call was approved before and
// goes on. The token's digest covers the continuation, so neither passes without the other.
//
// A continuation is NONCE and the server's own state, as the JSON text that it sent, if it sent one. The
// nonce keeps those of equal calls apart.
constexpr std::size_t kNonceSize = 16;  // hexadecimal digits

struct State {
  std::string_view token;
  std::optional<std::string> continuation;
};

State SplitState(std::string_view state) {
  std::size_t dots = 0;
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (state[i] == '.' && ++dots == 3) {
      return {state.substr(0, i), callwarden::internal::FromBase64Url(state.substr(i + 1)).value_or("")};
    }
  }
  return {state, std::nullopt};
}

// Whether the client answers anything.
bool HasMembers(JsonCursor& cursor, RawValue object) noexcept {
  JsonText name;
  cursor.Start(object.bytes, kAnyDepth, /*strict=*/false);
  return object.IsObject() && cursor.Enter() && cursor.NextMember(name) == JsonCursor::Step::kMember;
}

void AppendPart(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":\"";
  out += value;
  out += '"';
}

}  // namespace

Session::Impl::Channel Session::Impl::ChannelOf(const Envelope& envelope,
                                                const Decision& decision) const noexcept {
  const bool has_id = !decision.approval_id().empty();
  const bool in_band = options.approvals != ApprovalMode::kOutOfBandOnly;
  const bool by_url =
      options.approvals != ApprovalMode::kInBandOnly && !options.approval_url.empty() && has_id;
  if (envelope.modern) {
    const internal::Capabilities& can = envelope.capabilities;
    const bool by_state = options.tokens != nullptr && has_id;
    if (in_band && can.form && by_state) return Channel::kState;
    if (by_url && can.url && by_state) return Channel::kStateUrl;
    if (options.approvals == ApprovalMode::kInBandOnly && !can.elicitation) return Channel::kCapabilityError;
    return Channel::kNone;
  }
  if (revision < kElicitation) return Channel::kNone;
  const bool form = revision < kModes ? capabilities.elicitation : capabilities.form;
  // A store that does not take the question up (it is full, its file fails) gives no approvals, and the
  // client cannot give one past it. Only without a store is the client's word enough.
  const bool keeps = options.gate->approvals() != nullptr;
  if (in_band && form && (has_id || !keeps)) return Channel::kHold;
  if (revision >= kModes && by_url && capabilities.url) return Channel::kUrlError;
  return Channel::kNone;
}

void Session::Impl::Ask(const Call& call, std::unique_ptr<Decision> decision) {
  switch (ChannelOf(*call.envelope, *decision)) {
    case Channel::kState:
      AskByState(call, std::move(decision), /*url=*/false);
      return;
    case Channel::kStateUrl:
      AskByState(call, std::move(decision), /*url=*/true);
      return;
    case Channel::kHold:
      AskByHolding(call, std::move(decision));
      return;
    case Channel::kUrlError:
      AskByUrlError(call, std::move(decision));
      return;
    case Channel::kCapabilityError:
      break;
    case Channel::kNone:
      Deny(call, std::move(decision), Override::kNone, "needs an approval");
      return;
  }
  std::string& reply = NewText();
  internal::AppendError(reply, call.envelope->id.raw, Code::kCapabilityMissing,
                        "Missing required client capability: elicitation");
  reply.resize(reply.size() - 2);
  reply += ",\"data\":{\"requiredCapabilities\":{\"elicitation\":{}}}}}";
  ToClient(reply);
  Log(EventKind::kCallRefused, "needs an approval, and the client cannot ask", call.envelope->id.raw,
      call.envelope->name.value, decision.get());
  pending.Retire(std::move(decision));
}

void Session::Impl::AppendUrlParams(std::string& out, const Call& call, const Decision& decision) const {
  out += "{\"mode\":\"url\",";
  AppendPart(out, "elicitationId", decision.approval_id());
  out += ",\"url\":\"";
  internal::AppendUrl(out, options.approval_url, decision.approval_id());
  out += "\",\"message\":\"";
  internal::AppendQuestion(out, call.envelope->name.value, decision.verdict());
  out += "\"}";
}

void Session::Impl::AskByUrlError(const Call& call, std::unique_ptr<Decision> decision) {
  std::string& reply = NewText();
  internal::AppendError(reply, call.envelope->id.raw, Code::kUrlElicitation, "URL elicitation required");
  reply.resize(reply.size() - 2);
  reply += ",\"data\":{\"elicitations\":[";
  AppendUrlParams(reply, call, *decision);
  reply += "]}}}";
  ToClient(reply);
  Log(EventKind::kApprovalAsked, "sent to the approval page", call.envelope->id.raw,
      call.envelope->name.value, decision.get());
  pending.Retire(std::move(decision));
}

void Session::Impl::AskByState(const Call& call, std::unique_ptr<Decision> decision, bool url) {
  const std::optional<CallDigest> digest = DigestCall(MakeCall(call));
  if (!digest) {
    Deny(call, std::move(decision), Override::kInternalError, "no digest of the call");
    return;
  }
  ApprovalTokenClaims claims;
  claims.approval_id = decision->approval_id();
  claims.grant = options.grant;
  claims.expires_at = Now() + options.token_life;
  claims.policy_revision = options.gate->revision();
  claims.digest = *digest;
  const std::string token = options.tokens->Make(claims);
  if (token.empty()) {
    Deny(call, std::move(decision), Override::kInternalError, "no token");
    return;
  }
  std::string& reply = NewText();
  reply = "{\"jsonrpc\":\"2.0\",\"id\":";
  reply += call.envelope->id.raw;
  reply +=
      ",\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"callwarden\":"
      "{\"method\":\"elicitation/create\",\"params\":";
  if (url) {
    AppendUrlParams(reply, call, *decision);
  } else {
    reply += "{\"mode\":\"form\",\"message\":\"";
    internal::AppendQuestion(reply, call.envelope->name.value, decision->verdict());
    reply += "\",";
    reply += kSchema;
    reply += '}';
  }
  reply += "}},";
  AppendPart(reply, "requestState", token);
  reply += "}}";
  ToClient(reply);
  Log(EventKind::kApprovalAsked, "asked by state", call.envelope->id.raw, call.envelope->name.value,
      decision.get());
  pending.Retire(std::move(decision));
}

void Session::Impl::AskByHolding(const Call& call, std::unique_ptr<Decision> decision) {
  const Envelope& envelope = *call.envelope;
  Pending& entry = pending.Add(envelope.id, Pending::Kind::kHeld);
  entry.tool.assign(envelope.name.value);
  entry.line.assign(call.bytes);
  entry.minted = minted_prefix + std::to_string(++minted_count);
  entry.decision = std::move(decision);
  SetDeadline(entry, options.hold_time);
  std::string& question = NewText();
  question = "{\"jsonrpc\":\"2.0\",";
  AppendPart(question, "id", entry.minted);
  question += ",\"method\":\"elicitation/create\",\"params\":{";
  if (revision >= kModes) question += "\"mode\":\"form\",";
  question += "\"message\":\"";
  internal::AppendQuestion(question, entry.tool, entry.decision->verdict());
  question += "\",";
  question += kSchema;
  question += "}}";
  ToClient(question);
  Log(EventKind::kApprovalAsked, "held", entry.id_raw, entry.tool, entry.decision.get());
}

// Takes back the question of a call that waits no more.
void Session::Impl::Withdraw(const Pending& entry) {
  std::string& text = NewText();
  text = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{";
  AppendPart(text, "requestId", entry.minted);
  text += ",\"reason\":\"The call no longer waits for an approval\"}}";
  ToClient(text);
}

void Session::Impl::DenyHeld(Pending& entry, Override reason, std::string_view text) {
  std::string& reply = NewText();
  const std::string_view approval_id =
      options.approvals == ApprovalMode::kInBandOnly ? std::string_view() : entry.decision->approval_id();
  internal::AppendDenial(reply, entry.id_raw, entry.tool, entry.decision->verdict(), approval_id, entry.era,
                         options.replies, reason);
  ToClient(reply);
  Log(EventKind::kCallRefused, text, entry.id_raw, entry.tool, entry.decision.get());
  pending.Remove(entry);
}

// What an answer to our question says; it has been read strictly with its message.
Session::Impl::Answer Session::Impl::ReadAnswer(RawValue answer) {
  if (!answer.present()) return Answer::kMissing;
  const RawValue action = internal::FindMember(inner, answer.bytes, "action");
  if (internal::SaysExactly(inner, action, "decline")) return Answer::kDeclined;
  if (!internal::SaysExactly(inner, action, "accept")) return Answer::kNotAccepted;
  const RawValue content = internal::FindMember(inner, answer.bytes, "content");
  const bool approved = internal::FindMember(inner, content.bytes, "approve").bytes == "true";
  return approved ? Answer::kAccepted : Answer::kNotAccepted;
}

void Session::Impl::HandleMinted(const Envelope& envelope) {
  Pending* held = nullptr;
  pending.ForEach([&](Pending& entry) {
    if (entry.kind == Pending::Kind::kHeld && entry.minted == envelope.id.text) held = &entry;
  });
  if (held == nullptr) {
    Log(EventKind::kMessageDropped, "an answer to a question that is over");
    return;
  }
  if (envelope.error.present()) {
    DenyHeld(*held, Override::kNone, "the client could not ask");
    return;
  }
  const std::string_view id = held->decision->approval_id();
  ApprovalStore* const store = options.gate->approvals();
  switch (ReadAnswer(envelope.result)) {
    case Answer::kAccepted:
      // Whether that was so is the gate's to find when the call presents the approval.
      if (store != nullptr && !id.empty()) (void)store->Approve(id, kWho);
      Resume(*held, id);
      return;
    case Answer::kDeclined:
      if (store != nullptr && !id.empty()) (void)store->Deny(id, kWho);
      [[fallthrough]];
    case Answer::kNotAccepted:
    case Answer::kMissing:
      DenyHeld(*held, Override::kDeclined, "declined");
      return;
  }
}

// Decides a held call once more, with its approval; without an id, the client's word is all there is.
void Session::Impl::Resume(Pending& entry, std::string_view approval) {
  Envelope envelope;
  if (!internal::ReadFromClient(again, entry.line, options.depth_max, envelope)) {
    DenyHeld(entry, Override::kInternalError, "the call was not kept");
    return;
  }
  KeepName(envelope);
  Log(EventKind::kApprovalAnswered, "approved", entry.id_raw, entry.tool);
  Call call;
  call.envelope = &envelope;
  call.bytes = entry.line;
  call.approval = approval;
  call.approved = approval.empty();
  call.held = &entry;
  Decide(call);
}

// A call was held as long as may be. Somebody may have approved it elsewhere meanwhile.
void Session::Impl::EndHold(Pending& entry) {
  Withdraw(entry);
  const std::string_view id = entry.decision->approval_id();
  if (ApprovalStore* const store = options.gate->approvals(); store != nullptr && !id.empty()) {
    if (const std::optional<Approval> found = store->Find(id);
        found && found->state == ApprovalState::kApproved) {
      Resume(entry, id);
      return;
    }
  }
  DenyHeld(entry, Override::kExpired, "no approval came in time");
}

// Writes a call without the members that speak of approvals: `state` (JSON text) takes the place of
// `requestState`, empty: it is cut; `inputResponses` is cut unless kept. Then reads what it wrote, which must
// be the same call.
bool Session::Impl::Rewrite(const Envelope& original, std::string_view message, std::string_view state,
                            bool keep_responses, std::string& rewritten, Envelope& envelope) {
  const std::string_view params = original.params.bytes;
  const auto begin = static_cast<std::size_t>(params.data() - message.data());
  rewritten.assign(message.substr(0, begin));
  char separator = '{';
  const auto append = [&](std::string_view text) {
    if (separator != '\0') rewritten += separator;
    separator = '\0';
    rewritten += text;
  };
  inner.Start(params, kAnyDepth, /*strict=*/false);
  if (!inner.Enter()) return false;
  JsonText name;
  while (inner.NextMember(name) == JsonCursor::Step::kMember) {
    const auto name_begin = static_cast<std::size_t>(name.raw.data() - params.data());
    if (!inner.SkipValue()) return false;
    if (name.value == "requestState") {
      if (state.empty()) continue;
      append("\"requestState\":");
      append(state);
    } else if (name.value != "inputResponses" || keep_responses) {
      append(inner.Since(name_begin));
    } else {
      continue;
    }
    separator = ',';
  }
  if (inner.failure() != JsonCursor::Failure::kNone) return false;
  rewritten += '}';
  rewritten += message.substr(begin + params.size());
  if (!internal::ReadFromClient(again, rewritten, options.depth_max, envelope)) return false;
  KeepName(envelope);
  return envelope.id == original.id && envelope.id.raw == original.id.raw && envelope.modern &&
         envelope.method.value == original.method.value && envelope.name.value == original.name.value &&
         envelope.arguments.bytes == original.arguments.bytes;
}

// A call that brings back a state which says to be ours.
void Session::Impl::HandleRetry(const Envelope& envelope, std::string_view message, std::string state_text) {
  if (envelope.arguments_unread) {
    if (const auto failure = ReadArguments(envelope.arguments.bytes); failure != JsonCursor::Failure::kNone) {
      RefuseFailed(failure);
      return;
    }
  }
  State state = SplitState(state_text);
  Call call;
  call.envelope = &envelope;
  call.bytes = message;
  std::optional<ApprovalTokenClaims> claims;
  if (options.tokens != nullptr && options.gate != nullptr)
    claims = options.tokens->Check(state.token, Now());
  if (state.continuation) call.continuation = *state.continuation;
  if (claims) {
    const std::optional<CallDigest> digest = DigestCall(MakeCall(call));
    const bool goes_on = !state.continuation || MayGoOn(envelope, *state.continuation, claims->approval_id);
    if (!digest || claims->digest != *digest || claims->grant != options.grant ||
        claims->policy_revision != options.gate->revision() || claims->approval_id.empty() || !goes_on) {
      claims.reset();
    }
  }
  // Without a state of ours that holds, it is a new call: what it would go on with is left out.
  if (!claims) call.continuation = {};
  const bool goes_on = !call.continuation.empty();
  const std::string_view server_state = goes_on ? call.continuation.substr(kNonceSize) : std::string_view();

  std::string& rewritten = NewText();
  Envelope forwarded;
  if (!Rewrite(envelope, message, server_state, /*keep_responses=*/goes_on, rewritten, forwarded)) {
    Deny(call, pending.NewDecision(), Override::kInternalError, "the call could not be rewritten");
    return;
  }
  if (claims && !goes_on) {
    ApprovalStore* const store = options.gate->approvals();
    const Answer answer = ReadAnswer(internal::FindMember(inner, envelope.input_responses.bytes, kKey));
    const bool form = options.approvals != ApprovalMode::kOutOfBandOnly && envelope.capabilities.form;
    if (answer == Answer::kAccepted && form && store != nullptr) {
      (void)store->Approve(claims->approval_id, kWho);
    } else if (answer == Answer::kDeclined || (answer == Answer::kNotAccepted && form)) {
      if (answer == Answer::kDeclined && store != nullptr) (void)store->Deny(claims->approval_id, kWho);
      Deny(call, pending.NewDecision(), Override::kDeclined, "declined");
      return;
    }
  }
  call.envelope = &forwarded;
  call.bytes = rewritten;
  if (claims) {
    call.approval = claims->approval_id;
    Log(EventKind::kApprovalAnswered, goes_on ? "an approved call goes on" : "the client came back",
        envelope.id.raw, envelope.name.value);
  }
  Decide(call);
}

// Whether a continuation that the client brings back can be told from a new call, and was not brought back
// before. When it was, the call is asked about anew, as one that starts.
bool Session::Impl::MayGoOn(const Envelope& envelope, std::string_view continuation,
                            std::string_view approval_id) {
  if (continuation.size() < kNonceSize) return false;
  const bool has_state = continuation.size() > kNonceSize;
  if (!has_state && !HasMembers(inner, envelope.input_responses)) return false;
  const ApprovalStore* const store = options.gate->approvals();
  if (store == nullptr) return false;
  const std::optional<Approval> found = store->Find(approval_id);
  return found && found->state == ApprovalState::kApproved;
}

// The server asks back in the middle of an approved call, whose approval is used up. What the client brings
// back then is to pass as the same call, once: it carries an approval of its own, which is bound to what the
// server said as well, so that no new call can use it. False: the message can stay as it is.
bool Session::Impl::WrapState(const Pending& entry, const Envelope& answer, std::string_view message) {
  if (entry.line.empty() || options.tokens == nullptr || options.gate == nullptr) return false;
  ApprovalStore* const store = options.gate->approvals();
  Envelope envelope;
  if (store == nullptr || !internal::ReadFromClient(again, entry.line, options.depth_max, envelope))
    return false;
  Call call;
  call.envelope = &envelope;
  const auto nonce = std::bit_cast<std::array<uint8_t, kNonceSize / 2>>(callwarden::internal::RandomBits());
  std::string continuation = callwarden::internal::ToHex(nonce);
  continuation += answer.state.bytes;
  call.continuation = continuation;
  const ToolCall tool_call = MakeCall(call);
  const std::optional<CallDigest> digest = DigestCall(tool_call);
  const ApprovalStore::RequestResult request = store->Request(tool_call, entry.decision->verdict());
  if (!digest || !request.error.ok()) return false;
  if (request.state == ApprovalState::kPending && !store->Approve(request.id, kContinuation).ok())
    return false;
  ApprovalTokenClaims claims;
  claims.approval_id = request.id;
  claims.grant = options.grant;
  claims.expires_at = Now() + options.token_life;
  claims.policy_revision = options.gate->revision();
  claims.digest = *digest;
  const std::string token = options.tokens->Make(claims);
  if (token.empty()) return false;

  std::string wrapped;
  AppendPart(wrapped, "requestState", token);
  wrapped.pop_back();
  wrapped += '.';
  wrapped += callwarden::internal::ToBase64Url(continuation);
  wrapped += '"';
  std::string& reply = NewText();
  if (answer.state.present()) {
    // The value's place; the name before it stays.
    const auto begin = static_cast<std::size_t>(answer.state.bytes.data() - message.data());
    constexpr std::size_t kName = std::string_view("\"requestState\":").size();
    reply.append(message.substr(0, begin));
    reply.append(wrapped, kName);
    reply.append(message.substr(begin + answer.state.bytes.size()));
  } else {
    // `resultType` is there, so the result is not empty.
    const auto end =
        static_cast<std::size_t>(answer.result.bytes.data() + answer.result.bytes.size() - message.data()) -
        1;
    reply.append(message.substr(0, end));
    reply += ',';
    reply += wrapped;
    reply.append(message.substr(end));
  }
  ToClient(reply);
  return true;
}

}  // namespace mcp
CALLWARDEN_NAMESPACE_END
