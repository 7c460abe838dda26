#include "lib/arguments_reader.h"

#include <cstring>

#include "lib/slot_filler-inl.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// Hands what the scanner finds on to the filler. The first walk only asks whether anything is refused; the
// second, of a text that was, remembers where.
template <bool locating>
class FillingHandler {
 public:
  static_assert(sizeof(NameView::head) <= kScanStringRoom);
  FillingHandler(SlotFiller& filler, ReadResult& result) noexcept : filler_(filler), result_(result) {}

  bool BeginObject(std::size_t begin) noexcept { return Note(filler_.OpenObject(), begin); }
  bool EndObject(std::size_t end) noexcept { return Note(filler_.CloseObject(), end - 1); }
  bool BeginArray(std::size_t begin) noexcept { return Note(filler_.OpenArray(), begin); }
  bool EndArray(std::size_t end) noexcept { return Note(filler_.CloseArray(), end - 1); }
  bool Name(std::string_view name, bool escaped, std::size_t begin) noexcept {
    uint64_t head = 0;
    std::memcpy(&head, name.data(), sizeof(head));  // there is room behind it
    if (name.size() < sizeof(head)) head &= HeadMask(name.size());
    return Note(filler_.AddName(name.data(), static_cast<uint32_t>(name.size()), head, escaped), begin);
  }
  bool String(std::string_view value, bool escaped, std::size_t begin, std::size_t) noexcept {
    return Note(filler_.AddString(value, escaped), begin);
  }
  bool Number(const internal::Number* number, std::size_t begin, std::size_t) noexcept {
    if (number == nullptr) return Note(filler_.Refuse(Refusal::kNumber), begin);
    return Note(filler_.AddScalar(SlotValue::Of(*number)), begin);
  }
  bool Boolean(bool value, std::size_t begin, std::size_t) noexcept {
    return Note(filler_.AddScalar(SlotValue::OfBoolean(value)), begin);
  }
  bool Null(std::size_t begin, std::size_t) noexcept { return Note(filler_.AddNull(), begin); }

 private:
  bool Note(bool go_on, std::size_t offset) noexcept {
    if constexpr (locating) {
      if (filler_.refused_enforced() != Refusal::kNone && result_.enforced_offset == ReadResult::kNoOffset) {
        result_.enforced_offset = offset;
      }
      if (filler_.refused() != Refusal::kNone && result_.all_offset == ReadResult::kNoOffset) {
        result_.all_offset = offset;
      }
    }
    return go_on;
  }

  SlotFiller& filler_;
  ReadResult& result_;
};

}  // namespace

ReadResult ArgumentsReader::ReadAbsent(std::span<const SlotFiller::Layer> layers,
                                       uint32_t slot_count) noexcept {
  ReadResult result;
  SlotFiller::Options options;
  if (!filler_.Start(layers, slot_count, options) || !filler_.BeginObject() || !filler_.EndObject()) {
    result.enforced = result.all = filler_.refused();
  }
  return result;
}

ReadResult ArgumentsReader::ReadText(std::string_view text, std::span<const SlotFiller::Layer> layers,
                                     uint32_t slot_count, const ArgumentChecks& checks) noexcept {
  if (text.size() > checks.size_max) {
    return {Refusal::kTooLarge, Refusal::kTooLarge, checks.size_max, checks.size_max};
  }
  SlotFiller::Options options;
  options.depth_max = checks.depth_max;
  options.refuse_case_variants = checks.refuse_case_variants;
  options.refuse_nul_strings = checks.refuse_nul_strings;
  options.refuse_repeated_at_once = false;
  ReadResult result;
  Scan<false>(text, options, layers, slot_count, result);
  if (result.enforced == Refusal::kNone && result.all == Refusal::kNone) return result;
  if (result.enforced == Refusal::kNoMemory || result.all == Refusal::kNoMemory) return result;
  // Once more, to say where. Slots are filled anew, for the case that only some rules refuse.
  result = {};
  options.refuse_repeated_at_once = true;
  Scan<true>(text, options, layers, slot_count, result);
  return result;
}

template <bool locating>
void ArgumentsReader::Scan(std::string_view text, const SlotFiller::Options& options,
                           std::span<const SlotFiller::Layer> layers, uint32_t slot_count,
                           ReadResult& result) noexcept {
  if (filler_.Start(layers, slot_count, options)) {
    FillingHandler<locating> handler(filler_, result);
    const ScanResult scan = JsonScanner<FillingHandler<locating>>(text, buffers_, handler).Scan();
    if (scan.status == ScanResult::Status::kInvalid) filler_.Refuse(Refusal::kSyntax);
    if (scan.status == ScanResult::Status::kNoMemory) filler_.Refuse(Refusal::kNoMemory);
    if (locating) {
      if (result.enforced_offset == ReadResult::kNoOffset) result.enforced_offset = scan.offset;
      if (result.all_offset == ReadResult::kNoOffset) result.all_offset = scan.offset;
    }
  }
  result.enforced = filler_.refused_enforced();
  result.all = filler_.refused();
}

ReadResult ArgumentsReader::ReadParsed(const ArgumentSource& source,
                                       std::span<const SlotFiller::Layer> layers, uint32_t slot_count,
                                       const ArgumentChecks& checks) noexcept {
  ReadResult result;
  SlotFiller::Options options;
  options.depth_max = checks.depth_max;
  options.size_max = checks.size_max;
  options.refuse_case_variants = checks.refuse_case_variants;
  options.refuse_nul_strings = checks.refuse_nul_strings;
  if (filler_.Start(layers, slot_count, options)) filler_.Walk(source);
  result.enforced = filler_.refused_enforced();
  result.all = filler_.refused();
  return result;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
