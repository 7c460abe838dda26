#include "lib/path_trie.h"

#include <algorithm>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

const PathTrie::Node* PathTrie::Node::FindAmongMany(const NameView& other) const noexcept {
  const std::span<const Node> all = names();
  std::size_t low = 0;
  std::size_t high = all.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const NameView& at = all[middle].name;
    const int order =
        at.size != other.size ? (at.size < other.size ? -1 : 1) : at.text().compare(other.text());
    if (order == 0) return &all[middle];
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

bool PathTrieBuilder::Before(const PathStep& a, const PathStep& b) noexcept {
  if (a.kind != b.kind) return a.kind < b.kind;
  if (a.kind == PathStep::Kind::kIndex) return a.index < b.index;
  if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
  return a.name < b.name;
}

uint32_t PathTrieBuilder::Child(uint32_t parent, const PathStep& step) {
  // Children are kept sorted, so that many names under one node stay cheap to find.
  std::vector<uint32_t>& children = draft_[parent].children;
  const auto at =
      std::lower_bound(children.begin(), children.end(), step,
                       [this](uint32_t child, const PathStep& s) { return Before(draft_[child].step, s); });
  if (at != children.end() && draft_[*at].step == step) return *at;
  const auto child = static_cast<uint32_t>(draft_.size());
  children.insert(at, child);
  draft_.emplace_back().step = step;
  return child;
}

uint32_t PathTrieBuilder::Add(std::span<const PathStep> steps, bool enforced, bool items) {
  if (draft_.empty()) draft_.emplace_back();
  uint32_t at = 0;
  draft_[0].enforced |= enforced;
  for (const PathStep& step : steps) {
    at = Child(at, step);
    draft_[at].enforced |= enforced;
  }
  Draft& draft = draft_[at];
  if (draft.path == PathTrie::kNone) draft.path = path_count_++;
  draft.ends_enforced |= enforced;
  draft.items |= items;
  draft.items_enforced |= items && enforced;
  return draft.path;
}

// Fills the node of a draft and gives its children neighbouring places.
void PathTrieBuilder::Place(uint32_t draft_id, uint32_t node_id, Result& result) const {
  const Draft& draft = draft_[draft_id];
  PathTrie::Node node;
  node.name = NameView(draft.step.name);
  node.index = draft.step.index;
  node.enforced = draft.enforced;
  node.ends_enforced = draft.ends_enforced;
  node.items = draft.items;
  node.items_enforced = draft.items_enforced;
  node.slots_begin = result.trie.slot_count;
  if (draft.path != PathTrie::kNone) {
    node.slot = result.trie.slot_count++;
    result.slot_of_path[draft.path] = node.slot;
  }
  std::vector<PathTrie::Node>& nodes = result.trie.nodes;
  const auto first = static_cast<uint32_t>(nodes.size());
  node.children = first - node_id;
  for (std::size_t i = 0; i < draft.children.size(); ++i) {  // sorted: names, indexes, the wildcard
    switch (draft_[draft.children[i]].step.kind) {
      case PathStep::Kind::kName:
        ++node.names_count;
        if (const NameView name(draft_[draft.children[i]].step.name); name.is_ascii()) {
          node.name_marks |= name.like_mark();
        } else {  // it may hold a letter that changes size when it folds
          node.name_marks = ~uint64_t{0};
        }
        break;
      case PathStep::Kind::kIndex:
        ++node.indexes_count;
        break;
      case PathStep::Kind::kWildcard:
        node.has_wildcard = true;
        break;
    }
  }
  node.is_end = node.slot != PathTrie::kNone && draft.children.empty();
  node.only_names = node.slot == PathTrie::kNone && node.indexes_count == 0 && !node.has_wildcard;
  nodes[node_id] = node;
  nodes.resize(nodes.size() + draft.children.size());
}

// Depth first and without recursion: a path may have as many steps as its text has room for.
void PathTrieBuilder::Layout(Result& result) const {
  struct Open {
    uint32_t draft;
    uint32_t node;
    uint32_t child;
  };
  std::vector<Open> open;
  Place(0, 0, result);
  open.push_back({0, 0, 0});
  while (!open.empty()) {
    Open& top = open.back();
    const Draft& draft = draft_[top.draft];
    if (top.child == draft.children.size()) {
      result.trie.nodes[top.node].slots_end = result.trie.slot_count;
      open.pop_back();
      continue;
    }
    const uint32_t child_draft = draft.children[top.child];
    const uint32_t child_node = top.node + result.trie.nodes[top.node].children + top.child;
    ++top.child;
    Place(child_draft, child_node, result);
    open.push_back({child_draft, child_node, 0});
  }
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
