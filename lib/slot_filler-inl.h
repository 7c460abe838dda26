#ifndef CALLWARDEN_LIB_SLOT_FILLER_INL_H_
#define CALLWARDEN_LIB_SLOT_FILLER_INL_H_

// The events that come once for every name and value, inline for the walks of the reader and of the writer.

#include "lib/slot_filler.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

// Finds the places where the next value stands: frontier_ from targets_ on. Those of a member came with its
// name.
inline bool SlotFiller::BeginValue(Frame& frame) noexcept {
  if (frame.object) return true;
  const uint32_t item = frame.count++;
  targets_ = static_cast<uint32_t>(frontier_.size());
  return frame.frontier == targets_ || BeginItem(frame.frontier, item);
}

// Puts a scalar (or null, as absent) where it is read; most are read by one path, which ends there.
template <class Source>
bool SlotFiller::Store(const Source& source) noexcept {
  if (frontier_.size() == targets_ + 1) {
    const Place& place = frontier_.back();
    const PathTrie::Node& node = NodeOf(place);
    if (node.is_end() && !place.in_list && !top_->items) {
      values_[layers_[place.layer].slot_base + node.slot].Set(source);
      EndValue();
      return true;
    }
  }
  return StoreWidely(SlotValue::Of(source));
}

template <class Source>
bool SlotFiller::AddScalar(const Source& source) noexcept {
  Frame& frame = *top_;
  if (!frame.read) return true;
  if (AtRoot()) return Refuse(Refusal::kNotAnObject);
  if (!BeginValue(frame)) return false;
  if (targets_ == frontier_.size() && !frame.items) return true;
  return Store(source);
}

inline bool SlotFiller::AddString(std::string_view value, bool may_hold_nul) noexcept {
  Frame& frame = *top_;
  if (!frame.read) return true;
  if (AtRoot()) return Refuse(Refusal::kNotAnObject);
  if (!BeginValue(frame)) return false;
  if (targets_ == frontier_.size() && !frame.items) return true;
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
  frame->frontier = targets_;
  frame->names = static_cast<uint32_t>(names_.size());
  frame->count = 0;
  frame->serial = ++serial_;
  frame->marks = 0;
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
  if (frame.read) CloseRead(frame);
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
  return !frame.read || FindPlaces(*name, frame);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_FILLER_INL_H_
