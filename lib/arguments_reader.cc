#include "lib/arguments_reader.h"

#include <cstring>
#include <new>

#include <simdjson.h>

#include "lib/json_scanner.h"
#include "lib/slot_filler-inl.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// The slow walk: feeds the same filler, and remembers where each verdict fell.
class LocatingHandler {
 public:
  LocatingHandler(SlotFiller& filler, ReadResult& result) noexcept : filler_(filler), result_(result) {}

  bool BeginObject(std::size_t begin) noexcept { return Note(filler_.BeginObject(), begin); }
  bool EndObject(std::size_t end) noexcept { return Note(filler_.EndObject(), end - 1); }
  bool BeginArray(std::size_t begin) noexcept { return Note(filler_.BeginArray(), begin); }
  bool EndArray(std::size_t end) noexcept { return Note(filler_.EndArray(), end - 1); }
  bool Name(std::string_view name, std::size_t begin) noexcept {
    return Note(filler_.Name(NameView(name)), begin);
  }
  bool String(std::string_view value, std::size_t begin, std::size_t) noexcept {
    return Note(filler_.String(value), begin);
  }
  bool Number(const internal::Number* number, std::size_t begin, std::size_t) noexcept {
    if (number == nullptr) return Note(filler_.Refuse(Refusal::kNumber), begin);
    return Note(filler_.Scalar(SlotValue::Of(*number)), begin);
  }
  bool Boolean(bool value, std::size_t begin, std::size_t) noexcept {
    return Note(filler_.Scalar(SlotValue::OfBoolean(value)), begin);
  }
  bool Null(std::size_t begin, std::size_t) noexcept { return Note(filler_.Null(), begin); }

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
  ReadResult& result_;
};

// An escape may write a surrogate by itself, which simdjson lets stand as three bytes that are not UTF-8.
bool HasSurrogate(std::string_view text) noexcept {
  for (std::size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
    if (static_cast<unsigned char>(text[at + 1]) >= 0xA0) return true;  // the tape's strings end in NUL
  }
  return false;
}

// The tape's strings have room for a whole word behind them.
NameView NameOnTape(std::string_view text) noexcept {
  NameView name;
  name.data = text.data();
  name.size = static_cast<uint32_t>(text.size());
  std::memcpy(&name.head, name.data, sizeof(name.head));
  if (name.size < sizeof(name.head)) name.head &= (uint64_t{1} << (8 * name.size)) - 1;
  return name;
}

// What only an escape can bring into a string: raw, neither U+0000 nor a lone surrogate passes as JSON.
struct Escapes {
  bool nul = false;
  bool surrogate = false;
};

Escapes FindEscapes(std::string_view text) noexcept {
  Escapes escapes;
  for (std::size_t at = text.find("\\u"); at != std::string_view::npos; at = text.find("\\u", at + 2)) {
    const std::string_view digits = text.substr(at + 2, 4);
    escapes.nul |= digits == "0000";
    escapes.surrogate |= digits.starts_with('d') || digits.starts_with('D');
  }
  return escapes;
}

// Feeds one parsed document from simdjson's tape (its doc/tape.md) to the filler.
bool WalkTape(const uint64_t* tape, const uint8_t* strings, bool may_hold_surrogates,
              SlotFiller& filler) noexcept {
  constexpr uint64_t kPayload = (uint64_t{1} << 56) - 1;
  const std::size_t end = tape[0] & kPayload;  // one past the closing root
  for (std::size_t i = 1; i + 1 < end; ++i) {
    bool go_on = true;
    switch (const uint64_t word = tape[i]; static_cast<char>(word >> 56)) {
      case '"': {
        const uint8_t* at = strings + (word & kPayload);
        uint32_t size = 0;
        std::memcpy(&size, at, sizeof(size));
        const std::string_view text(reinterpret_cast<const char*>(at + sizeof(size)), size);
        if (may_hold_surrogates && HasSurrogate(text)) return filler.Refuse(Refusal::kSyntax);
        go_on = filler.AwaitsName() ? filler.Name(NameOnTape(text)) : filler.String(text);
        break;
      }
      case '{':
        go_on = filler.BeginObject();
        break;
      case '}':
        go_on = filler.EndObject();
        break;
      case '[':
        go_on = filler.BeginArray();
        break;
      case ']':
        go_on = filler.EndArray();
        break;
      case 'l':
        go_on = filler.Scalar(SlotValue::Of(Number::Int(static_cast<int64_t>(tape[++i]))));
        break;
      case 'u':
        go_on = filler.Scalar(SlotValue::Of(Number::Uint(tape[++i])));
        break;
      case 'd': {
        double value = 0;
        std::memcpy(&value, &tape[++i], sizeof(value));
        go_on = filler.Scalar(SlotValue::Of(Number::Double(value)));
        break;
      }
      case 't':
        go_on = filler.Scalar(SlotValue::OfBoolean(true));
        break;
      case 'f':
        go_on = filler.Scalar(SlotValue::OfBoolean(false));
        break;
      case 'n':
        go_on = filler.Null();
        break;
      default:
        return filler.Refuse(Refusal::kSyntax);
    }
    if (!go_on) return false;
  }
  filler.Finish();
  return true;
}

}  // namespace

struct ArgumentsReader::Parser {
  simdjson::dom::parser parser;
};

ArgumentsReader::ArgumentsReader() noexcept = default;
ArgumentsReader::~ArgumentsReader() = default;

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
  if (text == "{}" && checks.depth_max != 0) return ReadAbsent(layers, slot_count);
  SlotFiller::Options options;
  options.depth_max = checks.depth_max;
  options.size_max = text.size();
  options.refuse_case_variants = checks.refuse_case_variants;
  options.refuse_nul_strings = checks.refuse_nul_strings;
  const Escapes escapes = FindEscapes(text);
  options.has_nul = escapes.nul;
  if (Fill(text, options, escapes.surrogate, layers, slot_count) && filler_.refused() == Refusal::kNone &&
      filler_.refused_enforced() == Refusal::kNone) {
    return {};
  }
  return Locate(text, options, layers, slot_count);
}

// False when the text was refused before the filler could say why.
bool ArgumentsReader::Fill(std::string_view text, const SlotFiller::Options& options,
                           bool may_hold_surrogates, std::span<const SlotFiller::Layer> layers,
                           uint32_t slot_count) noexcept {
  if (text.empty()) return false;
  if (parser_ == nullptr) {
    parser_.reset(new (std::nothrow) Parser);
    if (parser_ == nullptr) return false;
  }
  if (!padded_.resize_unset(text.size() + simdjson::SIMDJSON_PADDING)) return false;
  std::memcpy(padded_.data(), text.data(), text.size());
  std::memset(padded_.data() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  simdjson::dom::parser& parser = parser_->parser;
  const auto parsed = parser.parse(reinterpret_cast<const uint8_t*>(padded_.data()), text.size(),
                                   /*realloc_if_needed=*/false);
  if (parsed.error() == simdjson::MEMALLOC)
    parser_.reset();  // half allocated, it would not see that next time
  if (parsed.error() != simdjson::SUCCESS) return false;
  if (!filler_.Start(layers, slot_count, options)) return true;
  WalkTape(parser.doc.tape.get(), parser.doc.string_buf.get(), may_hold_surrogates, filler_);
  return true;
}

// Walks the text again, slowly, to say why and where it is refused. Slots are filled anew, for the case that
// only shadowed rules refuse.
ReadResult ArgumentsReader::Locate(std::string_view text, const SlotFiller::Options& options,
                                   std::span<const SlotFiller::Layer> layers, uint32_t slot_count) noexcept {
  ReadResult result;
  if (!filler_.Start(layers, slot_count, options)) {
    result.enforced = result.all = Refusal::kNoMemory;
    return result;
  }
  LocatingHandler handler(filler_, result);
  const ScanResult scan = JsonScanner<LocatingHandler>(text, arena_, depth_, handler).Scan();
  switch (scan.status) {
    case ScanResult::Status::kOk:
      // Either only some rules refuse, or the fast reader refused for want of memory, which is never passed
      // on.
      if (filler_.refused() == Refusal::kNone && filler_.refused_enforced() == Refusal::kNone) {
        filler_.Refuse(Refusal::kNoMemory);
      }
      break;
    case ScanResult::Status::kInvalid:
      filler_.Refuse(Refusal::kSyntax);
      break;
    case ScanResult::Status::kNoMemory:
      filler_.Refuse(Refusal::kNoMemory);
      break;
    case ScanResult::Status::kStopped:
      break;
  }
  result.enforced = filler_.refused_enforced();
  result.all = filler_.refused();
  if (result.enforced_offset == ReadResult::kNoOffset) result.enforced_offset = scan.offset;
  if (result.all_offset == ReadResult::kNoOffset) result.all_offset = scan.offset;
  return result;
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
