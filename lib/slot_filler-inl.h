#ifndef CALLWARDEN_LIB_SLOT_FILLER_INL_H_
#define CALLWARDEN_LIB_SLOT_FILLER_INL_H_

// The events that come once for every name and value, inline for the reader's walk.

#include "lib/slot_filler.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

inline bool SlotFiller::Fits(std::size_t size) noexcept {
  if (size > options_.size_max - size_) [[unlikely]] {
    return Refuse(Refusal::kTooLarge);
  }
  size_ += size;
  return true;
}

// Finds the places where the next value stands: frontier_ from targets_ on.
inline bool SlotFiller::BeginValue() noexcept {
  if (done_) [[unlikely]] {
    return false;
  }
  if (frames_.empty()) [[unlikely]] {
    return BeginRoot();
  }
  Frame& frame = frames_.back();
  if (frame.object) {
    if (!named_) [[unlikely]] {
      return Refuse(Refusal::kUnbalanced);
    }
    named_ = false;
    return true;
  }
  const uint32_t item = frame.count++;
  targets_ = static_cast<uint32_t>(frontier_.size());
  return frame.frontier == targets_ || BeginItem(frame.frontier, item);
}

inline bool SlotFiller::Scalar(const SlotValue& value) noexcept {
  if (!BeginValue()) return false;
  if (frames_.empty()) [[unlikely]] {
    return Refuse(Refusal::kNotAnObject);
  }
  if (targets_ == frontier_.size() && !frames_.back().items) return true;  // nobody reads it
  return Store(value);
}

inline bool SlotFiller::Null() noexcept { return Scalar(SlotValue()); }

inline bool SlotFiller::String(std::string_view value) noexcept {
  if (!BeginValue() || !Fits(value.size())) return false;
  if (frames_.empty()) [[unlikely]] {
    return Refuse(Refusal::kNotAnObject);
  }
  if (targets_ == frontier_.size() && !frames_.back().items) return true;
  if (options_.has_nul && options_.refuse_nul_strings && !value.empty() &&
      !CheckNul(value, &frames_.back())) {
    return false;
  }
  return Store(SlotValue::Of(value));
}

inline bool SlotFiller::BeginObject() noexcept { return BeginContainer(true); }
inline bool SlotFiller::EndObject() noexcept { return EndContainer(true); }
inline bool SlotFiller::BeginArray() noexcept { return BeginContainer(false); }
inline bool SlotFiller::EndArray() noexcept { return EndContainer(false); }

// Whether the latest of names_ occurs before in its object.
inline bool SlotFiller::IsDuplicate(const Frame& frame) noexcept {
  if (frame.count >= kNamesLinearMax) [[unlikely]] {
    return IsDuplicateOfMany(frame);
  }
  const NameView& name = names_.back();
  for (const NameView* other = names_.data() + frame.names; other != &name; ++other) {
    if (*other == name) return true;
  }
  return false;
}

inline bool SlotFiller::Name(const NameView& name) noexcept {
  if (done_) [[unlikely]] {
    return false;
  }
  if (!AwaitsName()) [[unlikely]] {
    return Refuse(Refusal::kUnbalanced);
  }
  if (!Fits(name.size)) return false;
  if (options_.has_nul && name.size != 0 && std::memchr(name.data, 0, name.size) != nullptr) [[unlikely]] {
    return Refuse(Refusal::kNulName);
  }
  if (!names_.push_back(name)) [[unlikely]] {
    return Refuse(Refusal::kNoMemory);
  }
  Frame& frame = frames_.back();
  if (IsDuplicate(frame)) [[unlikely]] {
    return Refuse(Refusal::kDuplicateName);
  }
  ++frame.count;
  named_ = true;
  targets_ = static_cast<uint32_t>(frontier_.size());
  bool found = false;
  bool found_enforced = false;
  bool may_vary = false;  // a name that is read here could differ from this one only by case
  for (uint32_t i = frame.frontier; i < targets_; ++i) {
    const Place place = frontier_[i];
    const PathTrie& trie = TrieOf(place);
    const PathTrie::Node& node = trie.nodes[place.node];
    if (node.names_count == 0) continue;
    const uint32_t child = trie.FindName(node, name);
    if (child == PathTrie::kNone) {
      may_vary |= ((node.name_sizes & SizeMark(name.text())) != 0 &&
                   (node.name_firsts & FirstMark(name.text())) != 0) ||
                  !name.is_ascii();
      continue;
    }
    found = true;
    found_enforced |= trie.nodes[child].enforced;
    may_vary |= node.names_count > 1;
    if (!frontier_.push_back({.layer = place.layer, .node = child, .in_list = place.in_list})) [[unlikely]] {
      return Refuse(Refusal::kNoMemory);
    }
  }
  if (found_enforced || !may_vary || !options_.refuse_case_variants) return !done_;
  return CheckCase(name, frame, found);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_FILLER_INL_H_
