#ifndef CALLWARDEN_TOOLS_STYLE_H_
#define CALLWARDEN_TOOLS_STYLE_H_

#include <cstdio>
#include <string>
#include <string_view>

namespace callwarden::tool {

/// Paints text for one output stream: with colour when that stream is a terminal and neither NO_COLOR
/// (https://no-color.org) nor TERM=dumb says otherwise, else not at all.
class Style {
 public:
  static Style For(std::FILE* stream);

  std::string Bold(std::string_view text) const { return Paint("1", text); }
  std::string Red(std::string_view text) const { return Paint("1;31", text); }
  std::string Green(std::string_view text) const { return Paint("1;32", text); }
  std::string Yellow(std::string_view text) const { return Paint("1;33", text); }
  std::string Magenta(std::string_view text) const { return Paint("1;35", text); }
  std::string Dim(std::string_view text) const { return Paint("2", text); }

 private:
  explicit Style(bool colour) : colour_(colour) {}
  std::string Paint(std::string_view code, std::string_view text) const;
  bool colour_;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_STYLE_H_
