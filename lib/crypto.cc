#include "lib/crypto.h"

#include <climits>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

EVP_MD_CTX* ContextOf(void* context) noexcept { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

void Sha256::Free::operator()(void* context) const noexcept { EVP_MD_CTX_free(ContextOf(context)); }

Sha256::Sha256() noexcept : context_(EVP_MD_CTX_new()) { Begin(); }
Sha256::~Sha256() = default;

void Sha256::Begin() noexcept {
  if (context_ == nullptr) return;
  EVP_MD_CTX* const context = ContextOf(context_.get());
  // The context remembers its digest; naming it again would have OpenSSL 3 look it up again, which costs as
  // much as hashing some hundred bytes.
  ok_ = EVP_DigestInit_ex(context, has_digest_ ? nullptr : EVP_sha256(), nullptr) == 1;
  has_digest_ = has_digest_ || ok_;
}

void Sha256::Add(std::string_view bytes) noexcept {
  ok_ = ok_ && EVP_DigestUpdate(ContextOf(context_.get()), bytes.data(), bytes.size()) == 1;
}

void Sha256::Add64(uint64_t number) noexcept {
  std::array<char, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xFF);
  Add({bytes.data(), bytes.size()});
}

std::optional<Sha256Hash> Sha256::Finish() noexcept {
  Sha256Hash hash;
  const bool done = ok_ && EVP_DigestFinal_ex(ContextOf(context_.get()), hash.data(), nullptr) == 1;
  Begin();
  if (!done) return std::nullopt;
  return hash;
}

std::optional<Sha256Hash> HashSha256(std::string_view bytes) noexcept {
  Sha256Hash hash;
  if (EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    return std::nullopt;
  }
  return hash;
}

std::optional<Sha256Hash> HmacSha256(std::span<const uint8_t> key, std::string_view bytes) noexcept {
  Sha256Hash hash;
  unsigned size = 0;
  if (key.size() > INT_MAX) return std::nullopt;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash.data(),
           &size) == nullptr ||
      size != hash.size()) {
    return std::nullopt;
  }
  return hash;
}

bool EqualInConstantTime(std::span<const uint8_t> a, std::span<const uint8_t> b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool FillRandom(std::span<uint8_t> bytes) noexcept {
  return bytes.size() <= INT_MAX && RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

void Wipe(std::span<uint8_t> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

std::string ToHex(std::span<const uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

bool FromHex(std::string_view text, std::span<uint8_t> bytes) noexcept {
  if (text.size() != bytes.size() * 2) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t high = kHexDigits.find(text[2 * i]);
    const std::size_t low = kHexDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

std::string ToBase64Url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t pending = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    pending = pending << 8 | static_cast<uint8_t>(byte);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += kBase64Digits[pending >> bits & 63];
    }
  }
  if (bits != 0) text += kBase64Digits[pending << (6 - bits) & 63];
  return text;
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::size_t digit = kBase64Digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    pending = pending << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(pending >> bits & 0xFF);
    }
  }
  // One text for one value: no lone digit, no bits that mean nothing.
  if (bits >= 6 || (pending & ((1u << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
