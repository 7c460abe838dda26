#include "lib/mcp_reply.h"

#include <charconv>
#include <chrono>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace internal {
namespace {

using callwarden::internal::CutAtCodePoint;
using callwarden::internal::Utf8SequenceSize;

constexpr std::size_t kToolMax = 128;
constexpr std::size_t kPrefixMax = 64;
constexpr std::size_t kTextMax = 2048;
constexpr std::size_t kRuleMax = 2048;
constexpr std::size_t kApprovalIdMax = 128;

void AppendNumber(std::string& out, int64_t number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
}

int64_t SecondsOf(std::chrono::milliseconds wait) noexcept { return (wait.count() + 999) / 1000; }

// Only waits that help count: the language gives them, and they are at least a millisecond.
bool IsRateLimited(const Verdict& verdict) noexcept {
  return verdict.effect() == Effect::kDeny && verdict.retry_after().has_value();
}

std::chrono::milliseconds WaitOf(const Verdict& verdict) noexcept {
  const std::chrono::milliseconds wait = verdict.retry_after().value_or(std::chrono::milliseconds(1));
  return wait.count() < 1 ? std::chrono::milliseconds(1) : wait;
}

std::string_view DecisionName(const Verdict& verdict, Override reason) noexcept {
  if (reason != Override::kNone) return "deny";
  if (verdict.effect() == Effect::kRequireApproval) return "approval_required";
  return IsRateLimited(verdict) ? "rate_limited" : "deny";
}

std::string_view ReasonName(const Verdict& verdict, Override reason) noexcept {
  switch (reason) {
    case Override::kDeclined:
      return "approval_declined";
    case Override::kExpired:
      return "approval_expired";
    case Override::kInternalError:
      return "internal_error";
    case Override::kNone:
      break;
  }
  return verdict.allowed() ? Name(Reason::kInternalError) : Name(verdict.reason());
}

// Advice for the model. Denials that depend on the arguments alone stay as long as these do.
std::string_view AdviceFor(const Verdict& verdict) noexcept {
  switch (verdict.reason()) {
    case Reason::kMalformedCall:
    case Reason::kRequirementFailed:
    case Reason::kDeniedByRule:
    case Reason::kInvalidAmount:
      return "Do not retry with the same arguments.";
    case Reason::kNoPolicy:
    case Reason::kHidden:
    case Reason::kConfusableTool:
    case Reason::kNotListed:
    case Reason::kToolDenied:
      return "Do not retry.";
    default:
      return {};
  }
}

void AppendSentence(std::string& text, std::string_view sentence) {
  if (sentence.empty()) return;
  if (!text.empty()) {
    const char last = text.back();
    text += last == '.' || last == '!' || last == '?' ? " " : ". ";
  }
  text += sentence;
}

// The text that the model reads, not escaped yet.
std::string TextOf(const Verdict& verdict, std::string_view approval_id, std::string_view prefix,
                   Override reason) {
  std::string text;
  if (!prefix.empty()) {
    text += CutAtCodePoint(prefix, kPrefixMax);
    text += ' ';
  }
  if (reason == Override::kDeclined || reason == Override::kExpired) {
    text += reason == Override::kDeclined ? "Denied: the approval was declined"
                                          : "Denied: the approval was not given in time";
    AppendSentence(text, verdict.message());
    AppendSentence(text, "Do not retry unless the user asks for it.");
  } else if (reason == Override::kInternalError || verdict.allowed()) {
    text += "Denied: the call could not be judged.";
  } else if (verdict.effect() == Effect::kRequireApproval) {
    text += "Approval required by policy: ";
    text += verdict.message();
    if (approval_id.empty()) {
      AppendSentence(text, "The call did not run, and no approval can be given here.");
    } else {
      AppendSentence(text, "The call did not run. Once a person has approved it (approval id ");
      text += CutAtCodePoint(approval_id, kApprovalIdMax);
      text += "), repeat it unchanged.";
    }
  } else if (IsRateLimited(verdict)) {
    std::string retry = "Retry in ";
    const int64_t seconds = SecondsOf(WaitOf(verdict));
    AppendNumber(retry, seconds);
    text += "Rate limited by policy: ";
    text += verdict.message();
    if (verdict.message().find(retry + " s") == std::string_view::npos) {
      retry = "Retry after ";
      AppendNumber(retry, seconds);
      retry += seconds == 1 ? " second." : " seconds.";
      AppendSentence(text, retry);
    } else {
      AppendSentence(text, "");
    }
  } else {
    text += "Denied by policy: ";
    text += verdict.message();
    AppendSentence(text, AdviceFor(verdict));
    if (AdviceFor(verdict).empty() && !text.ends_with('.')) text += '.';
  }
  return text;
}

void AppendMember(std::string& out, std::string_view name, std::string_view value, std::size_t size_max) {
  out += ",\"";
  out += name;
  out += "\":\"";
  AppendEscaped(out, value, size_max);
  out += '"';
}

void AppendStart(std::string& out, std::string_view id) {
  out += "{\"jsonrpc\":\"2.0\"";
  if (!id.empty()) {
    out += ",\"id\":";
    out += id;
  }
}

void AppendUnknownTool(std::string& out, std::string_view id, std::string_view tool, Era era,
                       HiddenStyle style) {
  if (style == HiddenStyle::kResultSdkV1) {
    AppendStart(out, id);
    out += ",\"result\":{";
    if (era == Era::kModern) out += "\"resultType\":\"complete\",";
    out += "\"content\":[{\"type\":\"text\",\"text\":\"MCP error -32602: Tool ";
    AppendEscaped(out, tool, kToolMax);
    out += " not found\"}],\"isError\":true}}";
    return;
  }
  AppendStart(out, id);
  out += ",\"error\":{\"code\":-32602,\"message\":\"";
  out += style == HiddenStyle::kErrorSdkV2 ? "Tool " : "Unknown tool: ";
  AppendEscaped(out, tool, kToolMax);
  out += style == HiddenStyle::kErrorSdkV2 ? " not found\"}}" : "\"}}";
}

bool IsUnknown(const Verdict& verdict, const ReplyOptions& options) noexcept {
  switch (verdict.reason()) {
    case Reason::kHidden:
      return true;
    case Reason::kNotListed:
    case Reason::kConfusableTool:
      return options.unlisted_as_unknown;
    default:
      return false;
  }
}

}  // namespace

void AppendEscaped(std::string& out, std::string_view text, std::size_t size_max) {
  // Cut first, so that hostile sizes cost nothing; the cut may leave a broken end, which is replaced.
  text = text.substr(0, size_max);
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t size = Utf8SequenceSize(text, i);
    if (size == 0) {
      // The last code point may only have been cut off; then it is left out.
      if (text.size() == size_max && text.size() - i < 4 && byte >= 0xC2) break;
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0)) {
      out += ' ';
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else {
      out.append(text, i, size);
    }
    i += size;
  }
}

void AppendError(std::string& out, std::string_view id, Code code, std::string_view message) {
  AppendStart(out, id);
  out += ",\"error\":{\"code\":";
  AppendNumber(out, static_cast<int>(code));
  out += ",\"message\":\"";
  AppendEscaped(out, message, kTextMax);
  out += "\"}}";
}

void AppendDenialResult(std::string& out, const Verdict& verdict, std::string_view approval_id, Era era,
                        const ReplyOptions& options, Override reason) {
  out += '{';
  if (era == Era::kModern) out += "\"resultType\":\"complete\",";
  out += "\"content\":[{\"type\":\"text\",\"text\":\"";
  AppendEscaped(out, TextOf(verdict, approval_id, options.text_prefix, reason), kTextMax);
  out += "\"}],\"isError\":true,\"_meta\":{\"dev.callwarden/decision\":{\"decision\":\"";
  const std::string_view decision = DecisionName(verdict, reason);
  out += decision;
  out += '"';
  AppendMember(out, "reason", ReasonName(verdict, reason), kTextMax);
  const bool internal_error =
      reason == Override::kInternalError || (reason == Override::kNone && verdict.allowed());
  AppendMember(out, "rule", internal_error ? "(internal error)" : verdict.rule(), kRuleMax);
  AppendMember(out, "message", internal_error ? "The call could not be judged" : verdict.message(),
               Verdict::kMessageMax);
  if (decision == "rate_limited") {
    out += ",\"retryAfterMs\":";
    AppendNumber(out, WaitOf(verdict).count());
  }
  if (decision == "approval_required" && !approval_id.empty()) {
    AppendMember(out, "approvalId", approval_id, kApprovalIdMax);
  }
  out += "}}}";
}

void AppendDenial(std::string& out, std::string_view id, std::string_view tool, const Verdict& verdict,
                  std::string_view approval_id, Era era, const ReplyOptions& options, Override reason) {
  if (reason == Override::kNone && IsUnknown(verdict, options)) {
    AppendUnknownTool(out, id, tool, era, options.hidden);
    return;
  }
  AppendStart(out, id);
  out += ",\"result\":";
  AppendDenialResult(out, verdict, approval_id, era, options, reason);
  out += '}';
}

void AppendQuestion(std::string& out, std::string_view tool, const Verdict& verdict) {
  out += "Approve ";
  AppendEscaped(out, tool, kToolMax);
  out += '?';
  const std::string usual = "Tool \"" + std::string(tool.substr(0, kToolMax)) + "\" requires approval";
  if (verdict.message() == usual || verdict.message().empty()) return;
  out += ' ';
  AppendEscaped(out, verdict.message(), Verdict::kMessageMax);
}

void AppendUrl(std::string& out, std::string_view url, std::string_view approval_id) {
  constexpr std::string_view kPlace = "{id}";
  const std::size_t at = url.find(kPlace);
  AppendEscaped(out, url.substr(0, at), kTextMax);
  if (at == std::string_view::npos) return;
  AppendEscaped(out, approval_id, kApprovalIdMax);
  AppendEscaped(out, url.substr(at + kPlace.size()), kTextMax);
}

}  // namespace internal

std::string DenialResult(const Decision& decision, Era era, const ReplyOptions& options) {
  std::string out;
  internal::AppendDenialResult(out, decision.verdict(), decision.approval_id(), era, options,
                               internal::Override::kNone);
  return out;
}

bool AnswersAsUnknown(const Decision& decision, const ReplyOptions& options) noexcept {
  return internal::IsUnknown(decision.verdict(), options);
}

std::string DenialMessage(std::string_view id, std::string_view tool, const Decision& decision, Era era,
                          const ReplyOptions& options) {
  std::string out;
  internal::AppendDenial(out, id, tool, decision.verdict(), decision.approval_id(), era, options,
                         internal::Override::kNone);
  return out;
}

std::string ErrorMessage(std::string_view id, int code, std::string_view message) {
  std::string out;
  internal::AppendError(out, id, static_cast<internal::Code>(code), message);
  return out;
}

HttpAnswer HttpAnswerTo(const Decision& decision) noexcept {
  HttpAnswer answer;
  if (!internal::IsRateLimited(decision.verdict())) return answer;
  answer.status = 429;
  answer.retry_after = std::chrono::seconds(internal::SecondsOf(internal::WaitOf(decision.verdict())));
  return answer;
}

HttpAnswer HttpAnswerTo(const Output& output) noexcept {
  HttpAnswer answer;
  if (output.to_server.empty() && output.to_client.empty()) answer.status = 202;
  for (const Event& event : output.events) {
    if (event.kind == EventKind::kMessageRefused) answer.status = 400;
    if (event.kind == EventKind::kCallRefused && event.decision != nullptr && answer.status != 400) {
      const HttpAnswer own = HttpAnswerTo(*event.decision);
      if (own.status == 429) answer = own;
    }
  }
  return answer;
}

std::string_view Name(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::kCallAllowed:
      return "call_allowed";
    case EventKind::kCallRefused:
      return "call_refused";
    case EventKind::kApprovalAsked:
      return "approval_asked";
    case EventKind::kApprovalAnswered:
      return "approval_answered";
    case EventKind::kMessageRefused:
      return "message_refused";
    case EventKind::kMessageDropped:
      return "message_dropped";
    case EventKind::kServerDropped:
      return "server_dropped";
    case EventKind::kServerRefused:
      return "server_refused";
    case EventKind::kToolsFiltered:
      return "tools_filtered";
    case EventKind::kSettled:
      return "settled";
    case EventKind::kConnectionLost:
      return "connection_lost";
  }
  return "message_dropped";
}

}  // namespace mcp
CALLWARDEN_NAMESPACE_END
