#ifndef CALLWARDEN_LIB_PATH_TRIE_H_
#define CALLWARDEN_LIB_PATH_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A member name with its first bytes beside it, so that most comparisons are two of words.
struct NameView {
  const char* data = nullptr;
  uint32_t size = 0;
  uint64_t head = 0;  ///< the first eight bytes, missing ones 0

  NameView() = default;
  explicit NameView(std::string_view name) noexcept
      : data(name.data()), size(static_cast<uint32_t>(name.size())), head(HeadOf(name)) {}
  std::string_view text() const noexcept { return {data, size}; }
  bool is_ascii() const noexcept {
    constexpr uint64_t kHighs = 0x8080808080808080u;
    if ((head & kHighs) != 0) return false;
    if (size <= sizeof(head)) return true;
    if (size > 2 * sizeof(head)) return IsAscii(text());
    uint64_t last = 0;
    std::memcpy(&last, data + size - sizeof(last), sizeof(last));
    return (last & kHighs) == 0;
  }
  friend bool operator==(const NameView& a, const NameView& b) noexcept {
    return a.head == b.head && a.size == b.size &&
           (a.size <= sizeof(a.head) || std::memcmp(a.data, b.data, a.size) == 0);
  }
};

/// One step of an argument path.
struct PathStep {
  enum class Kind : uint8_t { kName, kIndex, kWildcard };
  Kind kind = Kind::kName;
  uint32_t index = 0;
  std::string name;
  friend bool operator==(const PathStep&, const PathStep&) = default;
};

/// The argument paths that one entry of a policy reads, as a trie. The reader walks it beside the
/// arguments; it says nothing of rules.
struct PathTrie {
  static constexpr uint32_t kNone = 0xFFFFFFFFu;

  struct Node {
    NameView name;             ///< of a name child; lives in the trie's owner
    uint32_t index = 0;        ///< of an index child
    uint32_t names_begin = 0;  ///< children: names first, then indexes, each run contiguous
    uint32_t names_count = 0;  ///< names are sorted by (size, bytes)
    uint32_t indexes_begin = 0;
    uint32_t indexes_count = 0;
    uint32_t wildcard = kNone;
    uint32_t slot = kNone;     ///< the path that ends here
    uint32_t slots_begin = 0;  ///< slots of this node and all below it; its own is the first
    uint32_t slots_end = 0;
    /// Marks of the name children, for names that differ from one of them only by case: bit min(size, 63),
    /// and bit (folded first byte & 63).
    uint64_t name_sizes = 0;
    uint64_t name_firsts = 0;
    /// Whether a path ends here and none goes on.
    bool is_end() const noexcept { return slot != kNone && slots_end == slot + 1; }
    /// Whether a child could be called `other`, or differ from it only by case. False is sure.
    bool may_have_like(const NameView& other) const noexcept {
      return ((name_sizes & SizeMark(other.text())) != 0 && (name_firsts & FirstMark(other.text())) != 0) ||
             !other.is_ascii();
    }
    bool enforced = false;       ///< on a path that something enforced reads
    bool ends_enforced = false;  ///< an enforced path ends here
    bool items = false;          ///< `contains` tests the items of an array here
    bool items_enforced = false;
  };

  std::vector<Node> nodes;  ///< nodes[0] is `args` itself; empty when nothing is read
  uint32_t slot_count = 0;

  /// The name child of `node` called `name`, or kNone.
  uint32_t FindName(const Node& node, const NameView& name) const noexcept {
    if (node.names_count <= 8) {
      for (uint32_t i = 0; i < node.names_count; ++i) {
        if (nodes[node.names_begin + i].name == name) return node.names_begin + i;
      }
      return kNone;
    }
    uint32_t low = node.names_begin;
    uint32_t high = low + node.names_count;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      const NameView& at = nodes[middle].name;
      const int order =
          at.size != name.size ? (at.size < name.size ? -1 : 1) : at.text().compare(name.text());
      if (order == 0) return middle;
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return kNone;
  }
};

/// Collects paths, then lays them out.
class PathTrieBuilder {
 public:
  /// Adds a path and returns its number; equal paths share one. `enforced`: read by an enforced rule or
  /// limit; `items`: its array items are tested.
  uint32_t Add(std::span<const PathStep> steps, bool enforced, bool items);
  bool empty() const noexcept { return draft_.empty(); }

  struct Result {
    PathTrie trie;
    std::vector<uint32_t> slot_of_path;  ///< by number from Add
  };
  /// `intern` keeps a name for as long as the trie lives.
  template <class Intern>
  Result Build(Intern&& intern);

 private:
  struct Draft {
    PathStep step;
    std::vector<uint32_t> children;
    uint32_t path = PathTrie::kNone;
    bool enforced = false;
    bool ends_enforced = false;
    bool items = false;
    bool items_enforced = false;
  };
  uint32_t Child(uint32_t parent, const PathStep& step);
  static bool Before(const PathStep& a, const PathStep& b) noexcept;
  void Place(uint32_t draft, uint32_t node, Result& result) const;
  void Layout(Result& result) const;

  std::vector<Draft> draft_;
  uint32_t path_count_ = 0;
};

template <class Intern>
PathTrieBuilder::Result PathTrieBuilder::Build(Intern&& intern) {
  Result result;
  if (draft_.empty()) return result;
  result.slot_of_path.resize(path_count_);
  result.trie.nodes.reserve(draft_.size());
  result.trie.nodes.emplace_back();
  Layout(result);
  for (PathTrie::Node& node : result.trie.nodes) node.name = NameView(intern(node.name.text()));
  return result;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_PATH_TRIE_H_
