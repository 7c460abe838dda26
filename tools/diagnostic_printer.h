#ifndef CALLWARDEN_TOOLS_DIAGNOSTIC_PRINTER_H_
#define CALLWARDEN_TOOLS_DIAGNOSTIC_PRINTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/policy.h"

#include "style.h"

namespace callwarden::tool {

/// Writes diagnostics about one text the way compilers do:
///
///     policy.json:7:42: error: unknown window "minuets" in limit "x"; did you mean "minute"? [bad_value]
///         { "counter": "x", "window": "minuets", "max": 10 }
///                                     ^
///
/// The caret stands under the character whatever tabs and wide characters come before it. Long lines are
/// cut to a stretch around it, and characters that a terminal would act on are replaced.
class DiagnosticPrinter {
 public:
  /// `name` is what the text is called. With an empty `text` only the message line is written.
  /// Borrows `text`, which must outlive the printer.
  DiagnosticPrinter(std::string name, std::string_view text, Style style);

  std::string Format(const Diagnostic& diagnostic) const;

 private:
  std::string_view Line(uint32_t number) const;
  std::string Excerpt(uint32_t line, uint32_t column) const;

  std::string name_;
  std::string_view text_;
  std::vector<std::size_t> line_starts_;
  Style style_;
};

/// Writes all of `diagnostics` to stderr.
void PrintDiagnostics(const DiagnosticPrinter& printer, std::span<const Diagnostic> diagnostics);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_DIAGNOSTIC_PRINTER_H_
