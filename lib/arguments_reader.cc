#include "lib/arguments_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/slot_filler-inl.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// Hands what the scanner finds on to the filler.
class FillingHandler {
 public:
  explicit FillingHandler(SlotFiller& filler) noexcept : filler_(filler) {}

  bool BeginObject(std::size_t) noexcept { return filler_.OpenObject(); }
  bool EndObject(std::size_t) noexcept { return filler_.CloseObject(); }
  bool BeginArray(std::size_t) noexcept { return filler_.OpenArray(); }
  bool EndArray(std::size_t) noexcept { return filler_.CloseArray(); }
  bool Name(std::string_view name, bool escaped, std::size_t) noexcept {
    uint64_t head = 0;
    static_assert(sizeof(head) <= kScanStringRoom);
    std::memcpy(&head, name.data(), sizeof(head));
    if (name.size() < sizeof(head)) head &= HeadMask(name.size());
    return filler_.AddName(name.data(), static_cast<uint32_t>(name.size()), head, escaped);
  }
  bool String(std::string_view value, bool escaped, std::size_t, std::size_t) noexcept {
    return filler_.AddString(value, escaped);
  }
  bool Number(const internal::Number* number, std::size_t, std::size_t) noexcept {
    if (number == nullptr) return filler_.Refuse(Refusal::kNumber);
    return filler_.AddScalar(*number);
  }
  bool Boolean(bool value, std::size_t, std::size_t) noexcept { return filler_.AddScalar(value); }
  bool Null(std::size_t, std::size_t) noexcept { return filler_.AddNull(); }

 private:
  SlotFiller& filler_;
};

// The same for a text that was refused: remembers where.
class LocatingHandler {
 public:
  LocatingHandler(SlotFiller& filler, ReadResult& result) noexcept
      : filler_(filler), filling_(filler), result_(result) {}

  bool BeginObject(std::size_t begin) noexcept { return Note(filling_.BeginObject(begin), begin); }
  bool EndObject(std::size_t end) noexcept { return Note(filling_.EndObject(end), end - 1); }
  bool BeginArray(std::size_t begin) noexcept { return Note(filling_.BeginArray(begin), begin); }
  bool EndArray(std::size_t end) noexcept { return Note(filling_.EndArray(end), end - 1); }
  bool Name(std::string_view name, bool escaped, std::size_t begin) noexcept {
    return Note(filling_.Name(name, escaped, begin), begin);
  }
  bool String(std::string_view value, bool escaped, std::size_t begin, std::size_t end) noexcept {
    return Note(filling_.String(value, escaped, begin, end), begin);
  }
  bool Number(const internal::Number* number, std::size_t begin, std::size_t end) noexcept {
    return Note(filling_.Number(number, begin, end), begin);
  }
  bool Boolean(bool value, std::size_t begin, std::size_t end) noexcept {
    return Note(filling_.Boolean(value, begin, end), begin);
  }
  bool Null(std::size_t begin, std::size_t end) noexcept { return Note(filling_.Null(begin, end), begin); }

 private:
  bool Note(bool go_on, std::size_t offset) noexcept {
    if (filler_.refused_enforced() != Refusal::kNone && result_.enforced_offset == ReadResult::kNoOffset) {
      result_.enforced_offset = offset;
    }
    if (filler_.refused() != Refusal::kNone && result_.all_offset == ReadResult::kNoOffset) {
      result_.all_offset = offset;
    }
    return go_on;
  }

  SlotFiller& filler_;
  FillingHandler filling_;
  ReadResult& result_;
};

}  // namespace

void ArgumentsReader::SetOptions(const ArgumentChecks& checks, std::size_t size_max,
                                 bool refuse_repeated_at_once) noexcept {
  SlotFiller::Options& options = filler_.options();
  options.depth_max = checks.depth_max;
  options.size_max = size_max;
  options.refuse_case_variants = checks.refuse_case_variants;
  options.refuse_nul_strings = checks.refuse_nul_strings;
  options.refuse_repeated_at_once = refuse_repeated_at_once;
}

void ArgumentsReader::ReadAbsent(std::span<const SlotFiller::Layer> layers, uint32_t slot_count,
                                 ReadResult& result) noexcept {
  SetOptions({}, 0, true);
  if (!filler_.Start(layers, slot_count) || !filler_.BeginObject() || !filler_.EndObject()) {
    result.enforced = result.all = filler_.refused();
  }
}

void ArgumentsReader::ReadText(std::string_view text, std::span<const SlotFiller::Layer> layers,
                               uint32_t slot_count, const ArgumentChecks& checks,
                               ReadResult& result) noexcept {
  // Views of names and strings count up to 32 bits, whatever the host allows.
  const std::size_t size_max = std::min<std::size_t>(checks.size_max, UINT32_MAX);
  if (text.size() > size_max) {
    result = {Refusal::kTooLarge, Refusal::kTooLarge, size_max, size_max};
    return;
  }
  SetOptions(checks, text.size(), /*refuse_repeated_at_once=*/false);
  if (filler_.Start(layers, slot_count)) Scan(text, ScanExtent::kText, FillingHandler(filler_));
  if (!refused()) return;
  if (filler_.refused() != Refusal::kNoMemory) {
    // Slots are filled anew, for the case that only some rules refuse.
    SetOptions(checks, text.size(), /*refuse_repeated_at_once=*/true);
    if (filler_.Start(layers, slot_count)) Locate(text, result);
  }
  result.enforced = filler_.refused_enforced();
  result.all = filler_.refused();
}

std::size_t ArgumentsReader::ReadFirst(std::string_view text, std::span<const SlotFiller::Layer> layers,
                                       uint32_t slot_count, const ArgumentChecks& checks) noexcept {
  if (text.size() > std::min<std::size_t>(checks.size_max, UINT32_MAX)) return 0;
  SetOptions(checks, text.size(), /*refuse_repeated_at_once=*/false);
  ScanResult scan;
  if (filler_.Start(layers, slot_count)) {
    scan = Scan(text, ScanExtent::kFirstValue, FillingHandler(filler_));
  }
  return refused() ? 0 : scan.offset;
}

template <class Handler>
ScanResult ArgumentsReader::Scan(std::string_view text, ScanExtent extent, Handler handler) noexcept {
  const ScanResult scan = JsonScanner<Handler>(text, buffers_, std::move(handler), extent).Scan();
  if (scan.status == ScanResult::Status::kInvalid) filler_.Refuse(Refusal::kSyntax);
  if (scan.status == ScanResult::Status::kNoMemory) filler_.Refuse(Refusal::kNoMemory);
  return scan;
}

// Walks a refused text again, to say at which byte each verdict fell.
void ArgumentsReader::Locate(std::string_view text, ReadResult& result) noexcept {
  const ScanResult scan = Scan(text, ScanExtent::kText, LocatingHandler(filler_, result));
  if (result.enforced_offset == ReadResult::kNoOffset) result.enforced_offset = scan.offset;
  if (result.all_offset == ReadResult::kNoOffset) result.all_offset = scan.offset;
}

void ArgumentsReader::ReadParsed(const ArgumentSource& source, std::span<const SlotFiller::Layer> layers,
                                 uint32_t slot_count, const ArgumentChecks& checks,
                                 ReadResult& result) noexcept {
  SetOptions(checks, checks.size_max, /*refuse_repeated_at_once=*/true);
  if (filler_.Start(layers, slot_count)) filler_.Walk(source);
  result.enforced = filler_.refused_enforced();
  result.all = filler_.refused();
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
