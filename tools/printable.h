#ifndef CALLWARDEN_TOOLS_PRINTABLE_H_
#define CALLWARDEN_TOOLS_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace callwarden::tool {

/// One code point cut from the front of a text.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;  ///< bytes taken; 0 at the end of the text
  bool valid = true;     ///< false for a byte that begins no UTF-8 sequence; then size is 1
};

/// Reads the code point at the front of `text`, strictly: no overlong forms, surrogates or values above
/// U+10FFFF.
CodePoint NextCodePoint(std::string_view text);

/// Terminal columns that a code point takes: 0, 1 or 2. A short table of the usual ranges, not all of
/// Unicode's East Asian Width; a caret may stand a column off under rare characters.
int DisplayWidth(char32_t code_point);

/// Whether a terminal would act on the character, or show other text out of order because of it.
bool IsUnprintable(char32_t code_point);

/// `text` with every unprintable character and invalid byte spelled out, such as `\x1b`, so that what a
/// policy, a call or a file name holds cannot drive the reader's terminal.
std::string Printable(std::string_view text);

/// Offset of the first byte that is not UTF-8; npos when all of it is.
std::size_t FindInvalidUtf8(std::string_view text);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_PRINTABLE_H_
