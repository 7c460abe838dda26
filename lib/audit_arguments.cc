#include "lib/audit_arguments.h"

#include <utility>

#include "callwarden/approvals.h"

#include "lib/canonical.h"
#include "lib/crypto.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

constexpr std::string_view kNoArguments = "{}";
/// A logged value that is longer is told as an ellipsis.
constexpr std::size_t kValueMax = kAuditTextMax;

std::optional<std::array<uint8_t, 32>> KeyOf(const JsonlAuditOptions& options) noexcept {
  if (options.digest_key.has_value()) return options.digest_key;
  std::array<uint8_t, 32> key;
  // Without randomness there is no key, and without a key no digest: see Digest.
  if (!FillRandom(key)) return std::nullopt;
  return key;
}

/// `args.a.b` as canonical names; false when it is no such path.
bool ReadPath(std::string_view path, std::vector<std::string>& names) {
  constexpr std::string_view kRoot = "args";
  if (!path.starts_with(kRoot)) return false;
  path.remove_prefix(kRoot.size());
  while (!path.empty()) {
    if (path.front() != '.') return false;
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('.'));
    if (name.empty() || name.find_first_of("[]") != std::string_view::npos) return false;
    AppendJsonString(name, names.emplace_back());
    path.remove_prefix(name.size());
  }
  return !names.empty();
}

/// The offset after the string that begins at `at`, in canonical JSON.
std::size_t SkipString(std::string_view text, std::size_t at) noexcept {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

std::size_t SkipValue(std::string_view text, std::size_t at) noexcept {
  for (std::size_t depth = 0;;) {
    switch (text[at]) {
      case '"':
        at = SkipString(text, at);
        if (depth == 0) return at;
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;  // of the object around a number or word
        if (--depth == 0) return at + 1;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default:
        break;
    }
    ++at;
  }
}

/// The members of an object in canonical JSON, one after another. Canonical JSON has no blanks, and every
/// container in it is closed: whoever made it has checked that.
class Members {
 public:
  explicit Members(std::string_view object) noexcept : object_(object) {}
  bool Next() noexcept {
    if (object_[at_] == '}' || object_[at_ + 1] == '}') return false;
    const std::size_t name_begin = at_ + 1;  // past the brace or comma
    const std::size_t name_end = SkipString(object_, name_begin);
    at_ = SkipValue(object_, name_end + 1);
    name_ = object_.substr(name_begin, name_end - name_begin);
    value_ = object_.substr(name_end + 1, at_ - name_end - 1);
    return true;
  }
  std::string_view name() const noexcept { return name_; }
  std::string_view value() const noexcept { return value_; }

 private:
  std::string_view object_;
  std::size_t at_ = 0;  // at the brace or comma before the next member, or at the last brace
  std::string_view name_;
  std::string_view value_;
};

/// The string, number or boolean at the path; empty when there is none.
std::string_view ScalarAt(std::string_view object, const std::vector<std::string>& names) noexcept {
  std::string_view value = object;
  for (const std::string& name : names) {
    if (value.front() != '{') return {};
    Members members(value);
    bool found = false;
    while (!found && members.Next()) found = members.name() == name;
    if (!found) return {};
    value = members.value();
  }
  return value.front() == '{' || value.front() == '[' || value == "null" ? std::string_view() : value;
}

}  // namespace

AuditArguments::AuditArguments(const JsonlAuditOptions& options) : hasher_(KeyOf(options)) {
  empty_digest_ = hasher_.Hash(kNoArguments);
  for (const std::string& text : options.logged_paths) {
    Path path{.text = text, .names = {}};
    if (ReadPath(text, path.names) && FindInvalidUtf8(text) == std::string_view::npos) {
      paths_.push_back(std::move(path));
    } else {
      ++bad_paths_;
    }
  }
}

void AuditArguments::Members(ArgumentsState state, std::string_view arguments, AuditOut& out) {
  switch (state) {
    case ArgumentsState::kLeftOut:
      return;
    case ArgumentsState::kAbsent:
      return Digest(kNoArguments, out);
    case ArgumentsState::kCanonical:
      return Canonical(arguments, out);
    case ArgumentsState::kText:
      if (arguments == kNoArguments) return Digest(kNoArguments, out);
      canonical_.clear();
      if (AppendCanonicalArguments({.arguments = arguments}, canonical_)) return Canonical(canonical_, out);
      Digest(arguments, out);  // of the bytes: the same nonsense is the same
      break;
    case ArgumentsState::kMalformed:
      break;
  }
  out.Raw(",\"args_malformed\":true");
}

void AuditArguments::Canonical(std::string_view canonical, AuditOut& out) {
  internal::Members members(canonical);
  for (bool first = true; members.Next(); first = false) {
    out.Raw(first ? ",\"args_names\":[" : ",");
    out.Raw(members.name());
  }
  if (!members.name().empty()) out.Raw("]");
  Digest(canonical, out);
  bool first = true;
  for (const Path& path : paths_) {
    const std::string_view value = ScalarAt(canonical, path.names);
    if (value.empty()) continue;
    out.Raw(first ? ",\"args\":{" : ",");
    out.Quoted(path.text);
    out.Raw(":");
    out.Raw(value.size() <= kValueMax ? value : std::string_view("\"\u2026\""));
    first = false;
  }
  if (!first) out.Raw("}");
}

void AuditArguments::Digest(std::string_view bytes, AuditOut& out) noexcept {
  if (!hasher_.keyed()) return;  // a digest without a key would tell short arguments to whoever guesses them
  const std::optional<HashText> digest = bytes == kNoArguments ? empty_digest_ : hasher_.Hash(bytes);
  if (!digest.has_value()) return;
  out.Raw(",\"args_digest\":\"");
  out.Raw(View(*digest));
  out.Raw("\"");
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
