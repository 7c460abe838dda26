#ifndef CALLWARDEN_LIB_JSON_SCANNER_H_
#define CALLWARDEN_LIB_JSON_SCANNER_H_

#include <array>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "callwarden/config.h"

#include "lib/number.h"
#include "lib/scratch.h"
#include "lib/string_block.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// How a scan ended. `offset` is the byte behind the value; or at which no valid document could go on (the
/// text's size when it was cut short), or of the value or name that the handler stopped at.
struct ScanResult {
  enum class Status : uint8_t { kOk, kInvalid, kStopped, kNoMemory };
  Status status = Status::kOk;
  std::size_t offset = 0;
};

/// Bytes that may be read behind each string of a scan.
inline constexpr std::size_t kScanStringRoom = 16;

/// What a scan takes in: all of its text; or the first value in it, which ends at a bracket or quote, so that
/// what stands behind is nobody's concern.
enum class ScanExtent : uint8_t { kText, kFirstValue };

/// The memory of scans, kept from one to the next. What a handler was handed points into it.
struct ScanBuffers {
  ScratchVector<char> text;       ///< a copy of the text, with room behind
  ScratchVector<char> decoded;    ///< strings that were written with escapes
  ScratchVector<bool> enclosing;  ///< of each container that is open, whether it stands in an object
};

/// Walks one JSON text (RFC 8259, strict UTF-8, no unpaired surrogate escapes, nothing after the value) once
/// and hands its parts to a Handler, with exact positions. Reads policies and arguments alike.
///
/// The text is copied, so that it ends in bytes which stop every loop and which may be read by the block:
/// nothing outside of it is read. Iterative, so depth costs bits, not stack. A Handler has, each returning
/// whether to go on:
///   BeginObject(begin)  EndObject(end)  BeginArray(begin)  EndArray(end)
///   Name(text, escaped, begin)   String(text, escaped, begin, end)
///   Number(const Number* or null when not representable, begin, end)
///   Boolean(value, begin, end)  Null(begin, end)
/// It is held by value, unless Handler is a reference. Strings are views of `buffers`, with kScanStringRoom
/// readable bytes behind them; `escaped`: written with an escape, without which no string holds U+0000.
template <class Handler>
class JsonScanner {
 public:
  JsonScanner(std::string_view text, ScanBuffers& buffers, Handler&& handler,
              ScanExtent extent = ScanExtent::kText) noexcept
      : text_(text), buffers_(buffers), handler_(std::forward<Handler>(handler)), extent_(extent) {}

  ScanResult Scan() noexcept {
    buffers_.decoded.clear();
    buffers_.enclosing.clear();
    if (!buffers_.text.reserve(text_.size() + kPadding)) return {Status::kNoMemory, 0};
    char* const copy = buffers_.text.data();
    utf8_ = CopyAscii(copy, text_.data(), text_.size()) || FindInvalidUtf8(text_) == std::string_view::npos;
    std::memset(copy + text_.size(), 0, kPadding);
    begin_ = copy;
    end_ = copy + text_.size();
    Run();
    return result_;
  }

 private:
  using Status = ScanResult::Status;
  static constexpr std::size_t kPadding = 64;
  static_assert(kPadding >= 2 * kScanStringRoom && kScanStringRoom >= StringBlock::kSize);

  std::size_t Offset(const char* p) const noexcept { return static_cast<std::size_t>(p - begin_); }
  [[gnu::cold]] bool Fail(const char* p, Status status = Status::kInvalid) noexcept {
    result_ = {status, Offset(p)};
    return false;
  }
  const char* FailHere(const char* p, Status status = Status::kInvalid) noexcept {
    Fail(p, status);
    return nullptr;
  }
  // Goes on unless the handler stopped at `p`.
  bool Continue(bool go_on, const char* p) noexcept { return go_on || Fail(p, Status::kStopped); }
  static bool IsSpace(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  static bool IsDigit(char c) noexcept { return static_cast<unsigned char>(c - '0') <= 9; }
  static const char* SkipSpace(const char* p) noexcept {
    while (static_cast<unsigned char>(*p) <= ' ' && IsSpace(*p)) ++p;
    return p;
  }

  // What is inlined takes `p` by reference, so that it stays in a register; what is not returns where it got
  // to, or null. The byte behind the text is U+0000, which no loop passes and nothing accepts.
  bool Run() noexcept {
    const char* p = SkipSpace(begin_);
    bool in_object = false;  // the innermost open container, where there is one, is an object
    for (;;) {               // a member, an item or the whole value is due at p
      if (in_object && !ReadName(p)) return false;
      const char* const begin = p;
      switch (*p) {
        case '{':
        case '[':
          if (!buffers_.enclosing.push_back(in_object)) return Fail(p, Status::kNoMemory);
          in_object = *p == '{';
          if (!Continue(in_object ? handler_.BeginObject(Offset(p)) : handler_.BeginArray(Offset(p)), p)) {
            return false;
          }
          p = SkipSpace(p + 1);
          if (*p == Closing(in_object)) break;
          continue;
        case '"': {
          std::string_view value;
          bool escaped = false;
          if (!ReadString(p, value, escaped) ||
              !Continue(handler_.String(value, escaped, Offset(begin), Offset(p)), begin)) {
            return false;
          }
          break;
        }
        case 't':
          if (!ReadWord(p, "true") || !Continue(handler_.Boolean(true, Offset(begin), Offset(p)), begin))
            return false;
          break;
        case 'f':
          if (!ReadWord(p, "false") || !Continue(handler_.Boolean(false, Offset(begin), Offset(p)), begin))
            return false;
          break;
        case 'n':
          if (!ReadWord(p, "null") || !Continue(handler_.Null(Offset(begin), Offset(p)), begin)) return false;
          break;
        default:
          if (!ReadNumber(p)) return false;
          break;
      }
      for (;;) {  // a value has ended at p, or an empty container is about to
        if (buffers_.enclosing.empty()) return EndDocument(p);
        p = SkipSpace(p);
        if (*p == ',') break;
        if (*p != Closing(in_object)) return Fail(p);
        ++p;
        if (!Continue(in_object ? handler_.EndObject(Offset(p)) : handler_.EndArray(Offset(p)), p - 1))
          return false;
        in_object = buffers_.enclosing.back();
        buffers_.enclosing.pop_back();
      }
      p = SkipSpace(p + 1);
    }
  }

  bool EndDocument(const char* p) noexcept {
    if (extent_ == ScanExtent::kText) {
      p = SkipSpace(p);
      if (p != end_) return Fail(p);
    }
    result_.offset = Offset(p);
    return true;
  }

  static char Closing(bool object) noexcept { return object ? '}' : ']'; }

  // A member up to its value.
  [[gnu::always_inline]] bool ReadName(const char*& p) noexcept {
    const char* const begin = p;
    if (*p != '"') return Fail(p);
    std::string_view name;
    bool escaped = false;
    if (!ReadString(p, name, escaped) || !Continue(handler_.Name(name, escaped, Offset(begin)), begin))
      return false;
    p = SkipSpace(p);
    if (*p != ':') return Fail(p);
    p = SkipSpace(p + 1);
    return true;
  }

  template <std::size_t size>
  bool ReadWord(const char*& p, const char (&word)[size]) noexcept {
    if (std::memcmp(p, word, size - 1) != 0) {
      for (const char* expected = word; *p == *expected; ++expected) ++p;
      return Fail(p);
    }
    p += size - 1;
    return true;
  }

  // Short numbers here, where no rounding is in question; all others in ReadLongNumber.
  [[gnu::always_inline]] bool ReadNumber(const char*& p) noexcept {
    constexpr std::size_t kDigitsMax = 18;  // fewer than 64 bits hold
    const char* const begin = p;
    const bool negative = *p == '-';
    const char* const digits = p + negative;
    uint64_t value = 0;
    for (p = digits; IsDigit(*p); ++p) value = value * 10 + static_cast<uint64_t>(*p - '0');
    const auto whole = static_cast<std::size_t>(p - digits);
    const bool plain = whole == 1 || (whole != 0 && *digits != '0');
    if (*p != '.' && *p != 'e' && *p != 'E') {
      if (!plain || whole > kDigitsMax) return (p = ReadLongNumber(begin)) != nullptr;
      const auto magnitude = static_cast<int64_t>(value);
      return Take(internal::Number::Int(negative ? -magnitude : magnitude), begin, p);
    }
    if constexpr (FLT_EVAL_METHOD == 0) {
      if (*p == '.') {
        const char* const fraction = ++p;
        for (; IsDigit(*p); ++p) value = value * 10 + static_cast<uint64_t>(*p - '0');
        const auto part = static_cast<std::size_t>(p - fraction);
        // Both are exact as doubles, so their quotient is rounded once (Clinger, "How to read floating point
        // numbers accurately").
        if (plain && part != 0 && whole + part <= kDigitsMax && value <= uint64_t{1} << 53 && *p != 'e' &&
            *p != 'E') {
          const double magnitude = static_cast<double>(value) / kPowersOfTen[part];
          return Take(internal::Number::Double(negative ? -magnitude : magnitude), begin, p);
        }
      }
    }
    return (p = ReadLongNumber(begin)) != nullptr;
  }

  static constexpr std::array<double, 19> kPowersOfTen{
      1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

  bool Take(const internal::Number& number, const char* begin, const char* end) noexcept {
    return Continue(handler_.Number(&number, Offset(begin), Offset(end)), begin);
  }

  bool ReadDigits(const char*& p) noexcept {
    if (!IsDigit(*p)) return Fail(p);
    while (IsDigit(*p)) ++p;
    return true;
  }
  [[gnu::noinline]] const char* ReadLongNumber(const char* p) noexcept {
    const char* const begin = p;
    if (*p == '-') ++p;
    if (*p == '0') {
      ++p;
    } else if (!ReadDigits(p)) {
      return nullptr;
    }
    if (*p == '.') {
      ++p;
      if (!ReadDigits(p)) return nullptr;
    }
    if (*p == 'e' || *p == 'E') {
      ++p;
      if (*p == '+' || *p == '-') ++p;
      if (!ReadDigits(p)) return nullptr;
    }
    internal::Number number;
    const bool representable = ParseNumber({begin, static_cast<std::size_t>(p - begin)}, number);
    const bool go_on = handler_.Number(representable ? &number : nullptr, Offset(begin), Offset(p));
    return Continue(go_on, begin) ? p : nullptr;
  }

  // From the opening quote to behind the closing one.
  [[gnu::always_inline]] bool ReadString(const char*& p, std::string_view& value, bool& escaped) noexcept {
    const char* const begin = ++p;
    for (;;) {
      const StringBlock block(p);
      if (block.has_end()) {
        p += block.end();
        break;
      }
      p += StringBlock::kSize;
    }
    if (*p != '"' || !utf8_) [[unlikely]] {
      if (!utf8_ && !CheckUtf8(begin, p)) return false;
      if (*p != '"') {
        std::string_view decoded;
        p = ReadEscapedString(begin, p, decoded);
        value = decoded;
        escaped = true;
        return p != nullptr;
      }
    }
    value = {begin, static_cast<std::size_t>(p - begin)};
    ++p;
    return true;
  }

  // The rest of a string, from its first escape (or what must not be there) on.
  [[gnu::noinline]] const char* ReadEscapedString(const char* begin, const char* p,
                                                  std::string_view& value) noexcept {
    if (*p != '\\') return FailHere(p);
    // Decoded strings together are no longer than the text, so this is the only time that it grows, and
    // earlier views stay good.
    if (!buffers_.decoded.reserve(text_.size() + kPadding)) return FailHere(begin - 1, Status::kNoMemory);
    char* const out_begin = buffers_.decoded.data() + buffers_.decoded.size();
    char* out = out_begin;
    for (const char* from = begin; from < p; from += StringBlock::kSize, out += StringBlock::kSize) {
      std::memcpy(out, from, StringBlock::kSize);
    }
    out = out_begin + (p - begin);
    while (*p == '\\') {
      if (!ReadEscape(p, out)) return nullptr;
      const char* const run = p;
      for (;;) {  // a whole block is written, and what does not belong is written over
        const StringBlock block(p);
        std::memcpy(out, p, StringBlock::kSize);
        if (block.has_end()) {
          p += block.end();
          out += block.end();
          break;
        }
        p += StringBlock::kSize;
        out += StringBlock::kSize;
      }
      if (!utf8_ && !CheckUtf8(run, p)) return nullptr;
    }
    if (*p != '"') return FailHere(p);
    ++p;
    value = {out_begin, static_cast<std::size_t>(out - out_begin)};
    buffers_.decoded.resize_within_capacity(static_cast<std::size_t>(out - buffers_.decoded.data()));
    return p;
  }

  // Of a text that is not UTF-8 throughout: what comes first is to be told, be it another mistake.
  [[gnu::noinline]] bool CheckUtf8(const char* begin, const char* end) noexcept {
    const std::size_t bad = FindInvalidUtf8({begin, static_cast<std::size_t>(end - begin)});
    return bad == std::string_view::npos || Fail(begin + bad);
  }

  bool ReadEscape(const char*& p, char*& out) noexcept {
    ++p;
    if (const char written = kWritten[static_cast<unsigned char>(*p)]; written != 0) {
      *out++ = written;
      ++p;
      return true;
    }
    if (*p != 'u') return Fail(p);
    return ReadCodePoint(++p, out);
  }

  // What the escapes of one letter stand for; 0: none.
  static constexpr auto kWritten = [] {
    std::array<char, 256> table{};
    table['"'] = '"';
    table['\\'] = '\\';
    table['/'] = '/';
    table['b'] = '\b';
    table['f'] = '\f';
    table['n'] = '\n';
    table['r'] = '\r';
    table['t'] = '\t';
    return table;
  }();

  bool ReadCodePoint(const char*& p, char*& out) noexcept {
    uint32_t unit = 0;
    if (!ReadUnit(p, unit, /*low_surrogate=*/false)) return false;
    if (unit >= 0xD800 && unit < 0xDC00) {
      for (const char expected : {'\\', 'u'}) {
        if (*p != expected) return Fail(p);
        ++p;
      }
      uint32_t low = 0;
      if (!ReadUnit(p, low, /*low_surrogate=*/true)) return false;
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    out = AppendUtf8(unit, out);
    return true;
  }

  // Four hex digits: of a low surrogate, or of anything but one. Fails at the digit that decides.
  bool ReadUnit(const char*& p, uint32_t& unit, bool low_surrogate) noexcept {
    unit = 0;
    for (int i = 0; i < 4; ++i, ++p) {
      const char c = FoldAscii(*p);
      uint32_t digit = 0;
      if (IsDigit(c)) {
        digit = static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<uint32_t>(c - 'a') + 10;
      } else {
        return Fail(p);
      }
      unit = unit * 16 + digit;
      if (low_surrogate && i == 0 && unit != 0xD) return Fail(p);
      if (low_surrogate && i == 1 && unit < 0xDC) return Fail(p);
      if (!low_surrogate && i == 1 && unit >= 0xDC && unit <= 0xDF) return Fail(p);
    }
    return true;
  }

  std::string_view text_;
  ScanBuffers& buffers_;
  Handler handler_;
  ScanExtent extent_;
  bool utf8_ = true;             // the whole text is
  const char* begin_ = nullptr;  // of the copy
  const char* end_ = nullptr;
  ScanResult result_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_JSON_SCANNER_H_
