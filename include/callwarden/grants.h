#ifndef CALLWARDEN_GRANTS_H_
#define CALLWARDEN_GRANTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "callwarden/attribute.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/policy.h"

CALLWARDEN_NAMESPACE_BEGIN

namespace internal {
class GrantAccess;
}  // namespace internal

/// An attribute that a grant owns; read in policies as `grant.NAME`.
struct GrantAttribute {
  std::string name = {};
  std::variant<std::string, bool, int64_t, uint64_t, double> value = {};
};

/// Who may call, under which policy, and when. A value.
struct Grant {
  /// The id that hosts pass in ToolCall::grant. Empty when only `id_sha256` is known.
  std::string id = {};
  /// SHA-256 of the id, 64 lower-case hexadecimal digits, for tables that are not to reveal ids. Used when
  /// `id` is empty; each call under such a grant pays for one hash.
  std::string id_sha256 = {};
  /// Null: every call is denied with Reason::kNoPolicy. Grants may share one policy.
  std::shared_ptr<const CompiledPolicy> policy = {};
  /// For people: audit records carry it, and policies read it as `grant.label`.
  std::string label = {};
  /// At most one of a name; `id` and `label` are taken.
  std::vector<GrantAttribute> attributes = {};
  /// Valid from `not_before` on and until just before `expires`; absent means without a bound.
  std::optional<Timestamp> not_before = {};
  std::optional<Timestamp> expires = {};
  bool disabled = false;
  /// The salted hash of the secret of bearer tokens `ID.SECRET`, as HashSecret makes it; empty: no token
  /// opens a session under this grant.
  std::string secret_hash = {};
};

/// Why a token was or was not accepted.
enum class AuthenticationStatus : uint8_t {
  kRefused = 0,  ///< not of the form ID.SECRET, an unknown grant, one without a secret, or the wrong secret
  kNotYetValid,  ///< the secret is right, but the grant is not valid yet
  kExpired,      ///< the secret is right, but the grant is expired
  kDisabled,     ///< the secret is right, but the grant is disabled
  kOk,
};

/// "refused", "not_yet_valid", "expired", "disabled", "ok".
CALLWARDEN_EXPORT std::string_view Name(AuthenticationStatus status) noexcept;

struct Authentication {
  AuthenticationStatus status = AuthenticationStatus::kRefused;
  /// The grant's id, to be passed in ToolCall::grant; empty unless ok().
  std::string grant;
  bool ok() const noexcept { return status == AuthenticationStatus::kOk; }
};

/// Hashes a token's secret for Grant::secret_hash: `sha256:SALT:HASH` in hexadecimal, SHA-256 over salt and
/// secret, with 16 random bytes of salt. A fast hash is right for secrets that are long and random
/// (GenerateSecret), and wrong for passwords that people choose.
[[nodiscard]] CALLWARDEN_EXPORT std::string HashSecret(std::string_view secret);
/// A new secret of 256 random bits, in base64url without padding; empty when the system has no randomness.
[[nodiscard]] CALLWARDEN_EXPORT std::string GenerateSecret();

class GrantTableResult;

/// An immutable set of grants.
///
/// Thread safety: immutable; every member may be called from any thread.
/// Ownership: owns its grants; shares their policies.
class CALLWARDEN_EXPORT GrantTable {
 public:
  /// Gives the policy of a grants document's `policy` member, a name that means something to the host, such
  /// as a file. Called once for each name, in the order of the text. Returns null and says why in `error`
  /// when there is none; the message becomes a diagnostic at that member. Must not throw.
  using PolicyLoader =
      std::function<std::shared_ptr<const CompiledPolicy>(std::string_view name, std::string& error)>;

  /// Makes a table. Fails, with a diagnostic per mistake (without a position), when two grants have one id,
  /// an id is empty and without a hash, or given both ways, a hash is not one, an attribute's name is empty
  /// or taken twice, a text is not UTF-8 or longer than 1 KiB (an attribute's text may be longer), a grant
  /// has more than 64 attributes, or `expires` is not after `not_before`.
  [[nodiscard]] static GrantTableResult Create(std::vector<Grant> grants);
  /// Reads a grants document (docs/operations.md, "Grants"). Reports every mistake in one pass, located; any
  /// error leaves no table. Complexity: linear in the text.
  [[nodiscard]] static GrantTableResult Read(std::string_view text, const PolicyLoader& load_policy);
  /// Longest document that Read takes: 256 MiB, about a million grants.
  static constexpr std::size_t kDocumentSizeMax = std::size_t{256} << 20;

  GrantTable(const GrantTable&) = delete;  // decisions point into it
  GrantTable& operator=(const GrantTable&) = delete;
  ~GrantTable();

  /// The grant of this id, null when the table does not name it. Does not look at its validity. Does not
  /// allocate.
  const Grant* Find(std::string_view id) const noexcept CALLWARDEN_LIFETIME_BOUND;
  /// In the order in which they were given.
  std::span<const Grant> grants() const noexcept CALLWARDEN_LIFETIME_BOUND;

 private:
  friend class internal::GrantAccess;
  struct Impl;
  using LoadFunction = std::shared_ptr<const CompiledPolicy> (*)(void* context, std::string_view name,
                                                                 std::string& error);
  static GrantTableResult ReadWith(std::string_view text, LoadFunction load, void* context);
  explicit GrantTable(std::unique_ptr<const Impl> impl) noexcept;
  std::unique_ptr<const Impl> impl_;
};

/// A grant table, or the reasons why there is none; warnings either way.
class CALLWARDEN_EXPORT GrantTableResult {
 public:
  GrantTableResult() = default;
  GrantTableResult(std::shared_ptr<const GrantTable> table, std::vector<Diagnostic> diagnostics)
      : table_(std::move(table)), diagnostics_(std::move(diagnostics)) {}

  bool ok() const noexcept { return table_ != nullptr; }
  /// Null unless ok().
  const std::shared_ptr<const GrantTable>& table() const noexcept CALLWARDEN_LIFETIME_BOUND { return table_; }
  std::span<const Diagnostic> diagnostics() const noexcept CALLWARDEN_LIFETIME_BOUND { return diagnostics_; }

 private:
  std::shared_ptr<const GrantTable> table_;
  std::vector<Diagnostic> diagnostics_;
};

// Inline, so that the host's function is called by code with the host's own settings for exceptions.
inline GrantTableResult GrantTable::Read(std::string_view text, const PolicyLoader& load_policy) {
  const auto load = [](void* context, std::string_view name, std::string& error) {
    const auto& loader = *static_cast<const PolicyLoader*>(context);
    return loader == nullptr ? nullptr : loader(name, error);
  };
  return ReadWith(text, load, const_cast<PolicyLoader*>(&load_policy));
}

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_GRANTS_H_
