#ifndef CALLWARDEN_LIB_CRYPTO_H_
#define CALLWARDEN_LIB_CRYPTO_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

using Sha256Hash = std::array<uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of bytes that come in pieces. One thread at a time.
/// Allocation: one context when made. Errors: without memory ok() is false and Finish returns nothing.
class Sha256 {
 public:
  Sha256() noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void Add(std::string_view bytes) noexcept;
  /// The number's eight bytes, least significant first; put before a text it keeps texts apart.
  void Add64(uint64_t number) noexcept;
  /// The hash, once; the object then begins afresh.
  std::optional<Sha256Hash> Finish() noexcept;

 private:
  struct Free {
    void operator()(void* context) const noexcept;
  };
  void Begin() noexcept;
  std::unique_ptr<void, Free> context_;
  bool ok_ = false;
  bool has_digest_ = false;
};

std::optional<Sha256Hash> HashSha256(std::string_view bytes) noexcept;
/// HMAC-SHA-256 (RFC 2104).
std::optional<Sha256Hash> HmacSha256(std::span<const uint8_t> key, std::string_view bytes) noexcept;
/// Compares in a time that tells nothing but the sizes.
bool EqualInConstantTime(std::span<const uint8_t> a, std::span<const uint8_t> b) noexcept;
/// Fills with bytes that nobody can guess. False: the system has none.
bool FillRandom(std::span<uint8_t> bytes) noexcept;
/// Overwrites a secret that is of no use any more; compilers do not leave it out.
void Wipe(std::span<uint8_t> bytes) noexcept;

/// Lower-case hexadecimal, and base64url without padding (RFC 4648). Decoding is strict: nothing on any other
/// byte, an odd size, or bits that are left over.
std::string ToHex(std::span<const uint8_t> bytes);
bool FromHex(std::string_view text, std::span<uint8_t> bytes) noexcept;
std::string ToBase64Url(std::string_view bytes);
std::optional<std::string> FromBase64Url(std::string_view text);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_CRYPTO_H_
