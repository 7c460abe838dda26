#ifndef CALLWARDEN_LIB_SIPHASH_H_
#define CALLWARDEN_LIB_SIPHASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// SipHash-2-4 with 128 bits of output, fed piece by piece: a keyed hash whose collisions cannot be
/// steered without the key. What is hashed is the bytes alone, so callers prefix lengths themselves.
///
/// Thread safety: a value; one thread at a time.
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", and their reference code for the
/// output of 128 bits.
class SipHasher128 {
 public:
  using Secret = std::array<uint64_t, 2>;

  explicit SipHasher128(const Secret& secret) noexcept;

  void Update(const void* data, std::size_t size) noexcept;
  void Update64(uint64_t value) noexcept;                ///< eight bytes, little-endian
  void UpdatePrefixed(std::string_view bytes) noexcept;  ///< the length as 64 bits, then the bytes
  /// The hash of all that was fed. Call it once, last.
  [[nodiscard]] std::array<uint64_t, 2> Finish() noexcept;

 private:
  void Rounds(int count) noexcept;
  void Block(uint64_t word) noexcept;

  uint64_t v0_, v1_, v2_, v3_;
  uint64_t tail_ = 0;   // bytes that do not fill a block yet, the first lowest
  uint64_t total_ = 0;  // bytes fed; only the low eight bits count
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SIPHASH_H_
