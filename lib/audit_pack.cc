#include "lib/audit_pack.h"

#include <algorithm>
#include <span>

#include "lib/attribute_bits.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

/// The most limits that are packed: enforced and shadowed ones of one call.
constexpr std::size_t kLimitsMax = 2 * kLimitsPerCallMax;

std::string_view Cut(std::string_view text) noexcept { return text.substr(0, kAuditTextMax); }

uint16_t PackedSize(std::string_view text) noexcept {
  return text.size() > kAuditTextMax ? static_cast<uint16_t>(kAuditTextMax | kTextCut)
                                     : static_cast<uint16_t>(text.size());
}

std::size_t SizeOf(std::span<const Attribute> attributes) noexcept {
  std::size_t size = 0;
  for (const Attribute& attribute : attributes) {
    size += sizeof(PackedAttribute) + attribute.name.size() + attribute.value.string().size();
  }
  return size;
}

void PackAttributes(std::span<const Attribute> attributes, PackedWriter& out) noexcept {
  for (const Attribute& attribute : attributes) {
    out.Put(PackedAttribute{.value = attribute.value.type() == AttributeValue::Type::kString
                                         ? attribute.value.string().size()
                                         : BitsOf(attribute.value),
                            .name_size = static_cast<uint32_t>(attribute.name.size()),
                            .type = attribute.value.type()});
    out.Bytes(attribute.name);
    out.Bytes(attribute.value.string());
  }
}

}  // namespace

DecisionPacker::DecisionPacker(const AuditRecord& record, ArgumentsState state, std::string_view arguments,
                               bool whole_call, std::size_t size_max) noexcept
    : record_(record), arguments_(arguments) {
  head_.size = sizeof(PackedRecord);
  head_.at_ns = record.at.time_since_epoch().count();
  head_.took_ns = record.latency.count();
  head_.number = record.policy_revision;
  TakeText(kTextGrantLabel, record.grant_label);
  TakeText(kTextPolicyDigest, record.policy_digest);
  TakeText(kTextApproval, record.approval_id);
  if (const Verdict* verdict = record.verdict; verdict != nullptr) {
    head_.effect = verdict->effect();
    head_.reason = verdict->reason();
    const auto wait = verdict->retry_after();
    head_.retry_after_ms = wait.has_value() ? wait->count() : -1;
    TakeText(kTextRule, verdict->rule());
    TakeText(kTextMessage, verdict->message());
  }
  if (const Verdict* would = record.would; would != nullptr) {
    head_.has_would = true;
    head_.would_effect = would->effect();
    head_.would_reason = would->reason();
    TakeText(kTextWouldRule, would->rule());
    TakeText(kTextWouldMessage, would->message());
  }
  head_.limits = static_cast<uint16_t>(std::min(record.limits.size(), kLimitsMax));
  for (const AuditLimit& limit : record.limits.first(head_.limits)) {
    head_.size += static_cast<uint32_t>(sizeof(PackedLimit) + Cut(limit.rule).size());
  }
  if (record.call == nullptr) return;
  const ToolCall& call = *record.call;
  TakeText(kTextTool, call.tool);
  TakeText(kTextGrant, call.grant);
  TakeText(kTextSession, call.session);
  head_.approved = call.approved;
  head_.arguments_state = state;
  head_.arguments_size = arguments.size();
  const std::size_t attributes = whole_call ? SizeOf(call.grant_attributes) + SizeOf(call.context) : 0;
  // What is in here so far is at most 45 KiB, and the smallest queue takes records of 64 KiB.
  const std::size_t left = size_max - head_.size;
  if (attributes > left || arguments.size() > left - attributes) {
    head_.arguments_state = ArgumentsState::kLeftOut;
    arguments_ = {};
    return;
  }
  head_.arguments_packed = static_cast<uint32_t>(arguments.size());
  head_.size += static_cast<uint32_t>(arguments.size() + attributes);
  if (whole_call) {
    head_.grant_attributes = static_cast<uint32_t>(call.grant_attributes.size());
    head_.context_attributes = static_cast<uint32_t>(call.context.size());
  }
}

void DecisionPacker::TakeText(AuditText which, std::string_view text) noexcept {
  texts_[which] = Cut(text);
  head_.text_sizes[which] = PackedSize(text);
  head_.size += static_cast<uint32_t>(texts_[which].size());
}

void DecisionPacker::Pack(std::byte* place) const noexcept {
  PackedWriter out(place);
  out.Put(head_);
  for (const std::string_view text : texts_) out.Bytes(text);
  for (const AuditLimit& limit : record_.limits.first(head_.limits)) {
    out.Put(PackedLimit{.weight = limit.weight,
                        .used = limit.used,
                        .max = limit.max,
                        .rule_size = PackedSize(limit.rule),
                        .shadow = limit.shadow});
    out.Bytes(Cut(limit.rule));
  }
  out.Bytes(arguments_);
  if (record_.call == nullptr) return;
  PackAttributes(record_.call->grant_attributes.first(head_.grant_attributes), out);
  PackAttributes(record_.call->context.first(head_.context_attributes), out);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
