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

inline bool SlotFiller::AddScalar(const SlotValue& value) noexcept {
  if (frames_.empty()) [[unlikely]] {
    return Refuse(Refusal::kNotAnObject);
  }
  Frame& frame = frames_.back();
  if (!BeginValue(frame)) return false;
  if (targets_ == frontier_.size() && !frame.items) return true;  // nobody reads it
  return Store(value);
}

inline bool SlotFiller::AddString(std::string_view value, bool may_hold_nul) noexcept {
  if (frames_.empty()) [[unlikely]] {
    return Refuse(Refusal::kNotAnObject);
  }
  Frame& frame = frames_.back();
  if (!BeginValue(frame)) return false;
  if (targets_ == frontier_.size() && !frame.items) return true;
  if (may_hold_nul && !CheckNul(value)) return false;
  return Store(SlotValue::Of(value));
}

inline bool SlotFiller::PushFrame(bool object, bool items) noexcept {
  Frame* const frame = frames_.add_unset();
  if (frame == nullptr) [[unlikely]] {
    return Refuse(Refusal::kNoMemory);
  }
  frame->object = object;
  frame->items = items;
  frame->frontier = targets_;
  frame->names = static_cast<uint32_t>(names_.size());
  frame->count = 0;
  frame->serial = ++serial_;
  frame->marks = 0;
  return true;
}

inline bool SlotFiller::OpenContainer(bool object) noexcept {
  if (frames_.empty() || frames_.size() >= options_.depth_max) [[unlikely]] {
    if (frames_.empty() && !object) return Refuse(Refusal::kNotAnObject);
    if (frames_.size() >= options_.depth_max) return Refuse(Refusal::kTooDeep);
    return BeginRoot() && OpenRead(object);
  }
  Frame& frame = frames_.back();
  if (!BeginValue(frame)) return false;
  if (targets_ == frontier_.size() && !frame.items) return PushFrame(object, false);
  return OpenRead(object);
}

inline bool SlotFiller::CloseContainer() noexcept {
  const Frame& frame = frames_.back();
  if (frame.count > kNamesLinearMax && frame.object && !CheckRest(frame)) [[unlikely]] {
    return false;
  }
  if (frame.frontier != frontier_.size()) CloseRead(frame);
  names_.truncate(frame.names);
  frames_.pop_back();
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
  Frame& frame = frames_.back();
  ++frame.count;
  if (frame.count > kNamesLinearMax) [[unlikely]] {
    if (!CheckDuplicateOfMany(frame)) return false;
  } else if (IsDuplicateOfFew(frame)) [[unlikely]] {
    return Refuse(Refusal::kDuplicateName);
  }
  targets_ = static_cast<uint32_t>(frontier_.size());
  return frame.frontier == targets_ || FindPlaces(*name, frame);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_FILLER_INL_H_
