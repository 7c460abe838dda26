// Vectors for what has no public name: the hash of identities and the checksum of snapshots.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "catch.h"
#include "lib/crc32c.h"
#include "lib/siphash.h"

TEST_CASE("siphash agrees with its authors' vectors") {
  // vectors_sip128 of the reference implementation: key 00 01 .. 0f, input 00 01 .. of lengths 0, 1, 8,
  // 15, 63.
  const auto hash = [](std::size_t length, std::size_t step) {
    callwarden::internal::SipHasher128 hasher({0x0706050403020100, 0x0f0e0d0c0b0a0908});
    unsigned char input[64];
    for (std::size_t i = 0; i < 64; ++i) input[i] = static_cast<unsigned char>(i);
    for (std::size_t i = 0; i < length; i += step) hasher.Update(input + i, std::min(step, length - i));
    return hasher.Finish();
  };
  using Pair = std::array<uint64_t, 2>;
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{8}, std::size_t{64}}) {
    CHECK(hash(0, step) == Pair{0xe6a825ba047f81a3, 0x930255c71472f66d});
    CHECK(hash(1, step) == Pair{0x44af996bd8c187da, 0x45fc229b11597634});
    CHECK(hash(15, step) == Pair{0x11a8b03399e99354, 0xd9c3cf970fec087e});
    CHECK(hash(63, step) == Pair{0x4a83502f77d15051, 0x7cbd3f979a063e50});
  }
}

TEST_CASE("crc-32c agrees with the examples of RFC 3720") {
  unsigned char bytes[32] = {};
  CHECK(callwarden::internal::Crc32c(bytes, 32) == 0x8a9136aa);
  std::fill(bytes, bytes + 32, static_cast<unsigned char>(0xff));
  CHECK(callwarden::internal::Crc32c(bytes, 32) == 0x62a8ab43);
  for (unsigned i = 0; i < 32; ++i) bytes[i] = static_cast<unsigned char>(i);
  CHECK(callwarden::internal::Crc32c(bytes, 32) == 0x46dd794e);
}
