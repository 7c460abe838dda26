#ifndef CALLWARDEN_LIB_PROGRAM_H_
#define CALLWARDEN_LIB_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/counter_store.h"
#include "callwarden/policy.h"

#include "lib/argument_checks.h"
#include "lib/condition.h"
#include "lib/number.h"
#include "lib/path_trie.h"
#include "lib/rule_index.h"
#include "lib/slot_filler.h"
#include "lib/text_pool.h"
#include "lib/tool_index.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A half-open range of one of the program's arrays.
struct Range {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t size() const noexcept { return end - begin; }
  bool empty() const noexcept { return begin == end; }
};

/// One rule: where its tests begin, and what is reported when it objects.
struct Rule {
  uint32_t first_test = kRuleHolds;
  uint32_t tests_end = 0;  ///< tests of a rule are neighbours, in the document's order
  bool shadow = false;
  std::string_view id;
  std::string_view message;
};

/// A call's attribute that rules or scopes of an entry read, and the slot it goes to.
struct AttributeSlot {
  bool grant = false;  ///< of the grant; otherwise of the context
  std::string_view name;
  uint32_t slot = 0;
};

struct Scope {
  enum class Kind : uint8_t { kGrant, kSession, kContext };
  Kind kind = Kind::kGrant;
  uint32_t slot = 0;       ///< kContext
  uint32_t key_order = 0;  ///< its place among the values that make the count's key
  std::string_view text;   ///< as messages name it
};

struct Limit {
  explicit Limit(const LimitSpec& s) noexcept : spec(s) {}
  LimitSpec spec;
  std::string_view id;
  std::string_view counter;
  std::string_view bound;  ///< `10 per minute`, `2 in flight`
  std::string_view on_deny;
  std::string_view window;
  std::string_view amount_path;  ///< empty: `weight` is constant
  Range scopes;
  Weight weight;
  uint32_t amount_slot = 0;
  uint8_t unit_digits = 0;
  bool refund_on_error = false;
  bool shadow = false;
};

enum class Action : uint8_t { kAllow, kDeny, kRequireApproval };

/// One key of `tools`, or `all_tools`. What each decision reads is in its first line.
struct alignas(64) Entry {
  enum class Kind : uint8_t { kExact, kGlob, kAllTools };
  Kind kind = Kind::kExact;
  Action action = Action::kAllow;
  bool has_shadow = false;
  uint32_t slot_count = 0;  ///< argument slots first, then attributes
  Range require;            ///< of rules
  Range deny_if;
  Range require_approval_if;
  Range limits;
  Range attributes;
  const RuleIndex* deny_if_index = nullptr;  ///< null: the list is run from end to end
  const RuleIndex* require_approval_if_index = nullptr;

  std::string_view id;         ///< `/tools/T`, `/all_tools`
  std::string_view action_id;  ///< `/tools/T/action`
  std::string_view reason;     ///< empty: the standard text
  Range path_nodes;            ///< its trie of argument paths, the root first; empty when it reads none
  uint32_t path_slots = 0;     ///< slots of arguments
};

/// An entry that applies to a tool, and where its slots begin.
struct PlanEntry {
  uint32_t entry = 0;
  uint32_t slot_base = 0;
};

/// What applies to one tool, in the order of reporting.
struct alignas(64) Plan {
  std::span<const PlanEntry> entries;         ///< of a plan with one, that is `only`, as a rule
  std::span<const SlotFiller::Layer> layers;  ///< the entries that read arguments
  uint32_t slot_count = 0;
  uint32_t limit_count = 0;
  bool has_rules = false;
  bool has_shadow = false;
  PlanEntry only;
};

/// A compiled policy's data. Immutable once built; views point into `texts`.
struct Program {
  uint64_t number = 0;  ///< no other program of this process ever has it; never 0
  PolicyMode mode = PolicyMode::kEnforce;
  bool default_allow = false;
  std::string_view description;
  std::string digest;  ///< SHA-256 of the document in hexadecimal; empty in a build without libcrypto
  ArgumentChecks checks;
  std::size_t limits_per_call_max = kLimitsPerCallMax;

  std::vector<Entry> entries;  ///< exact ones, globs in the order of precedence, then `all_tools`
  uint32_t globs_begin = 0;    ///< entries[globs_begin + rank] is the glob of that rank
  uint32_t globs_count = 0;
  uint32_t all_tools = 0;  ///< its entry, when has_all_tools
  bool has_all_tools = false;

  std::vector<Rule> rules;
  std::vector<Test> tests;
  std::vector<TestSource> test_sources;  ///< by test; for explanations
  std::vector<Limit> limits;
  std::vector<Scope> scopes;
  uint32_t scopes_per_limit = 0;  ///< the most that one limit has
  std::vector<AttributeSlot> attributes;
  std::vector<PathTrie::Node> path_nodes;

  // Plans of the exact tools, and the one of a tool that no key matches.
  std::vector<PlanEntry> plan_entries;
  std::vector<SlotFiller::Layer> plan_layers;
  std::vector<Plan> plans;  ///< plans[0] is that of a tool that no key matches
  ToolIndex tools;
  std::vector<std::string_view> hide;  ///< patterns, sorted; for comparing policies

  TextPool texts;
  std::vector<std::unique_ptr<const Regex>> regexes;
  std::vector<std::unique_ptr<const ValueSet>> sets;
  std::vector<std::unique_ptr<const RuleIndex>> rule_indexes;

  std::size_t MemoryBytes() const noexcept;
};

/// Adds an entry to a plan whose parts are gathered in `entries` and `layers`; one that says nothing is left
/// out. The arrays are std::vector while compiling, scratch with room for all while a name is resolved.
template <class Entries, class Layers>
void AppendToPlan(const Program& program, uint32_t index, Plan& plan, Entries& entries, Layers& layers) {
  const Entry& entry = program.entries[index];
  const bool rules = !entry.require.empty() || !entry.deny_if.empty() || !entry.require_approval_if.empty() ||
                     entry.action != Action::kAllow;
  if (!rules && entry.limits.empty()) return;
  static_cast<void>(entries.push_back({index, plan.slot_count}));
  if (!entry.path_nodes.empty()) {
    static_cast<void>(layers.push_back({&program.path_nodes[entry.path_nodes.begin], plan.slot_count}));
  }
  plan.slot_count += entry.slot_count;
  plan.limit_count += entry.limits.size();
  plan.has_rules |= rules;
  plan.has_shadow |= entry.has_shadow;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_PROGRAM_H_
