#ifndef CALLWARDEN_LIB_KEY_CACHE_H_
#define CALLWARDEN_LIB_KEY_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "callwarden/attribute.h"
#include "callwarden/config.h"
#include "callwarden/counter_store.h"

#include "lib/attribute_bits.h"
#include "lib/quick_hash.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What a thread remembers of the keys it made, so that a grant that calls again does not pay for the keyed
/// hash again, and of the slots where stores found them.
///
/// A key is a pure function of the store's secret, the spec's digest and the scope values, and an entry holds
/// all of these: nothing can go stale, and callers who choose scope values can at most push others' entries
/// out, which costs time. A slot is a hint that the store checks by the key's 128 bits.
///
/// Thread safety: one a thread. Allocation: once a thread, kBytes, on the first key.
class KeyCache {
 public:
  using Identity = std::array<uint64_t, 2>;

  /// This thread's; null when there is no memory for it, or the thread is ending.
  static KeyCache* OfThread() noexcept { return thread_cache_ != nullptr ? thread_cache_ : MakeForThread(); }

  /// Sets the key's identity and hint when it is known.
  bool Find(const Identity& secret, const Identity& digest, std::span<const AttributeValue> scope,
            CounterKey& key) const noexcept {
    const std::size_t set = SetOf(digest, scope);
    for (std::size_t i = set; i < set + kWays; ++i) {
      const Entry& entry = entries_[i];
      if (entry.digest != digest || entry.secret != secret || !Holds(entry, scope)) continue;
      key.fp = entry.identity[0];
      key.check = entry.identity[1];
      key.hint = HintOf(key.fp);
      return true;
    }
    return false;
  }
  /// Remembers a key, unless its scope values are too long.
  void Put(const Identity& secret, const Identity& digest, std::span<const AttributeValue> scope,
           const CounterKey& key) noexcept;

  /// Where the key was last found, or CounterKey::kNoHint.
  uint32_t HintOf(uint64_t fp) const noexcept {
    const Hint& hint = hints_[fp % kHints];
    return hint.tag == TagOf(fp) ? hint.slot : CounterKey::kNoHint;
  }
  void SetHint(const CounterKey& key) noexcept { hints_[key.fp % kHints] = {TagOf(key.fp), key.hint}; }

 private:
  static constexpr std::size_t kScopeBytes = 78;
  static constexpr std::size_t kWays = 2;
  static constexpr std::size_t kEntries = 1024;
  static constexpr std::size_t kHints = 4096;

  // Two lines.
  struct alignas(64) Entry {
    Identity digest{};  // of no spec while it is zero
    Identity secret{};
    Identity identity{};
    uint8_t values = 0;
    uint8_t size = 0;
    std::array<unsigned char, kScopeBytes> scope{};  // each value: its type, its size, its bytes
  };
  static_assert(sizeof(Entry) == 128);
  struct Hint {
    uint32_t tag = 0;
    uint32_t slot = CounterKey::kNoHint;
  };

  static uint32_t TagOf(uint64_t fp) noexcept { return static_cast<uint32_t>(fp >> 32); }
  static std::size_t SetOf(const Identity& digest, std::span<const AttributeValue> scope) noexcept;
  static bool Holds(const Entry& entry, std::span<const AttributeValue> scope) noexcept;
  static KeyCache* MakeForThread() noexcept;

  static constinit thread_local KeyCache* thread_cache_;

  std::array<Entry, kEntries> entries_;
  std::array<Hint, kHints> hints_;
  uint32_t puts_ = 0;
};

// 1 and 1.0 are remembered apart, with the same key.
inline std::size_t KeyCache::SetOf(const Identity& digest, std::span<const AttributeValue> scope) noexcept {
  uint64_t hash = digest[0];
  for (const AttributeValue& value : scope) {
    hash = value.type() == AttributeValue::Type::kString
               ? QuickHash(hash, value.string().substr(0, kScopeBytes))
               : MixHash(hash, BitsOf(value));
  }
  return hash % (kEntries / kWays) * kWays;
}

inline bool KeyCache::Holds(const Entry& entry, std::span<const AttributeValue> scope) noexcept {
  if (entry.values != scope.size()) return false;
  const unsigned char* at = entry.scope.data();
  for (const AttributeValue& value : scope) {
    if (at[0] != static_cast<unsigned char>(value.type())) return false;
    if (value.type() == AttributeValue::Type::kString) {
      const std::string_view text = value.string();
      if (at[1] != text.size() || (!text.empty() && std::memcmp(at + 2, text.data(), text.size()) != 0))
        return false;
    } else {
      const uint64_t bits = BitsOf(value);
      if (std::memcmp(at + 2, &bits, sizeof(bits)) != 0) return false;
    }
    at += 2 + at[1];
  }
  return true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_KEY_CACHE_H_
