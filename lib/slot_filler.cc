#include "lib/slot_filler.h"

#include "lib/random_bits.h"
#include "lib/slot_filler-inl.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

uint64_t Load(const char* p, std::size_t size) noexcept {
  uint64_t word = 0;
  std::memcpy(&word, p, size);
  return word;
}

// A keyed hash after wyhash's multiply-and-fold: members' names are hostile, so the key is random.
uint64_t HashOf(std::string_view name, uint64_t key) noexcept {
  constexpr uint64_t kOdd = 0xA0761D6478BD642Fu;
  const auto fold = [](uint64_t a, uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t h = key ^ (name.size() * kOdd);
  const char* p = name.data();
  std::size_t left = name.size();
  for (; left >= 8; left -= 8, p += 8) h = fold(h ^ Load(p, 8), key | 1) + kOdd;
  if (left != 0) h = fold(h ^ Load(p, left), key | 1) + kOdd;
  return fold(h ^ key, kOdd);
}

}  // namespace

bool SlotFiller::Start(std::span<const Layer> layers, uint32_t slot_count, const Options& options) noexcept {
  layers_ = layers;
  options_ = options;
  refused_ = Refusal::kNone;
  refused_enforced_ = Refusal::kNone;
  done_ = false;
  seen_root_ = false;
  named_ = false;
  targets_ = 0;
  size_ = 0;
  frames_.clear();
  frontier_.clear();
  names_.clear();
  hashed_ = 0;
  // Serials go on from call to call, so that old entries of the hash table count as empty.
  if (serial_ > 0x7FFFFFFFu) {
    serial_ = 0;
    for (std::size_t i = 0; i < hash_.size(); ++i) hash_[i] = {};
  }
  serial_base_ = serial_;
  if (!values_.resize_unset(slot_count)) return Refuse(Refusal::kNoMemory);
  for (uint32_t i = 0; i < slot_count; ++i) values_[i] = SlotValue();
  return true;
}

bool SlotFiller::RefuseSoft(bool enforced, bool all, Refusal refusal) noexcept {
  if (enforced && refused_enforced_ == Refusal::kNone) refused_enforced_ = refusal;
  if (all && refused_ == Refusal::kNone) refused_ = refusal;
  done_ = refused_ != Refusal::kNone && refused_enforced_ != Refusal::kNone;
  return !done_;
}

bool SlotFiller::BeginRoot() noexcept {
  if (seen_root_) return Refuse(Refusal::kUnbalanced);
  seen_root_ = true;
  for (uint32_t i = 0; i < layers_.size(); ++i) {
    if (!frontier_.push_back({.layer = i, .node = 0})) return Refuse(Refusal::kNoMemory);
  }
  return true;
}

// Finds the places of an array's next item.
bool SlotFiller::BeginItem(uint32_t frontier, uint32_t item) noexcept {
  for (uint32_t i = frontier; i < targets_; ++i) {
    const Place place = frontier_[i];
    const PathTrie& trie = TrieOf(place);
    const PathTrie::Node& node = trie.nodes[place.node];
    for (uint32_t c = node.indexes_begin; c < node.indexes_begin + node.indexes_count; ++c) {
      if (trie.nodes[c].index != item) continue;
      if (!frontier_.push_back({.layer = place.layer, .node = c, .in_list = place.in_list})) {
        return Refuse(Refusal::kNoMemory);
      }
    }
    if (node.wildcard != PathTrie::kNone &&
        !frontier_.push_back({.layer = place.layer, .node = node.wildcard, .in_list = true})) {
      return Refuse(Refusal::kNoMemory);
    }
  }
  return true;
}

uint32_t SlotFiller::Append(uint32_t head, const SlotValue& value) noexcept {
  const auto at = static_cast<uint32_t>(values_.size());
  if (!values_.push_back(value)) {
    Refuse(Refusal::kNoMemory);
    return SlotValue::kNone;
  }
  SlotValue& list = values_[head];
  if (list.last == SlotValue::kNone) {
    list.first = at;
  } else {
    values_[list.last].next = at;
  }
  list.last = at;
  return at;
}

uint32_t SlotFiller::Put(const Place& place, uint32_t slot, const SlotValue& value) noexcept {
  const uint32_t head = layers_[place.layer].slot_base + slot;
  if (!place.in_list) {
    values_[head] = value;
    return head;
  }
  return Append(head, value);
}

// Sets slots that have no value of their own here: absent, or behind a mismatch.
void SlotFiller::PutRange(const Place& place, uint32_t begin, uint32_t end, SlotValue::Type type) noexcept {
  const uint32_t base = layers_[place.layer].slot_base;
  for (uint32_t slot = begin; slot < end; ++slot) {
    SlotValue& value = values_[base + slot];
    if (!place.in_list) {
      value = SlotValue::Of(type);
    } else {
      type == SlotValue::Type::kAbsent ? value.MarkAbsent() : value.MarkMismatch();
    }
  }
}

void SlotFiller::PutBelow(const Place& place, const PathTrie::Node& node, SlotValue::Type type) noexcept {
  const uint32_t own = node.slot == PathTrie::kNone ? 0 : 1;
  PutRange(place, node.slots_begin + own, node.slots_end, type);
}

bool SlotFiller::CheckNul(std::string_view value, const Frame* frame) noexcept {
  bool read = false;
  bool read_enforced = false;
  for (uint32_t i = targets_; i < frontier_.size(); ++i) {
    const PathTrie::Node& node = NodeOf(frontier_[i]);
    read |= node.slot != PathTrie::kNone;
    read_enforced |= node.ends_enforced;
  }
  if (frame != nullptr && !frame->object) {
    for (uint32_t i = frame->frontier; i < targets_; ++i) {
      read |= NodeOf(frontier_[i]).items;
      read_enforced |= NodeOf(frontier_[i]).items_enforced;
    }
  }
  if (!read || std::memchr(value.data(), 0, value.size()) == nullptr) return true;
  return RefuseSoft(read_enforced, true, Refusal::kNulString);
}

// Puts a scalar (or null, as kAbsent) where it is read.
bool SlotFiller::Store(const SlotValue& value) noexcept {
  for (uint32_t i = targets_; i < frontier_.size(); ++i) {
    const Place place = frontier_[i];
    const PathTrie::Node& node = NodeOf(place);
    const bool absent = value.type == SlotValue::Type::kAbsent;
    if (node.slot != PathTrie::kNone) {
      if (absent) {
        PutRange(place, node.slot, node.slot + 1, SlotValue::Type::kAbsent);
      } else {
        Put(place, node.slot, value);
      }
    }
    PutBelow(place, node, absent ? SlotValue::Type::kAbsent : SlotValue::Type::kMismatch);
  }
  if (!frames_.empty() && frames_.back().items) {
    for (uint32_t i = frames_.back().frontier; i < targets_; ++i) {
      const Place& place = frontier_[i];
      if (NodeOf(place).items && place.value != SlotValue::kNone) Append(place.value, value);
    }
  }
  EndValue();
  return !done_;
}

bool SlotFiller::BeginContainer(bool object) noexcept {
  if (!BeginValue()) return false;
  if (frames_.empty() && !object) return Refuse(Refusal::kNotAnObject);
  if (frames_.size() >= options_.depth_max) return Refuse(Refusal::kTooDeep);
  const SlotValue own = SlotValue::Of(object ? SlotValue::Type::kObject : SlotValue::Type::kArray);
  bool items = false;
  for (uint32_t i = targets_; i < frontier_.size(); ++i) {
    Place& place = frontier_[i];
    const PathTrie& trie = TrieOf(place);
    const PathTrie::Node& node = trie.nodes[place.node];
    if (node.slot != PathTrie::kNone) place.value = Put(place, node.slot, own);
    items |= !object && node.items;
    // Steps of the other kind cannot be taken here.
    if (object) {
      for (uint32_t c = node.indexes_begin; c < node.indexes_begin + node.indexes_count; ++c) {
        PutRange(place, trie.nodes[c].slots_begin, trie.nodes[c].slots_end, SlotValue::Type::kMismatch);
      }
    } else {
      for (uint32_t c = node.names_begin; c < node.names_begin + node.names_count; ++c) {
        PutRange(place, trie.nodes[c].slots_begin, trie.nodes[c].slots_end, SlotValue::Type::kMismatch);
      }
    }
    if (node.wildcard != PathTrie::kNone) {
      const PathTrie::Node& below = trie.nodes[node.wildcard];
      if (object) {
        PutRange(place, below.slots_begin, below.slots_end, SlotValue::Type::kMismatch);
      } else if (!place.in_list) {
        PutRange(place, below.slots_begin, below.slots_end, SlotValue::Type::kList);
      }
    }
  }
  if (!frames_.empty() && frames_.back().items) {
    for (uint32_t i = frames_.back().frontier; i < targets_; ++i) {
      const Place& place = frontier_[i];
      if (NodeOf(place).items && place.value != SlotValue::kNone) Append(place.value, own);
    }
  }
  Frame frame;
  frame.object = object;
  frame.frontier = targets_;
  frame.names = static_cast<uint32_t>(names_.size());
  frame.serial = ++serial_;
  frame.items = items;
  if (!frames_.push_back(frame)) return Refuse(Refusal::kNoMemory);
  return !done_;
}

bool SlotFiller::EndContainer(bool object) noexcept {
  if (done_) return false;
  if (frames_.empty() || frames_.back().object != object || named_) return Refuse(Refusal::kUnbalanced);
  const Frame frame = frames_.back();
  for (uint32_t i = frame.frontier; i < frontier_.size(); ++i) {
    const Place place = frontier_[i];
    const PathTrie& trie = TrieOf(place);
    const PathTrie::Node& node = trie.nodes[place.node];
    if (place.value != SlotValue::kNone) values_[place.value].size = frame.count;
    if (!place.in_list) continue;  // what was not met is absent already
    for (uint32_t c = node.indexes_begin; !object && c < node.indexes_begin + node.indexes_count; ++c) {
      if (trie.nodes[c].index < frame.count) continue;
      PutRange(place, trie.nodes[c].slots_begin, trie.nodes[c].slots_end, SlotValue::Type::kAbsent);
    }
    for (uint32_t c = node.names_begin; object && c < node.names_begin + node.names_count; ++c) {
      bool met = false;
      for (std::size_t n = frame.names; n < names_.size() && !met; ++n) {
        met = names_[n] == trie.nodes[c].name;
      }
      if (!met) PutRange(place, trie.nodes[c].slots_begin, trie.nodes[c].slots_end, SlotValue::Type::kAbsent);
    }
  }
  frontier_.truncate(frame.frontier);
  names_.truncate(frame.names);
  frames_.pop_back();
  return true;
}

bool SlotFiller::GrowHash() noexcept {
  if (hash_key_ == 0) hash_key_ = RandomBits() | 1;
  const std::size_t capacity = hash_.size() == 0 ? 128 : hash_.size() * 2;
  ScratchVector<HashEntry> grown;
  if (!grown.resize_unset(capacity)) return false;
  for (std::size_t i = 0; i < capacity; ++i) grown[i] = {};
  for (std::size_t i = 0; i < hash_.size(); ++i) {
    if (hash_[i].serial <= serial_base_) continue;
    std::size_t at = hash_[i].hash & (capacity - 1);
    while (grown[at].serial != 0) at = (at + 1) & (capacity - 1);
    grown[at] = hash_[i];
  }
  hash_ = std::move(grown);
  return true;
}

// Puts a name into the hash table. Returns whether it was there already.
bool SlotFiller::FindOrAddHashed(uint32_t name, uint32_t serial) noexcept {
  if ((hashed_ + 1) * 2 > hash_.size() && !GrowHash()) {
    Refuse(Refusal::kNoMemory);
    return false;
  }
  const NameView& view = names_[name];
  const uint64_t hash = HashOf(view.text(), hash_key_) + serial;
  const std::size_t mask = hash_.size() - 1;
  std::size_t at = hash & mask;
  for (; hash_[at].serial > serial_base_; at = (at + 1) & mask) {
    const HashEntry& entry = hash_[at];
    if (entry.hash == hash && entry.serial == serial && names_[entry.name] == view) return true;
  }
  hash_[at] = {hash, name, serial};
  ++hashed_;
  return false;
}

// An object with many members: its names move to the hash table, the latest last.
bool SlotFiller::IsDuplicateOfMany(const Frame& frame) noexcept {
  const auto last = static_cast<uint32_t>(names_.size() - 1);
  for (uint32_t n = frame.count == kNamesLinearMax ? frame.names : last; n < last; ++n) {
    FindOrAddHashed(n, frame.serial);
  }
  return FindOrAddHashed(last, frame.serial);
}

// A name that is not read here must not be one that is, but for case. The marks have said that it could be.
bool SlotFiller::CheckCase(const NameView& name, const Frame& frame, bool found) noexcept {
  bool variant = false;
  bool variant_enforced = false;
  for (uint32_t i = frame.frontier; i < targets_; ++i) {
    const PathTrie& trie = TrieOf(frontier_[i]);
    const PathTrie::Node& node = trie.nodes[frontier_[i].node];
    for (uint32_t c = node.names_begin; c < node.names_begin + node.names_count; ++c) {
      const NameView& read = trie.nodes[c].name;
      // Folding changes a name's size by a third at most: U+212A has three bytes, k has one.
      if (read.size / 3 > name.size) break;
      if (name == read || !EqualFolded(name.text(), read.text())) continue;
      variant = true;
      variant_enforced |= trie.nodes[c].enforced;
    }
  }
  return RefuseSoft(variant_enforced, variant && !found, Refusal::kCaseVariant);
}

void SlotFiller::Walk(const ArgumentSource& source) noexcept {
  ArgumentWriter writer(*this);
  source.Write(writer);
  Finish();
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
