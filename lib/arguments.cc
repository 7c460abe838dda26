#include "callwarden/arguments.h"

#include <cmath>

#include "lib/canonical.h"
#include "lib/slot_filler-inl.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::CanonicalWriter;
using internal::Number;
using internal::Refusal;
using internal::SlotFiller;
using internal::SlotValue;

// An event that the filler does not take.
template <class... Parameters, class... Values>
[[gnu::cold, gnu::noinline]] bool Instead(CanonicalWriter* canonical,
                                          bool (CanonicalWriter::*event)(Parameters...),
                                          Values... values) noexcept {
  return canonical != nullptr && (canonical->*event)(values...);
}

// Deciding is the hot way: a filler that is open takes the event. Only where it is done, and so takes none,
// is it asked whether a canonical form is being written instead.
template <class Take, class... Parameters, class... Values>
inline bool Put(const SlotFiller& filler, Take take, CanonicalWriter* canonical,
                bool (CanonicalWriter::*event)(Parameters...), Values... values) noexcept {
  if (filler.done()) [[unlikely]]
    return Instead(canonical, event, values...);
  return take();
}

}  // namespace

bool ArgumentWriter::BeginObject() noexcept {
  return Put(
      filler_, [&] { return filler_.BeginObject(); }, canonical_, &CanonicalWriter::BeginObject);
}
bool ArgumentWriter::Name(std::string_view name) noexcept {
  // Views count up to 32 bits; longer names and strings are longer than any arguments may be.
  if (name.size() > UINT32_MAX) return filler_.Refuse(Refusal::kTooLarge);
  if (internal::FindInvalidUtf8(name) != std::string_view::npos) return filler_.Refuse(Refusal::kInvalidUtf8);
  return Put(
      filler_, [&] { return filler_.Name(internal::NameView(name)); }, canonical_, &CanonicalWriter::Name,
      name);
}
bool ArgumentWriter::EndObject() noexcept {
  return Put(
      filler_, [&] { return filler_.EndObject(); }, canonical_, &CanonicalWriter::EndObject);
}
bool ArgumentWriter::BeginArray() noexcept {
  return Put(
      filler_, [&] { return filler_.BeginArray(); }, canonical_, &CanonicalWriter::BeginArray);
}
bool ArgumentWriter::EndArray() noexcept {
  return Put(
      filler_, [&] { return filler_.EndArray(); }, canonical_, &CanonicalWriter::EndArray);
}
bool ArgumentWriter::String(std::string_view value) noexcept {
  if (internal::FindInvalidUtf8(value) != std::string_view::npos)
    return filler_.Refuse(Refusal::kInvalidUtf8);
  return Put(
      filler_, [&] { return filler_.String(value); }, canonical_, &CanonicalWriter::String, value);
}
bool ArgumentWriter::Int64(int64_t value) noexcept {
  const Number number = Number::Int(value);
  return Put(
      filler_, [&] { return filler_.Scalar(SlotValue::Of(number)); }, canonical_, &CanonicalWriter::Number,
      number);
}
bool ArgumentWriter::Uint64(uint64_t value) noexcept {
  const Number number = Number::Uint(value);
  return Put(
      filler_, [&] { return filler_.Scalar(SlotValue::Of(number)); }, canonical_, &CanonicalWriter::Number,
      number);
}
bool ArgumentWriter::Double(double value) noexcept {
  if (!std::isfinite(value)) return filler_.Refuse(Refusal::kNumber);
  const Number number = Number::Double(value);
  return Put(
      filler_, [&] { return filler_.Scalar(SlotValue::Of(number)); }, canonical_, &CanonicalWriter::Number,
      number);
}
bool ArgumentWriter::Boolean(bool value) noexcept {
  return Put(
      filler_, [&] { return filler_.Scalar(SlotValue::OfBoolean(value)); }, canonical_,
      &CanonicalWriter::Boolean, value);
}
bool ArgumentWriter::Null() noexcept {
  return Put(
      filler_, [&] { return filler_.Null(); }, canonical_, &CanonicalWriter::Null);
}
bool ArgumentWriter::Unsupported() noexcept { return filler_.Refuse(Refusal::kUnsupported); }

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
