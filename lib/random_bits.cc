#include "lib/random_bits.h"

#include <chrono>

#if defined(__linux__)
#include <sys/random.h>
#elif !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

uint64_t RandomBits() noexcept {
  uint64_t bits = 0;
#if defined(__linux__)
  if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == static_cast<ssize_t>(sizeof(bits))) return bits;
#elif !defined(_WIN32)
  if (const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC); fd >= 0) {
    const bool whole = read(fd, &bits, sizeof(bits)) == static_cast<ssize_t>(sizeof(bits));
    close(fd);
    if (whole) return bits;
  }
#endif
  static const int anchor = 0;
  bits ^= reinterpret_cast<uintptr_t>(&anchor) * 0x9E3779B97F4A7C15u;
  bits ^= reinterpret_cast<uintptr_t>(&bits) * 0xC2B2AE3D27D4EB4Fu;
  bits ^= static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) << 17;
  bits ^= static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  return bits * 0xD6E8FEB86659FD93u;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
