#include "lib/approval_record.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "lib/canonical.h"
#include "lib/crypto.h"
#include "lib/json_tree.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Kind = ApprovalRecord::Kind;

constexpr std::array<std::string_view, 6> kKinds = {"request", "approve", "deny", "expire", "use", "keep"};
constexpr std::array kStates = {ApprovalState::kPending, ApprovalState::kApproved, ApprovalState::kDenied,
                                ApprovalState::kExpired, ApprovalState::kUsed};

// Names the members of a record, each with what it is; writing and reading go through the same list, so that
// they cannot differ.
template <class Members, class Record>
void ForEachMember(Members& members, Record& record) {
  auto& approval = record.approval;
  members.Kind("op", record.kind);
  members.Time("at", record.at);
  members.Id("id", approval.id);
  const Kind kind = record.kind;
  const bool whole = kind == Kind::kRequest || kind == Kind::kKeep;
  if (kind == Kind::kKeep) {
    members.State("state", approval.state);
    members.Time("requested_at", approval.requested_at);
  }
  if (whole) {
    members.Duration("wait", record.wait);
    members.Digest("digest", approval.digest);
    members.Text("tool", approval.tool);
    members.Text("grant", approval.grant);
    members.Text("session", approval.session);
    members.Text("rule", approval.rule);
    members.Text("message", approval.message);
    members.Text("arguments", approval.arguments);
  }
  if (whole || kind == Kind::kApprove) members.Time("expires_at", approval.expires_at);
  if (kind == Kind::kKeep) members.Time("answered_at", approval.answered_at);
  if (kind == Kind::kApprove || kind == Kind::kDeny || kind == Kind::kKeep) {
    members.Text("answered_by", approval.answered_by);
    members.Text("note", approval.note);
  }
}

class Encoder {
 public:
  void Kind(std::string_view name, const Kind& value) { Text(name, kKinds[static_cast<std::size_t>(value)]); }
  void State(std::string_view name, const ApprovalState& value) { Text(name, Name(value)); }
  void Id(std::string_view name, std::string_view value) { Text(name, value); }
  void Text(std::string_view name, std::string_view value) {
    Member(name);
    AppendJsonString(value, out_);
  }
  void Time(std::string_view name, const Timestamp& value) { Duration(name, value.time_since_epoch()); }
  void Duration(std::string_view name, const std::chrono::nanoseconds& value) {
    Member(name);
    AppendCanonicalNumber(Number::Int(value.count()), out_);
  }
  void Digest(std::string_view name, const CallDigest& value) { Text(name, ToHex(value)); }
  std::string Take() { return std::move(out_); }

 private:
  void Member(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    AppendJsonString(name, out_);
    out_ += ':';
  }
  std::string out_;
};

class Decoder {
 public:
  explicit Decoder(JsonValue& root) : root_(root) {}

  void Kind(std::string_view name, internal::ApprovalRecord::Kind& value) {
    std::string text;
    Text(name, text);
    const auto found = std::find(kKinds.begin(), kKinds.end(), text);
    if (found == kKinds.end()) return Fail();
    value = static_cast<internal::ApprovalRecord::Kind>(found - kKinds.begin());
  }
  void State(std::string_view name, ApprovalState& value) {
    std::string text;
    Text(name, text);
    const auto found = std::find_if(kStates.begin(), kStates.end(),
                                    [&](ApprovalState state) { return Name(state) == text; });
    if (found == kStates.end()) return Fail();
    value = *found;
  }
  void Id(std::string_view name, std::string& value) {
    Text(name, value);
    if (value.empty() || value.size() > Decision::kApprovalIdMax) Fail();
  }
  void Text(std::string_view name, std::string& value) {
    if (JsonValue* member = Next(name, JsonValue::Type::kString)) value = std::move(member->string);
  }
  void Time(std::string_view name, Timestamp& value) {
    std::chrono::nanoseconds since_epoch{};
    Duration(name, since_epoch);
    value = Timestamp(since_epoch);
  }
  void Duration(std::string_view name, std::chrono::nanoseconds& value) {
    const JsonValue* member = Next(name, JsonValue::Type::kNumber);
    if (member == nullptr) return;
    if (member->number.kind != Number::Kind::kInt64) return Fail();
    value = std::chrono::nanoseconds(member->number.i);
  }
  void Digest(std::string_view name, CallDigest& value) {
    std::string text;
    Text(name, text);
    if (!FromHex(text, value)) Fail();
  }
  // Whether every member was there, of its type and in its place, and no other.
  bool Done() const noexcept { return ok_ && next_ == root_.members.size(); }

 private:
  JsonValue* Next(std::string_view name, JsonValue::Type type) {
    if (ok_ && next_ < root_.members.size()) {
      JsonMember& member = root_.members[next_++];
      if (member.name == name && member.value.Is(type)) return &member.value;
    }
    Fail();
    return nullptr;
  }
  void Fail() noexcept { ok_ = false; }

  JsonValue& root_;
  std::size_t next_ = 0;
  bool ok_ = true;
};

}  // namespace

std::string EncodeApprovalRecord(const ApprovalRecord& record) {
  Encoder encoder;
  ForEachMember(encoder, record);
  return encoder.Take();
}

std::optional<ApprovalRecord> DecodeApprovalRecord(std::string_view text) {
  JsonTree tree = ParseJsonTree(std::string(text) + "}", 1);
  if (tree.invalid_at.has_value() || tree.too_deep || !tree.root.Is(JsonValue::Type::kObject)) {
    return std::nullopt;
  }
  Decoder decoder(tree.root);
  std::optional<ApprovalRecord> record(std::in_place);
  ForEachMember(decoder, *record);
  if (!decoder.Done()) record.reset();
  return record;
}

std::string Utf8Prefix(std::string_view text, std::size_t size) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t sequence = Utf8SequenceSize(text, pos);
    const std::string_view next = sequence == 0 ? "\xEF\xBF\xBD" : text.substr(pos, sequence);
    if (out.size() + next.size() > size) break;
    out.append(next);
    pos += sequence == 0 ? 1 : sequence;
  }
  return out;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
