#include "style.h"

#include <cstdlib>

#include <unistd.h>

namespace callwarden::tool {

Style Style::For(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted =
      (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view(term) != "dumb");
  return Style(wanted && isatty(fileno(stream)) == 1);
}

std::string Style::Paint(std::string_view code, std::string_view text) const {
  if (!colour_) return std::string(text);
  std::string painted = "\x1b[";
  painted.append(code).append("m").append(text).append("\x1b[0m");
  return painted;
}

}  // namespace callwarden::tool
