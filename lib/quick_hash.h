#ifndef CALLWARDEN_LIB_QUICK_HASH_H_
#define CALLWARDEN_LIB_QUICK_HASH_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "callwarden/config.h"

#include "lib/int128.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Takes a word into a hash: a product folded in half, so that every bit of both reaches every bit.
inline uint64_t MixHash(uint64_t hash, uint64_t word) noexcept {
  const uint128 product = uint128{hash ^ word ^ 0xA0761D6478BD642Fu} * 0x9E3779B97F4A7C15u;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Hashes a text in a few instructions, without a key: whoever chooses texts can make them collide. For
/// tables whose keys are the policy's own, and for caches of fixed size, where a collision costs time and no
/// more.
inline uint64_t QuickHash(uint64_t hash, std::string_view text) noexcept {
  const auto load = [](const char* bytes, std::size_t size) {
    uint64_t word = 0;
    if (size == 8) {
      std::memcpy(&word, bytes, 8);
    } else if (size >= 4) {
      uint32_t low = 0;
      uint32_t high = 0;
      std::memcpy(&low, bytes, 4);
      std::memcpy(&high, bytes + size - 4, 4);
      word = low | uint64_t{high} << 32;
    } else if (size != 0) {
      word = static_cast<unsigned char>(bytes[0]) |
             uint64_t{static_cast<unsigned char>(bytes[size / 2])} << 8 |
             uint64_t{static_cast<unsigned char>(bytes[size - 1])} << 16;
    }
    return word;
  };
  hash = MixHash(hash, text.size());
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 8; left -= 8, at += 8) hash = MixHash(hash, load(at, 8));
  return MixHash(hash, load(at, left));
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_QUICK_HASH_H_
