#include "callwarden/arguments.h"

#include <cmath>

#include "lib/slot_filler-inl.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN

bool ArgumentWriter::BeginObject() noexcept { return filler_.BeginObject(); }
bool ArgumentWriter::Name(std::string_view name) noexcept {
  // Views count up to 32 bits; longer names and strings are longer than any arguments may be.
  if (name.size() > UINT32_MAX) return filler_.Refuse(internal::Refusal::kTooLarge);
  if (internal::FindInvalidUtf8(name) != std::string_view::npos) {
    return filler_.Refuse(internal::Refusal::kInvalidUtf8);
  }
  return filler_.Name(internal::NameView(name));
}
bool ArgumentWriter::EndObject() noexcept { return filler_.EndObject(); }
bool ArgumentWriter::BeginArray() noexcept { return filler_.BeginArray(); }
bool ArgumentWriter::EndArray() noexcept { return filler_.EndArray(); }
bool ArgumentWriter::String(std::string_view value) noexcept {
  if (internal::FindInvalidUtf8(value) != std::string_view::npos) {
    return filler_.Refuse(internal::Refusal::kInvalidUtf8);
  }
  return filler_.String(value);
}
bool ArgumentWriter::Int64(int64_t value) noexcept {
  return filler_.Scalar(internal::SlotValue::Of(internal::Number::Int(value)));
}
bool ArgumentWriter::Uint64(uint64_t value) noexcept {
  return filler_.Scalar(internal::SlotValue::Of(internal::Number::Uint(value)));
}
bool ArgumentWriter::Double(double value) noexcept {
  if (!std::isfinite(value)) return filler_.Refuse(internal::Refusal::kNumber);
  return filler_.Scalar(internal::SlotValue::Of(internal::Number::Double(value)));
}
bool ArgumentWriter::Boolean(bool value) noexcept {
  return filler_.Scalar(internal::SlotValue::OfBoolean(value));
}
bool ArgumentWriter::Null() noexcept { return filler_.Null(); }
bool ArgumentWriter::Unsupported() noexcept { return filler_.Refuse(internal::Refusal::kUnsupported); }

ArgumentSource::~ArgumentSource() = default;

CALLWARDEN_NAMESPACE_END
