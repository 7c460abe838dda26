#include "lib/slot_filler.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/random_bits.h"
#include "lib/slot_filler-inl.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

void Prefetch([[maybe_unused]] const void* address) noexcept {
#if defined(__GNUC__)
  __builtin_prefetch(address, /*rw=*/1);
#endif
}

uint64_t Fold(uint64_t a, uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A keyed hash after wyhash's multiply-and-fold: members' names are hostile, so the key is random. Blocks of
// eight bytes, the last of which may overlap the one before.
uint64_t HashOf(const NameView& name, uint64_t key) noexcept {
  constexpr uint64_t kOdd = 0xA0761D6478BD642Fu;
  uint64_t h = Fold(key ^ (name.size * kOdd) ^ name.head, key | 1) + kOdd;
  for (std::size_t at = sizeof(name.head); at < name.size; at += sizeof(name.head)) {
    uint64_t block = 0;
    std::memcpy(&block, name.data + std::min(at, name.size - sizeof(block)), sizeof(block));
    h = Fold(h ^ block, key | 1) + kOdd;
  }
  return Fold(h ^ key, kOdd);
}

}  // namespace

bool SlotFiller::Start(std::span<const Layer> layers, uint32_t slot_count) noexcept {
  refused_ = Refusal::kNone;
  refused_enforced_ = Refusal::kNone;
  done_ = false;
  seen_root_ = false;
  named_ = false;
  targets_ = 0;
  size_ = 0;
  names_.clear();
  if (frames_.empty()) {
    if (!PushFrame(/*object=*/false, /*read=*/true, /*items=*/false)) return false;
  } else {  // the frame below all is the same for every call
    frames_.truncate(1);
    top_ = frames_.data();
  }
  if (!frontier_.resize_unset(layers.size()) || !values_.resize_unset(slot_count)) {
    return Refuse(Refusal::kNoMemory);
  }
  for (Place* place = frontier_.data(); const Layer& layer : layers) {
    place++->Stand(layer.root, layer.slot_base, /*below_wildcard=*/false);
  }
  // One by one, in place: most often they are few, and a call of memset would cost more.
  SlotValue* const values = values_.data();
  for (uint32_t i = 0; i < slot_count; ++i) std::memset(static_cast<void*>(values + i), 0, sizeof(SlotValue));
  return true;
}

bool SlotFiller::RefuseSoft(bool enforced, bool all, Refusal refusal) noexcept {
  if (enforced && refused_enforced_ == Refusal::kNone) refused_enforced_ = refusal;
  if (all && refused_ == Refusal::kNone) refused_ = refusal;
  done_ = refused_ != Refusal::kNone && refused_enforced_ != Refusal::kNone;
  return !done_;
}

bool SlotFiller::BeginObject() noexcept { return MayComeNow() && OpenContainer(true); }
bool SlotFiller::BeginArray() noexcept { return MayComeNow() && OpenContainer(false); }
bool SlotFiller::EndObject() noexcept { return MayEndNow(true) && CloseContainer(); }
bool SlotFiller::EndArray() noexcept { return MayEndNow(false) && CloseContainer(); }
bool SlotFiller::Scalar(const SlotValue& value) noexcept { return MayComeNow() && AddScalar(value); }
bool SlotFiller::Null() noexcept { return MayComeNow() && AddNull(); }

bool SlotFiller::String(std::string_view value) noexcept {
  return MayComeNow() && Fits(value.size()) && AddString(value, /*may_hold_nul=*/true);
}

bool SlotFiller::Name(const NameView& name) noexcept {
  if (done_) return false;
  if (!top_->object || named_) return Refuse(Refusal::kUnbalanced);
  named_ = true;
  return Fits(name.size) && AddName(name.data, name.size, name.head, /*may_hold_nul=*/true);
}

bool SlotFiller::Fits(std::size_t size) noexcept {
  if (size > options_.size_max - size_) return Refuse(Refusal::kTooLarge);
  size_ += size;
  return true;
}

// Whether a value may come next, from a source that is not known to balance its events.
bool SlotFiller::MayComeNow() noexcept {
  if (done_) return false;
  if (AtRoot()) return !seen_root_ || Refuse(Refusal::kUnbalanced);
  if (top_->object && !named_) return Refuse(Refusal::kUnbalanced);
  named_ = false;
  return true;
}

bool SlotFiller::MayEndNow(bool object) noexcept {
  if (done_) return false;
  return (!AtRoot() && top_->object == object && !named_) || Refuse(Refusal::kUnbalanced);
}

// Finds the places where the next item of an array stands: frontier_ from targets_ on.
bool SlotFiller::BeginItem() noexcept {
  const uint32_t item = top_->count++;
  targets_ = static_cast<uint32_t>(frontier_.size());
  for (uint32_t i = top_->frontier; i < targets_; ++i) {
    const Place place = frontier_[i];
    for (const PathTrie::Node& child : place.node->indexes()) {
      if (child.index != item) continue;
      if (!PushPlace(&child, place.slot_base, place.in_list)) return false;
    }
    const PathTrie::Node* const wildcard = place.node->wildcard();
    if (wildcard != nullptr && !PushPlace(wildcard, place.slot_base, true)) return false;
  }
  return true;
}

uint32_t SlotFiller::Append(uint32_t head, const SlotValue& value) noexcept {
  const auto at = static_cast<uint32_t>(values_.size());
  if (!values_.push_back(value)) {
    Refuse(Refusal::kNoMemory);
    return Place::kNone;
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

// Adds an item to the arrays in the open one's place whose items are tested.
void SlotFiller::AppendItem(const SlotValue& item) noexcept {
  for (uint32_t i = top_->frontier; i < targets_; ++i) {
    const Place& place = frontier_[i];
    if (place.node->items && place.value != Place::kNone) Append(place.value, item);
  }
}

uint32_t SlotFiller::Put(const Place& place, uint32_t slot, const SlotValue& value) noexcept {
  const uint32_t head = place.slot_base + slot;
  if (!place.in_list) {
    values_[head] = value;
    return head;
  }
  return Append(head, value);
}

// Sets slots that have no value of their own here: absent, or behind a mismatch.
void SlotFiller::PutRange(const Place& place, uint32_t begin, uint32_t end, SlotValue::Type type) noexcept {
  for (uint32_t slot = begin; slot < end; ++slot) {
    SlotValue& value = values_[place.slot_base + slot];
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

bool SlotFiller::CheckNul(std::string_view value) noexcept {
  if (!options_.refuse_nul_strings || value.empty()) return true;
  const Frame& frame = *top_;
  bool read = false;
  bool read_enforced = false;
  for (uint32_t i = targets_; i < frontier_.size(); ++i) {
    const PathTrie::Node& node = *frontier_[i].node;
    read |= node.slot != PathTrie::kNone;
    read_enforced |= node.ends_enforced;
  }
  if (frame.items) {
    for (uint32_t i = frame.frontier; i < targets_; ++i) {
      read |= frontier_[i].node->items;
      read_enforced |= frontier_[i].node->items_enforced;
    }
  }
  if (!read || std::memchr(value.data(), 0, value.size()) == nullptr) return true;
  return RefuseSoft(read_enforced, true, Refusal::kNulString);
}

bool SlotFiller::StoreWidely(SlotValue value) noexcept {
  for (uint32_t i = targets_; i < frontier_.size(); ++i) {
    const Place place = frontier_[i];
    const PathTrie::Node& node = *place.node;
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
  if (top_->items) AppendItem(value);
  EndValue();
  return !done_;
}

// Opens the root, or a container in one that something reads.
bool SlotFiller::OpenMember(bool object) noexcept {
  if (AtRoot()) {
    if (!object) return Refuse(Refusal::kNotAnObject);
    seen_root_ = true;
  }
  if (frames_.size() > options_.depth_max) return Refuse(Refusal::kTooDeep);
  if (!top_->object && !AtRoot() && !BeginItem()) return false;
  if (targets_ == frontier_.size() && !top_->items) return PushFrame(object, /*read=*/false, /*items=*/false);
  bool items = false;
  bool settles = false;
  uint64_t like = 0;
  for (uint32_t i = targets_; i < frontier_.size(); ++i) {
    Place& place = frontier_[i];
    const PathTrie::Node& node = *place.node;
    if (!object || !node.only_names) OpenPlace(place, object);
    items |= !object && node.items;
    settles |= place.in_list || place.value != Place::kNone;
    like |= node.name_marks;
  }
  if (top_->items) AppendItem(SlotValue::Of(object ? SlotValue::Type::kObject : SlotValue::Type::kArray));
  if (!PushFrame(object, frontier_.size() != targets_, items)) return false;
  top_->settles = settles;
  top_->like = like;
  return !done_;
}

// Puts down what a container says by its kind alone. An object says nothing where nothing but names is read.
void SlotFiller::OpenPlace(Place& place, bool object) noexcept {
  const PathTrie::Node& node = *place.node;
  if (node.slot != PathTrie::kNone) {
    place.value =
        Put(place, node.slot, SlotValue::Of(object ? SlotValue::Type::kObject : SlotValue::Type::kArray));
  }
  // Steps of the other kind cannot be taken here.
  for (const PathTrie::Node& child : object ? node.indexes() : node.names()) {
    PutRange(place, child, SlotValue::Type::kMismatch);
  }
  if (const PathTrie::Node* const wildcard = node.wildcard()) {
    if (object) {
      PutRange(place, *wildcard, SlotValue::Type::kMismatch);
    } else if (!place.in_list) {
      PutRange(place, *wildcard, SlotValue::Type::kList);
    }
  }
}

// Ends a container whose own value is read, or in which what was not met is to be told.
void SlotFiller::CloseRead(const Frame& frame) noexcept {
  const bool object = frame.object;
  for (uint32_t i = frame.frontier; i < frontier_.size(); ++i) {
    const Place& place = frontier_[i];
    const PathTrie::Node& node = *place.node;
    if (place.value != Place::kNone) values_[place.value].size = frame.count;
    if (!place.in_list) continue;  // what was not met is absent already
    for (const PathTrie::Node& child : object ? node.names() : node.indexes()) {
      bool met = !object && child.index < frame.count;
      for (std::size_t n = frame.names; object && n < names_.size() && !met; ++n) {
        met = names_[n] == child.name;
      }
      if (!met) PutRange(place, child, SlotValue::Type::kAbsent);
    }
  }
}

// Throws out the names of objects that are closed, and grows when those of open ones need more room. What
// this costs is paid for by the names that came since: at least a quarter of the table.
bool SlotFiller::RebuildHash() noexcept {
  if (hash_key_ == 0) hash_key_ = RandomBits() | 1;
  std::size_t capacity = std::max<std::size_t>(hash_.size(), 128);
  while (capacity < names_.size() * 4) capacity *= 2;
  hash_.clear();  // nothing in it is kept
  if (!hash_.resize_unset(capacity)) return false;
  for (std::size_t i = 0; i < capacity; ++i) hash_[i] = HashEntry();
  hashed_ = 0;
  for (std::size_t f = 0; f < frames_.size(); ++f) {
    // Some of the last names may not have been here yet: one that comes twice does no harm.
    if (!frames_[f].object || frames_[f].count <= kNamesLinearMax) continue;
    for (uint32_t n = frames_[f].names; n < frames_[f].names + frames_[f].count; ++n) {
      AddHashed(n, HashOf(names_[n], KeyOf(frames_[f])));
    }
  }
  return true;
}

void SlotFiller::AddHashed(uint32_t name, uint64_t hash) noexcept {
  const std::size_t mask = hash_.size() - 1;
  std::size_t at = hash & mask;
  while (hash_[at].name != HashEntry::kEmpty) at = (at + 1) & mask;
  hash_[at] = {static_cast<uint32_t>(hash >> 32), name};
  ++hashed_;
}

// Refuses when a name of an object with many occurs before in it, else puts it into the table.
bool SlotFiller::CheckDuplicate(uint32_t name, uint64_t hash, const Frame& frame) noexcept {
  const NameView& view = names_[name];
  const auto tag = static_cast<uint32_t>(hash >> 32);
  const std::size_t mask = hash_.size() - 1;
  std::size_t at = hash & mask;
  for (; hash_[at].name != HashEntry::kEmpty; at = (at + 1) & mask) {
    const HashEntry& entry = hash_[at];
    if (entry.tag == tag && entry.name >= frame.names && entry.name < name && names_[entry.name] == view) {
      return Refuse(Refusal::kDuplicateName);
    }
  }
  hash_[at] = {tag, name};
  ++hashed_;
  return true;
}

// Checks a run of names. All hashes first: the places that they lead to, each likely far from the others, are
// fetched at the same time.
bool SlotFiller::CheckBatch(const Frame& frame, uint32_t begin, uint32_t end) noexcept {
  while (begin < end) {
    std::array<uint64_t, kNamesBatch> hashes;
    const uint32_t batch = std::min(end - begin, kNamesBatch);
    if ((hashed_ + batch) * 2 > hash_.size() && !RebuildHash()) return Refuse(Refusal::kNoMemory);
    const uint64_t key = KeyOf(frame);
    for (uint32_t i = 0; i < batch; ++i) {
      hashes[i] = HashOf(names_[begin + i], key);
      Prefetch(&hash_[hashes[i] & (hash_.size() - 1)]);
    }
    for (uint32_t i = 0; i < batch; ++i) {
      if (!CheckDuplicate(begin + i, hashes[i], frame)) return false;
    }
    begin += batch;
  }
  return true;
}

// A name has come that makes its object one with many members. From here on names are looked up in the hash
// table, at once or a batch at a time, the first ones with them.
bool SlotFiller::CheckDuplicateOfMany(const Frame& frame) noexcept {
  const uint32_t end = frame.names + frame.count;
  if (options_.refuse_repeated_at_once) {
    return CheckBatch(frame, frame.count == kNamesLinearMax + 1 ? frame.names : end - 1, end);
  }
  if (frame.count % kNamesBatch != 0) return true;
  return CheckBatch(frame, frame.count == 2 * kNamesBatch ? frame.names : end - kNamesBatch, end);
}

// The names of an object with many members that were left for its end.
bool SlotFiller::CheckRest(const Frame& frame) noexcept {
  if (options_.refuse_repeated_at_once) return true;
  const uint32_t rest = frame.count % kNamesBatch;
  return CheckBatch(frame, frame.names + (frame.count < 2 * kNamesBatch ? 0 : frame.count - rest),
                    frame.names + frame.count);
}

// Finds the place where the value of a member stands, in an object that reads names like its own. Most often
// one place reads in the object, the name is a short one of a few, and what it reads is enforced, so that no
// more is to be asked. All else is for FindPlaces, which also finds what is found here.
bool SlotFiller::FindPlace(const NameView& name, const Frame& frame) noexcept {
  if (frame.frontier + 1 == targets_ && targets_ < frontier_.capacity()) [[likely]] {
    const Place& place = frontier_[frame.frontier];
    const PathTrie::Node* const child = place.node->FindShortName(name);
    if (child != nullptr && child->enforced) [[likely]] {
      frontier_.resize_within_capacity(targets_ + 1);
      frontier_.back().Stand(child, place.slot_base, place.in_list);
      return true;
    }
  }
  return FindPlaces(name, frame);
}

// The same for any number of places, and for any name.
bool SlotFiller::FindPlaces(const NameView& name, const Frame& frame) noexcept {
  bool found = false;
  bool found_enforced = false;
  bool may_vary = false;  // a name that is read here could differ from this one only by case
  for (uint32_t i = frame.frontier; i < targets_; ++i) {
    const Place place = frontier_[i];
    if (place.node->names_count == 0) continue;
    const PathTrie::Node* const child = place.node->FindName(name);
    if (child == nullptr) {
      may_vary = true;
      continue;
    }
    found = true;
    found_enforced |= child->enforced;
    may_vary |= place.node->names_count > 1;
    if (!PushPlace(child, place.slot_base, place.in_list)) return false;
  }
  if (found_enforced || !may_vary || !options_.refuse_case_variants) return !done_;
  return CheckCase(name, frame, found);
}

// A name that is not read here must not be one that is, but for case. The marks have said that it could be.
bool SlotFiller::CheckCase(const NameView& name, const Frame& frame, bool found) noexcept {
  bool variant = false;
  bool variant_enforced = false;
  for (uint32_t i = frame.frontier; i < targets_; ++i) {
    for (const PathTrie::Node& child : frontier_[i].node->names()) {
      const NameView& read = child.name;
      // Folding changes a name's size by a third at most: U+212A has three bytes, k has one.
      if (read.size / 3 > name.size) break;
      if (name == read || !EqualFolded(name.text(), read.text())) continue;
      variant = true;
      variant_enforced |= child.enforced;
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
