#include "callwarden/arguments.h"

#include <cmath>

#include "lib/canonical.h"
#include "lib/slot_filler-inl.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::CanonicalWriter;

// An event that the filler does not take.
template <class... Parameters, class... Values>
[[gnu::cold, gnu::noinline]] bool Instead(CanonicalWriter* canonical, bool (CanonicalWriter::*event)(Parameters...),
                           Values... values) noexcept {
  return canonical != nullptr && (canonical->*event)(values...);
}

}  // namespace

// Deciding is the hot way: a filler that is open takes the event. Only where it is done, and so takes none, is it
// asked whether a canonical form is being written instead.

bool ArgumentWriter::BeginObject() noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::BeginObject);
  }
  return filler_.BeginObject();
}
bool ArgumentWriter::Name(std::string_view name) noexcept {
  // Views count up to 32 bits; longer names and strings are longer than any arguments may be.
  if (name.size() > UINT32_MAX) return filler_.Refuse(internal::Refusal::kTooLarge);
  if (internal::FindInvalidUtf8(name) != std::string_view::npos) {
    return filler_.Refuse(internal::Refusal::kInvalidUtf8);
  }
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::Name, name);
  }
  return filler_.Name(internal::NameView(name));
}
bool ArgumentWriter::EndObject() noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::EndObject);
  }
  return filler_.EndObject();
}
bool ArgumentWriter::BeginArray() noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::BeginArray);
  }
  return filler_.BeginArray();
}
bool ArgumentWriter::EndArray() noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::EndArray);
  }
  return filler_.EndArray();
}
bool ArgumentWriter::String(std::string_view value) noexcept {
  if (internal::FindInvalidUtf8(value) != std::string_view::npos) {
    return filler_.Refuse(internal::Refusal::kInvalidUtf8);
  }
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::String, value);
  }
  return filler_.String(value);
}
bool ArgumentWriter::Int64(int64_t value) noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::Number, internal::Number::Int(value));
  }
  return filler_.Scalar(internal::SlotValue::Of(internal::Number::Int(value)));
}
bool ArgumentWriter::Uint64(uint64_t value) noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::Number, internal::Number::Uint(value));
  }
  return filler_.Scalar(internal::SlotValue::Of(internal::Number::Uint(value)));
}
bool ArgumentWriter::Double(double value) noexcept {
  if (!std::isfinite(value)) return filler_.Refuse(internal::Refusal::kNumber);
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::Number, internal::Number::Double(value));
  }
  return filler_.Scalar(internal::SlotValue::Of(internal::Number::Double(value)));
}
bool ArgumentWriter::Boolean(bool value) noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::Boolean, value);
  }
  return filler_.Scalar(internal::SlotValue::OfBoolean(value));
}
bool ArgumentWriter::Null() noexcept {
  if (filler_.done()) [[unlikely]] {
    return Instead(canonical_, &CanonicalWriter::Null);
  }
  return filler_.Null();
}
bool ArgumentWriter::Unsupported() noexcept { return filler_.Refuse(internal::Refusal::kUnsupported); }

ArgumentSource::~ArgumentSource() = default;

namespace internal {

bool CanonicalWriter::Walk(const ArgumentSource& source) {
  SlotFiller closed;
  closed.Close();
  ArgumentWriter writer(closed, this);
  source.Write(writer);
  return closed.refused() == Refusal::kNone && Finish();
}

}  // namespace internal

CALLWARDEN_NAMESPACE_END
