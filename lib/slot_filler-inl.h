#ifndef CALLWARDEN_LIB_SLOT_FILLER_INL_H_
#define CALLWARDEN_LIB_SLOT_FILLER_INL_H_

// The events that come once for every name and value, inline for the walks of the reader and of the writer.

#include <string_view>
#include <type_traits>

#include "lib/slot_filler.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

inline bool SlotFiller::PushPlace(const PathTrie::Node* node, uint32_t slot_base, bool in_list) noexcept {
  Place* const place = frontier_.add_unset();
  if (place == nullptr) [[unlikely]] {
    return Refuse(Refusal::kNoMemory);
  }
  place->Stand(node, slot_base, in_list);
  return true;
}

// Puts a scalar (or null, as absent) where it is read; most are read by one path, which ends there.
template <class Source>
[[gnu::always_inline]] inline bool SlotFiller::Store(const Source& source) noexcept {
  if (frontier_.size() == targets_ + 1) [[likely]] {
    const Place& place = frontier_.back();
    const PathTrie::Node& node = *place.node;
    if (node.is_end && !place.in_list && !top_->items) [[likely]] {
      values_[place.slot_base + node.slot].Set(source);
      EndValue();
      return true;
    }
  }
  return StoreWidely(SlotValue::Of(source));
}

// An item of an array that something reads, or what stands in the place of the root.
template <class Source>
[[gnu::noinline]] bool SlotFiller::AddItem(const Source& source, bool may_hold_nul) noexcept {
  if (AtRoot()) return Refuse(Refusal::kNotAnObject);
  if (!BeginItem()) return false;
  if (targets_ == frontier_.size() && !top_->items) return true;
  if constexpr (std::is_same_v<Source, std::string_view>) {
    if (may_hold_nul && !CheckNul(source)) return false;
  }
  return Store(source);
}

// The places of a member came with its name.
template <class Source>
[[gnu::always_inline]] inline bool SlotFiller::AddScalar(const Source& source) noexcept {
  if (!top_->read) return true;
  if (!top_->object) return AddItem(source, /*may_hold_nul=*/false);
  return targets_ == frontier_.size() || Store(source);
}

[[gnu::always_inline]] inline bool SlotFiller::AddString(std::string_view value, bool may_hold_nul) noexcept {
  if (!top_->read) return true;
  if (!top_->object) return AddItem(value, may_hold_nul);
  if (targets_ == frontier_.size()) return true;
  if (may_hold_nul && !CheckNul(value)) return false;
  return Store(value);
}

inline bool SlotFiller::PushFrame(bool object, bool read, bool items) noexcept {
  Frame* const frame = frames_.add_unset();
  if (frame == nullptr) [[unlikely]] {
    return Refuse(Refusal::kNoMemory);
  }
  top_ = frame;
  frame->object = object;
  frame->read = read;
  frame->items = items;
  frame->settles = false;
  frame->frontier = targets_;
  frame->names = static_cast<uint32_t>(names_.size());
  frame->count = 0;
  frame->serial = ++serial_;
  frame->marks = 0;
  frame->like = 0;
  return true;
}

inline bool SlotFiller::OpenContainer(bool object) noexcept {
  if (top_->read) return OpenMember(object);
  if (frames_.size() > options_.depth_max) [[unlikely]] {
    return Refuse(Refusal::kTooDeep);
  }
  return PushFrame(object, /*read=*/false, /*items=*/false);
}

inline bool SlotFiller::CloseContainer() noexcept {
  const Frame& frame = *top_;
  if (frame.count > kNamesLinearMax && frame.object && !CheckRest(frame)) [[unlikely]] {
    return false;
  }
  if (frame.settles) CloseRead(frame);
  frontier_.truncate(frame.frontier);
  names_.truncate(frame.names);
  frames_.pop_back();
  --top_;
  return true;
}

// Whether the latest of names_ occurs before in its object, which has few.
inline bool SlotFiller::IsDuplicateOfFew(Frame& frame) noexcept {
  const NameView& name = names_.back();
  const uint64_t mark = uint64_t{1} << (((name.head + name.size) * 0x9E3779B97F4A7C15u) >> 58);
  if ((frame.marks & mark) == 0) {
    frame.marks |= mark;
    return false;
  }
  for (const NameView* other = names_.data() + frame.names; other != &name; ++other) {
    if (*other == name) return true;
  }
  return false;
}

inline bool SlotFiller::AddName(const char* data, uint32_t size, uint64_t head, bool may_hold_nul) noexcept {
  if (may_hold_nul && size != 0 && std::memchr(data, 0, size) != nullptr) [[unlikely]] {
    return Refuse(Refusal::kNulName);
  }
  NameView* const name = names_.add_unset();
  if (name == nullptr) [[unlikely]] {
    return Refuse(Refusal::kNoMemory);
  }
  name->data = data;
  name->size = size;
  name->head = head;
  Frame& frame = *top_;
  ++frame.count;
  if (frame.count > kNamesLinearMax) [[unlikely]] {
    if (!CheckDuplicateOfMany(frame)) return false;
  } else if (IsDuplicateOfFew(frame)) [[unlikely]] {
    return Refuse(Refusal::kDuplicateName);
  }
  if (!frame.read) return true;
  targets_ = static_cast<uint32_t>(frontier_.size());
  if ((frame.like & name->like_mark()) == 0 && name->is_ascii()) return true;
  return FindPlace(*name, frame);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_FILLER_INL_H_
