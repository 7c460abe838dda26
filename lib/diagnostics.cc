#include "lib/diagnostics.h"

#include <algorithm>

#include "lib/name_map.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN

std::string_view Name(Severity severity) noexcept {
  return severity == Severity::kError ? "error" : "warning";
}

namespace internal {

std::string Where::Pointer() const {
  std::vector<const Where*> chain;
  for (const Where* w = this; w->parent_ != nullptr; w = w->parent_) chain.push_back(w);
  std::string pointer;
  for (auto w = chain.rbegin(); w != chain.rend(); ++w) {
    AppendPointer(pointer, (*w)->is_item_ ? std::to_string((*w)->item_) : std::string((*w)->member_));
  }
  return pointer;
}

void Diagnostics::Add(Severity severity, std::string_view code, const Where& where, std::size_t offset,
                      std::string message, std::string hint) {
  Found found;
  found.offset = offset;
  found.diagnostic.severity = severity;
  found.diagnostic.code = code;
  found.diagnostic.pointer = where.Pointer();
  found.diagnostic.message = std::move(message);
  found.diagnostic.hint = std::move(hint);
  found_.push_back(std::move(found));
}

void Diagnostics::WarningAt(std::string_view code, std::string pointer, std::size_t offset,
                            std::string message) {
  Warning(code, Where(), offset, std::move(message));
  found_.back().diagnostic.pointer = std::move(pointer);
}

std::vector<Diagnostic> Diagnostics::Take(std::string_view text) {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const Found& a, const Found& b) { return a.offset < b.offset; });
  LineCursor lines(text);
  std::vector<Diagnostic> diagnostics;
  diagnostics.reserve(found_.size());
  for (Found& found : found_) {
    const TextPosition position = lines.At(found.offset);
    found.diagnostic.line = position.line;
    found.diagnostic.column = position.column;
    diagnostics.push_back(std::move(found.diagnostic));
  }
  found_.clear();
  return diagnostics;
}

std::string Suggest(std::string_view name, std::span<const std::string_view> known) {
  std::string_view closest;
  std::size_t distance = 3;
  bool tie = false;
  for (const std::string_view candidate : known) {
    const bool same_but_case = candidate.size() == name.size() &&
                               std::equal(candidate.begin(), candidate.end(), name.begin(),
                                          [](char a, char b) { return FoldAscii(a) == FoldAscii(b); });
    // A short name is near everything; two edits must leave most of it.
    const std::size_t limit = std::min<std::size_t>(2, (std::max(name.size(), candidate.size()) - 1) / 2);
    const std::size_t d = same_but_case ? 0 : EditDistance(name, candidate, limit);
    if (!same_but_case && d > limit) continue;
    if (d < distance) {
      closest = candidate;
      distance = d;
      tie = false;
    } else if (d == distance) {
      tie = true;
    }
  }
  if (!closest.empty() && !tie) return "did you mean \"" + std::string(closest) + "\"?";
  constexpr std::size_t kFew = 16;
  if (known.size() > kFew) return {};
  std::string hint = "known here: ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i != 0) hint += ", ";
    hint += known[i];
  }
  return hint;
}

std::string DescribeInvalidJson(std::string_view text, std::size_t invalid_at) {
  const std::string start = "the document is not JSON: ";
  if (text.empty()) return start + "it is empty";
  if (invalid_at == text.size()) return start + "it ends too early";
  const std::size_t size = std::max<std::size_t>(1, Utf8SequenceSize(text, invalid_at));
  return start + "unexpected " + Quoted(text.substr(invalid_at, size));
}

void ReadMembers(const JsonValue& object, const Where& where, std::span<KnownKey> keys,
                 Diagnostics& diagnostics) {
  // A document of nothing but unknown keys is told so without a search for each of its keys.
  constexpr std::size_t kHintsMax = 100;
  NameMap<bool> unknown;
  for (const JsonMember& member : object.members) {
    const Where at(where, member.name);
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const KnownKey& k) { return k.name == member.name; });
    const bool repeated =
        key != keys.end() ? key->member != nullptr : !unknown.emplace(member.name, true).second;
    if (repeated) {
      diagnostics.Error("duplicate_key", at, member.name_begin,
                        "key " + Quoted(member.name) + " is given twice");
    } else if (key != keys.end()) {
      key->member = &member;
    } else {
      std::vector<std::string_view> names;
      for (const KnownKey& k : keys) names.push_back(k.name);
      diagnostics.Error("unknown_key", at, member.name_begin, "unknown key " + Quoted(member.name),
                        unknown.size() <= kHintsMax ? Suggest(member.name, names) : std::string());
    }
  }
}

void ReportTooDeep(const JsonValue& value, const Where& where, Diagnostics& diagnostics) {
  if (value.Is(JsonValue::Type::kTooDeep)) {
    diagnostics.Error("too_deep", where, value.begin, "the document nests too deep here");
  }
  for (std::size_t i = 0; i < value.items.size(); ++i)
    ReportTooDeep(value.items[i], Where(where, i), diagnostics);
  for (const JsonMember& member : value.members) {
    ReportTooDeep(member.value, Where(where, member.name), diagnostics);
  }
}

bool CheckType(const JsonValue& value, JsonValue::Type type, const Where& where, std::string_view what,
               Diagnostics& diagnostics) {
  if (value.Is(type)) return true;
  if (value.Is(JsonValue::Type::kTooDeep)) return false;  // reported for the document as a whole
  std::string message(what);
  switch (type) {
    case JsonValue::Type::kString:
      message += " must be a string";
      break;
    case JsonValue::Type::kArray:
      message += " must be an array";
      break;
    case JsonValue::Type::kObject:
      message += " must be an object";
      break;
    case JsonValue::Type::kNumber:
      message += value.Is(JsonValue::Type::kUnrepresentable) ? " is a number that 64 bits cannot hold"
                                                             : " must be a number";
      break;
    default:
      message += " must be true or false";
      break;
  }
  diagnostics.Error("bad_value", where, value.begin, std::move(message));
  return false;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
