#ifndef CALLWARDEN_LIB_CRC32C_H_
#define CALLWARDEN_LIB_CRC32C_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// CRC-32C (Castagnoli, reflected 0x82F63B78) of some bytes; finds every change of up to 32 bits in a row.
/// Source: RFC 3720, appendix B.4, whose examples the test uses.
constexpr uint32_t Crc32c(const unsigned char* data, std::size_t size) noexcept {
  constexpr auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
      table[i] = crc;
    }
    return table;
  }();
  uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 0; i < size; ++i) crc = kTable[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_CRC32C_H_
