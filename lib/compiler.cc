#include "lib/compiler.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Type = JsonValue::Type;

constexpr std::size_t kTextMax = 1024;
constexpr unsigned kDepthMax = 512;

bool IsAllStars(std::string_view pattern) noexcept {
  return !pattern.empty() && pattern.find_first_not_of('*') == std::string_view::npos;
}

bool IsUnusual(std::string_view pattern) noexcept {
  return pattern.size() > kToolNameMax || !std::all_of(pattern.begin(), pattern.end(), [](char c) {
           return c == '*' || IsToolNameCharacter(c);
         });
}

}  // namespace

Compiler::Compiler(std::string_view text, const CompileOptions& options)
    : text_(text), options_(options), program_(std::make_unique<Program>()) {
  program_->checks.size_max = options.arguments_size_max_bytes;
  program_->checks.depth_max = std::min(options.arguments_depth_max, kDepthMax);
  program_->checks.refuse_case_variants = options.refuse_case_variants;
  program_->checks.refuse_nul_strings = options.refuse_nul_strings;
  program_->limits_per_call_max = std::min(options.limits_per_call_max, kLimitsPerCallMax);
}

std::unique_ptr<Program> Compiler::Run() {
  const Where document;
  if (text_.size() > options_.document_size_max_bytes || text_.size() > UINT32_MAX) {
    diagnostics_.Error("bound_exceeded", document, 0,
                       "the document has " + std::to_string(text_.size()) + " bytes; at most " +
                           std::to_string(options_.document_size_max_bytes) + " are taken");
    return nullptr;
  }
  const JsonTree tree = ParseJsonTree(text_, std::min(options_.document_depth_max, kDepthMax));
  if (tree.invalid_at) {
    diagnostics_.Error("invalid_json", document, *tree.invalid_at,
                       DescribeInvalidJson(text_, *tree.invalid_at));
    return nullptr;
  }
  if (tree.too_deep) ReportTooDeep(tree.root, document, diagnostics_);
  ReadDocument(tree.root);
  if (diagnostics_.errors() != 0) return nullptr;
  LinkEntries();
  std::sort(hide_.begin(), hide_.end());
  program_->hide = std::move(hide_);
  return std::move(program_);
}

void Compiler::ReadDocument(const JsonValue& root) {
  const Where where;
  if (!CheckType(root, Type::kObject, where, "the document", diagnostics_)) return;
  std::array<KnownKey, 8> keys{
      {{"$schema"}, {"version"}, {"description"}, {"mode"}, {"default"}, {"hide"}, {"all_tools"}, {"tools"}}};
  ReadMembers(root, where, keys, diagnostics_);
  const auto [schema, version, description, mode, fallback, hide, all_tools, tools] =
      std::to_array<const JsonValue*>({keys[0].value(), keys[1].value(), keys[2].value(), keys[3].value(),
                                       keys[4].value(), keys[5].value(), keys[6].value(), keys[7].value()});
  if (schema != nullptr) CheckType(*schema, Type::kString, Where(where, "$schema"), "$schema", diagnostics_);
  if (version == nullptr) {
    diagnostics_.Error("missing_key", where, root.begin, "the document has no version",
                       "add \"version\": \"1\"");
  } else if (const Where at(where, "version");
             CheckType(*version, Type::kString, at, "version", diagnostics_) && version->string != "1") {
    diagnostics_.Error("bad_value", at, version->begin, "unknown version " + Quoted(version->string),
                       "this release reads version \"1\"");
  }
  if (description != nullptr &&
      CheckType(*description, Type::kString, Where(where, "description"), "description", diagnostics_)) {
    program_->description = Keep(description->string);
  }
  // Until the mode is known, nothing may depend on it; one that is wrong is an error, so no policy results.
  shadow_document_ = ReadMode(mode, Where(where, "mode")).value_or(false) || options_.shadow;
  program_->mode = shadow_document_ ? PolicyMode::kShadow : PolicyMode::kEnforce;
  if (fallback == nullptr) {
    diagnostics_.Error("missing_key", where, root.begin, "the document has no default",
                       "add \"default\": \"deny\"");
  } else if (const Where at(where, "default");
             CheckType(*fallback, Type::kString, at, "default", diagnostics_)) {
    constexpr std::array<std::string_view, 2> kKnown{"allow", "deny"};
    program_->default_allow = fallback->string == "allow";
    if (fallback->string != "allow" && fallback->string != "deny") {
      diagnostics_.Error("bad_value", at, fallback->begin, "unknown default " + Quoted(fallback->string),
                         Suggest(fallback->string, kKnown));
    }
  }
  if (hide != nullptr) ReadHide(*hide, Where(where, "hide"));
  if (all_tools != nullptr) {
    const Where at(where, "all_tools");
    if (CheckType(*all_tools, Type::kObject, at, "all_tools", diagnostics_)) {
      drafts_.emplace_back();
      ReadEntry(*all_tools, at, nullptr, drafts_.back());
    }
  }
  if (tools != nullptr) ReadTools(*tools, Where(where, "tools"));
  CheckHiddenTools();
  CheckLimitCounts();
  CheckCounterNames();
}

std::optional<bool> Compiler::ReadMode(const JsonValue* value, const Where& where) {
  if (value == nullptr) return false;
  if (!CheckType(*value, Type::kString, where, "mode", diagnostics_)) return std::nullopt;
  if (value->string == "enforce") return false;
  if (value->string == "shadow") return true;
  constexpr std::array<std::string_view, 2> kKnown{"enforce", "shadow"};
  diagnostics_.Error("bad_value", where, value->begin, "unknown mode " + Quoted(value->string),
                     Suggest(value->string, kKnown));
  return std::nullopt;
}

std::string_view Compiler::ReadText(const JsonValue* value, const Where& where, std::string_view what) {
  if (value == nullptr || !CheckType(*value, Type::kString, where, what, diagnostics_)) return {};
  if (value->string.size() > kTextMax) {
    diagnostics_.Error("bad_value", where, value->begin,
                       std::string(what) + " has " + std::to_string(value->string.size()) +
                           " bytes; at most 1024 are taken");
    return {};
  }
  return Keep(value->string);
}

void Compiler::ReadHide(const JsonValue& value, const Where& where) {
  if (!CheckType(value, Type::kArray, where, "hide", diagnostics_)) return;
  NameMap<bool> seen;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const JsonValue& item = value.items[i];
    const Where at(where, i);
    if (!CheckType(item, Type::kString, at, "a pattern of hide", diagnostics_)) continue;
    if (item.string.empty()) {
      diagnostics_.Error("bad_value", at, item.begin, "a pattern of hide is empty", "\"*\" hides every tool");
      continue;
    }
    const std::string_view pattern = Keep(IsAllStars(item.string) ? "*" : std::string_view(item.string));
    if (!seen.emplace(pattern, true).second) {
      diagnostics_.Warning("duplicate_pattern", at, item.begin,
                           "pattern " + Quoted(pattern) + " is in hide twice");
      continue;
    }
    if (IsUnusual(pattern)) {
      diagnostics_.Warning("unusual_tool_name", at, item.begin,
                           Quoted(pattern) + " is not 1 to 128 of the characters A-Z a-z 0-9 _ . : / -");
    }
    hide_.push_back(pattern);
    program_->tools.AddHidden(pattern);
  }
}

void Compiler::ReadTools(const JsonValue& value, const Where& where) {
  if (!CheckType(value, Type::kObject, where, "tools", diagnostics_)) return;
  NameMap<bool> seen;
  seen.reserve(value.members.size());
  std::size_t entries = 0;
  for (const JsonMember& member : value.members) {
    const Where at(where, member.name);
    if (!seen.emplace(member.name, true).second) {
      diagnostics_.Error("duplicate_key", at, member.name_begin,
                         "tool " + Quoted(member.name) + " is given twice");
      continue;
    }
    if (++entries > options_.tool_entries_max) {
      diagnostics_.Error("bound_exceeded", at, member.name_begin,
                         "more than " + std::to_string(options_.tool_entries_max) + " tools");
      return;
    }
    if (member.name.empty()) {
      diagnostics_.Error("bad_pattern", at, member.name_begin, "a tool's name is empty");
    } else if (IsAllStars(member.name)) {
      diagnostics_.Error("bad_pattern", at, member.name_begin, Quoted(member.name) + " matches every tool",
                         "use all_tools for rules and limits of every tool, default for those not named");
    } else if (IsUnusual(member.name)) {
      diagnostics_.Warning("unusual_tool_name", at, member.name_begin,
                           Quoted(member.name) + " is not 1 to 128 of the characters A-Z a-z 0-9 _ . : / -");
    }
    if (!CheckType(member.value, Type::kObject, at, "a tool's entry", diagnostics_)) continue;
    drafts_.emplace_back();
    ReadEntry(member.value, at, &member, drafts_.back());
  }
}

void Compiler::ReadEntry(const JsonValue& value, const Where& where, const JsonMember* key,
                         EntryDraft& draft) {
  std::array<KnownKey, 7> keys{{{"require"},
                                {"deny_if"},
                                {"require_approval_if"},
                                {"limits"},
                                {"action"},
                                {"reason"},
                                {"rate_limit"}}};
  const std::span<KnownKey> known =
      key == nullptr ? std::span<KnownKey>(keys).first(4) : std::span<KnownKey>(keys);
  ReadMembers(value, where, known, diagnostics_);
  const std::size_t errors = diagnostics_.errors();
  Entry& entry = draft.entry;
  draft.key = key;
  entry.kind = key == nullptr                             ? Entry::Kind::kAllTools
               : key->name.find('*') == std::string::npos ? Entry::Kind::kExact
                                                          : Entry::Kind::kGlob;
  const std::string pointer = where.Pointer();
  entry.id = Keep(pointer);

  Action action = Action::kAllow;
  bool action_ok = true;
  if (const JsonValue* v = keys[4].value()) {
    const Where at(where, "action");
    constexpr std::array<std::string_view, 3> kKnown{"allow", "deny", "require_approval"};
    constexpr std::array<Action, 3> kActions{Action::kAllow, Action::kDeny, Action::kRequireApproval};
    action_ok = CheckType(*v, Type::kString, at, "action", diagnostics_);
    if (action_ok) {
      const auto found = std::find(kKnown.begin(), kKnown.end(), v->string);
      action_ok = found != kKnown.end();
      if (action_ok) {
        action = kActions[static_cast<std::size_t>(found - kKnown.begin())];
      } else {
        diagnostics_.Error("bad_value", at, v->begin, "unknown action " + Quoted(v->string),
                           Suggest(v->string, kKnown));
      }
    }
  }
  entry.action = action;
  if (entry.action != Action::kAllow) entry.action_id = Keep(pointer + "/action");
  if (keys[5].member != nullptr) {
    const Where at(where, "reason");
    entry.reason = ReadText(keys[5].value(), at, "reason");
    if (action_ok && action == Action::kAllow) {
      diagnostics_.Error("misplaced_key", at, keys[5].member->name_begin,
                         "reason needs an action that denies or asks for approval",
                         "add \"action\": \"deny\" or \"require_approval\"");
    }
  }

  struct List {
    std::size_t key;
    ListKind kind;
    Range Entry::*range;
  };
  constexpr std::array<List, 3> kLists{{{0, ListKind::kRequire, &Entry::require},
                                        {1, ListKind::kDenyIf, &Entry::deny_if},
                                        {2, ListKind::kRequireApprovalIf, &Entry::require_approval_if}}};
  const auto unreachable = [&](const KnownKey& k, std::string_view why) {
    diagnostics_.Warning("unreachable", Where(where, k.name), k.member->name_begin,
                         std::string(k.name) + " is never looked at: " + std::string(why));
  };
  constexpr std::string_view kDenied = "the action denies every call";
  for (const List& list : kLists) {
    const JsonValue* v = keys[list.key].value();
    const Where at(where, keys[list.key].name);
    if (v == nullptr || !CheckType(*v, Type::kArray, at, keys[list.key].name, diagnostics_)) continue;
    entry.*list.range = ReadRules(*v, at, list.kind, draft);
    draft.rules += v->items.size();
    if (v->items.empty()) continue;
    if (action == Action::kDeny) unreachable(keys[list.key], kDenied);
    if (action == Action::kRequireApproval && list.kind == ListKind::kRequireApprovalIf) {
      unreachable(keys[list.key], "the action asks for approval of every call");
    }
  }
  if (draft.rules > options_.rules_per_entry_max) {
    diagnostics_.Error("bound_exceeded", where, key == nullptr ? value.begin : key->name_begin,
                       "the entry has " + std::to_string(draft.rules) + " rules; at most " +
                           std::to_string(options_.rules_per_entry_max) + " are taken");
  }

  const JsonValue* limits = keys[3].value();
  const Where limits_at(where, "limits");
  if (limits != nullptr && !CheckType(*limits, Type::kArray, limits_at, "limits", diagnostics_))
    limits = nullptr;
  const JsonMember* rate_limit = keys[6].member;
  entry.limits = ReadLimits(limits, limits_at, rate_limit, Where(where, "rate_limit"),
                            key == nullptr ? std::string_view() : std::string_view(key->name), draft);
  limits_written_.push_back(static_cast<uint32_t>((limits == nullptr ? 0 : limits->items.size()) +
                                                  (rate_limit == nullptr ? 0 : 1)));
  if (action == Action::kDeny) {
    if (limits != nullptr && !limits->items.empty()) unreachable(keys[3], kDenied);
    if (rate_limit != nullptr) unreachable(keys[6], kDenied);
  }
  if (diagnostics_.errors() == errors) FinishEntry(draft);
}

std::string_view Compiler::Share(std::string_view text) {
  if (text.empty()) return {};
  if (const auto known = shared_.find(text); known != shared_.end()) return known->first;
  return shared_.emplace(Keep(text), true).first->first;
}

// Lays the entry's paths out and turns path and attribute numbers into slots.
void Compiler::FinishEntry(EntryDraft& draft) {
  Program& p = *program_;
  PathTrieBuilder::Result built = draft.paths.Build([this](std::string_view name) { return Share(name); });
  const auto nodes = static_cast<uint32_t>(p.path_nodes.size());
  p.path_nodes.insert(p.path_nodes.end(), built.trie.nodes.begin(), built.trie.nodes.end());
  draft.entry.path_nodes = {nodes, static_cast<uint32_t>(p.path_nodes.size())};
  draft.entry.path_slots = built.trie.slot_count;
  for (const uint32_t test : draft.tests) p.tests[test].slot = built.slot_of_path[p.tests[test].slot];
  for (const uint32_t limit : draft.amounts) {
    p.limits[limit].amount_slot = built.slot_of_path[p.limits[limit].amount_slot];
  }
  const uint32_t first = built.trie.slot_count;
  for (const uint32_t test : draft.attribute_tests) p.tests[test].slot += first;
  const auto attributes = static_cast<uint32_t>(p.attributes.size());
  draft.entry.attributes = {attributes, attributes + static_cast<uint32_t>(draft.attributes.size())};
  for (AttributeSlot attribute : draft.attributes) {
    attribute.slot += first;
    p.attributes.push_back(attribute);
  }
  for (uint32_t l = draft.entry.limits.begin; l < draft.entry.limits.end; ++l) {
    for (uint32_t s = p.limits[l].scopes.begin; s < p.limits[l].scopes.end; ++s) p.scopes[s].slot += first;
  }
  draft.entry.slot_count = first + static_cast<uint32_t>(draft.attributes.size());
  for (const Range range : {draft.entry.require, draft.entry.deny_if, draft.entry.require_approval_if}) {
    for (uint32_t r = range.begin; r < range.end; ++r) draft.entry.has_shadow |= p.rules[r].shadow;
  }
  for (uint32_t l = draft.entry.limits.begin; l < draft.entry.limits.end; ++l) {
    draft.entry.has_shadow |= p.limits[l].shadow;
  }
  const auto index = [&](Range rules) -> const RuleIndex* {
    auto made = RuleIndex::Make(std::span<const Rule>(p.rules).subspan(rules.begin, rules.size()),
                                rules.begin, p.tests);
    if (made == nullptr) return nullptr;
    p.rule_indexes.push_back(std::move(made));
    return p.rule_indexes.back().get();
  };
  draft.entry.deny_if_index = index(draft.entry.deny_if);
  draft.entry.require_approval_if_index = index(draft.entry.require_approval_if);
}

void Compiler::CheckHiddenTools() {
  const bool hides_all = std::find(hide_.begin(), hide_.end(), "*") != hide_.end();
  if (hide_.empty()) return;
  ToolIndex hidden;
  for (const std::string_view pattern : hide_) hidden.AddHidden(pattern);
  hidden.Finish([this](std::string_view name) { return Keep(name); });
  NameMap<bool> texts;
  for (const std::string_view pattern : hide_) texts.emplace(pattern, true);
  for (const EntryDraft& draft : drafts_) {
    if (draft.key == nullptr || draft.key->name.empty()) continue;
    const std::string& name = draft.key->name;
    const bool is_hidden =
        draft.entry.kind == Entry::Kind::kExact ? hidden.IsHidden(name) : hides_all || texts.contains(name);
    if (!is_hidden) continue;
    diagnostics_.Warning("hidden_tool", Where(Where(Where(), "tools"), name), draft.key->name_begin,
                         "tool " + Quoted(name) + " is hidden, so its entry is never used");
  }
}

// At most so many limits may apply to one call: counted for every exact key with the globs that match it.
void Compiler::CheckLimitCounts() {
  const std::size_t most = program_->limits_per_call_max;
  GlobIndex globs;
  std::size_t of_all_tools = 0;
  for (uint32_t i = 0; i < drafts_.size(); ++i) {
    const EntryDraft& draft = drafts_[i];
    if (draft.entry.kind == Entry::Kind::kAllTools) of_all_tools = limits_written_[i];
    if (draft.entry.kind == Entry::Kind::kGlob && limits_written_[i] != 0) globs.Add(draft.key->name, i);
  }
  globs.Finish();
  ScratchVector<uint32_t> matches;
  for (uint32_t i = 0; i < drafts_.size(); ++i) {
    const EntryDraft& draft = drafts_[i];
    if (draft.entry.kind != Entry::Kind::kExact) continue;
    std::size_t limits = limits_written_[i] + of_all_tools;
    matches.clear();
    if (!globs.empty() && !globs.Match(draft.key->name, matches)) return;
    for (std::size_t m = 0; m < matches.size(); ++m) limits += limits_written_[matches[m]];
    if (limits <= most) continue;
    diagnostics_.Error(
        "bound_exceeded", Where(Where(Where(), "tools"), draft.key->name), draft.key->name_begin,
        std::to_string(limits) + " limits apply to tool " + Quoted(draft.key->name) +
            " with those of the patterns that match it; at most " + std::to_string(most) + " may");
  }
}

void Compiler::CheckCounterNames() {
  std::stable_sort(count_uses_.begin(), count_uses_.end(),
                   [](const CountUse& a, const CountUse& b) { return a.offset < b.offset; });
  NameMap<bool> names;
  std::set<std::pair<std::string_view, std::array<uint64_t, 2>>> counts;
  for (const CountUse& use : count_uses_) {
    const bool first_of_name = names.emplace(use.counter, true).second;
    if (!counts.emplace(use.counter, use.digest).second || first_of_name) continue;
    diagnostics_.WarningAt("counter_reused", use.pointer, use.offset,
                           "counter " + Quoted(use.counter) +
                               " names another count here: window, scope, algorithm, unit or mode differ");
  }
}

// Entries get their places: exact ones, globs by precedence, all_tools. Each exact tool gets its plan.
void Compiler::LinkEntries() {
  static constinit std::atomic<uint64_t> programs_made{0};
  Program& p = *program_;
  p.number = 1 + programs_made.fetch_add(1, std::memory_order_relaxed);
  std::vector<std::string_view> names;
  std::vector<uint32_t> globs;
  p.entries.reserve(drafts_.size());
  p.rules.shrink_to_fit();
  p.tests.shrink_to_fit();
  p.test_sources.shrink_to_fit();
  p.limits.shrink_to_fit();
  p.scopes.shrink_to_fit();
  p.attributes.shrink_to_fit();
  p.path_nodes.shrink_to_fit();
  for (uint32_t i = 0; i < drafts_.size(); ++i) {
    EntryDraft& draft = drafts_[i];
    switch (draft.entry.kind) {
      case Entry::Kind::kExact:
        names.push_back(Keep(draft.key->name));
        p.entries.push_back(std::move(draft.entry));
        break;
      case Entry::Kind::kGlob:
        globs.push_back(i);
        break;
      case Entry::Kind::kAllTools:
        break;
    }
  }
  std::sort(globs.begin(), globs.end(), [&](uint32_t a, uint32_t b) {
    const std::string& x = drafts_[a].key->name;
    const std::string& y = drafts_[b].key->name;
    const std::size_t lx = LiteralSize(x);
    const std::size_t ly = LiteralSize(y);
    return lx != ly ? lx > ly : x < y;
  });
  p.globs_begin = static_cast<uint32_t>(p.entries.size());
  p.globs_count = static_cast<uint32_t>(globs.size());
  for (uint32_t rank = 0; rank < globs.size(); ++rank) {
    EntryDraft& draft = drafts_[globs[rank]];
    p.tools.AddGlob(Keep(draft.key->name), rank);
    p.entries.push_back(std::move(draft.entry));
  }
  for (EntryDraft& draft : drafts_) {
    if (draft.entry.kind != Entry::Kind::kAllTools || draft.key != nullptr) continue;
    p.has_all_tools = true;
    p.all_tools = static_cast<uint32_t>(p.entries.size());
    p.entries.push_back(std::move(draft.entry));
    break;
  }
  for (uint32_t i = 0; i < names.size(); ++i) p.tools.AddExact(names[i], i + 1);
  p.tools.Finish([this](std::string_view name) { return Keep(name); });

  for (const Limit& limit : p.limits) p.scopes_per_limit = std::max(p.scopes_per_limit, limit.scopes.size());

  // Plans hold offsets until their arrays have stopped moving.
  struct Draft {
    Range entries;
    Range layers;
    Plan plan;
  };
  std::vector<Draft> plans;
  plans.reserve(names.size() + 1);
  ScratchVector<uint32_t> matches;
  std::vector<uint32_t> chain;
  const auto add_plan = [&] {
    Draft draft;
    draft.entries.begin = static_cast<uint32_t>(p.plan_entries.size());
    draft.layers.begin = static_cast<uint32_t>(p.plan_layers.size());
    for (const uint32_t e : chain) AppendToPlan(p, e, draft.plan, p.plan_entries, p.plan_layers);
    draft.entries.end = static_cast<uint32_t>(p.plan_entries.size());
    if (draft.entries.size() == 1) {
      draft.plan.only = p.plan_entries.back();
      p.plan_entries.pop_back();
    }
    draft.layers.end = static_cast<uint32_t>(p.plan_layers.size());
    plans.push_back(draft);
  };
  if (p.has_all_tools) chain.push_back(p.all_tools);
  add_plan();
  for (uint32_t i = 0; i < names.size(); ++i) {
    chain.assign(1, i);
    matches.clear();
    if (p.globs_count != 0 && p.tools.MatchGlobs(names[i], matches)) {
      std::sort(matches.data(), matches.data() + matches.size());
      for (std::size_t m = 0; m < matches.size(); ++m) chain.push_back(p.globs_begin + matches[m]);
    }
    if (p.has_all_tools) chain.push_back(p.all_tools);
    add_plan();
  }
  p.plan_entries.shrink_to_fit();
  p.plan_layers.shrink_to_fit();
  p.plans.reserve(plans.size());
  for (const Draft& draft : plans) {
    Plan& plan = p.plans.emplace_back(draft.plan);
    plan.entries =
        draft.entries.size() == 1
            ? std::span<const PlanEntry>(&plan.only, 1)
            : std::span<const PlanEntry>(p.plan_entries).subspan(draft.entries.begin, draft.entries.size());
    plan.layers =
        std::span<const SlotFiller::Layer>(p.plan_layers).subspan(draft.layers.begin, draft.layers.size());
  }
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
