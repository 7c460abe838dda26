#include "lib/mcp_pending.h"

#include <utility>

#include "lib/random_bits.h"
#include "lib/siphash.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace internal {
namespace {

// Memory that one huge message took is given back.
constexpr std::size_t kLineKeptMax = std::size_t{64} << 10;

void Clear(std::string& text) noexcept {
  if (text.capacity() > kLineKeptMax) {
    std::string().swap(text);
  } else {
    text.clear();
  }
}

}  // namespace

PendingTable::PendingTable() : key_(callwarden::internal::RandomBits()), buckets_(16, kNone) {}

// Ids are hostile, so the hash has a key.
std::size_t PendingTable::BucketOf(bool is_string, int64_t integer, std::string_view text) const noexcept {
  uint64_t hash = 0;
  if (is_string) {
    callwarden::internal::SipHasher128 hasher({key_, ~key_});
    hasher.Update(text.data(), text.size());
    hash = hasher.Finish()[0];
  } else {
    hash = (static_cast<uint64_t>(integer) ^ key_) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
    hash = (hash ^ (key_ >> 17)) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
  }
  return hash & (buckets_.size() - 1);
}

Pending* PendingTable::Find(const MessageId& id) noexcept {
  const bool is_string = id.kind == MessageId::Kind::kString;
  uint32_t at = buckets_[BucketOf(is_string, id.integer, id.text)];
  for (; at != kNone; at = entries_[at]->next) {
    Pending& entry = *entries_[at];
    if (entry.id_is_string == is_string &&
        (is_string ? entry.id_text == id.text : entry.id_integer == id.integer)) {
      return &entry;
    }
  }
  return nullptr;
}

void PendingTable::Grow() {
  buckets_.assign(buckets_.size() * 2, kNone);
  for (const std::unique_ptr<Pending>& entry : entries_) {
    if (!entry->live) continue;
    uint32_t& bucket = buckets_[BucketOf(entry->id_is_string, entry->id_integer, entry->id_text)];
    entry->next = std::exchange(bucket, entry->index);
  }
}

Pending& PendingTable::Add(const MessageId& id, Pending::Kind kind) {
  if (size_ == buckets_.size()) Grow();
  if (free_.empty()) {
    entries_.push_back(std::make_unique<Pending>());
    entries_.back()->index = static_cast<uint32_t>(entries_.size() - 1);
    free_.push_back(entries_.back()->index);
    // Room for the day on which all of them are removed, and freed, at once.
    free_.reserve(entries_.size());
    removed_.reserve(entries_.size());
  }
  Pending& entry = *entries_[free_.back()];
  free_.pop_back();
  entry.kind = kind;
  entry.id_is_string = id.kind == MessageId::Kind::kString;
  entry.id_integer = id.integer;
  entry.id_text.assign(id.text);
  entry.id_raw.assign(id.raw);
  entry.live = true;
  uint32_t& bucket = buckets_[BucketOf(entry.id_is_string, entry.id_integer, entry.id_text)];
  entry.next = std::exchange(bucket, entry.index);
  ++size_;
  return entry;
}

void PendingTable::Remove(Pending& entry) noexcept {
  uint32_t* at = &buckets_[BucketOf(entry.id_is_string, entry.id_integer, entry.id_text)];
  while (*at != entry.index) at = &entries_[*at]->next;
  *at = entry.next;
  entry.live = false;
  ++entry.generation;
  removed_.push_back(entry.index);
  --size_;
}

void PendingTable::Recycle() noexcept {
  for (const uint32_t index : removed_) {
    Pending& entry = *entries_[index];
    if (entry.decision != nullptr) {
      *entry.decision = Decision();
      decisions_.push_back(std::move(entry.decision));
    }
    entry.era = Era::kLegacy;
    entry.cancelled = entry.answered = entry.hears_tools = entry.has_deadline = false;
    entry.capabilities = {};
    for (std::string* text : {&entry.id_text, &entry.id_raw, &entry.tool, &entry.line, &entry.minted})
      Clear(*text);
    free_.push_back(index);
  }
  removed_.clear();
  for (std::unique_ptr<Decision>& decision : retired_) {
    *decision = Decision();
    decisions_.push_back(std::move(decision));
  }
  retired_.clear();
}

std::unique_ptr<Decision> PendingTable::NewDecision() {
  if (decisions_.empty()) return std::make_unique<Decision>();
  std::unique_ptr<Decision> decision = std::move(decisions_.back());
  decisions_.pop_back();
  return decision;
}

Pending* PendingTable::FindTicket(uint64_t ticket) noexcept {
  const auto index = static_cast<uint32_t>(ticket) - 1;
  if (static_cast<uint32_t>(ticket) == 0 || index >= entries_.size()) return nullptr;
  Pending& entry = *entries_[index];
  return entry.live && entry.generation == static_cast<uint32_t>(ticket >> 32) ? &entry : nullptr;
}

}  // namespace internal
}  // namespace mcp
CALLWARDEN_NAMESPACE_END
