#ifndef CALLWARDEN_ARGUMENTS_H_
#define CALLWARDEN_ARGUMENTS_H_

#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

namespace internal {
class CanonicalWriter;
class SlotFiller;
}  // namespace internal

/// Takes the events of one walk over already parsed arguments, in document order.
///
/// An adaptor for a host's JSON type calls these while it walks the value that the host will dispatch.
/// The same checks run as on JSON text: one object, depth, names, duplicates that the host's parser kept,
/// finite numbers, valid UTF-8. What that parser has already lost cannot be seen: members of a duplicate
/// name that were merged, and numbers that were rounded.
///
/// Every member returns false once the call is refused; the adaptor may stop then, and further events are
/// ignored. Unbalanced events refuse the call.
///
/// Thread safety: one thread; valid only inside ArgumentSource::Write.
/// Ownership: strings are borrowed until the decision is made, or, when a canonical form is written, until
/// ArgumentSource::Write returns.
/// Allocation: none in the steady state; per-thread scratch grows to the largest call seen.
class CALLWARDEN_EXPORT ArgumentWriter {
 public:
  ArgumentWriter(const ArgumentWriter&) = delete;  // lives inside one decision
  ArgumentWriter& operator=(const ArgumentWriter&) = delete;

  bool BeginObject() noexcept;
  /// The name of the next member.
  bool Name(std::string_view name) noexcept;
  bool EndObject() noexcept;
  bool BeginArray() noexcept;
  bool EndArray() noexcept;
  bool String(std::string_view value) noexcept;
  bool Int64(int64_t value) noexcept;
  bool Uint64(uint64_t value) noexcept;
  /// A number that its source wrote with a fraction or exponent. Not finite refuses the call.
  bool Double(double value) noexcept;
  bool Boolean(bool value) noexcept;
  bool Null() noexcept;
  /// A value that JSON does not have (binary data, undefined): refuses the call.
  bool Unsupported() noexcept;

 private:
  friend class internal::SlotFiller;
  friend class internal::CanonicalWriter;
  explicit ArgumentWriter(internal::SlotFiller& filler,
                          internal::CanonicalWriter* canonical = nullptr) noexcept
      : filler_(filler), canonical_(canonical) {}

  internal::SlotFiller& filler_;
  internal::CanonicalWriter* canonical_;  // hears of what a closed filler does not take; mostly null
};

/// Arguments that the host has parsed already. An adaptor implements it for one JSON type.
///
/// The tree that is written must be the very one that the host dispatches: a text that was parsed for
/// the decision and is parsed again for the dispatch must be handed over as text.
class CALLWARDEN_EXPORT ArgumentSource {
 public:
  virtual ~ArgumentSource();
  /// Writes the value once, depth first. Called on the thread of the decision: once for a decision, twice for
  /// an explanation and for a decision that an approval comes with, and once more whenever its canonical form
  /// is needed (approvals, audit records), each time with the same events. Must not throw.
  virtual void Write(ArgumentWriter& writer) const noexcept = 0;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_ARGUMENTS_H_
