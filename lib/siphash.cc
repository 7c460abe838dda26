#include "lib/siphash.h"

#include <bit>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

SipHasher128::SipHasher128(const Secret& secret) noexcept
    : v0_(secret[0] ^ 0x736f6d6570736575u),
      v1_(secret[1] ^ 0x646f72616e646f6du ^ 0xeeu),
      v2_(secret[0] ^ 0x6c7967656e657261u),
      v3_(secret[1] ^ 0x7465646279746573u) {}

void SipHasher128::Rounds(int count) noexcept {
  for (int i = 0; i < count; ++i) {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
}

void SipHasher128::Block(uint64_t word) noexcept {
  v3_ ^= word;
  Rounds(2);
  v0_ ^= word;
}

void SipHasher128::Update(const void* data, std::size_t size) noexcept {
  const unsigned char* bytes = static_cast<const unsigned char*>(data);
  std::size_t i = 0;
  while (i < size && (total_ & 7) != 0) {
    tail_ |= uint64_t{bytes[i++]} << (8 * (total_ & 7));
    if ((++total_ & 7) == 0) {
      Block(tail_);
      tail_ = 0;
    }
  }
  for (; size - i >= 8; i += 8) {
    uint64_t word = 0;
    for (unsigned b = 0; b < 8; ++b) word |= uint64_t{bytes[i + b]} << (8 * b);
    Block(word);
    total_ += 8;
  }
  for (; i < size; ++i, ++total_) tail_ |= uint64_t{bytes[i]} << (8 * (total_ & 7));
}

void SipHasher128::Update64(uint64_t value) noexcept {
  unsigned char bytes[8];
  for (unsigned b = 0; b < 8; ++b) bytes[b] = static_cast<unsigned char>(value >> (8 * b));
  Update(bytes, sizeof bytes);
}

void SipHasher128::UpdatePrefixed(std::string_view bytes) noexcept {
  Update64(bytes.size());
  Update(bytes.data(), bytes.size());
}

std::array<uint64_t, 2> SipHasher128::Finish() noexcept {
  Block((total_ << 56) | tail_);
  v2_ ^= 0xee;
  Rounds(4);
  const uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
  v1_ ^= 0xdd;
  Rounds(4);
  return {low, v0_ ^ v1_ ^ v2_ ^ v3_};
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
