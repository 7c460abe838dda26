#include "lib/mcp_json.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/number.h"
#include "lib/string_block.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr unsigned char Byte(char c) noexcept { return static_cast<unsigned char>(c); }
constexpr bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool IsPlain(char c) noexcept { return c != '"' && c != '\\' && Byte(c) >= 0x20 && Byte(c) < 0x80; }

// The next byte that a string does not simply hold: its end, an escape, a control character or not ASCII.
const char* SkipPlain(const char* p, const char* end) noexcept {
  while (static_cast<std::size_t>(end - p) >= StringBlock::kSize) {
    const StringBlock block(p);
    if (block.highs() != 0) break;
    if (block.has_end()) return p + block.end();
    p += StringBlock::kSize;
  }
  while (p != end && IsPlain(*p)) ++p;
  return p;
}

// The next quote or backslash.
const char* FindQuote(const char* p, const char* end) noexcept {
  while (static_cast<std::size_t>(end - p) >= StringBlock::kSize) {
    const StringBlock block(p);
    if (!block.has_end()) {
      p += StringBlock::kSize;
      continue;
    }
    p += block.end();
    if (*p == '"' || *p == '\\') return p;
    ++p;  // a control character, for whoever reads the string
  }
  while (p != end && *p != '"' && *p != '\\') ++p;
  return p;
}

// What a byte is to somebody who only matches brackets.
enum : uint8_t { kNothing = 0, kOpens, kCloses, kQuotes };
constexpr std::array<uint8_t, 256> kBrackets = [] {
  std::array<uint8_t, 256> table{};
  table['{'] = table['['] = kOpens;
  table['}'] = table[']'] = kCloses;
  table['"'] = kQuotes;
  return table;
}();

// One of 64 bits, the same for equal names.
uint64_t MarkOf(std::string_view name) noexcept {
  if (name.empty()) return 1;
  const uint64_t ends = uint64_t{Byte(name.front())} << 8 | Byte(name.back());
  return uint64_t{1} << (((ends + (name.size() << 16)) * 0x9E3779B97F4A7C15u) >> 58);
}

// Any order in which equal names are neighbours.
bool Before(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::memcmp(a.data(), b.data(), a.size()) < 0;
}

}  // namespace

void JsonCursor::Start(std::string_view text, uint32_t depth_max, bool strict) noexcept {
  begin_ = at_ = text.data();
  end_ = begin_ + text.size();
  depth_max_ = depth_max;
  strict_ = strict;
  failure_ = Failure::kNone;
  fault_at_root_ = false;
  fault_below_ = false;
  frames_.clear();
  names_.clear();
  arena_.clear();
}

bool JsonCursor::AtEnd() noexcept {
  SkipSpace();
  if (at_ == end_ && failure_ == Failure::kNone) return true;
  return Fail(Failure::kSyntax);
}

bool JsonCursor::Open(bool object) noexcept {
  if (frames_.size() >= depth_max_) return Fail(Failure::kTooDeep);
  ++at_;
  Frame* const frame = frames_.add_unset();
  if (frame == nullptr) return Fail(Failure::kNoMemory);
  *frame = {.object = object, .strict = strict_, .names = static_cast<uint32_t>(names_.size())};
  return true;
}

bool JsonCursor::Close() noexcept {
  const Frame& frame = frames_.back();
  if (names_.size() - frame.names > kNamesLinearMax) CheckNames(frame.names);
  names_.truncate(frame.names);
  frames_.pop_back();
  ++at_;
  return true;
}

bool JsonCursor::Enter() noexcept {
  const char c = Peek();
  if (c != '{' && c != '[') return Fail(Failure::kSyntax);
  return Open(c == '{');
}

// On to the next member or item of the innermost container, or out of it.
[[gnu::always_inline]] inline JsonCursor::Step JsonCursor::Next(char close) noexcept {
  if (frames_.empty()) return Step::kFailed;
  Frame& frame = frames_.back();
  const char c = Peek();
  if (c == close) {
    Close();
    return Step::kEnd;
  }
  if (frame.begun) {
    if (c != ',') {
      Fail(Failure::kSyntax);
      return Step::kFailed;
    }
    ++at_;
  }
  frame.begun = true;
  return Step::kMember;
}

// Most strings are names and short words, which one block holds with their end.
template <bool kKeep>
[[gnu::always_inline]] inline bool JsonCursor::ReadString(JsonText* text) noexcept {
  const char* const begin = at_ + 1;
  if (static_cast<std::size_t>(end_ - begin) >= StringBlock::kSize) {
    const StringBlock block(begin);
    const char* const end = begin + (block.has_end() ? block.end() : 0);
    if (block.has_end() && block.highs() == 0 && *end == '"') return TakeString<kKeep>(begin, end, text);
  }
  return ReadLongString<kKeep>(text);
}

[[gnu::always_inline]] inline bool JsonCursor::KeepName(std::string_view name) noexcept {
  Frame& frame = frames_.back();
  const uint64_t mark = MarkOf(name);
  if ((frame.marks & mark) != 0 && names_.size() - frame.names <= kNamesLinearMax) {
    for (std::size_t i = frame.names; i < names_.size(); ++i) {
      if (names_[i] == name) Note();
    }
  }
  frame.marks |= mark;
  return names_.push_back(name) || Fail(Failure::kNoMemory);
}

// Stands at the name's quote; leaves before the value.
[[gnu::always_inline]] inline bool JsonCursor::ReadName(JsonText& name) noexcept {
  if (!ReadString<true>(&name)) return false;
  if (Peek() != ':') return Fail(Failure::kSyntax);
  ++at_;
  return !frames_.back().strict || KeepName(name.value);
}

JsonCursor::Step JsonCursor::NextMember(JsonText& name) noexcept {
  const Step step = Next('}');
  if (step != Step::kMember) return step;
  if (Peek() != '"') {
    Fail(Failure::kSyntax);
    return Step::kFailed;
  }
  return ReadName(name) ? Step::kMember : Step::kFailed;
}

JsonCursor::Step JsonCursor::NextItem() noexcept {
  const Step step = Next(']');
  if (step != Step::kMember || at_ != end_) return step;
  Fail(Failure::kSyntax);
  return Step::kFailed;
}

bool JsonCursor::ReadText(JsonText& text) noexcept {
  if (Peek() != '"') return Fail(Failure::kSyntax);
  return ReadString<true>(&text);
}

// For objects with many members, once they are all there.
void JsonCursor::CheckNames(std::size_t begin) noexcept {
  std::string_view* const first = names_.data() + begin;
  std::string_view* const last = names_.data() + names_.size();
  std::sort(first, last, Before);
  if (std::adjacent_find(first, last) != last) Note();
}

bool JsonCursor::SkipValue() noexcept {
  const std::size_t base = frames_.size();
  for (;;) {
    // A value comes next.
    const char c = Peek();
    if (c == '{' || c == '[') {
      if (!Open(c == '{')) return false;
    } else if (!SkipScalar()) {
      return false;
    }
    // Past a value, or in a container that has just been opened: on to the next value, if there is one.
    for (;;) {
      if (frames_.size() == base) return true;
      Step step = Step::kFailed;
      if (frames_.back().object) {
        JsonText name;
        step = NextMember(name);
      } else {
        step = NextItem();
      }
      if (step == Step::kFailed) return false;
      if (step == Step::kMember) break;
    }
  }
}

bool JsonCursor::SkipUnread() noexcept {
  const char* p = at_;
  std::size_t depth = 0;
  for (; p != end_; ++p) {
    switch (kBrackets[Byte(*p)]) {
      case kOpens:
        ++depth;
        break;
      case kCloses:
        if (--depth == 0) {
          at_ = p + 1;
          return true;
        }
        break;
      case kQuotes:
        for (p = FindQuote(p + 1, end_); p != end_ && *p == '\\'; p = FindQuote(p, end_)) {
          if (end_ - p < 2) return Fail(Failure::kSyntax);
          p += 2;
        }
        if (p == end_) return Fail(Failure::kSyntax);
        break;
      default:
        break;
    }
  }
  return Fail(Failure::kSyntax);
}

bool JsonCursor::SkipScalar() noexcept {
  if (at_ == end_) return Fail(Failure::kSyntax);
  switch (*at_) {
    case '"':
      return ReadString<false>(nullptr);
    case 't':
      return SkipWord("true");
    case 'f':
      return SkipWord("false");
    case 'n':
      return SkipWord("null");
    default:
      return SkipNumber();
  }
}

bool JsonCursor::SkipWord(std::string_view word) noexcept {
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
    return Fail(Failure::kSyntax);
  }
  at_ += word.size();
  return true;
}

bool JsonCursor::SkipNumber() noexcept {
  constexpr std::ptrdiff_t kAlwaysFits = 18;  // digits of an integer, that is
  const char* p = at_;
  if (p != end_ && *p == '-') ++p;
  if (p == end_ || !IsDigit(*p)) return Fail(Failure::kSyntax);
  const char* const digits = p;
  if (*p == '0') {
    ++p;
  } else {
    while (p != end_ && IsDigit(*p)) ++p;
  }
  bool certain = p - digits <= kAlwaysFits;
  if (p != end_ && *p == '.') {
    certain = false;
    ++p;
    if (p == end_ || !IsDigit(*p)) return Fail(Failure::kSyntax);
    while (p != end_ && IsDigit(*p)) ++p;
  }
  if (p != end_ && (*p == 'e' || *p == 'E')) {
    certain = false;
    ++p;
    if (p != end_ && (*p == '+' || *p == '-')) ++p;
    if (p == end_ || !IsDigit(*p)) return Fail(Failure::kSyntax);
    while (p != end_ && IsDigit(*p)) ++p;
  }
  if (strict_ && !certain) {
    Number number;
    if (!ParseNumber({at_, static_cast<std::size_t>(p - at_)}, number)) Note();
  }
  at_ = p;
  return true;
}

// One that is long, has something in it that must be looked at, or stands at the end of the text.
template <bool kKeep>
[[gnu::noinline]] bool JsonCursor::ReadLongString(JsonText* text) noexcept {
  const char* const begin = at_ + 1;
  const char* p = SkipPlain(begin, end_);
  for (;;) {
    if (p == end_) return Fail(Failure::kSyntax);
    const char c = *p;
    if (c == '"') return TakeString<kKeep>(begin, p, text);
    if (c == '\\') return ReadEscapes<kKeep>(begin, p, text);
    if (Byte(c) < 0x20) return Fail(Failure::kSyntax);
    const std::size_t size = Utf8SequenceSize({begin_, static_cast<std::size_t>(end_ - begin_)},
                                              static_cast<std::size_t>(p - begin_));
    if (size == 0) return Fail(Failure::kSyntax);
    p = SkipPlain(p + size, end_);
  }
}

// Goes on at the first escape, at `p`, of the string that begins at `begin`.
template <bool kKeep>
bool JsonCursor::ReadEscapes(const char* begin, const char* p, JsonText* text) noexcept {
  char* out = nullptr;
  char* out_begin = nullptr;
  if constexpr (kKeep) {
    // All that strings say is no longer than the text, so this is the only time that the arena grows, and
    // what points into it stays good.
    if (!arena_.reserve(static_cast<std::size_t>(end_ - begin_))) return Fail(Failure::kNoMemory);
    out_begin = out = arena_.data() + arena_.size();
    std::memcpy(out, begin, static_cast<std::size_t>(p - begin));
    out += p - begin;
  }
  bool lone = false;
  for (;;) {
    if (p == end_) return Fail(Failure::kSyntax);
    if (*p == '"') break;
    if (*p != '\\') {
      const char* const from = p;
      if (Byte(*p) < 0x20) return Fail(Failure::kSyntax);
      const std::size_t size = Utf8SequenceSize({begin_, static_cast<std::size_t>(end_ - begin_)},
                                                static_cast<std::size_t>(p - begin_));
      if (size == 0) return Fail(Failure::kSyntax);
      p = SkipPlain(p + size, end_);
      if constexpr (kKeep) {
        std::memcpy(out, from, static_cast<std::size_t>(p - from));
        out += p - from;
      }
      continue;
    }
    ++p;
    if (p == end_) return Fail(Failure::kSyntax);
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kFrom.find(*p); i != std::string_view::npos) {
      ++p;
      if constexpr (kKeep) *out++ = kTo[i];
      continue;
    }
    if (*p != 'u') return Fail(Failure::kSyntax);
    ++p;
    uint32_t unit = 0;
    if (!ReadUnit(p, unit)) return Fail(Failure::kSyntax);
    if (unit >= 0xD800 && unit < 0xDC00 && end_ - p >= 6 && p[0] == '\\' && p[1] == 'u') {
      const char* low_at = p + 2;
      uint32_t low = 0;
      if (!ReadUnit(low_at, low)) return Fail(Failure::kSyntax);
      if (low >= 0xDC00 && low < 0xE000) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        p = low_at;
      }
    }
    if (unit >= 0xD800 && unit < 0xE000) {
      if (strict_) return Fail(Failure::kSyntax);
      lone = true;
    }
    if constexpr (kKeep) out = AppendUtf8(unit, out);
  }
  if constexpr (kKeep) {
    text->raw = {begin - 1, static_cast<std::size_t>(p + 1 - (begin - 1))};
    text->value = {out_begin, static_cast<std::size_t>(out - out_begin)};
    text->lone_surrogate = lone;
    arena_.resize_within_capacity(static_cast<std::size_t>(out - arena_.data()));
  }
  at_ = p + 1;
  return true;
}

bool JsonCursor::ReadUnit(const char*& p, uint32_t& unit) const noexcept {
  if (end_ - p < 4) return false;
  unit = 0;
  for (int i = 0; i < 4; ++i, ++p) {
    const char c = FoldAscii(*p);
    if (IsDigit(c)) {
      unit = unit * 16 + static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      unit = unit * 16 + static_cast<uint32_t>(c - 'a') + 10;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
