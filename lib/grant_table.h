#ifndef CALLWARDEN_LIB_GRANT_TABLE_H_
#define CALLWARDEN_LIB_GRANT_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/attribute.h"
#include "callwarden/config.h"
#include "callwarden/grants.h"

#include "lib/crypto.h"
#include "lib/name_map.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A grant as decisions use it.
struct GrantEntry {
  const Grant* grant = nullptr;
  std::span<const Attribute> attributes;  ///< `label` first, unless it is empty
  Timestamp not_before = (Timestamp::min)();
  Timestamp expires = (Timestamp::max)();

  /// Null: calls under this grant are denied now.
  const CompiledPolicy* PolicyAt(Timestamp now) const noexcept {
    return grant->disabled || now < not_before || now >= expires ? nullptr : grant->policy.get();
  }
};

/// What is wrong with a grant: at its member `member`, or at the attribute of that number.
struct GrantFault {
  static constexpr std::size_t kNoAttribute = ~std::size_t{0};
  std::string_view code = {};
  std::size_t grant = 0;
  std::string_view member = {};
  std::size_t attribute = kNoAttribute;
  std::string message = {};
  std::string hint = {};
};

/// Finds everything that GrantTable::Create refuses, in the order of the grants.
std::vector<GrantFault> CheckGrants(std::span<const Grant> grants);

/// Most attributes of a grant: each that a policy reads is looked for among them.
inline constexpr std::size_t kGrantAttributesMax = 64;
/// Longest id, label, and name of an attribute, in bytes.
inline constexpr std::size_t kGrantTextMax = 1024;

/// The parts of a secret's hash, as HashSecret writes it.
struct SecretHash {
  std::array<uint8_t, 16> salt{};
  Sha256Hash hash{};
};
/// False when the text is not one.
bool ParseSecretHash(std::string_view text, SecretHash& parts) noexcept;
/// Whether this is the secret; in a time that tells nothing of either.
bool IsSecret(std::string_view secret, const SecretHash& parts) noexcept;

/// Reaches into a table, for the parts of the library that are not its members.
class GrantAccess {
 public:
  static std::shared_ptr<const GrantTable> Make(std::vector<Grant> grants);
  /// Null when the table does not name the grant.
  static const GrantEntry* Find(const GrantTable& table, std::string_view id) noexcept;
  static std::span<const GrantEntry> Entries(const GrantTable& table) noexcept;
};

}  // namespace internal

struct GrantTable::Impl {
  std::vector<Grant> grants;
  std::vector<Attribute> attributes;          // of all grants, one after another
  std::vector<internal::GrantEntry> entries;  // by grant
  internal::NameMap<uint32_t> by_id;
  std::vector<internal::Sha256Hash> hashes;
  internal::NameMap<uint32_t> by_hash;  // views of `hashes`
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_GRANT_TABLE_H_
