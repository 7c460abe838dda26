#include <algorithm>
#include <array>

#include "callwarden/approvals.h"

#include "lib/crypto.h"

// A token is `cw1.PAYLOAD.MAC`, both parts in base64url. The MAC is HMAC-SHA-256 over the text `cw1.PAYLOAD`.
// The payload, numbers little-endian:
//   key id 4 | expires at, ns since the epoch 8 | policy revision 8 | nonce 16 | digest of the call 32 |
//   size of the approval id 2 | the approval id | the grant, to the end

CALLWARDEN_NAMESPACE_BEGIN
namespace {

constexpr std::string_view kPrefix = "cw1.";
constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kFixedSize = 4 + 8 + 8 + kNonceSize + std::tuple_size_v<CallDigest> + 2;
constexpr std::size_t kTextsMax = 4096;
constexpr std::size_t kTokenMax = 8192;  // what kTextsMax comes to is shorter

std::string_view BytesOf(std::span<const uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const uint8_t> BytesOf(std::string_view bytes) noexcept {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

void PutNumber(std::string& out, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

// Takes parts from the front of a payload, which is long enough.
class Parts {
 public:
  explicit Parts(std::string_view bytes) noexcept : bytes_(bytes) {}
  std::string_view Take(std::size_t size) noexcept {
    const std::string_view part = bytes_.substr(0, size);
    bytes_.remove_prefix(part.size());
    return part;
  }
  uint64_t Number(std::size_t size) noexcept {
    uint64_t value = 0;
    unsigned shift = 0;
    for (const uint8_t byte : BytesOf(Take(size))) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }
  std::string_view rest() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
};

}  // namespace

ApprovalTokens::ApprovalTokens() : key_{}, key_id_(0), usable_(internal::FillRandom(key_)) {}

ApprovalTokens::ApprovalTokens(const Key& key, uint32_t key_id) : key_(key), key_id_(key_id) {}

ApprovalTokens::~ApprovalTokens() { internal::Wipe(key_); }

std::string ApprovalTokens::Make(const ApprovalTokenClaims& claims) const {
  std::array<uint8_t, kNonceSize> nonce{};
  if (!usable_ || claims.approval_id.size() + claims.grant.size() > kTextsMax ||
      !internal::FillRandom(nonce)) {
    return {};
  }
  std::string payload;
  PutNumber(payload, key_id_, 4);
  PutNumber(payload, static_cast<uint64_t>(claims.expires_at.time_since_epoch().count()), 8);
  PutNumber(payload, claims.policy_revision, 8);
  payload.append(BytesOf(std::span<const uint8_t>(nonce)));
  payload.append(BytesOf(std::span<const uint8_t>(claims.digest)));
  PutNumber(payload, claims.approval_id.size(), 2);
  payload.append(claims.approval_id).append(claims.grant);
  std::string token(kPrefix);
  token.append(internal::ToBase64Url(payload));
  const auto mac = internal::HmacSha256(key_, token);
  if (!mac.has_value()) return {};
  token += '.';
  token.append(internal::ToBase64Url(BytesOf(std::span<const uint8_t>(*mac))));
  return token;
}

std::optional<ApprovalTokenClaims> ApprovalTokens::Check(std::string_view token, Timestamp now) const {
  if (!usable_ || token.size() > kTokenMax || !token.starts_with(kPrefix)) return std::nullopt;
  const std::size_t point = token.rfind('.');
  if (point < kPrefix.size()) return std::nullopt;
  const auto expected = internal::HmacSha256(key_, token.substr(0, point));
  const auto mac = internal::FromBase64Url(token.substr(point + 1));
  if (!expected.has_value() || !mac.has_value() ||
      !internal::EqualInConstantTime(*expected, BytesOf(std::string_view(*mac)))) {
    return std::nullopt;
  }
  // From here on it is what this key has signed.
  const auto payload = internal::FromBase64Url(token.substr(kPrefix.size(), point - kPrefix.size()));
  if (!payload.has_value() || payload->size() < kFixedSize) return std::nullopt;
  Parts parts(*payload);
  if (parts.Number(4) != key_id_) return std::nullopt;
  ApprovalTokenClaims claims;
  claims.expires_at = Timestamp(std::chrono::nanoseconds(static_cast<int64_t>(parts.Number(8))));
  claims.policy_revision = parts.Number(8);
  static_cast<void>(parts.Take(kNonceSize));
  const std::string_view digest = parts.Take(claims.digest.size());
  std::copy(digest.begin(), digest.end(), claims.digest.begin());
  const std::size_t id_size = parts.Number(2);
  if (id_size > parts.rest().size() || now >= claims.expires_at) return std::nullopt;
  claims.approval_id = parts.Take(id_size);
  claims.grant = parts.rest();
  return claims;
}

CALLWARDEN_NAMESPACE_END
