#include "tests/differential/malformed.h"

#include <map>
#include <set>

namespace reference {
namespace {

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Folds ASCII case, U+017F to `s` and U+212A to `k`.
std::string FoldMemberName(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.compare(i, 2, "\xC5\xBF") == 0) {
      out += 's';
      i += 1;
    } else if (name.compare(i, 3, "\xE2\x84\xAA") == 0) {
      out += 'k';
      i += 2;
    } else {
      out += LowerAscii(name[i]);
    }
  }
  return out;
}

/// Which names the paths read of each object that they reach.
using NamesRead = std::map<const Value*, std::set<std::string>>;

void CollectNames(const Value& value, const std::vector<Step>& steps, std::size_t next, NamesRead& names) {
  if (next == steps.size()) return;
  const Step& step = steps[next];
  if (step.kind == Step::Kind::kName && value.is_object()) {
    names[&value].insert(step.name);
    if (const Value* child = value.Find(step.name)) CollectNames(*child, steps, next + 1, names);
  }
  if (step.kind != Step::Kind::kName && value.is_array()) {
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (step.kind == Step::Kind::kEach || step.index == static_cast<Int128>(i)) {
        CollectNames(value.items[i], steps, next + 1, names);
      }
    }
  }
}

bool HoldsNul(const Value& value) {
  return value.is_string() && value.string.find('\0') != std::string::npos;
}

}  // namespace

bool IsUsualToolName(std::string_view name) {
  static constexpr std::string_view kCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/-";
  return !name.empty() && name.size() <= 128 && name.find_first_not_of(kCharacters) == std::string_view::npos;
}

std::string FoldToolName(std::string_view name) {
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  std::string out;
  for (const char c : name) out += LowerAscii(c);
  return out;
}

bool HasCaseVariant(const std::vector<ReadPathUse>& reads, const Roots& roots) {
  NamesRead names;
  for (const ReadPathUse& read : reads) CollectNames(roots.args, read.path->steps, 0, names);
  for (const auto& [object, read_names] : names) {
    for (const Member& member : object->members) {
      if (read_names.contains(member.name)) continue;
      for (const std::string& name : read_names) {
        if (FoldMemberName(member.name) == FoldMemberName(name)) return true;
      }
    }
  }
  return false;
}

bool HasNulString(const std::vector<ReadPathUse>& reads, const Roots& roots) {
  for (const ReadPathUse& read : reads) {
    for (const Found& found : Walk(*read.path, roots)) {
      if (found.kind != Found::Kind::kValue) continue;
      if (HoldsNul(*found.value)) return true;
      if (!read.by_contains || !found.value->is_array()) continue;
      for (const Value& item : found.value->items) {
        if (HoldsNul(item)) return true;
      }
    }
  }
  return false;
}

}  // namespace reference
