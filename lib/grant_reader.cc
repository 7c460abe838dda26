#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/grants.h"

#include "lib/diagnostics.h"
#include "lib/grant_table.h"
#include "lib/json_tree.h"
#include "lib/name_map.h"
#include "lib/text.h"
#include "lib/utc_time.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Type = JsonValue::Type;

// Attributes of a grant are the deepest values there are; more tells where a text went wrong.
constexpr uint32_t kDepthMax = 16;

/// Reads one grants document. Errors go to the diagnostics; a grant that has one is left out of the checks
/// that need the whole of it.
class GrantReader {
 public:
  using LoadPolicy = std::shared_ptr<const CompiledPolicy> (*)(void* context, std::string_view name,
                                                               std::string& error);
  GrantReader(std::string_view text, LoadPolicy load, void* context)
      : text_(text), load_(load), context_(context) {}

  std::shared_ptr<const GrantTable> Run();
  std::vector<Diagnostic> TakeDiagnostics() { return diagnostics_.Take(text_); }

 private:
  void ReadDocument(const JsonValue& root);
  void ReadGrant(const JsonValue& value, const Where& where);
  void ReadAttributes(const JsonValue& value, const Where& where, Grant& grant);
  bool ReadText(const JsonValue* value, const Where& where, std::string_view what, std::string& text);
  void ReadTime(const JsonValue* value, const Where& where, std::string_view what,
                std::optional<Timestamp>& time);
  void ReadPolicy(const JsonValue* value, const Where& where, Grant& grant);
  void CheckTogether();

  std::string_view text_;
  LoadPolicy load_;
  void* context_;
  Diagnostics diagnostics_;
  std::vector<Grant> grants_;
  std::vector<std::pair<const JsonValue*, std::size_t>> values_;  // by grant, and its place in the list
  NameMap<std::shared_ptr<const CompiledPolicy>> policies_;       // null: the loader had none
};

std::shared_ptr<const GrantTable> GrantReader::Run() {
  const Where document;
  if (text_.size() > GrantTable::kDocumentSizeMax) {
    diagnostics_.Error("bound_exceeded", document, 0,
                       "the document has " + std::to_string(text_.size()) + " bytes; at most " +
                           std::to_string(GrantTable::kDocumentSizeMax) + " are taken");
    return nullptr;
  }
  const JsonTree tree = ParseJsonTree(text_, kDepthMax);
  if (tree.invalid_at) {
    diagnostics_.Error("invalid_json", document, *tree.invalid_at,
                       DescribeInvalidJson(text_, *tree.invalid_at));
    return nullptr;
  }
  if (tree.too_deep) ReportTooDeep(tree.root, document, diagnostics_);
  ReadDocument(tree.root);
  if (!tree.too_deep) CheckTogether();  // else values are missing, as nobody else is told
  if (diagnostics_.errors() != 0) return nullptr;
  return GrantAccess::Make(std::move(grants_));
}

void GrantReader::ReadDocument(const JsonValue& root) {
  const Where where;
  if (!CheckType(root, Type::kObject, where, "the document", diagnostics_)) return;
  std::array<KnownKey, 4> keys{{{"$schema"}, {"version"}, {"description"}, {"grants"}}};
  ReadMembers(root, where, keys, diagnostics_);
  for (const KnownKey& key : {keys[0], keys[2]}) {
    if (key.member != nullptr) {
      CheckType(*key.value(), Type::kString, Where(where, key.name), key.name, diagnostics_);
    }
  }
  if (const JsonValue* version = keys[1].value(); version == nullptr) {
    diagnostics_.Error("missing_key", where, root.begin, "the document has no version",
                       "add \"version\": \"1\"");
  } else if (const Where at(where, "version");
             CheckType(*version, Type::kString, at, "version", diagnostics_) && version->string != "1") {
    diagnostics_.Error("bad_value", at, version->begin, "unknown version " + Quoted(version->string),
                       "this release reads version \"1\"");
  }
  const JsonValue* grants = keys[3].value();
  if (grants == nullptr) {
    diagnostics_.Error("missing_key", where, root.begin, "the document has no grants", "add \"grants\": []");
    return;
  }
  const Where at(where, "grants");
  if (!CheckType(*grants, Type::kArray, at, "grants", diagnostics_)) return;
  grants_.reserve(grants->items.size());
  values_.reserve(grants->items.size());
  for (std::size_t g = 0; g < grants->items.size(); ++g) {
    const std::size_t errors = diagnostics_.errors();
    ReadGrant(grants->items[g], Where(at, g));
    if (diagnostics_.errors() == errors) {
      values_.push_back({&grants->items[g], g});
    } else {
      grants_.resize(values_.size());
    }
  }
}

void GrantReader::ReadGrant(const JsonValue& value, const Where& where) {
  if (!CheckType(value, Type::kObject, where, "a grant", diagnostics_)) return;
  std::array<KnownKey, 9> keys{{{"id"},
                                {"id_sha256"},
                                {"policy"},
                                {"label"},
                                {"attributes"},
                                {"not_before"},
                                {"expires"},
                                {"disabled"},
                                {"secret_hash"}}};
  ReadMembers(value, where, keys, diagnostics_);
  const auto [id, id_sha256, policy, label, attributes, not_before, expires, disabled, secret_hash] =
      std::to_array<const JsonValue*>({keys[0].value(), keys[1].value(), keys[2].value(), keys[3].value(),
                                       keys[4].value(), keys[5].value(), keys[6].value(), keys[7].value(),
                                       keys[8].value()});
  Grant& grant = grants_.emplace_back();
  if (id == nullptr && id_sha256 == nullptr) {
    diagnostics_.Error("missing_key", where, value.begin, "a grant has no id",
                       "add \"id\", or \"id_sha256\" to keep the id secret");
  } else if (id != nullptr && id_sha256 != nullptr) {
    diagnostics_.Error("conflicting_keys", where, value.begin, "a grant has both id and id_sha256");
  }
  ReadText(id, Where(where, "id"), "id", grant.id);
  if (ReadText(id_sha256, Where(where, "id_sha256"), "id_sha256", grant.id_sha256) &&
      grant.id_sha256.empty()) {
    grant.id_sha256 = "-";  // not a hash, and not absent
  }
  ReadText(label, Where(where, "label"), "label", grant.label);
  if (attributes != nullptr) ReadAttributes(*attributes, Where(where, "attributes"), grant);
  ReadTime(not_before, Where(where, "not_before"), "not_before", grant.not_before);
  ReadTime(expires, Where(where, "expires"), "expires", grant.expires);
  if (disabled != nullptr &&
      CheckType(*disabled, Type::kBoolean, Where(where, "disabled"), "disabled", diagnostics_)) {
    grant.disabled = disabled->boolean;
  }
  if (ReadText(secret_hash, Where(where, "secret_hash"), "secret_hash", grant.secret_hash) &&
      grant.secret_hash.empty()) {
    grant.secret_hash = "-";
  }
  if (policy == nullptr && (disabled == nullptr || (disabled->Is(Type::kBoolean) && !disabled->boolean))) {
    diagnostics_.Error("missing_key", where, value.begin, "a grant has no policy",
                       "add \"policy\": \"policy.json\", or \"disabled\": true");
  }
  ReadPolicy(policy, Where(where, "policy"), grant);
}

void GrantReader::ReadAttributes(const JsonValue& value, const Where& where, Grant& grant) {
  if (!CheckType(value, Type::kObject, where, "attributes", diagnostics_)) return;
  grant.attributes.reserve(value.members.size());
  for (const JsonMember& member : value.members) {
    const Where at(where, member.name);
    const JsonValue& v = member.value;
    GrantAttribute attribute{member.name, {}};
    switch (v.type) {
      case Type::kString:
        attribute.value = v.string;
        break;
      case Type::kBoolean:
        attribute.value = v.boolean;
        break;
      case Type::kNumber:
        if (v.number.kind == Number::Kind::kInt64) attribute.value = v.number.i;
        if (v.number.kind == Number::Kind::kUint64) attribute.value = v.number.u;
        if (v.number.kind == Number::Kind::kDouble) attribute.value = v.number.d;
        break;
      case Type::kTooDeep:
        continue;  // reported for the document as a whole
      case Type::kUnrepresentable:
        diagnostics_.Error("bad_value", at, v.begin, "an attribute is a number that 64 bits cannot hold");
        continue;
      default:
        diagnostics_.Error("bad_value", at, v.begin,
                           "an attribute must be a string, a number, true or false");
        continue;
    }
    grant.attributes.push_back(std::move(attribute));
  }
}

bool GrantReader::ReadText(const JsonValue* value, const Where& where, std::string_view what,
                           std::string& text) {
  if (value == nullptr || !CheckType(*value, Type::kString, where, what, diagnostics_)) return false;
  text = value->string;
  return true;
}

void GrantReader::ReadTime(const JsonValue* value, const Where& where, std::string_view what,
                           std::optional<Timestamp>& time) {
  std::string text;
  if (!ReadText(value, where, what, text)) return;
  Timestamp read;
  if (ParseUtcTime(text, read)) {
    time = read;
  } else {
    diagnostics_.Error("bad_value", where, value->begin,
                       Quoted(text) + " is not a UTC time such as 2026-03-01T10:30:00Z");
  }
}

void GrantReader::ReadPolicy(const JsonValue* value, const Where& where, Grant& grant) {
  if (value == nullptr || !CheckType(*value, Type::kString, where, "policy", diagnostics_)) return;
  const auto [found, is_new] = policies_.try_emplace(value->string);
  if (is_new) {
    std::string error;
    found->second = load_(context_, value->string, error);
    if (found->second == nullptr) {
      diagnostics_.Error("bad_value", where, value->begin,
                         "policy " + Quoted(value->string) + " cannot be used" +
                             (error.empty() ? std::string() : ": " + error));
    }
  }
  grant.policy = found->second;
}

// What only shows once grants are read: their ids are told apart, their texts are bounded.
void GrantReader::CheckTogether() {
  for (GrantFault& fault : CheckGrants(grants_)) {
    const auto& [value, place] = values_[fault.grant];
    const Where document;
    const Where list(document, "grants");
    const Where grant(list, place);
    const Where member(grant, fault.member);
    const JsonValue& at = *value->Find(fault.member);  // it is there, or nothing would be wrong with it
    if (fault.attribute == GrantFault::kNoAttribute) {
      diagnostics_.Error(fault.code, member, at.begin, std::move(fault.message), std::move(fault.hint));
    } else {
      const JsonMember& attribute = at.members[fault.attribute];
      diagnostics_.Error(fault.code, Where(member, attribute.name), attribute.name_begin,
                         std::move(fault.message), std::move(fault.hint));
    }
  }
}

}  // namespace
}  // namespace internal

GrantTableResult GrantTable::ReadWith(std::string_view text, LoadFunction load, void* context) {
  internal::GrantReader reader(text, load, context);
  std::shared_ptr<const GrantTable> table = reader.Run();
  return {std::move(table), reader.TakeDiagnostics()};
}

CALLWARDEN_NAMESPACE_END
