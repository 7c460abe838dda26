#include "lib/grant_table.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

std::string_view AsText(const Sha256Hash& hash) noexcept {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

AttributeValue ValueOf(const GrantAttribute& attribute) noexcept {
  const auto& value = attribute.value;
  if (const auto* text = std::get_if<std::string>(&value)) return std::string_view(*text);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean;
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* natural = std::get_if<uint64_t>(&value)) return *natural;
  return *std::get_if<double>(&value);
}

void CheckText(const GrantFault& at, std::string_view what, std::string_view text,
               std::vector<GrantFault>& faults) {
  GrantFault fault = at;
  if (text.size() > kGrantTextMax) {
    fault.message = std::string(what) + " has " + std::to_string(text.size()) + " bytes; at most " +
                    std::to_string(kGrantTextMax) + " are taken";
    faults.push_back(std::move(fault));
  } else if (FindInvalidUtf8(text) != std::string_view::npos) {
    fault.message = std::string(what) + " is not UTF-8";
    faults.push_back(std::move(fault));
  }
}

void CheckAttributes(const Grant& grant, std::size_t index, std::vector<GrantFault>& faults) {
  const GrantFault at{.code = "bad_value", .grant = index, .member = "attributes"};
  if (grant.attributes.size() > kGrantAttributesMax) {
    GrantFault fault = at;
    fault.code = "bound_exceeded";
    fault.message = "more than " + std::to_string(kGrantAttributesMax) + " attributes";
    return faults.push_back(std::move(fault));
  }
  for (std::size_t a = 0; a < grant.attributes.size(); ++a) {
    const std::string& name = grant.attributes[a].name;
    GrantFault fault = at;
    fault.attribute = a;
    CheckText(fault, "the name of an attribute", name, faults);
    if (const auto* text = std::get_if<std::string>(&grant.attributes[a].value)) {
      if (FindInvalidUtf8(*text) != std::string_view::npos) {
        fault.message = "the attribute " + Quoted(name) + " is not UTF-8";
        faults.push_back(fault);
      }
    }
    if (name.empty()) {
      fault.message = "the name of an attribute is empty";
      faults.push_back(std::move(fault));
    } else if (name == "id" || name == "label") {
      fault.code = "misplaced_key";
      fault.message = "the attribute " + Quoted(name) + " is taken";
      fault.hint = "policies read the grant's own " + name + " as grant." + name;
      faults.push_back(std::move(fault));
    } else if (std::any_of(grant.attributes.begin(), grant.attributes.begin() + static_cast<long>(a),
                           [&](const GrantAttribute& earlier) { return earlier.name == name; })) {
      fault.code = "duplicate_key";
      fault.message = "attribute " + Quoted(name) + " is given twice";
      faults.push_back(std::move(fault));
    }
  }
}

}  // namespace

std::vector<GrantFault> CheckGrants(std::span<const Grant> grants) {
  std::vector<GrantFault> faults;
  NameMap<bool> ids;
  std::vector<Sha256Hash> hashes;  // of the ids that are given as hashes
  NameMap<bool> hashed;
  ids.reserve(grants.size());
  hashes.reserve(grants.size());  // views of them must stay good
  std::vector<std::size_t> by_id;
  for (std::size_t g = 0; g < grants.size(); ++g) {
    const Grant& grant = grants[g];
    GrantFault fault{.code = "bad_value", .grant = g, .member = "id"};
    if (!grant.id.empty()) {
      CheckText(fault, "an id", grant.id, faults);
      if (!grant.id_sha256.empty()) {
        fault.code = "conflicting_keys";
        fault.message = "a grant has both an id and the hash of one";
        faults.push_back(fault);
      } else if (!ids.emplace(grant.id, true).second) {
        fault.code = "duplicate_name";
        fault.message = "grant " + Quoted(grant.id) + " is given twice";
        faults.push_back(fault);
      }
      by_id.push_back(g);
    } else if (grant.id_sha256.empty()) {
      fault.message = "a grant's id is empty";
      faults.push_back(fault);
    } else {
      fault.member = "id_sha256";
      Sha256Hash hash;
      if (!FromHex(grant.id_sha256, hash)) {
        fault.message = "a hash of an id is not 64 lower-case hexadecimal digits";
        fault.hint = "printf %s ID | sha256sum";
        faults.push_back(fault);
      } else {
        hashes.push_back(hash);
        if (!hashed.emplace(AsText(hashes.back()), true).second) {
          fault.code = "duplicate_name";
          fault.message = "the grant of this hash is given twice";
          faults.push_back(fault);
        }
      }
    }
    CheckText({.code = "bad_value", .grant = g, .member = "label"}, "a label", grant.label, faults);
    CheckAttributes(grant, g, faults);
    if (grant.not_before && grant.expires && *grant.expires <= *grant.not_before) {
      faults.push_back({.code = "bad_value",
                        .grant = g,
                        .member = "expires",
                        .message = "the grant expires before it is valid"});
    }
    SecretHash secret;
    if (!grant.secret_hash.empty() && !ParseSecretHash(grant.secret_hash, secret)) {
      faults.push_back(
          {.code = "bad_value",
           .grant = g,
           .member = "secret_hash",
           .message = "the hash of the secret is not sha256:SALT:HASH with 32 and 64 hexadecimal digits",
           .hint = "callwarden grants hash-secret makes one"});
    }
  }
  if (hashed.empty()) return faults;
  for (const std::size_t g : by_id) {
    const std::optional<Sha256Hash> hash = HashSha256(grants[g].id);
    if (hash && hashed.contains(AsText(*hash))) {
      faults.push_back(
          {.code = "duplicate_name",
           .grant = g,
           .member = "id",
           .message = "grant " + Quoted(grants[g].id) + " is given twice, once by the hash of its id"});
    }
  }
  return faults;
}

std::shared_ptr<const GrantTable> GrantAccess::Make(std::vector<Grant> grants) {
  auto impl = std::make_unique<GrantTable::Impl>();
  impl->grants = std::move(grants);
  const std::size_t size = impl->grants.size();
  std::size_t attributes = 0;
  std::size_t hashed = 0;
  for (const Grant& grant : impl->grants) {
    attributes += grant.attributes.size() + (grant.label.empty() ? 0 : 1);
    hashed += grant.id.empty() ? 1 : 0;
  }
  // Reserved, since views of them are taken while they fill.
  impl->attributes.reserve(attributes);
  impl->hashes.reserve(hashed);
  impl->entries.reserve(size);
  impl->by_id.reserve(size - hashed);
  impl->by_hash.reserve(hashed);
  for (uint32_t g = 0; g < size; ++g) {
    const Grant& grant = impl->grants[g];
    GrantEntry entry;
    entry.grant = &grant;
    const std::size_t first = impl->attributes.size();
    if (!grant.label.empty()) impl->attributes.push_back({"label", std::string_view(grant.label)});
    for (const GrantAttribute& a : grant.attributes) impl->attributes.push_back({a.name, ValueOf(a)});
    entry.attributes = std::span<const Attribute>(impl->attributes).subspan(first);
    if (grant.not_before) entry.not_before = *grant.not_before;
    if (grant.expires) entry.expires = *grant.expires;
    impl->entries.push_back(entry);
    if (!grant.id.empty()) {
      impl->by_id.emplace(grant.id, g);
    } else {
      Sha256Hash hash{};
      static_cast<void>(FromHex(grant.id_sha256, hash));  // checked before
      impl->hashes.push_back(hash);
      impl->by_hash.emplace(AsText(impl->hashes.back()), g);
    }
  }
  return std::shared_ptr<const GrantTable>(new GrantTable(std::move(impl)));
}

const GrantEntry* GrantAccess::Find(const GrantTable& table, std::string_view id) noexcept {
  const GrantTable::Impl& impl = *table.impl_;
  if (id.empty()) return nullptr;
  if (const auto found = impl.by_id.find(id); found != impl.by_id.end()) return &impl.entries[found->second];
  if (impl.by_hash.empty()) return nullptr;
  const std::optional<Sha256Hash> hash = HashSha256(id);
  if (!hash) return nullptr;
  const auto found = impl.by_hash.find(AsText(*hash));
  return found == impl.by_hash.end() ? nullptr : &impl.entries[found->second];
}

std::span<const GrantEntry> GrantAccess::Entries(const GrantTable& table) noexcept {
  return table.impl_->entries;
}

}  // namespace internal

GrantTable::GrantTable(std::unique_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
GrantTable::~GrantTable() = default;

GrantTableResult GrantTable::Create(std::vector<Grant> grants) {
  std::vector<Diagnostic> diagnostics;
  for (internal::GrantFault& fault : internal::CheckGrants(grants)) {
    Diagnostic diagnostic;
    diagnostic.code = fault.code;
    diagnostic.pointer = "/grants/" + std::to_string(fault.grant);
    internal::AppendPointer(diagnostic.pointer, fault.member);
    if (fault.attribute != internal::GrantFault::kNoAttribute) {
      internal::AppendPointer(diagnostic.pointer, grants[fault.grant].attributes[fault.attribute].name);
    }
    diagnostic.message = std::move(fault.message);
    diagnostic.hint = std::move(fault.hint);
    diagnostics.push_back(std::move(diagnostic));
  }
  if (!diagnostics.empty()) return {nullptr, std::move(diagnostics)};
  return {internal::GrantAccess::Make(std::move(grants)), {}};
}

const Grant* GrantTable::Find(std::string_view id) const noexcept {
  const internal::GrantEntry* entry = internal::GrantAccess::Find(*this, id);
  return entry == nullptr ? nullptr : entry->grant;
}

std::span<const Grant> GrantTable::grants() const noexcept { return impl_->grants; }

CALLWARDEN_NAMESPACE_END
