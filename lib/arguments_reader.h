#ifndef CALLWARDEN_LIB_ARGUMENTS_READER_H_
#define CALLWARDEN_LIB_ARGUMENTS_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "callwarden/arguments.h"
#include "callwarden/config.h"

#include "lib/argument_checks.h"
#include "lib/json_scanner.h"
#include "lib/slot_filler.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Whether arguments were refused, for the enforced rules and for all rules, and at which byte of the text.
struct ReadResult {
  static constexpr std::size_t kNoOffset = ~std::size_t{0};
  Refusal enforced = Refusal::kNone;
  Refusal all = Refusal::kNone;
  std::size_t enforced_offset = kNoOffset;
  std::size_t all_offset = kNoOffset;
};

/// Reads the arguments of calls, strictly and whole, and fills the slots that are read.
///
/// Text is walked once; where it is refused, once more, to find the byte. Kept per thread: buffers grow to
/// the largest call seen and stay.
class ArgumentsReader {
 public:
  ArgumentsReader() noexcept = default;
  ArgumentsReader(const ArgumentsReader&) = delete;  // owns buffers that slots point into
  ArgumentsReader& operator=(const ArgumentsReader&) = delete;

  // Each writes `result`, which comes as it is made: nothing refused.
  /// Arguments that are absent, which read as `{}`.
  void ReadAbsent(std::span<const SlotFiller::Layer> layers, uint32_t slot_count,
                  ReadResult& result) noexcept;
  /// Any bytes; reads nothing outside the view. Slots point into the reader, or nowhere, until the next call.
  void ReadText(std::string_view text, std::span<const SlotFiller::Layer> layers, uint32_t slot_count,
                const ArgumentChecks& checks, ReadResult& result) noexcept;
  /// The same for one object at the beginning of a longer text, as a message holds it. Returns its size; 0
  /// when anything at all is refused, or the text is longer than arguments may be: ReadText is to say what.
  std::size_t ReadFirst(std::string_view text, std::span<const SlotFiller::Layer> layers, uint32_t slot_count,
                        const ArgumentChecks& checks) noexcept;
  /// A host's own value; slots point into it.
  void ReadParsed(const ArgumentSource& source, std::span<const SlotFiller::Layer> layers,
                  uint32_t slot_count, const ArgumentChecks& checks, ReadResult& result) noexcept;

  SlotValue* slots() noexcept { return filler_.slots(); }
  const SlotFiller& filler() const noexcept { return filler_; }

 private:
  void SetOptions(const ArgumentChecks& checks, std::size_t size_max, bool refuse_repeated_at_once) noexcept;
  bool refused() const noexcept {
    return filler_.refused_enforced() != Refusal::kNone || filler_.refused() != Refusal::kNone;
  }
  template <class Handler>
  ScanResult Scan(std::string_view text, ScanExtent extent, Handler handler) noexcept;
  void Locate(std::string_view text, ReadResult& result) noexcept;

  SlotFiller filler_;
  ScanBuffers buffers_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_ARGUMENTS_READER_H_
