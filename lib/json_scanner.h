#ifndef CALLWARDEN_LIB_JSON_SCANNER_H_
#define CALLWARDEN_LIB_JSON_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "callwarden/config.h"

#include "lib/number.h"
#include "lib/scratch.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// How a scan ended. `offset` is the byte at which no valid document could go on (the text's size when it
/// was cut short), or of the value or name that the handler stopped at.
struct ScanResult {
  enum class Status : uint8_t { kOk, kInvalid, kStopped, kNoMemory };
  Status status = Status::kOk;
  std::size_t offset = 0;
};

/// Walks one JSON text (RFC 8259, strict UTF-8, no unpaired surrogate escapes, nothing after the value) and
/// hands its parts to a Handler. Positions are exact; speed is secondary: policy documents are read with it,
/// and arguments that the fast reader has refused are walked again to find where.
///
/// Iterative, so depth costs bits, not stack. A Handler has, each returning whether to go on:
///   BeginObject(begin)  EndObject(end)  BeginArray(begin)  EndArray(end)
///   Name(text, begin)   String(text, begin, end)
///   Number(const Number* or null when not representable, begin, end)
///   Boolean(value, begin, end)  Null(begin, end)
/// Decoded strings are views of the text, or of `arena` when they hold escapes; `depth` is scratch, too.
template <class Handler>
class JsonScanner {
 public:
  JsonScanner(std::string_view text, ScratchVector<char>& arena, ScratchVector<bool>& depth,
              Handler& handler) noexcept
      : text_(text), arena_(arena), depth_(depth), handler_(handler) {}

  ScanResult Scan() noexcept {
    arena_.clear();
    depth_.clear();
    if (Run() && result_.status == ScanResult::Status::kOk) return {};
    return result_;
  }

 private:
  using Status = ScanResult::Status;
  enum class State : uint8_t { kValue, kFirstName, kName, kFirstItem, kAfterValue };

  bool Fail(std::size_t offset, Status status = Status::kInvalid) noexcept {
    result_ = {status, offset};
    return false;
  }
  // Goes on unless the handler stopped at `offset`.
  bool Continue(bool go_on, std::size_t offset) noexcept { return go_on || Fail(offset, Status::kStopped); }
  bool AtEnd() const noexcept { return pos_ == text_.size(); }
  char Peek() const noexcept { return text_[pos_]; }
  void SkipSpace() noexcept {
    while (!AtEnd() && (Peek() == ' ' || Peek() == '\n' || Peek() == '\r' || Peek() == '\t')) ++pos_;
  }

  bool Run() noexcept {
    State state = State::kValue;
    for (;;) {
      SkipSpace();
      if (AtEnd()) return (state == State::kAfterValue && depth_.empty()) || Fail(pos_);
      const char c = Peek();
      switch (state) {
        case State::kFirstName:
        case State::kFirstItem:
          if (c == (state == State::kFirstName ? '}' : ']')) {
            if (!Close()) return false;
            state = State::kAfterValue;
            continue;
          }
          if (state == State::kFirstItem) {
            state = State::kValue;
            continue;
          }
          [[fallthrough]];
        case State::kName: {
          if (c != '"') return Fail(pos_);
          const std::size_t begin = pos_;
          std::string_view name;
          if (!ReadString(name) || !Continue(handler_.Name(name, begin), begin)) return false;
          SkipSpace();
          if (AtEnd() || Peek() != ':') return Fail(pos_);
          ++pos_;
          state = State::kValue;
          continue;
        }
        case State::kValue:
          if (c == '{' || c == '[') {
            const std::size_t begin = pos_++;
            if (!depth_.push_back(c == '{')) return Fail(begin, Status::kNoMemory);
            if (!Continue(c == '{' ? handler_.BeginObject(begin) : handler_.BeginArray(begin), begin))
              return false;
            state = c == '{' ? State::kFirstName : State::kFirstItem;
          } else {
            if (!ReadScalar(c)) return false;
            state = State::kAfterValue;
          }
          continue;
        case State::kAfterValue:
          if (depth_.empty()) return Fail(pos_);
          if (c == ',') {
            ++pos_;
            state = depth_.back() ? State::kName : State::kValue;
          } else if (c == (depth_.back() ? '}' : ']')) {
            if (!Close()) return false;
          } else {
            return Fail(pos_);
          }
          continue;
      }
    }
  }

  bool Close() noexcept {
    const bool object = depth_.back();
    depth_.pop_back();
    ++pos_;
    return Continue(object ? handler_.EndObject(pos_) : handler_.EndArray(pos_), pos_ - 1);
  }

  bool ReadScalar(char c) noexcept {
    const std::size_t begin = pos_;
    if (c == '"') {
      std::string_view value;
      return ReadString(value) && Continue(handler_.String(value, begin, pos_), begin);
    }
    if (c == 't') return ReadWord("true") && Continue(handler_.Boolean(true, begin, pos_), begin);
    if (c == 'f') return ReadWord("false") && Continue(handler_.Boolean(false, begin, pos_), begin);
    if (c == 'n') return ReadWord("null") && Continue(handler_.Null(begin, pos_), begin);
    if (!ReadNumber()) return false;
    Number number;
    const bool representable = ParseNumber(text_.substr(begin, pos_ - begin), number);
    return Continue(handler_.Number(representable ? &number : nullptr, begin, pos_), begin);
  }

  bool ReadWord(std::string_view word) noexcept {
    for (const char expected : word) {
      if (AtEnd() || Peek() != expected) return Fail(pos_);
      ++pos_;
    }
    return true;
  }

  bool AtDigit() const noexcept { return !AtEnd() && Peek() >= '0' && Peek() <= '9'; }
  bool ReadDigits() noexcept {
    if (!AtDigit()) return Fail(pos_);
    while (AtDigit()) ++pos_;
    return true;
  }
  bool ReadNumber() noexcept {
    if (Peek() == '-') ++pos_;
    if (!AtDigit()) return Fail(pos_);
    if (Peek() == '0') {
      ++pos_;
    } else if (!ReadDigits()) {
      return false;
    }
    if (!AtEnd() && Peek() == '.') {
      ++pos_;
      if (!ReadDigits()) return false;
    }
    if (!AtEnd() && (Peek() == 'e' || Peek() == 'E')) {
      ++pos_;
      if (!AtEnd() && (Peek() == '+' || Peek() == '-')) ++pos_;
      if (!ReadDigits()) return false;
    }
    return true;
  }

  bool ReadString(std::string_view& value) noexcept {
    const std::size_t begin = ++pos_;
    for (; !AtEnd(); ++pos_) {  // up to the first escape, the text itself is the value
      const char c = Peek();
      if (c == '"') {
        value = text_.substr(begin, pos_ - begin);
        return CheckUtf8(begin, pos_) && (++pos_, true);
      }
      if (c == '\\') break;
      if (static_cast<unsigned char>(c) < 0x20) return CheckUtf8(begin, pos_) && Fail(pos_);
    }
    if (!CheckUtf8(begin, pos_)) return false;
    if (AtEnd()) return Fail(pos_);
    // Decoded strings together are no longer than the text, so this is the only time that it grows and
    // earlier views stay good.
    if (!arena_.reserve(text_.size())) return Fail(begin - 1, Status::kNoMemory);
    char* const out_begin = arena_.data() + arena_.size();
    char* out = out_begin;
    for (std::size_t i = begin; i < pos_; ++i) *out++ = text_[i];
    while (!AtEnd()) {
      const char c = Peek();
      if (c == '"') {
        ++pos_;
        value = {out_begin, static_cast<std::size_t>(out - out_begin)};
        arena_.resize_within_capacity(static_cast<std::size_t>(out - arena_.data()));
        return true;
      }
      if (c == '\\') {
        if (!ReadEscape(out)) return false;
        continue;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Fail(pos_);
      if (static_cast<unsigned char>(c) < 0x80) {
        *out++ = c;
        ++pos_;
        continue;
      }
      const std::size_t size = Utf8SequenceSize(text_, pos_);
      if (size == 0) return CheckUtf8(pos_, text_.size()) && Fail(pos_);
      for (std::size_t i = 0; i < size; ++i) *out++ = text_[pos_++];
    }
    return Fail(pos_);
  }

  bool CheckUtf8(std::size_t begin, std::size_t end) noexcept {
    const std::size_t bad = FindInvalidUtf8(text_.substr(begin, end - begin));
    return bad == std::string_view::npos || Fail(begin + bad);
  }

  bool ReadEscape(char*& out) noexcept {
    ++pos_;
    if (AtEnd()) return Fail(pos_);
    const char c = Peek();
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (const std::size_t i = kFrom.find(c); i != std::string_view::npos) {
      *out++ = kTo[i];
      ++pos_;
      return true;
    }
    if (c != 'u') return Fail(pos_);
    ++pos_;
    uint32_t unit = 0;
    if (!ReadUnit(unit, /*low_surrogate=*/false)) return false;
    if (unit >= 0xD800 && unit < 0xDC00) {
      for (const char expected : {'\\', 'u'}) {
        if (AtEnd() || Peek() != expected) return Fail(pos_);
        ++pos_;
      }
      uint32_t low = 0;
      if (!ReadUnit(low, /*low_surrogate=*/true)) return false;
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    out = AppendUtf8(unit, out);
    return true;
  }

  // Four hex digits: of a low surrogate, or of anything but one. Fails at the digit that decides.
  bool ReadUnit(uint32_t& unit, bool low_surrogate) noexcept {
    unit = 0;
    for (int i = 0; i < 4; ++i, ++pos_) {
      if (AtEnd()) return Fail(pos_);
      const char c = FoldAscii(Peek());
      uint32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<uint32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<uint32_t>(c - 'a') + 10;
      } else {
        return Fail(pos_);
      }
      unit = unit * 16 + digit;
      if (low_surrogate && i == 0 && unit != 0xD) return Fail(pos_);
      if (low_surrogate && i == 1 && unit < 0xDC) return Fail(pos_);
      if (!low_surrogate && i == 1 && unit >= 0xDC && unit <= 0xDF) return Fail(pos_);
    }
    return true;
  }

  std::string_view text_;
  ScratchVector<char>& arena_;
  ScratchVector<bool>& depth_;  // of the containers that are open; true: an object
  Handler& handler_;
  std::size_t pos_ = 0;
  ScanResult result_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_JSON_SCANNER_H_
