#ifndef CALLWARDEN_LIB_TEXT_H_
#define CALLWARDEN_LIB_TEXT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

constexpr char FoldAscii(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// The first eight bytes as a word, missing ones 0.
inline uint64_t HeadOf(std::string_view text) noexcept {
  uint64_t head = 0;
  if (text.size() >= sizeof(head)) {
    std::memcpy(&head, text.data(), sizeof(head));
  } else if (!text.empty()) {
    std::memcpy(&head, text.data(), text.size());
  }
  return head;
}
/// Keeps the first `size` bytes of a head, of fewer than eight.
constexpr uint64_t HeadMask(std::size_t size) noexcept {
  if constexpr (std::endian::native == std::endian::little) return (uint64_t{1} << (8 * size)) - 1;
  return ~(~uint64_t{0} >> (8 * size));
}
/// The first byte of a head.
constexpr unsigned char FirstOf(uint64_t head) noexcept {
  if constexpr (std::endian::native == std::endian::little) return static_cast<unsigned char>(head);
  return static_cast<unsigned char>(head >> 56);
}
/// Runs of more bytes are compared by a call.
inline constexpr std::size_t kEqualBytesInPlace = 16;
/// Whether two runs of `size` bytes are the same; in place for the short ones that names and constants are.
inline bool EqualBytes(const char* a, const char* b, std::size_t size) noexcept {
  const auto differ = [&]<class Word>(Word, std::size_t at) {
    Word x = 0;
    Word y = 0;
    std::memcpy(&x, a + at, sizeof(x));
    std::memcpy(&y, b + at, sizeof(y));
    return x != y;
  };
  if (size > kEqualBytesInPlace) return std::memcmp(a, b, size) == 0;
  // Two words that may overlap.
  if (size >= 8) return !differ(uint64_t{}, 0) && !differ(uint64_t{}, size - 8);
  if (size >= 4) return !differ(uint32_t{}, 0) && !differ(uint32_t{}, size - 4);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}
/// Whether every byte is below 0x80.
bool IsAscii(std::string_view text) noexcept;

/// Length in bytes of the well-formed UTF-8 sequence at `text[pos]`; 0 when there is none.
std::size_t Utf8SequenceSize(std::string_view text, std::size_t pos) noexcept;
/// First byte at which well-formed UTF-8 can no longer go on; npos when all of it is well formed. A
/// sequence cut off by the end is at text.size().
std::size_t FindInvalidUtf8(std::string_view text) noexcept;
/// Code points of well-formed UTF-8.
std::size_t CountCodePoints(std::string_view text) noexcept;
/// The longest prefix of at most `size` bytes that ends between code points.
std::string_view CutAtCodePoint(std::string_view text, std::size_t size) noexcept;
/// Appends the UTF-8 form of `code_point` (a scalar value) at `out`, which has room for 4; returns its end.
char* AppendUtf8(uint32_t code_point, char* out) noexcept;

/// Member names as parsers that ignore case see them: ASCII letters, U+017F as `s`, U+212A as `k`.
bool EqualFolded(std::string_view a, std::string_view b) noexcept;

/// Whether the whole of `text` matches `pattern`, in which `*` stands for any run and all else for itself.
/// Complexity: linear in practice, |pattern| * |text| at worst.
bool MatchGlob(std::string_view pattern, std::string_view text) noexcept;
/// Bytes of a pattern that are not `*`.
std::size_t LiteralSize(std::string_view pattern) noexcept;

/// The author's text for a message: in double quotes, control bytes escaped, cut at 60 code points.
std::string Quoted(std::string_view text);
/// Number of single-character edits between two short names, or `limit` + 1 when above `limit`.
std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t limit);
/// Appends `token` to a JSON Pointer, escaped as RFC 6901 says.
void AppendPointer(std::string& pointer, std::string_view token);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_TEXT_H_
