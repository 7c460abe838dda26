#include "lib/audit_format.h"

#include <bit>
#include <chrono>
#include <string>

#include "lib/crypto.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr std::string_view kCutMark = "\u2026";

void Begin(uint64_t seq, std::string_view type, Timestamp at, AuditOut& out) noexcept {
  out.Raw("{\"seq\":");
  out.Unsigned(seq);
  out.Raw(",\"type\":\"");
  out.Raw(type);
  out.Raw("\",\"time\":\"");
  out.Time(at);
  out.Raw("\"");
}

Timestamp TimeOf(int64_t ns) noexcept { return Timestamp(std::chrono::nanoseconds(ns)); }

/// A text that may have been cut: between code points, and with a mark.
void CutText(std::string_view text, bool cut, AuditOut& out) noexcept {
  out.Raw("\"");
  out.Escaped(cut ? CutAtCodePoint(text, text.size() - 1) : text);
  if (cut) out.Raw(kCutMark);
  out.Raw("\"");
}

class Texts {
 public:
  Texts(const PackedRecord& head, PackedReader& in) noexcept {
    for (std::size_t i = 0; i < kTextCount; ++i) {
      texts_[i] = in.Bytes(head.text_sizes[i] & ~kTextCut);
      cut_[i] = (head.text_sizes[i] & kTextCut) != 0;
    }
  }
  /// `,"name":"..."`; nothing when empty.
  void Member(std::string_view name, AuditText which, AuditOut& out) const noexcept {
    if (texts_[which].empty()) return;
    out.Raw(",\"");
    out.Raw(name);
    out.Raw("\":");
    CutText(texts_[which], cut_[which], out);
  }

 private:
  std::array<std::string_view, kTextCount> texts_;
  std::array<bool, kTextCount> cut_{};
};

void Limits(std::size_t count, PackedReader& in, AuditOut& out) noexcept {
  if (count == 0) return;
  out.Raw(",\"limits\":[");
  for (std::size_t i = 0; i < count; ++i) {
    const auto limit = in.Get<PackedLimit>();
    out.Raw(i == 0 ? "{\"rule\":" : ",{\"rule\":");
    CutText(in.Bytes(limit.rule_size & ~kTextCut), (limit.rule_size & kTextCut) != 0, out);
    out.Raw(",\"weight\":");
    out.Unsigned(limit.weight);
    out.Raw(",\"used\":");
    out.Unsigned(limit.used);
    out.Raw(",\"max\":");
    out.Unsigned(limit.max);
    out.Raw(limit.shadow ? ",\"shadow\":true}" : "}");
  }
  out.Raw("]");
}

void Attributes(std::string_view name, std::size_t count, PackedReader& in, AuditOut& out) noexcept {
  if (count == 0) return;
  out.Raw(",\"");
  out.Raw(name);
  out.Raw("\":{");
  for (std::size_t i = 0; i < count; ++i) {
    const auto attribute = in.Get<PackedAttribute>();
    if (i > 0) out.Raw(",");
    out.Quoted(in.Bytes(attribute.name_size));
    out.Raw(":");
    switch (attribute.type) {
      case AttributeValue::Type::kString:
        out.Quoted(in.Bytes(attribute.value));
        break;
      case AttributeValue::Type::kBoolean:
        out.Raw(attribute.value != 0 ? "true" : "false");
        break;
      case AttributeValue::Type::kInt64:
        out.Signed(static_cast<int64_t>(attribute.value));
        break;
      case AttributeValue::Type::kUint64:
        out.Unsigned(attribute.value);
        break;
      case AttributeValue::Type::kDouble:
        out.Real(std::bit_cast<double>(attribute.value));
        break;
    }
  }
  out.Raw("}");
}

/// The arguments as they came, so that a replay judges the very same: text when they are UTF-8.
void WholeArguments(std::string_view arguments, AuditOut& out) noexcept {
  if (FindInvalidUtf8(arguments) == std::string_view::npos) {
    out.Raw(",\"arguments_text\":");
    out.Quoted(arguments);
    return;
  }
  out.Raw(",\"arguments_base64\":\"");
  out.Base64(arguments);
  out.Raw("\"");
}

void WouldBe(const PackedRecord& head, const Texts& texts, AuditOut& out) noexcept {
  if (!head.has_would) return;
  out.Raw(",\"would\":{\"effect\":\"");
  out.Raw(Name(head.would_effect));
  out.Raw("\",\"reason\":\"");
  out.Raw(Name(head.would_reason));
  out.Raw("\"");
  texts.Member("rule", kTextWouldRule, out);
  texts.Member("message", kTextWouldMessage, out);
  out.Raw("}");
}

void Completion(const PackedRecord& head, AuditOut& out) noexcept {
  out.Raw(",\"decision\":");
  out.Unsigned(head.number);
  out.Raw(",\"outcome\":\"");
  out.Raw(Name(head.outcome));
  out.Raw("\",\"duration_ns\":");
  out.Signed(head.took_ns);
}

}  // namespace

AuditFormatter::AuditFormatter(const JsonlAuditOptions& options)
    : whole_call_(options.record_arguments),
      digest_key_given_(options.digest_key.has_value()),
      chain_(options.chain_key),
      arguments_(options) {}

bool AuditFormatter::Record(const std::byte* packed, ChainEnd& end, AuditOut& out) {
  const std::size_t begin = out.size();
  PackedReader in(packed);
  const auto head = in.Get<PackedRecord>();
  if (head.kind == PackedRecord::Kind::kCompletion) {
    Begin(end.next, "completion", TimeOf(head.at_ns), out);
    Completion(head, out);
    return Chain(begin, /*numbered=*/true, end, out);
  }
  Begin(end.next, "decision", TimeOf(head.at_ns), out);
  out.Raw(",\"effect\":\"");
  out.Raw(Name(head.effect));
  out.Raw("\",\"reason\":\"");
  out.Raw(Name(head.reason));
  out.Raw("\"");
  const Texts texts(head, in);
  texts.Member("rule", kTextRule, out);
  texts.Member("message", kTextMessage, out);
  if (head.retry_after_ms >= 0) {
    out.Raw(",\"retry_after_ms\":");
    out.Signed(head.retry_after_ms);
  }
  WouldBe(head, texts, out);
  texts.Member("tool", kTextTool, out);
  texts.Member("grant", kTextGrant, out);
  texts.Member("grant_label", kTextGrantLabel, out);
  texts.Member("session", kTextSession, out);
  texts.Member("approval", kTextApproval, out);
  if (head.approved) out.Raw(",\"approved\":true");
  texts.Member("policy", kTextPolicyDigest, out);
  out.Raw(",\"revision\":");
  out.Unsigned(head.number);
  Limits(head.limits, in, out);
  out.Raw(",\"latency_ns\":");
  out.Signed(head.took_ns);
  const std::string_view arguments = in.Bytes(head.arguments_packed);
  out.Raw(",\"args_size\":");
  out.Unsigned(head.arguments_size);
  if (head.arguments_state == ArgumentsState::kLeftOut) out.Raw(",\"args_left_out\":true");
  arguments_.Members(head.arguments_state, arguments, out);
  if (whole_call_ && head.arguments_packed != 0) WholeArguments(arguments, out);
  Attributes("grant_attributes", head.grant_attributes, in, out);
  Attributes("context", head.context_attributes, in, out);
  return Chain(begin, /*numbered=*/true, end, out);
}

bool AuditFormatter::Start(Timestamp now, ChainEnd& end, AuditOut& out) noexcept {
  const std::size_t begin = out.size();
  Begin(end.next, "start", now, out);
  out.Raw(",\"format\":1,\"chain\":\"");
  out.Raw(chain_.keyed() ? "hmac-sha256" : "sha256");
  out.Raw("\",\"digest_key\":\"");
  out.Raw(digest_key_given_ ? "given" : "random");
  out.Raw("\"");
  return Chain(begin, /*numbered=*/false, end, out);
}

bool AuditFormatter::Gap(Timestamp now, uint64_t dropped, uint64_t refused, ChainEnd& end,
                         AuditOut& out) noexcept {
  const std::size_t begin = out.size();
  Begin(end.next, "gap", now, out);
  out.Raw(",\"dropped\":");
  out.Unsigned(dropped);
  out.Raw(",\"refused\":");
  out.Unsigned(refused);
  return Chain(begin, /*numbered=*/false, end, out);
}

bool AuditFormatter::Recovered(Timestamp now, std::string_view file, uint64_t cut_bytes, bool damaged,
                               ChainEnd& end, AuditOut& out) noexcept {
  const std::size_t begin = out.size();
  Begin(end.next, "recovered", now, out);
  out.Raw(",\"file\":");
  out.Quoted(file);
  out.Raw(",\"cut_bytes\":");
  out.Unsigned(cut_bytes);
  if (damaged) out.Raw(",\"damaged\":true");
  return Chain(begin, /*numbered=*/false, end, out);
}

bool AuditFormatter::Chain(std::size_t line_begin, bool numbered, ChainEnd& end, AuditOut& out) noexcept {
  out.Raw(kChainPrev);
  out.Raw(View(end.hash));
  out.Raw("\"");
  const std::optional<HashText> hash =
      out.ok() ? chain_.Hash(out.TextFrom(line_begin)) : std::optional<HashText>();
  if (hash.has_value()) {
    out.Raw(kChainHash.substr(1));
    out.Raw(View(*hash));
    out.Raw(kChainEnd);
    out.Raw("\n");
  }
  if (!hash.has_value() || !out.ok()) {
    out.Truncate(line_begin);
    return false;
  }
  end.hash = *hash;
  if (numbered) ++end.next;
  return true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
