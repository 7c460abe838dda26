#ifndef CALLWARDEN_LIB_AUDIT_TEXT_H_
#define CALLWARDEN_LIB_AUDIT_TEXT_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "callwarden/clock.h"
#include "callwarden/config.h"

#include "lib/scratch.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Appends JSON to memory that it keeps. One thread at a time.
/// Errors: without memory ok() turns false and what is appended is lost.
class AuditOut {
 public:
  bool ok() const noexcept { return ok_; }
  std::size_t size() const noexcept { return text_.size(); }
  std::string_view text() const noexcept { return {text_.data(), text_.size()}; }
  std::string_view TextFrom(std::size_t begin) const noexcept { return text().substr(begin); }
  void Clear() noexcept {
    text_.clear();
    ok_ = true;
  }
  void Truncate(std::size_t size) noexcept { text_.truncate(size); }

  void Raw(std::string_view bytes) noexcept {
    if (!Room(bytes.size())) return;
    std::memcpy(End(), bytes.data(), bytes.size());
    Grow(bytes.size());
  }
  void Unsigned(uint64_t value) noexcept { Number(value); }
  void Signed(int64_t value) noexcept { Number(value); }
  /// The shortest form that reads back as the same; `null` when not finite.
  void Real(double value) noexcept;
  /// The inside of a JSON string: escaped, every byte that is not UTF-8 replaced by U+FFFD.
  void Escaped(std::string_view text) noexcept;
  void Quoted(std::string_view text) noexcept {
    Raw("\"");
    Escaped(text);
    Raw("\"");
  }
  /// RFC 3339 in UTC with nine digits of fraction, without quotes.
  void Time(Timestamp time) noexcept;
  /// For file names: 20260301T103000Z.
  void Stamp(Timestamp time) noexcept;
  /// RFC 4648, section 4, with padding.
  void Base64(std::string_view bytes) noexcept;

 private:
  bool Room(std::size_t size) noexcept {
    ok_ = ok_ && text_.reserve(text_.size() + size);
    return ok_ && size != 0;
  }
  template <class T>
  void Number(T value) noexcept {
    constexpr std::size_t kSizeMax = 32;  // of any integer, and of the shortest form of any double
    if (!Room(kSizeMax)) return;
    const auto result = std::to_chars(End(), End() + kSizeMax, value);
    Grow(static_cast<std::size_t>(result.ptr - End()));
  }
  char* End() noexcept { return text_.data() + text_.size(); }
  void Grow(std::size_t size) noexcept { text_.resize_within_capacity(text_.size() + size); }

  ScratchVector<char> text_;
  bool ok_ = true;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_TEXT_H_
