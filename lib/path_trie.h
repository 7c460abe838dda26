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
  /// A bit for quick refusals: names that differ only by the case of ASCII letters have the same one.
  uint64_t like_mark() const noexcept {
    constexpr unsigned kLowerCase = 0x20;
    return uint64_t{1} << (((FirstOf(head) | kLowerCase) ^ size * 7) & 63);
  }
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
           (a.size <= sizeof(a.head) || EqualBytes(a.data, b.data, a.size));
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

  /// One step. Children are found from their parent, in its place among the nodes, so that who reads
  /// arguments holds a pointer to a node and nothing else.
  struct Node {
    NameView name;             ///< of a name child; lives in the trie's owner
    uint64_t name_marks = 0;   ///< like_mark() of the name children
    uint32_t index = 0;        ///< of an index child
    uint32_t children = 0;     ///< how far behind this node they are: names, then indexes, then the wildcard
    uint32_t names_count = 0;  ///< names are sorted by (size, bytes)
    uint32_t indexes_count = 0;
    uint32_t slot = kNone;     ///< the path that ends here
    uint32_t slots_begin = 0;  ///< slots of this node and all below it; its own is the first
    uint32_t slots_end = 0;
    bool has_wildcard : 1 = false;
    bool enforced : 1 = false;       ///< on a path that something enforced reads
    bool ends_enforced : 1 = false;  ///< an enforced path ends here
    bool items : 1 = false;          ///< `contains` tests the items of an array here
    bool items_enforced : 1 = false;
    bool is_end : 1 = false;      ///< a path ends here and none goes on
    bool only_names : 1 = false;  ///< no path ends here, and all go on with a name

    std::span<const Node> names() const noexcept { return {this + children, names_count}; }
    std::span<const Node> indexes() const noexcept { return {this + children + names_count, indexes_count}; }
    /// Null: there is none.
    const Node* wildcard() const noexcept {
      return has_wildcard ? this + children + names_count + indexes_count : nullptr;
    }
    /// The name child called `other`, or null.
    const Node* FindName(const NameView& other) const noexcept {
      return names_count <= kNamesFew ? FindAmongFew(other) : FindAmongMany(other);
    }
    /// The same, or null where a few words do not tell: makes no calls, so that its caller saves nothing.
    const Node* FindShortName(const NameView& other) const noexcept {
      return names_count <= kNamesFew && other.size <= kEqualBytesInPlace ? FindAmongFew(other) : nullptr;
    }

   private:
    static constexpr uint32_t kNamesFew = 8;
    const Node* FindAmongFew(const NameView& other) const noexcept {
      for (const Node& child : names()) {
        if (child.name == other) return &child;
      }
      return nullptr;
    }
    const Node* FindAmongMany(const NameView& other) const noexcept;
  };
  static_assert(sizeof(Node) <= 64);

  /// nodes[0] is `args` itself; empty when nothing is read. Good wherever they are copied to, all of them.
  std::vector<Node> nodes;
  uint32_t slot_count = 0;
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
