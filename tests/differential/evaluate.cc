#include "tests/differential/evaluate.h"

#include <cmath>
#include <optional>

#include <re2/re2.h>

#include "tests/differential/formats.h"
#include "tests/differential/numbers.h"

namespace reference {
namespace {

void WalkFrom(const Value& value, const std::vector<Step>& steps, std::size_t next, std::vector<Found>& out) {
  if (value.is_null()) {
    out.push_back(Found{Found::Kind::kAbsent, nullptr});
    return;
  }
  if (next == steps.size()) {
    out.push_back(Found{Found::Kind::kValue, &value});
    return;
  }
  const Step& step = steps[next];
  const bool right_type = step.kind == Step::Kind::kName ? value.is_object() : value.is_array();
  if (!right_type) {
    out.push_back(Found{Found::Kind::kMismatch, nullptr});
    return;
  }
  if (step.kind == Step::Kind::kEach) {
    for (const Value& item : value.items) WalkFrom(item, steps, next + 1, out);
    return;
  }
  const Value* child = nullptr;
  if (step.kind == Step::Kind::kName) {
    child = value.Find(step.name);
  } else if (step.index < static_cast<Int128>(value.items.size())) {
    child = &value.items[static_cast<std::size_t>(step.index)];
  }
  if (child == nullptr) {
    out.push_back(Found{Found::Kind::kAbsent, nullptr});
    return;
  }
  WalkFrom(*child, steps, next + 1, out);
}

Truth Of(bool b) { return b ? Truth::kTrue : Truth::kFalse; }

Truth Not(Truth t) {
  if (t == Truth::kTrue) return Truth::kFalse;
  if (t == Truth::kFalse) return Truth::kTrue;
  return Truth::kIndeterminate;
}

Truth All(const std::vector<Truth>& truths) {
  Truth result = Truth::kTrue;
  for (const Truth t : truths) {
    if (t == Truth::kFalse) return Truth::kFalse;
    if (t == Truth::kIndeterminate) result = Truth::kIndeterminate;
  }
  return result;
}

Truth Any(const std::vector<Truth>& truths) {
  Truth result = Truth::kFalse;
  for (const Truth t : truths) {
    if (t == Truth::kTrue) return Truth::kTrue;
    if (t == Truth::kIndeterminate) result = Truth::kIndeterminate;
  }
  return result;
}

/// `eq` of a value with one of the policy; indeterminate between types.
Truth Equal(const Value& value, const Value& wanted) {
  if (value.is_string() && wanted.is_string()) return Of(value.string == wanted.string);
  if (value.is_boolean() && wanted.is_boolean()) return Of(value.boolean == wanted.boolean);
  if (value.is_number() && wanted.is_number()) return Of(CompareNumbers(value, wanted) == 0);
  return Truth::kIndeterminate;
}

bool IsOfType(const Value& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number() && IsIntegral(value);
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return value.is_object();
}

int CodePoints(const std::string& text) {
  int count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++count;
  }
  return count;
}

std::optional<Int128> Length(const Value& value) {
  if (value.is_string()) return CodePoints(value.string);
  if (value.is_array()) return static_cast<Int128>(value.items.size());
  if (value.is_object()) return static_cast<Int128>(value.members.size());
  return std::nullopt;
}

Truth Contains(const Value& value, const Value& wanted) {
  if (value.is_string() && wanted.is_string()) {
    return Of(value.string.find(wanted.string) != std::string::npos);
  }
  if (!value.is_array()) return Truth::kIndeterminate;
  std::vector<Truth> truths;
  for (const Value& item : value.items) {
    truths.push_back(item.is_null() ? Truth::kFalse : Equal(item, wanted));
  }
  return Any(truths);
}

Truth In(const Value& value, const Value& list) {
  // Testable when its type occurs in the list; then whether any element is equal.
  std::vector<Truth> truths;
  for (const Value& wanted : list.items) {
    const Truth equal = Equal(value, wanted);
    if (equal != Truth::kIndeterminate) truths.push_back(equal);
  }
  return truths.empty() ? Truth::kIndeterminate : Any(truths);
}

/// The operator, without the negation that `neq` and `not_in` hold, on a value that is there.
Truth Apply(const Condition& test, const Value& value) {
  const std::string& op = test.op;
  const Value& wanted = test.value;
  if (value.type == Value::Type::kReal && !std::isfinite(value.real)) return Truth::kIndeterminate;
  if (op == "eq" || op == "neq") return Equal(value, wanted);
  if (op == "in" || op == "not_in") return In(value, wanted);
  if (op == "contains") return Contains(value, wanted);
  if (op == "type") {
    if (!wanted.is_array()) return Of(IsOfType(value, wanted.string));
    for (const Value& type : wanted.items) {
      if (IsOfType(value, type.string)) return Truth::kTrue;
    }
    return Truth::kFalse;
  }
  if (op == "lt" || op == "lte" || op == "gt" || op == "gte") {
    if (!value.is_number()) return Truth::kIndeterminate;
    const int order = CompareNumbers(value, wanted);
    if (op == "lt") return Of(order < 0);
    if (op == "lte") return Of(order <= 0);
    if (op == "gt") return Of(order > 0);
    return Of(order >= 0);
  }
  if (op == "min_length" || op == "max_length") {
    const std::optional<Int128> length = Length(value);
    if (!length) return Truth::kIndeterminate;
    const int order = CompareNumbers(Value::Integer(*length), wanted);
    return Of(op == "min_length" ? order >= 0 : order <= 0);
  }
  if (!value.is_string()) return Truth::kIndeterminate;
  const std::string& text = value.string;
  if (op == "regex") return Of(re2::RE2::PartialMatch(text, *test.regex));
  if (op == "starts_with") return Of(text.starts_with(wanted.string));
  if (op == "ends_with") return Of(text.ends_with(wanted.string));
  if (op == "glob") return Of(MatchesGlob(wanted.string, text));
  return Of(MatchesFormat(wanted.string, text));  // format
}

/// The table of section 4 for one thing that the path led to. `negated`: the `not`s over the test, odd.
Truth TestOne(const Condition& test, bool negated, const Found& found) {
  if (found.kind == Found::Kind::kMismatch) return Truth::kIndeterminate;
  if (test.op == "exists") {
    const Truth exists = Of(found.kind == Found::Kind::kValue);
    const bool flip = negated != !test.value.boolean;
    return flip ? Not(exists) : exists;
  }
  const bool negative = negated != (test.op == "neq" || test.op == "not_in");
  if (found.kind == Found::Kind::kAbsent) return negative ? Truth::kIndeterminate : Truth::kFalse;
  const Truth result = Apply(test, *found.value);
  return negative ? Not(result) : result;
}

Truth EvaluateCondition(const Condition& condition, bool negated, List list, const Roots& roots) {
  std::vector<Truth> truths;
  switch (condition.kind) {
    case Condition::Kind::kNot:
      return EvaluateCondition(condition.children[0], !negated, list, roots);
    case Condition::Kind::kAll:
    case Condition::Kind::kAny: {
      for (const Condition& child : condition.children) {
        truths.push_back(EvaluateCondition(child, negated, list, roots));
      }
      const bool all = (condition.kind == Condition::Kind::kAll) != negated;  // De Morgan
      return all ? All(truths) : Any(truths);
    }
    case Condition::Kind::kTest:
      break;
  }
  for (const Found& found : Walk(condition.path, roots)) truths.push_back(TestOne(condition, negated, found));
  return list == List::kRequire ? All(truths) : Any(truths);
}

}  // namespace

std::vector<Found> Walk(const Path& path, const Roots& roots) {
  std::vector<Found> out;
  const Value& root = path.root == Path::Root::kArgs    ? roots.args
                      : path.root == Path::Root::kGrant ? roots.grant
                                                        : roots.context;
  WalkFrom(root, path.steps, 0, out);
  return out;
}

Truth Evaluate(const Rule& rule, List list, const Roots& roots) {
  std::vector<Truth> truths;
  for (const Condition& condition : rule.conditions) {
    truths.push_back(EvaluateCondition(condition, false, list, roots));
  }
  return All(truths);
}

}  // namespace reference
