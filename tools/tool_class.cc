#include "tool_class.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "printable.h"

namespace callwarden::tool {
namespace {

// Sorted, so that a look-up is a binary search and a duplicate shows.
constexpr auto kReadVerbs = std::to_array<std::string_view>(
    {"analyze",  "browse",    "calculate", "check",   "compare", "compute", "count",  "describe",  "diff",
     "download", "echo",      "estimate",  "explain", "export",  "fetch",   "find",   "get",       "grep",
     "head",     "help",      "inspect",   "is",      "list",    "load",    "lookup", "measure",   "monitor",
     "peek",     "ping",      "preview",   "print",   "query",   "read",    "render", "resolve",   "retrieve",
     "return",   "scan",      "search",    "select",  "show",    "stat",    "status", "summarize", "tail",
     "test",     "translate", "validate",  "verify",  "version", "view",    "watch",  "whoami"});
constexpr auto kWriteVerbs = std::to_array<std::string_view>(
    {"add",      "annotate", "append",   "apply",     "approve", "assign",  "attach",   "book",   "clone",
     "comment",  "commit",   "compress", "convert",   "copy",    "create",  "edit",     "enable", "fork",
     "generate", "import",   "insert",   "invite",    "label",   "link",    "mark",     "merge",  "modify",
     "move",     "notify",   "patch",    "pin",       "post",    "publish", "push",     "put",    "record",
     "register", "rename",   "replace",  "reply",     "resize",  "save",    "schedule", "send",   "set",
     "share",    "store",    "submit",   "subscribe", "sync",    "tag",     "toggle",   "touch",  "update",
     "upload",   "upsert",   "write"});
constexpr auto kExecuteVerbs = std::to_array<std::string_view>(
    {"bash",   "boot",    "build",   "call",   "click",    "compile",  "deploy",  "eval",    "evaluate",
     "exec",   "execute", "install", "invoke", "launch",   "navigate", "release", "restart", "run",
     "script", "shell",   "spawn",   "start",  "terminal", "trigger",  "upgrade"});
constexpr auto kDestructiveVerbs = std::to_array<std::string_view>(
    {"archive",  "ban",       "block",     "cancel",   "clear",     "close",   "deactivate", "delete",
     "destroy",  "detach",    "disable",   "drop",     "empty",     "erase",   "expire",     "flush",
     "kill",     "overwrite", "prune",     "purge",    "remove",    "reset",   "restore",    "revert",
     "revoke",   "rm",        "rollback",  "shutdown", "stop",      "suspend", "terminate",  "trash",
     "truncate", "unassign",  "uninstall", "unlink",   "unpublish", "unshare", "wipe"});
constexpr auto kFinancialWords = std::to_array<std::string_view>(
    {"billing", "buy",         "charge",   "checkout", "deposit", "invoice",  "loan",      "pay",  "payment",
     "payout",  "payroll",     "purchase", "refund",   "remit",   "sell",     "spend",     "swap", "tip",
     "trade",   "transaction", "transfer", "wallet",   "wire",    "withdraw", "withdrawal"});
// Arguments that hold something to be run, and such that hold money.
constexpr auto kCodeArguments =
    std::to_array<std::string_view>({"argv", "cmd", "code", "command", "commands", "script", "shell", "sql"});
constexpr auto kCodeArgumentsOfReaders =
    std::to_array<std::string_view>({"cmd", "command", "script", "shell", "sql"});
constexpr auto kMoneyArguments =
    std::to_array<std::string_view>({"amount", "amountcents", "currency", "iban", "price", "total"});

static_assert(std::is_sorted(kReadVerbs.begin(), kReadVerbs.end()));
static_assert(std::is_sorted(kWriteVerbs.begin(), kWriteVerbs.end()));
static_assert(std::is_sorted(kExecuteVerbs.begin(), kExecuteVerbs.end()));
static_assert(std::is_sorted(kDestructiveVerbs.begin(), kDestructiveVerbs.end()));
static_assert(std::is_sorted(kFinancialWords.begin(), kFinancialWords.end()));
static_assert(std::is_sorted(kCodeArguments.begin(), kCodeArguments.end()));
static_assert(std::is_sorted(kMoneyArguments.begin(), kMoneyArguments.end()));

bool IsIn(std::span<const std::string_view> words, std::string_view word) {
  return std::binary_search(words.begin(), words.end(), word);
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

/// The words of a name, in lower case: `deleteUser`, `delete-user` and `HTTPDelete` have two each.
std::vector<std::string> Words(std::string_view name) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!IsUpper(c) && !IsLower(c)) {
      if (!words.back().empty()) words.emplace_back();
      continue;
    }
    const bool begins =
        IsUpper(c) && i > 0 &&
        (IsLower(name[i - 1]) || (IsUpper(name[i - 1]) && i + 1 < name.size() && IsLower(name[i + 1])));
    if (begins && !words.back().empty()) words.emplace_back();
    words.back() += Lower(c);
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// The word as the tables may have it: `returns` and `payments` without their ending.
std::vector<std::string> Forms(const std::string& word) {
  std::vector<std::string> forms = {word};
  const auto cut = [&](std::string_view ending, std::string_view instead) {
    if (word.size() > ending.size() + 2 && word.ends_with(ending)) {
      forms.push_back(word.substr(0, word.size() - ending.size()) + std::string(instead));
    }
  };
  cut("s", "");
  cut("es", "");
  cut("ies", "y");
  return forms;
}

std::optional<ToolClass> ClassOfVerb(const std::string& word) {
  for (const std::string& form : Forms(word)) {
    if (IsIn(kReadVerbs, form)) return ToolClass::kRead;
    if (IsIn(kWriteVerbs, form)) return ToolClass::kWrite;
    if (IsIn(kExecuteVerbs, form)) return ToolClass::kExecute;
    if (IsIn(kDestructiveVerbs, form)) return ToolClass::kDestructive;
  }
  return std::nullopt;
}

bool IsFinancial(const std::string& word) {
  const std::vector<std::string> forms = Forms(word);
  return std::any_of(forms.begin(), forms.end(),
                     [](const std::string& form) { return IsIn(kFinancialWords, form); });
}

/// What one source says of a tool.
struct Sign {
  ToolClass tool_class;
  std::string reason;
};

/// The first verb decides; a further one counts when it is joined to it, as in `search_and_replace`, and is
/// worse.
std::optional<Sign> SignOfName(const std::string& name) {
  std::optional<Sign> sign;
  bool joined = false;
  const std::vector<std::string> words = Words(name);
  for (const std::string& word : words) {
    if (word == "and" || word == "or" || word == "then") {
      joined = sign.has_value();
      continue;
    }
    const std::optional<ToolClass> verb = ClassOfVerb(word);
    if (verb.has_value() && (!sign.has_value() || (joined && *verb > sign->tool_class))) {
      sign = Sign{*verb, "its name says \"" + word + "\""};
    }
    joined = false;
  }
  if (sign.has_value() && sign->tool_class == ToolClass::kRead) return sign;
  for (const std::string& word : words) {
    if (IsFinancial(word)) return Sign{ToolClass::kFinancial, "its name says \"" + word + "\""};
  }
  return sign;
}

std::optional<Sign> SignOfDescription(const std::string& description) {
  const std::vector<std::string> words = Words(std::string_view(description).substr(0, 64));
  if (words.empty()) return std::nullopt;
  const std::optional<ToolClass> verb = ClassOfVerb(words.front());
  if (!verb.has_value()) return std::nullopt;
  return Sign{*verb, "its description begins with \"" + words.front() + "\""};
}

std::optional<Sign> SignOfAnnotations(const ListedTool& tool) {
  if (tool.read_only == true) return Sign{ToolClass::kRead, "annotated readOnlyHint true"};
  if (tool.destructive == true) return Sign{ToolClass::kDestructive, "annotated destructiveHint true"};
  if (tool.destructive == false) return Sign{ToolClass::kWrite, "annotated destructiveHint false"};
  if (tool.read_only == false) return Sign{ToolClass::kWrite, "annotated readOnlyHint false"};
  return std::nullopt;
}

// What a tool takes does not tell what it does with it: a reader's filter by price moves no money, and its
// `code` may be a country's. But a query language can do more than query.
std::optional<Sign> SignOfArguments(const Json& schema, bool reads) {
  const std::span<const std::string_view> code_arguments =
      reads ? std::span<const std::string_view>(kCodeArgumentsOfReaders) : kCodeArguments;
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return std::nullopt;
  std::optional<Sign> sign;
  for (const auto& [name, property] : properties->items()) {
    std::string folded;
    for (const std::string& word : Words(name)) folded += word;
    if (!reads && IsIn(kMoneyArguments, folded)) {
      return Sign{ToolClass::kFinancial, "it takes an argument \"" + Printable(name) + "\""};
    }
    if (IsIn(code_arguments, folded)) {
      sign = Sign{ToolClass::kExecute, "it takes an argument \"" + Printable(name) + "\""};
    }
  }
  return sign;
}

}  // namespace

std::string_view Name(ToolClass tool_class) {
  switch (tool_class) {
    case ToolClass::kRead:
      return "read";
    case ToolClass::kWrite:
      return "write";
    case ToolClass::kExecute:
      return "execute";
    case ToolClass::kDestructive:
      return "destructive";
    case ToolClass::kFinancial:
      return "financial";
  }
  return {};
}

Classification Classify(const ListedTool& tool) {
  std::optional<Sign> verb = SignOfName(tool.name);
  if (!verb.has_value()) verb = SignOfDescription(tool.description);
  const std::optional<Sign> annotations = SignOfAnnotations(tool);
  std::optional<Sign> worst = verb;
  const auto take = [&worst](const std::optional<Sign>& sign) {
    if (sign.has_value() && (!worst.has_value() || sign->tool_class > worst->tool_class)) worst = sign;
  };
  take(annotations);
  if (tool.read_only != true) {
    take(SignOfArguments(tool.input_schema, verb.has_value() && verb->tool_class == ToolClass::kRead));
  }
  if (!worst.has_value()) {
    return {ToolClass::kDestructive, "nothing tells what it does, and the protocol's default is destructive"};
  }
  std::string reason = worst->reason;
  if (annotations.has_value() && annotations->tool_class < worst->tool_class) {
    reason += ", though it is " + annotations->reason;
  }
  return {worst->tool_class, std::move(reason)};
}

}  // namespace callwarden::tool
