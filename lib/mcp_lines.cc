#include <algorithm>
#include <string>

#include "callwarden/mcp.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {

LineReader::LineReader(std::size_t line_max_bytes) noexcept
    : line_max_bytes_(std::min(line_max_bytes, std::string().max_size() - 1)) {}

void LineReader::Add(std::string_view bytes) noexcept { input_ = bytes; }

std::optional<LineReader::Line> LineReader::Next() {
  if (given_) {
    kept_.clear();
    given_ = false;
  }
  while (!input_.empty()) {
    const std::size_t end = input_.find('\n');
    const std::string_view piece = input_.substr(0, end);
    input_.remove_prefix(end == std::string_view::npos ? input_.size() : end + 1);
    if (end == std::string_view::npos) {
      // One byte more than a line may have: it may be the carriage return of its ending.
      if (skipping_ || piece.size() > line_max_bytes_ + 1 - kept_.size()) {
        skipping_ = true;
        kept_.clear();
      } else {
        kept_ += piece;
      }
      break;
    }
    if (skipping_) {
      skipping_ = false;
      return Line{{}, true};
    }
    std::string_view line = piece;
    if (!kept_.empty()) {
      if (piece.size() > line_max_bytes_ + 1 - kept_.size()) {
        kept_.clear();
        return Line{{}, true};
      }
      kept_ += piece;
      line = kept_;
      given_ = true;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > line_max_bytes_) return Line{{}, true};
    if (!line.empty()) return Line{line, false};
    if (given_) {
      kept_.clear();
      given_ = false;
    }
  }
  return std::nullopt;
}

}  // namespace mcp
CALLWARDEN_NAMESPACE_END
