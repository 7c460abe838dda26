#include "diagnostic_printer.h"

#include <algorithm>
#include <utility>

#include "output.h"
#include "printable.h"

namespace callwarden::tool {
namespace {

// What is shown of a long line, in characters before and from the caret.
constexpr std::size_t kExcerptBefore = 60;
constexpr std::size_t kExcerptAfter = 60;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD, one column

}  // namespace

DiagnosticPrinter::DiagnosticPrinter(std::string name, std::string_view text, Style style)
    : name_(std::move(name)), text_(text), style_(style) {
  if (text_.empty()) return;
  line_starts_.push_back(0);
  for (std::size_t i = text_.find('\n'); i != std::string_view::npos; i = text_.find('\n', i + 1)) {
    line_starts_.push_back(i + 1);
  }
}

std::string_view DiagnosticPrinter::Line(uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t start = line_starts_[number - 1];
  std::string_view line = text_.substr(start);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string DiagnosticPrinter::Excerpt(uint32_t line_number, uint32_t column) const {
  std::string_view line = Line(line_number);
  if (line.empty() || column == 0) return {};
  const std::size_t target = column - 1;
  const std::size_t first = target > kExcerptBefore ? target - kExcerptBefore : 0;
  std::string source = first > 0 ? "..." : "";
  std::string caret = first > 0 ? "   " : "";
  std::size_t index = 0;
  for (; !line.empty() && index < target + kExcerptAfter; ++index) {
    const CodePoint next = NextCodePoint(line);
    const std::string_view bytes = line.substr(0, next.size);
    line.remove_prefix(next.size);
    if (index < first) continue;
    if (next.value == '\t') {
      source += '\t';
      if (index < target) caret += '\t';  // a tab under a tab ends at the same stop
      continue;
    }
    const bool shown = next.valid && !IsUnprintable(next.value);
    source += shown ? bytes : kReplacement;
    if (index < target) caret.append(static_cast<std::size_t>(shown ? DisplayWidth(next.value) : 1), ' ');
  }
  if (!line.empty()) source += "...";
  if (index < target) return {};  // the column is past the line: no place to point at
  return source + "\n" + caret + style_.Green("^") + "\n";
}

std::string DiagnosticPrinter::Format(const Diagnostic& diagnostic) const {
  const bool is_error = diagnostic.severity == Severity::kError;
  std::string place = name_;
  if (diagnostic.line != 0) {
    place += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column);
  }
  std::string severity = std::string(Name(diagnostic.severity)) + ":";
  std::string message = Printable(diagnostic.message);
  if (!diagnostic.hint.empty()) message += "; " + Printable(diagnostic.hint);
  std::string out = style_.Bold(place + ":") + " " +
                    (is_error ? style_.Red(severity) : style_.Magenta(severity)) + " " + message;
  if (!diagnostic.code.empty()) out += " [" + diagnostic.code + "]";
  return out + "\n" + Excerpt(diagnostic.line, diagnostic.column);
}

void PrintDiagnostics(const DiagnosticPrinter& printer, std::span<const Diagnostic> diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics) {
    Err(printer.Format(diagnostic));
  }
}

}  // namespace callwarden::tool
