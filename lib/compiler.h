#ifndef CALLWARDEN_LIB_COMPILER_H_
#define CALLWARDEN_LIB_COMPILER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/policy.h"

#include "lib/diagnostics.h"
#include "lib/name_map.h"
#include "lib/path.h"
#include "lib/path_trie.h"
#include "lib/program.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What an entry's rules and limits collect while they are compiled.
struct EntryDraft {
  Entry entry;
  const JsonMember* key = nullptr;  ///< of `tools`; null for all_tools
  PathTrieBuilder paths;
  std::vector<uint32_t> tests;            ///< tests whose `slot` is still a path's number
  std::vector<uint32_t> amounts;          ///< limits whose `amount_slot` is still one
  std::vector<AttributeSlot> attributes;  ///< their slots count from 0
  NameMap<uint32_t> grant_slots;          ///< the same, by name
  NameMap<uint32_t> context_slots;
  std::vector<uint32_t> attribute_tests;  ///< tests whose `slot` is one of those
  std::size_t rules = 0;                  ///< in the text
};

/// What stands over a condition, and where evaluation goes after it: a label, kRuleHolds or kRuleFails.
struct Polarity {
  unsigned depth = 0;    ///< combinators over it
  bool negated = false;  ///< an odd number of `not`
  uint32_t if_passed = kRuleHolds;
  uint32_t if_not = kRuleFails;
};

/// Compiles one document. Errors go to the diagnostics; what has one is left out of the program.
class Compiler {
 public:
  Compiler(std::string_view text, const CompileOptions& options);
  /// Null when there was an error.
  std::unique_ptr<Program> Run();
  std::vector<Diagnostic> TakeDiagnostics() { return diagnostics_.Take(text_); }

 private:
  enum class ListKind : uint8_t { kRequire, kDenyIf, kRequireApprovalIf };

  // compiler.cc: the document and its entries.
  void ReadDocument(const JsonValue& root);
  void ReadHide(const JsonValue& value, const Where& where);
  void ReadTools(const JsonValue& value, const Where& where);
  void ReadEntry(const JsonValue& value, const Where& where, const JsonMember* key, EntryDraft& draft);
  void FinishEntry(EntryDraft& draft);
  void LinkEntries();
  void CheckHiddenTools();
  void CheckLimitCounts();
  void CheckCounterNames();
  std::optional<bool> ReadMode(const JsonValue* value, const Where& where);
  std::string_view ReadText(const JsonValue* value, const Where& where, std::string_view what);
  std::string_view Keep(std::string_view text) { return program_->texts.Keep(text); }
  // The same for a text that others may have, too.
  std::string_view Share(std::string_view text);

  // compile_rules.cc
  struct RuleContext;
  Range ReadRules(const JsonValue& value, const Where& where, ListKind kind, EntryDraft& draft);
  void ReadCondition(const JsonValue& value, const Where& where, RuleContext& context,
                     const Polarity& polarity);
  void ReadConditions(const JsonValue& list, const Where& where, RuleContext& context,
                      const Polarity& polarity, bool all);
  void ReadTest(const JsonValue& path, const JsonValue& op, const JsonValue& value, const Where& where,
                RuleContext& context, const Polarity& polarity);
  bool ReadOperand(std::string_view op_name, const JsonValue& value, const Where& where, Test& test);
  bool ReadScalar(const JsonValue& value, const Where& where, std::string_view what, SlotValue& scalar);
  bool ReadSet(const JsonValue& value, const Where& where, Test& test);
  bool ReadTypes(const JsonValue& value, const Where& where, Test& test);
  bool ReadRegex(const JsonValue& value, const Where& where, Test& test);
  void CheckMeaning(const JsonValue& rule, const Where& where, const RuleContext& context);
  uint32_t AddAttribute(EntryDraft& draft, bool grant, std::string_view name);

  // compile_limits.cc
  Range ReadLimits(const JsonValue* limits, const Where& limits_where, const JsonMember* rate_limit,
                   const Where& rate_limit_where, std::string_view key, EntryDraft& draft);
  void ReadLimit(const JsonValue& value, const Where& where, EntryDraft& draft);
  void ReadRateLimit(const JsonValue& value, const Where& where, std::string_view key, EntryDraft& draft);
  bool ReadScopes(const JsonValue* value, const Where& where, EntryDraft& draft, Range& scopes,
                  std::string& identity);
  struct LimitParts {
    std::string counter;
    std::size_t counter_begin = 0;
    Window window;
    uint64_t max = 0;
    LimitKind kind = LimitKind::kCalendar;
    std::optional<uint64_t> burst;
    std::string scope_identity;
    Range scopes;
    uint8_t unit_digits = 0;
    bool shadow = false;
  };
  std::optional<LimitSpec> MakeSpec(const LimitParts& parts) const;
  void AddLimit(Limit limit, const LimitParts& parts, const Where& counter_where);

  std::string_view text_;
  const CompileOptions& options_;
  Diagnostics diagnostics_;
  NameMap<bool> shared_;  // texts that are kept once
  std::unique_ptr<Program> program_;
  bool shadow_document_ = false;
  std::vector<std::string_view> hide_;
  std::vector<EntryDraft> drafts_;        // in the order of the text
  std::vector<uint32_t> limits_written_;  // by draft: limits in the text, wrong ones included
  // Every limit of the text, to tell when one counter stands for several counts.
  struct CountUse {
    std::size_t offset = 0;
    std::string pointer;
    std::string counter;
    std::array<uint64_t, 2> digest{};
  };
  std::vector<CountUse> count_uses_;
};

/// Reads a window as policies write it: a name, seconds, or `90s`, `15m`, `12h`, `30d`.
bool ParseWindow(const JsonValue& value, Window& window) noexcept;
bool ParseWindowText(std::string_view text, Window& window) noexcept;
/// `second` ... `month`, or `90s`.
std::string WindowText(Window window);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_COMPILER_H_
