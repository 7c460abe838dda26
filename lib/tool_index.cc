#include "lib/tool_index.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

std::string_view PrefixOf(std::string_view pattern) noexcept { return pattern.substr(0, pattern.find('*')); }
std::string_view SuffixOf(std::string_view pattern) noexcept {
  return pattern.substr(pattern.rfind('*') + 1);
}

bool HasStarsAround(std::string_view pattern) noexcept {
  return pattern.starts_with('*') && pattern.ends_with('*');
}

// Longest run of bytes by which a glob with `*` at both ends is found.
constexpr std::size_t kRunMax = 3;
// Longest name in which runs are looked for; the search for an earlier one makes it quadratic.
constexpr std::size_t kNameMax = 512;

// Calls `take` with all runs of kRunMax bytes in the literals of a pattern, or with a whole literal that is
// shorter.
template <class Take>
void ForEachRun(std::string_view pattern, Take&& take) {
  for (std::size_t begin = pattern.find_first_not_of('*'); begin != std::string_view::npos;
       begin = pattern.find_first_not_of('*', begin)) {
    const std::size_t end = std::min(pattern.find('*', begin), pattern.size());
    if (end - begin < kRunMax) take(pattern.substr(begin, end - begin));
    for (std::size_t at = begin; at + kRunMax <= end; ++at) take(pattern.substr(at, kRunMax));
    begin = end;
  }
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

// `keys`: the literal of each glob of the group, and its place; sorted by the literal.
void GlobIndex::Group::Finish(std::span<const std::pair<std::string_view, uint32_t>> keys) {
  for (const auto& [literal, place] : keys) {
    Bucket& bucket = buckets[literal];
    if (bucket.end == 0) bucket.begin = place;
    bucket.end = place + 1;
    sizes.push_back(literal.size());
  }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  sizes.shrink_to_fit();
}

std::size_t GlobIndex::Group::bytes() const noexcept {
  return buckets.capacity() * (sizeof(std::string_view) + sizeof(Bucket) + 1) +
         sizes.capacity() * sizeof(std::size_t);
}

void GlobIndex::Finish() {
  // How many globs with `*` at both ends have a run of bytes, so that each is found by its rarest.
  NameMap<uint32_t> runs;
  for (const Glob& glob : globs_) {
    if (HasStarsAround(glob.pattern)) ForEachRun(glob.pattern, [&](std::string_view run) { ++runs[run]; });
  }
  struct Keyed {
    int group;
    std::string_view literal;
    Glob glob;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(globs_.size());
  for (const Glob& glob : globs_) {
    const std::string_view prefix = PrefixOf(glob.pattern);
    const std::string_view suffix = SuffixOf(glob.pattern);
    if (!prefix.empty()) {
      keyed.push_back({0, prefix, glob});
    } else if (!suffix.empty()) {
      keyed.push_back({1, suffix, glob});
    } else {
      std::string_view rarest;
      uint32_t rarest_count = 0;
      ForEachRun(glob.pattern, [&](std::string_view run) {
        const uint32_t count = runs.find(run)->second;
        if (rarest.empty() || run.size() > rarest.size() ||
            (run.size() == rarest.size() && count < rarest_count)) {
          rarest = run;
          rarest_count = count;
        }
      });
      keyed.push_back({rarest.empty() ? 3 : 2, rarest, glob});
    }
  }
  std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) {
    return std::tie(a.group, a.literal, a.glob.rank) < std::tie(b.group, b.literal, b.glob.rank);
  });
  std::array<std::vector<std::pair<std::string_view, uint32_t>>, 4> keys;
  for (uint32_t i = 0; i < keyed.size(); ++i) {
    globs_[i] = keyed[i].glob;
    keys[static_cast<std::size_t>(keyed[i].group)].emplace_back(keyed[i].literal, i);
  }
  by_prefix_.Finish(keys[0]);
  by_suffix_.Finish(keys[1]);
  by_between_.Finish(keys[2]);
  between_begin_ = static_cast<uint32_t>(keys[0].size() + keys[1].size());
  others_begin_ = between_begin_ + static_cast<uint32_t>(keys[2].size());
  globs_.shrink_to_fit();
}

template <class Take>
void GlobIndex::ForEachMatch(std::string_view name, Take&& take) const noexcept {
  const auto try_range = [&](uint32_t begin, uint32_t end) {
    for (uint32_t i = begin; i < end; ++i) {
      if (MatchGlob(globs_[i].pattern, name) && !take(globs_[i])) return false;
    }
    return true;
  };
  const auto try_bucket = [&](const Group& group, std::string_view literal, auto&& wanted) {
    const auto found = group.buckets.find(literal);
    return found == group.buckets.end() || !wanted() || try_range(found->second.begin, found->second.end);
  };
  const auto always = [] { return true; };
  for (const std::size_t size : by_prefix_.sizes) {
    if (size > name.size()) break;
    if (!try_bucket(by_prefix_, name.substr(0, size), always)) return;
  }
  for (const std::size_t size : by_suffix_.sizes) {
    if (size > name.size()) break;
    if (!try_bucket(by_suffix_, name.substr(name.size() - size), always)) return;
  }
  if (name.size() > kNameMax) {  // only a name that a policy spells out
    try_range(between_begin_, static_cast<uint32_t>(globs_.size()));
    return;
  }
  for (const std::size_t size : by_between_.sizes) {
    for (std::size_t at = 0; at + size <= name.size(); ++at) {
      const std::string_view run = name.substr(at, size);
      // A run that comes again has been tried.
      if (!try_bucket(by_between_, run, [&] { return name.find(run) == at; })) return;
    }
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
  return globs_.capacity() * sizeof(Glob) + by_prefix_.bytes() + by_suffix_.bytes() + by_between_.bytes();
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
  // An exact name that is folded already stands for itself.
  if (folded_exact_.contains(folded) || exact_.contains(folded)) return true;
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
