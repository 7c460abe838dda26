#include "lib/key_cache.h"

#include <new>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// The thread is ending, and its cache has ended before: who still makes keys makes them the long way.
constinit thread_local bool cache_gone = false;

struct Owner {
  KeyCache** cache = nullptr;
  ~Owner() {
    cache_gone = true;
    if (cache == nullptr) return;
    delete *cache;
    *cache = nullptr;
  }
};

}  // namespace

constinit thread_local KeyCache* KeyCache::thread_cache_ = nullptr;

KeyCache* KeyCache::MakeForThread() noexcept {
  if (cache_gone) return nullptr;
  static thread_local Owner owner;
  KeyCache* const cache = new (std::nothrow) KeyCache;
  if (cache == nullptr) return nullptr;
  thread_cache_ = cache;
  owner.cache = &thread_cache_;
  return cache;
}

void KeyCache::Put(const Identity& secret, const Identity& digest, std::span<const AttributeValue> scope,
                   const CounterKey& key) noexcept {
  std::size_t size = 0;
  for (const AttributeValue& value : scope) {
    size += 2 + (value.type() == AttributeValue::Type::kString ? value.string().size() : sizeof(uint64_t));
    if (size > kScopeBytes) return;
  }
  Entry& entry = entries_[SetOf(digest, scope) + puts_++ % kWays];
  entry.digest = digest;
  entry.secret = secret;
  entry.identity = {key.fp, key.check};
  entry.values = static_cast<uint8_t>(scope.size());
  unsigned char* at = entry.scope.data();
  for (const AttributeValue& value : scope) {
    at[0] = static_cast<unsigned char>(value.type());
    if (value.type() == AttributeValue::Type::kString) {
      const std::string_view text = value.string();
      at[1] = static_cast<unsigned char>(text.size());
      if (!text.empty()) std::memcpy(at + 2, text.data(), text.size());
    } else {
      const uint64_t bits = BitsOf(value);
      at[1] = sizeof(bits);
      std::memcpy(at + 2, &bits, sizeof(bits));
    }
    at += 2 + at[1];
  }
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
