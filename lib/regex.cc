#include "lib/regex.h"

#include <re2/re2.h>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

struct Regex::Impl {
  explicit Impl(std::string_view pattern, const RE2::Options& options)
      : re2(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  RE2 re2;
};

Regex::Regex() = default;
Regex::~Regex() = default;

// Takes the pattern as a literal when it is one: no operators but a leading ^ and a final $, and escapes of
// punctuation only.
bool Regex::ReadLiteral(std::string_view pattern) {
  const bool from_start = pattern.starts_with('^');
  if (from_start) pattern.remove_prefix(1);
  bool to_end = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '$' && i + 1 == pattern.size()) {
      to_end = true;
      break;
    }
    if (std::string_view("^$.|?*+()[]{}").find(c) != std::string_view::npos) return false;
    if (c == '\\') {
      if (++i == pattern.size()) return false;
      c = pattern[i];
      if (std::string_view("\\^$.|?*+()[]{}-/\"'!#%&,:;<=>@`~").find(c) == std::string_view::npos)
        return false;
    }
    literal_ += c;
  }
  kind_ =
      from_start ? (to_end ? Kind::kEqual : Kind::kStartsWith) : (to_end ? Kind::kEndsWith : Kind::kContains);
  return true;
}

Regex::Result Regex::Compile(std::string_view pattern, uint32_t program_size_max) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(int64_t{8} << 20);
  Result result;
  // RE2 judges every pattern, so that what is valid and how large it may be never depends on the shortcut.
  auto impl = std::make_unique<const Impl>(pattern, options);
  if (!impl->re2.ok()) {
    result.status =
        impl->re2.error_code() == RE2::ErrorPatternTooLarge ? Status::kTooLarge : Status::kInvalid;
    result.error = impl->re2.error();
    return result;
  }
  result.program_size = static_cast<uint32_t>(impl->re2.ProgramSize());
  if (result.program_size > program_size_max) {
    result.status = Status::kTooLarge;
    return result;
  }
  std::unique_ptr<Regex> regex(new Regex);
  if (!regex->ReadLiteral(pattern)) {
    regex->kind_ = Kind::kRe2;
    regex->literal_.clear();
    regex->impl_ = std::move(impl);
  }
  result.regex = std::move(regex);
  return result;
}

bool Regex::Matches(std::string_view text) const noexcept {
  switch (kind_) {
    case Kind::kContains:
      return text.find(literal_) != std::string_view::npos;
    case Kind::kStartsWith:
      return text.starts_with(literal_);
    case Kind::kEndsWith:
      return text.ends_with(literal_);
    case Kind::kEqual:
      return text == literal_;
    case Kind::kRe2:
      return impl_->re2.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), RE2::UNANCHORED,
                              nullptr, 0);
  }
  return false;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
