#ifndef CALLWARDEN_LIB_TOOL_INDEX_H_
#define CALLWARDEN_LIB_TOOL_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/config.h"

#include "lib/name_map.h"
#include "lib/scratch.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Many globs, asked which of them match a name. Globs are found by the literal run before their first `*`
/// or after their last, one hash look-up for each length that occurs; those that begin and end with `*` by up
/// to three bytes of a literal run between, which are looked for at each byte of the name.
class GlobIndex {
 public:
  /// `rank` is what Match gives back. The pattern is borrowed.
  void Add(std::string_view pattern, uint32_t rank);
  void Finish();
  bool empty() const noexcept { return globs_.empty(); }

  /// Whether any glob matches.
  bool MatchesAny(std::string_view name) const noexcept;
  /// Adds the ranks of all that match, in no order. False: no memory.
  bool Match(std::string_view name, ScratchVector<uint32_t>& ranks) const noexcept;
  std::size_t bytes() const noexcept;

 private:
  struct Glob {
    std::string_view pattern;
    uint32_t rank = 0;
  };
  struct Bucket {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  // Calls `take(glob)` for each glob that matches, until it returns false.
  template <class Take>
  void ForEachMatch(std::string_view name, Take&& take) const noexcept;

  // Globs found by one kind of literal.
  struct Group {
    NameMap<Bucket> buckets;
    std::vector<std::size_t> sizes;  // of the literals, rising
    void Finish(std::span<const std::pair<std::string_view, uint32_t>> keys);
    std::size_t bytes() const noexcept;
  };

  std::vector<Glob> globs_;  // sorted: those found by a prefix, by a suffix, by a run between, the others
  uint32_t others_begin_ = 0;
  uint32_t between_begin_ = 0;
  Group by_prefix_;
  Group by_suffix_;
  Group by_between_;
};

/// What the policy's patterns make of a tool's name.
struct ToolMatch {
  static constexpr uint32_t kNoPlan = 0xFFFFFFFFu;
  bool name_allowed = true;  ///< of the character set and size, or spelt out by the policy
  bool hidden = false;
  bool confusable = false;
  bool listed = false;
  uint32_t plan = kNoPlan;  ///< of an exact key
};

/// Longest tool name, and the characters it may have, unless the policy spells it out.
inline constexpr std::size_t kToolNameMax = 128;
bool IsToolNameCharacter(char c) noexcept;

/// All tool patterns of a policy.
class ToolIndex {
 public:
  // Building; names are borrowed.
  void AddExact(std::string_view name, uint32_t plan) {
    Exact& exact = exact_[name];
    exact.plan = plan;
    exact.listed = true;
  }
  void AddGlob(std::string_view pattern, uint32_t rank);
  void AddHidden(std::string_view pattern);
  /// `keep` stores folded names for as long as the index lives.
  template <class Keep>
  void Finish(Keep&& keep);

  /// Looks a name up. True when it is an exact key of `tools`, and `match` is set; for others ask FindOther.
  bool FindKey(std::string_view name, ToolMatch& match) const noexcept {
    const auto found = exact_.find(name);
    if (found == exact_.end() || !found->second.listed) return false;
    match = {.hidden = found->second.hidden, .listed = true, .plan = found->second.plan};
    return true;
  }
  /// Looks up a name that is not an exact key of `tools`; `globs` gets the ranks of the globs of `tools` that
  /// match. False: no memory. Complexity: a hash look-up for each length of literal that globs have, and a
  /// trial of each glob without a literal end.
  bool FindOther(std::string_view name, ToolMatch& match, ScratchVector<uint32_t>& globs) const noexcept;
  bool MatchGlobs(std::string_view name, ScratchVector<uint32_t>& ranks) const noexcept {
    return globs_.Match(name, ranks);
  }
  /// For diagnostics.
  bool IsHidden(std::string_view name) const noexcept;
  bool IsListed(std::string_view name) const noexcept;
  std::size_t bytes() const noexcept;

 private:
  struct Exact {
    uint32_t plan = ToolMatch::kNoPlan;
    bool listed = false;
    bool hidden = false;
  };
  bool IsConfusable(std::string_view name, bool listed) const noexcept;

  NameMap<Exact> exact_;  // keys of tools without `*`, and entries of hide without `*`
  GlobIndex globs_;
  GlobIndex hidden_globs_;
  std::vector<std::string_view> patterns_;  // every glob, for folding
  NameMap<bool> folded_exact_;              // those that differ from the name itself
  GlobIndex folded_globs_;
};

/// ASCII lower case without spaces at either end, the form in which confusable names are compared.
std::string_view FoldToolName(std::string_view name, char* buffer) noexcept;

template <class Keep>
void ToolIndex::Finish(Keep&& keep) {
  std::vector<char> buffer;
  const auto fold = [&](std::string_view name) {
    buffer.resize(name.size() + 1);
    const std::string_view folded = FoldToolName(name, buffer.data());
    return folded == name ? name : keep(folded);
  };
  globs_.Finish();
  hidden_globs_.Finish();
  for (auto& [name, exact] : exact_) {
    exact.hidden = exact.hidden || hidden_globs_.MatchesAny(name);
    const std::string_view folded = fold(name);
    if (folded != name) folded_exact_.emplace(folded, true);
  }
  for (const std::string_view pattern : patterns_) folded_globs_.Add(fold(pattern), 0);
  folded_globs_.Finish();
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_TOOL_INDEX_H_
