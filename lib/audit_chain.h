#ifndef CALLWARDEN_LIB_AUDIT_CHAIN_H_
#define CALLWARDEN_LIB_AUDIT_CHAIN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "callwarden/config.h"

#include "lib/crypto.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Hashes as text: 64 lower-case hexadecimal digits.
using HashText = std::array<char, 64>;
inline std::string_view View(const HashText& hash) noexcept { return {hash.data(), hash.size()}; }
HashText ToHashText(const Sha256Hash& hash) noexcept;

/// SHA-256, or HMAC-SHA-256 (RFC 2104) under a key, many times over. One thread at a time.
/// Allocation: when made. Errors: nothing when libcrypto fails.
class AuditHasher {
 public:
  explicit AuditHasher(const std::optional<std::array<uint8_t, 32>>& key) noexcept;
  bool keyed() const noexcept { return keyed_; }
  std::optional<HashText> Hash(std::string_view bytes) noexcept;

 private:
  Sha256 sha_;
  bool keyed_;
  std::array<char, 64> inner_key_;
  std::array<char, 64> outer_key_;
};

/// Where a chain stands: what the next line must say.
struct ChainEnd {
  uint64_t next = 1;  ///< sequence number of the next record
  HashText hash;      ///< of the last line; zeros before the first
  ChainEnd() noexcept { hash.fill('0'); }
};

/// What a line of the log says of its place:
///   {"seq":N,"type":"T",...,"prev":"<hash of the line before>","hash":"<of all before this member>"}
struct ChainLink {
  uint64_t seq = 0;
  std::string_view type;
  std::string_view prev;
  std::string_view hash;
  std::string_view hashed;  ///< the bytes that `hash` is of
  /// Whether the line takes a number of its own; others carry the number of the record that comes next.
  bool numbered = false;
};
/// Reads a line, without its line feed. Exactly the form that is written: false for anything else.
bool ReadChainLink(std::string_view line, ChainLink& link) noexcept;

inline constexpr std::string_view kChainPrev = ",\"prev\":\"";
inline constexpr std::string_view kChainHash = "\",\"hash\":\"";
inline constexpr std::string_view kChainEnd = "\"}";

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_CHAIN_H_
