#include "lib/audit_chain.h"

#include <algorithm>
#include <charconv>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

bool IsHash(std::string_view text) noexcept {
  return text.size() == std::tuple_size_v<HashText> && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool TakePrefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

HashText ToHashText(const Sha256Hash& hash) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  HashText text;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    text[2 * i] = kDigits[hash[i] >> 4];
    text[2 * i + 1] = kDigits[hash[i] & 15];
  }
  return text;
}

AuditHasher::AuditHasher(const std::optional<std::array<uint8_t, 32>>& key) noexcept
    : keyed_(key.has_value()) {
  inner_key_.fill(0x36);
  outer_key_.fill(0x5C);
  if (!keyed_) return;
  for (std::size_t i = 0; i < key->size(); ++i) {
    inner_key_[i] = static_cast<char>(inner_key_[i] ^ (*key)[i]);
    outer_key_[i] = static_cast<char>(outer_key_[i] ^ (*key)[i]);
  }
}

std::optional<HashText> AuditHasher::Hash(std::string_view bytes) noexcept {
  if (keyed_) sha_.Add({inner_key_.data(), inner_key_.size()});
  sha_.Add(bytes);
  std::optional<Sha256Hash> hash = sha_.Finish();
  if (keyed_ && hash.has_value()) {
    sha_.Add({outer_key_.data(), outer_key_.size()});
    sha_.Add({reinterpret_cast<const char*>(hash->data()), hash->size()});
    hash = sha_.Finish();
  }
  if (!hash.has_value()) return std::nullopt;
  return ToHashText(*hash);
}

bool ReadChainLink(std::string_view line, ChainLink& link) noexcept {
  constexpr std::size_t kHashSize = std::tuple_size_v<HashText>;
  constexpr std::size_t kTailSize =
      kChainPrev.size() + kHashSize + kChainHash.size() + kHashSize + kChainEnd.size();
  std::string_view rest = line;
  if (!TakePrefix(rest, "{\"seq\":")) return false;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), link.seq);
  if (error != std::errc() || rest.front() == '0') return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (!TakePrefix(rest, ",\"type\":\"")) return false;
  link.type = rest.substr(0, rest.find('"'));
  link.numbered = link.type == "decision" || link.type == "completion";
  if (rest.size() < link.type.size() + 1 + kTailSize) return false;
  std::string_view tail = line.substr(line.size() - kTailSize);
  const std::size_t hashed_size = line.size() - kChainEnd.size() - kHashSize - kChainHash.size() + 1;
  link.hashed = line.substr(0, hashed_size);  // up to the quote that ends `prev`
  if (!TakePrefix(tail, kChainPrev)) return false;
  link.prev = tail.substr(0, kHashSize);
  tail.remove_prefix(kHashSize);
  if (!TakePrefix(tail, kChainHash)) return false;
  link.hash = tail.substr(0, kHashSize);
  tail.remove_prefix(kHashSize);
  return tail == kChainEnd && IsHash(link.prev) && IsHash(link.hash);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
