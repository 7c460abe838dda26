#include "lib/text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <simdjson.h>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr unsigned char Byte(char c) noexcept { return static_cast<unsigned char>(c); }

// Size of the sequence that a lead byte begins, and the range of its second byte (Unicode, table 3-7).
struct Lead {
  unsigned size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

constexpr Lead LeadOf(unsigned char b) noexcept {
  if (b < 0x80) return {1};
  if (b < 0xC2) return {0};
  if (b < 0xE0) return {2};
  if (b == 0xE0) return {3, 0xA0, 0xBF};
  if (b == 0xED) return {3, 0x80, 0x9F};
  if (b < 0xF0) return {3};
  if (b == 0xF0) return {4, 0x90, 0xBF};
  if (b < 0xF4) return {4};
  if (b == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

// Reads one folded character at `text[pos]` and moves past it. Bytes that do not fold are themselves.
unsigned char NextFolded(std::string_view text, std::size_t& pos) noexcept {
  const unsigned char b = Byte(text[pos]);
  if (b == 0xC5 && pos + 1 < text.size() && Byte(text[pos + 1]) == 0xBF) {
    pos += 2;
    return 's';
  }
  if (b == 0xE2 && pos + 2 < text.size() && Byte(text[pos + 1]) == 0x84 && Byte(text[pos + 2]) == 0xAA) {
    pos += 3;
    return 'k';
  }
  ++pos;
  return Byte(FoldAscii(static_cast<char>(b)));
}

}  // namespace

bool IsAscii(std::string_view text) noexcept {
  for (; text.size() >= sizeof(uint64_t); text.remove_prefix(sizeof(uint64_t))) {
    if ((HeadOf(text) & 0x8080808080808080u) != 0) return false;
  }
  return (HeadOf(text) & 0x8080808080808080u) == 0;
}

std::size_t Utf8SequenceSize(std::string_view text, std::size_t pos) noexcept {
  const Lead lead = LeadOf(Byte(text[pos]));
  if (lead.size <= 1) return lead.size;
  if (text.size() - pos < lead.size) return 0;
  const unsigned char second = Byte(text[pos + 1]);
  if (second < lead.low || second > lead.high) return 0;
  for (unsigned i = 2; i < lead.size; ++i) {
    if ((Byte(text[pos + i]) & 0xC0) != 0x80) return 0;
  }
  return lead.size;
}

std::size_t FindInvalidUtf8(std::string_view text) noexcept {
  constexpr std::size_t kBlocksPay = 64;  // from so many bytes on, a vector of them at a time is faster
  if (text.size() >= kBlocksPay && simdjson::validate_utf8(text.data(), text.size()))
    return std::string_view::npos;
  std::size_t pos = 0;
  while (pos < text.size()) {
    uint64_t word = 0;
    if (text.size() - pos >= sizeof(word)) {
      std::memcpy(&word, text.data() + pos, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        pos += sizeof(word);
        continue;
      }
    }
    const Lead lead = LeadOf(Byte(text[pos]));
    if (lead.size == 0) return pos;
    for (unsigned i = 1; i < lead.size; ++i) {
      if (pos + i == text.size()) return text.size();
      const unsigned char b = Byte(text[pos + i]);
      if (i == 1 ? (b < lead.low || b > lead.high) : (b & 0xC0) != 0x80) return pos + i;
    }
    pos += lead.size;
  }
  return std::string_view::npos;
}

std::size_t CountCodePoints(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (Byte(c) & 0xC0) != 0x80; }));
}

std::string_view CutAtCodePoint(std::string_view text, std::size_t size) noexcept {
  if (text.size() <= size) return text;
  while (size > 0 && (Byte(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

char* AppendUtf8(uint32_t c, char* out) noexcept {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | (c >> 6));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | (c >> 12));
    *out++ = static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | (c >> 18));
    *out++ = static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    *out++ = static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  }
  return out;
}

bool EqualFolded(std::string_view a, std::string_view b) noexcept {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (NextFolded(a, i) != NextFolded(b, j)) return false;
  }
  return i == a.size() && j == b.size();
}

bool MatchGlob(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last `*` seen, and where its run may end
  std::size_t run = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      run = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++run;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::size_t LiteralSize(std::string_view pattern) noexcept {
  return pattern.size() - static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kCodePointsMax = 60;
  std::string out = "\"";
  std::size_t shown = 0;
  for (std::size_t pos = 0; pos < text.size(); ++shown) {
    if (shown == kCodePointsMax) {
      out += "...";
      break;
    }
    const std::size_t size = Utf8SequenceSize(text, pos);
    const unsigned char b = Byte(text[pos]);
    if (size == 0 || b < 0x20 || b == 0x7F) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\x";
      out += kHex[b >> 4];
      out += kHex[b & 15];
      ++pos;
      continue;
    }
    out.append(text.substr(pos, size));
    pos += size;
  }
  out += '"';
  return out;
}

std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit || b.size() > 64) return limit + 1;
  // Levenshtein with transpositions of neighbours, three rows.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return std::min(last[b.size()], limit + 1);
}

void AppendPointer(std::string& pointer, std::string_view token) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
