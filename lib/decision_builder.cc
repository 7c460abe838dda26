#include "lib/decision_builder.h"

#include <charconv>
#include <cstring>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// A number's digits, for Compose.
struct Digits {
  explicit Digits(uint64_t value) noexcept {
    size = static_cast<std::size_t>(std::to_chars(text, text + sizeof(text), value).ptr - text);
  }
  operator std::string_view() const noexcept { return {text, size}; }  // NOLINT(google-explicit-constructor)
  char text[20];
  std::size_t size = 0;
};

}  // namespace

std::string_view Describe(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone:
      return "nothing is wrong";
    case Refusal::kSyntax:
      return "not JSON";
    case Refusal::kNotAnObject:
      return "not a JSON object";
    case Refusal::kTooLarge:
      return "too long";
    case Refusal::kTooDeep:
      return "nested too deep";
    case Refusal::kNumber:
      return "a number that 64 bits cannot hold";
    case Refusal::kInvalidUtf8:
      return "not UTF-8";
    case Refusal::kDuplicateName:
      return "a member name is repeated";
    case Refusal::kNulName:
      return "a member name holds U+0000";
    case Refusal::kCaseVariant:
      return "a member name differs only by case from one that the policy reads";
    case Refusal::kNulString:
      return "a string that the policy reads holds U+0000";
    case Refusal::kUnbalanced:
      return "the parsed value has no proper end";
    case Refusal::kUnsupported:
      return "the parsed value holds what JSON does not have";
    case Refusal::kNoMemory:
      return "no memory";
  }
  return {};
}

void DecisionBuilder::Set(Verdict& verdict, Effect effect, Reason reason, std::string_view rule) noexcept {
  verdict.effect_ = effect;
  verdict.reason_ = reason;
  verdict.rule_ = rule;
  verdict.retry_after_ms_ = -1;
}

void DecisionBuilder::SetText(Verdict& verdict, std::string_view text) noexcept {
  verdict.message_ = text.data() == nullptr ? "" : text.data();
  verdict.message_size_ = static_cast<uint16_t>(CutAtCodePoint(text, Verdict::kMessageMax).size());
}

template <class... Parts>
void DecisionBuilder::Compose(Verdict& verdict, Parts... parts) noexcept {
  std::size_t size = 0;
  bool cut = false;
  const auto append = [&](std::string_view part) {
    if (cut || part.empty()) return;  // an empty view may be null, which memcpy must not be given
    const std::string_view kept = CutAtCodePoint(part, Verdict::kMessageMax - size);
    std::memcpy(verdict.buffer_.data() + size, kept.data(), kept.size());
    size += kept.size();
    cut = kept.size() < part.size();
  };
  (append(parts), ...);
  verdict.message_ = nullptr;
  verdict.message_size_ = static_cast<uint16_t>(size);
}

void DecisionBuilder::Allow(Verdict& verdict) noexcept {
  Set(verdict, Effect::kAllow, Reason::kAllowed, {});
  SetText(verdict, {});
}

void DecisionBuilder::Malformed(Verdict& verdict, std::string_view detail, std::size_t offset) noexcept {
  Set(verdict, Effect::kDeny, Reason::kMalformedCall, "(malformed call)");
  if (offset == ~std::size_t{0}) {
    Compose(verdict, std::string_view("Arguments refused: "), detail);
  } else {
    Compose(verdict, std::string_view("Arguments refused: "), detail, std::string_view(" at byte "),
            std::string_view(Digits(offset)));
  }
}

void DecisionBuilder::Tool(Verdict& verdict, Reason reason, std::string_view tool) noexcept {
  if (reason == Reason::kHidden) {
    Set(verdict, Effect::kDeny, reason, "(hidden)");
    Compose(verdict, std::string_view("Tool \""), tool, std::string_view("\" is hidden by policy"));
    return;
  }
  Set(verdict, Effect::kDeny, reason,
      reason == Reason::kConfusableTool ? std::string_view("(confusable tool)")
                                        : std::string_view("(default deny)"));
  Compose(verdict, std::string_view("Tool \""), tool, std::string_view("\" is not permitted by policy"));
}

void DecisionBuilder::NoPolicy(Verdict& verdict) noexcept {
  Set(verdict, Effect::kDeny, Reason::kNoPolicy, "(no policy)");
  SetText(verdict, "No policy applies to this call");
}

void DecisionBuilder::AuditUnavailable(Verdict& verdict) noexcept {
  Set(verdict, Effect::kDeny, Reason::kAuditUnavailable, "(audit unavailable)");
  SetText(verdict, "The call could not be recorded");
}

void DecisionBuilder::Object(Verdict& verdict, const Objection& objection, std::string_view tool) noexcept {
  const bool approval = objection.reason == Reason::kApprovalRequired;
  const std::string_view rule = objection.rule == nullptr ? objection.entry->action_id : objection.rule->id;
  const std::string_view text = objection.rule == nullptr ? objection.entry->reason : objection.rule->message;
  Set(verdict, approval ? Effect::kRequireApproval : Effect::kDeny, objection.reason, rule);
  if (!text.empty()) {
    SetText(verdict, text);
  } else if (approval) {
    Compose(verdict, std::string_view("Tool \""), tool, std::string_view("\" requires approval"));
  } else {
    Compose(verdict, std::string_view("Tool \""), tool, std::string_view("\" is denied by policy"));
  }
}

void DecisionBuilder::RefuseLimit(Verdict& verdict, const LimitRefusal& refusal) noexcept {
  const Limit& limit = *refusal.limit;
  const std::string_view open = "Limit \"";
  switch (refusal.kind) {
    case LimitRefusal::Kind::kMissingScope:
      Set(verdict, Effect::kDeny, Reason::kMissingScope, limit.id);
      Compose(verdict, open, limit.counter, std::string_view("\" needs "), refusal.scope);
      return;
    case LimitRefusal::Kind::kInvalidAmount:
      Set(verdict, Effect::kDeny, Reason::kInvalidAmount, limit.id);
      Compose(verdict, open, limit.counter, std::string_view("\" needs a number >= 0 at "),
              limit.amount_path);
      return;
    case LimitRefusal::Kind::kUnavailable:
      Set(verdict, Effect::kDeny, Reason::kLimitUnavailable, limit.id);
      Compose(verdict, open, limit.counter, std::string_view("\" is unavailable"));
      break;
    case LimitRefusal::Kind::kExceeded: {
      Set(verdict, Effect::kDeny, Reason::kLimitExceeded, limit.id);
      const std::string_view reached = "\" reached: ";
      if (!limit.on_deny.empty()) {
        SetText(verdict, limit.on_deny);
      } else if (limit.spec.kind() == LimitKind::kInflight) {
        Compose(verdict, open, limit.counter, reached, limit.bound, std::string_view("."));
      } else if (refusal.retry.kind == RetryAfter::Kind::kAfter) {
        const auto seconds =
            static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(refusal.retry.delay).count());
        Compose(verdict, open, limit.counter, reached, limit.bound, std::string_view(". Retry in "),
                std::string_view(Digits(seconds)), std::string_view(" s."));
      } else {
        const std::string_view more =
            refusal.weight.huge ? std::string_view("more than ") : std::string_view();
        Compose(verdict, open, limit.counter, reached, std::string_view("this call weighs "), more,
                std::string_view(Digits(refusal.weight.units)), std::string_view(" of "), limit.bound,
                std::string_view("."));
      }
      break;
    }
  }
  if (refusal.retry.kind == RetryAfter::Kind::kAfter) {
    verdict.retry_after_ms_ = std::chrono::ceil<std::chrono::milliseconds>(refusal.retry.delay).count();
  }
}

void DecisionBuilder::SetApprovalId(Decision& decision, std::string_view id) noexcept {
  if (id.size() > Decision::kApprovalIdMax) return;
  std::memcpy(decision.approval_id_.data(), id.data(), id.size());
  decision.approval_id_size_ = static_cast<uint8_t>(id.size());
}

void DecisionBuilder::SetWould(Decision& decision, const Verdict& would) noexcept {
  const Verdict& verdict = decision.verdict_;
  if (would.effect() == verdict.effect() && would.reason() == verdict.reason() &&
      would.rule() == verdict.rule()) {
    return;
  }
  ::new (&decision.would_) Verdict(would);
  decision.has_would_ = true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
