#ifndef CALLWARDEN_LIB_STRING_BLOCK_H_
#define CALLWARDEN_LIB_STRING_BLOCK_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Finds what ends a plain run of a JSON string, some bytes at a time: a quote, a backslash or a byte below
/// 0x20; and beside it, which bytes are not ASCII. Portable: eight bytes in a word, the first lowest.
///
/// Source: the zero-byte test of Warren, "Hacker's Delight", section 6-1. A borrow may mark bytes above a
/// marked one wrongly, never below it, so the lowest mark is right.
class WordBlock {
 public:
  static constexpr std::size_t kSize = 8;
  using Mask = uint64_t;

  explicit WordBlock(const char* p) noexcept {
    uint64_t word = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&word, p, sizeof(word));
    } else {
      for (std::size_t i = 0; i < kSize; ++i) {
        word |= uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
      }
    }
    const uint64_t not_high = ~word & kHighs;
    ends_ =
        (((word ^ kOnes * '"') - kOnes) | ((word ^ kOnes * '\\') - kOnes) | (word - kOnes * 0x20)) & not_high;
    highs_ = word & kHighs;
  }

  bool has_end() const noexcept { return ends_ != 0; }
  /// Where the first end is; there is one.
  std::size_t end() const noexcept { return static_cast<std::size_t>(std::countr_zero(ends_)) / 8; }
  /// Not 0 when a byte before the first end, or any where there is none, is above 0x7F.
  Mask highs() const noexcept { return highs_ & (ends_ - 1) & ~ends_; }

 private:
  static constexpr uint64_t kOnes = 0x0101010101010101u;
  static constexpr uint64_t kHighs = 0x8080808080808080u;
  Mask ends_ = 0;
  Mask highs_ = 0;
};

#if defined(__SSE2__)
/// The same for sixteen bytes.
class SseBlock {
 public:
  static constexpr std::size_t kSize = 16;
  using Mask = uint32_t;

  explicit SseBlock(const char* p) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    ends_ = static_cast<Mask>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), controls)));
    highs_ = static_cast<Mask>(_mm_movemask_epi8(bytes));
  }

  bool has_end() const noexcept { return ends_ != 0; }
  std::size_t end() const noexcept { return static_cast<std::size_t>(std::countr_zero(ends_)); }
  Mask highs() const noexcept { return highs_ & (ends_ - 1) & ~ends_; }

 private:
  Mask ends_ = 0;
  Mask highs_ = 0;
};
using StringBlock = SseBlock;
#else
using StringBlock = WordBlock;
#endif

/// Copies bytes and tells whether all of them are ASCII.
inline bool CopyAscii(char* to, const char* from, std::size_t size) noexcept {
#if defined(__SSE2__)
  if (size >= sizeof(__m128i)) {
    __m128i any = _mm_setzero_si128();
    const auto copy = [&](std::size_t at) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), bytes);
      any = _mm_or_si128(any, bytes);
    };
    const std::size_t last = size - sizeof(any);  // which may overlap the one before
    for (std::size_t at = 0; at < last; at += sizeof(any)) copy(at);
    copy(last);
    return _mm_movemask_epi8(any) == 0;
  }
#endif
  std::size_t at = 0;
  uint64_t highs = 0;
  for (uint64_t word = 0; size - at >= sizeof(word); at += sizeof(word)) {
    std::memcpy(&word, from + at, sizeof(word));
    std::memcpy(to + at, &word, sizeof(word));
    highs |= word;
  }
  for (; at < size; ++at) {
    to[at] = from[at];
    highs |= static_cast<unsigned char>(from[at]);
  }
  return (highs & 0x8080808080808080u) == 0;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_STRING_BLOCK_H_
