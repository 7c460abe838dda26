#include "lib/tool_index.h"

#include <algorithm>
#include <array>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

std::string_view PrefixOf(std::string_view pattern) noexcept { return pattern.substr(0, pattern.find('*')); }
std::string_view SuffixOf(std::string_view pattern) noexcept {
  return pattern.substr(pattern.rfind('*') + 1);
}

}  // namespace

bool IsToolNameCharacter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == ':' || c == '/' || c == '-';
}

std::string_view FoldToolName(std::string_view name, char* buffer) noexcept {
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  std::transform(name.begin(), name.end(), buffer, FoldAscii);
  return {buffer, name.size()};
}

void GlobIndex::Add(std::string_view pattern, uint32_t rank) { globs_.push_back({pattern, rank}); }

void GlobIndex::Finish() {
  const auto group = [](const Glob& glob) {
    return !PrefixOf(glob.pattern).empty() ? 0 : !SuffixOf(glob.pattern).empty() ? 1 : 2;
  };
  std::sort(globs_.begin(), globs_.end(), [&](const Glob& a, const Glob& b) {
    const int ga = group(a);
    const int gb = group(b);
    if (ga != gb) return ga < gb;
    if (ga == 0) return PrefixOf(a.pattern) < PrefixOf(b.pattern);
    if (ga == 1) return SuffixOf(a.pattern) < SuffixOf(b.pattern);
    return a.rank < b.rank;
  });
  for (uint32_t i = 0; i < globs_.size(); ++i) {
    const int g = group(globs_[i]);
    if (g == 2) break;
    others_begin_ = i + 1;
    const std::string_view key = g == 0 ? PrefixOf(globs_[i].pattern) : SuffixOf(globs_[i].pattern);
    Bucket& bucket = (g == 0 ? by_prefix_ : by_suffix_)[key];
    if (bucket.end == 0) bucket.begin = i;
    bucket.end = i + 1;
    (g == 0 ? prefix_sizes_ : suffix_sizes_).push_back(key.size());
  }
  for (std::vector<std::size_t>* sizes : {&prefix_sizes_, &suffix_sizes_}) {
    std::sort(sizes->begin(), sizes->end());
    sizes->erase(std::unique(sizes->begin(), sizes->end()), sizes->end());
    sizes->shrink_to_fit();
  }
}

template <class Take>
void GlobIndex::ForEachMatch(std::string_view name, Take&& take) const noexcept {
  const auto try_range = [&](uint32_t begin, uint32_t end) {
    for (uint32_t i = begin; i < end; ++i) {
      if (MatchGlob(globs_[i].pattern, name) && !take(globs_[i])) return false;
    }
    return true;
  };
  for (const std::size_t size : prefix_sizes_) {
    if (size > name.size()) break;
    const auto found = by_prefix_.find(name.substr(0, size));
    if (found != by_prefix_.end() && !try_range(found->second.begin, found->second.end)) return;
  }
  for (const std::size_t size : suffix_sizes_) {
    if (size > name.size()) break;
    const auto found = by_suffix_.find(name.substr(name.size() - size));
    if (found != by_suffix_.end() && !try_range(found->second.begin, found->second.end)) return;
  }
  try_range(others_begin_, static_cast<uint32_t>(globs_.size()));
}

bool GlobIndex::MatchesAny(std::string_view name) const noexcept {
  bool any = false;
  ForEachMatch(name, [&](const Glob&) {
    any = true;
    return false;
  });
  return any;
}

bool GlobIndex::Match(std::string_view name, ScratchVector<uint32_t>& ranks) const noexcept {
  bool memory = true;
  ForEachMatch(name, [&](const Glob& glob) {
    memory = ranks.push_back(glob.rank);
    return memory;
  });
  return memory;
}

std::size_t GlobIndex::bytes() const noexcept {
  return globs_.capacity() * sizeof(Glob) +
         (by_prefix_.capacity() + by_suffix_.capacity()) * (sizeof(std::string_view) + sizeof(Bucket) + 1) +
         (prefix_sizes_.capacity() + suffix_sizes_.capacity()) * sizeof(std::size_t);
}

void ToolIndex::AddHidden(std::string_view pattern) {
  if (pattern.find('*') == std::string_view::npos) {
    exact_[pattern].hidden = true;
  } else {
    hidden_globs_.Add(pattern, 0);
    patterns_.push_back(pattern);
  }
}

void ToolIndex::AddGlob(std::string_view pattern, uint32_t rank) {
  globs_.Add(pattern, rank);
  patterns_.push_back(pattern);
}

bool ToolIndex::IsHidden(std::string_view name) const noexcept {
  const auto found = exact_.find(name);
  return found != exact_.end() ? found->second.hidden : hidden_globs_.MatchesAny(name);
}

bool ToolIndex::IsListed(std::string_view name) const noexcept {
  const auto found = exact_.find(name);
  return (found != exact_.end() && found->second.listed) || globs_.MatchesAny(name);
}

bool ToolIndex::IsConfusable(std::string_view name, bool listed) const noexcept {
  std::array<char, kToolNameMax> buffer;
  // A longer name got here only by being spelt out in `hide`, and is hidden.
  if (name.size() > buffer.size()) return false;
  const std::string_view folded = FoldToolName(name, buffer.data());
  if (folded_exact_.contains(folded)) return true;
  return !listed && folded_globs_.MatchesAny(folded);
}

bool ToolIndex::FindOther(std::string_view name, ToolMatch& match,
                          ScratchVector<uint32_t>& globs) const noexcept {
  match = {};
  const auto found = exact_.find(name);
  if (found != exact_.end()) {
    match.hidden = found->second.hidden;  // spelt out in `hide`
  } else {
    match.name_allowed = !name.empty() && name.size() <= kToolNameMax &&
                         std::all_of(name.begin(), name.end(), IsToolNameCharacter);
    if (!match.name_allowed) return true;
    match.hidden = hidden_globs_.MatchesAny(name);
  }
  if (!globs_.Match(name, globs)) return false;
  match.listed = !globs.empty();
  match.confusable = IsConfusable(name, match.listed);
  return true;
}

std::size_t ToolIndex::bytes() const noexcept {
  return (exact_.capacity() * (sizeof(std::string_view) + sizeof(Exact) + 1)) + globs_.bytes() +
         hidden_globs_.bytes() + folded_globs_.bytes() +
         folded_exact_.capacity() * (sizeof(std::string_view) + 2) +
         patterns_.capacity() * sizeof(std::string_view);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
