#include <array>
#include <string>

#include "callwarden/grants.h"

#include "lib/crypto.h"
#include "lib/grant_table.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

constexpr std::string_view kScheme = "sha256:";

std::optional<internal::Sha256Hash> HashSalted(const std::array<uint8_t, 16>& salt,
                                               std::string_view secret) noexcept {
  internal::Sha256 hasher;
  hasher.Add({reinterpret_cast<const char*>(salt.data()), salt.size()});
  hasher.Add(secret);
  return hasher.Finish();
}

}  // namespace

namespace internal {

bool ParseSecretHash(std::string_view text, SecretHash& parts) noexcept {
  if (!text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && FromHex(text.substr(0, colon), parts.salt) &&
         FromHex(text.substr(colon + 1), parts.hash);
}

bool IsSecret(std::string_view secret, const SecretHash& parts) noexcept {
  const std::optional<Sha256Hash> hash = HashSalted(parts.salt, secret);
  return hash && EqualInConstantTime(*hash, parts.hash);
}

}  // namespace internal

std::string_view Name(AuthenticationStatus status) noexcept {
  switch (status) {
    case AuthenticationStatus::kRefused:
      return "refused";
    case AuthenticationStatus::kNotYetValid:
      return "not_yet_valid";
    case AuthenticationStatus::kExpired:
      return "expired";
    case AuthenticationStatus::kDisabled:
      return "disabled";
    case AuthenticationStatus::kOk:
      return "ok";
  }
  return {};
}

std::string HashSecret(std::string_view secret) {
  std::array<uint8_t, 16> salt;
  if (!internal::FillRandom(salt)) return {};
  const std::optional<internal::Sha256Hash> hash = HashSalted(salt, secret);
  if (!hash) return {};
  return std::string(kScheme) + internal::ToHex(salt) + ":" + internal::ToHex(*hash);
}

std::string GenerateSecret() {
  std::array<uint8_t, 32> secret;
  if (!internal::FillRandom(secret)) return {};
  return internal::ToBase64Url({reinterpret_cast<const char*>(secret.data()), secret.size()});
}

CALLWARDEN_NAMESPACE_END
