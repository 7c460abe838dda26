#include "lib/rule_index.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "lib/program.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// Below this a scan costs no more than a look-up.
constexpr std::size_t kRulesMin = 8;

using Type = SlotValue::Type;

std::span<const SlotValue> ConstantsOf(const Test& test) noexcept {
  if (test.op == Operator::kEq) return {&test.value, 1};
  return test.set->values();
}

// Whether the test passes for some values of one type only; which type, and thereby false for an absent value
// and for every other value of that type.
bool IsTold(const Test& test, Type& type) noexcept {
  if (test.negated || test.wildcard || (test.op != Operator::kEq && test.op != Operator::kIn)) return false;
  const std::span<const SlotValue> constants = ConstantsOf(test);
  type = constants.front().type;
  return std::all_of(constants.begin(), constants.end(),
                     [&](const SlotValue& constant) { return constant.type == type; });
}

// Calls `take(test)` for the tests that the rule cannot hold without: those at its beginning that lead out of
// it when they do not reach the bar.
template <class Take>
void ForEachNecessary(const Rule& rule, std::span<const Test> tests, Take&& take) {
  for (uint32_t t = rule.first_test; t < kRuleHolds && tests[t].if_not == kRuleFails;
       t = tests[t].if_passed) {
    take(tests[t]);
  }
}

}  // namespace

std::unique_ptr<const RuleIndex> RuleIndex::Make(std::span<const Rule> rules, uint32_t first,
                                                 std::span<const Test> tests) {
  if (rules.size() < kRulesMin) return nullptr;
  // The place, and the type, that tells most rules.
  std::map<std::pair<uint32_t, Type>, std::size_t> told;
  for (const Rule& rule : rules) {
    ForEachNecessary(rule, tests, [&](const Test& test) {
      Type type = Type::kAbsent;
      if (IsTold(test, type)) ++told[{test.slot, type}];
    });
  }
  const auto best = std::max_element(told.begin(), told.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (best == told.end() || best->second < kRulesMin) return nullptr;

  std::unique_ptr<RuleIndex> index(new RuleIndex);
  std::tie(index->slot_, index->type_) = best->first;
  std::vector<std::pair<SlotValue, uint32_t>> wanted;  // constants, and the rules that demand them
  for (uint32_t r = 0; r < rules.size(); ++r) {
    const Test* by = nullptr;
    ForEachNecessary(rules[r], tests, [&](const Test& test) {
      Type type = Type::kAbsent;
      if (by == nullptr && test.slot == index->slot_ && IsTold(test, type) && type == index->type_)
        by = &test;
    });
    if (by == nullptr) {
      index->always_.push_back(first + r);
      continue;
    }
    for (const SlotValue& constant : ConstantsOf(*by)) wanted.emplace_back(constant, first + r);
  }

  std::size_t size = 16;
  while (size < wanted.size() * 2) size *= 2;
  index->table_.resize(size);
  // Counted first, then filled: the rules of a constant end up side by side, rising.
  for (const auto& [value, rule] : wanted) {
    Bucket& bucket = index->table_[index->PlaceOf(value)];
    bucket.value = value;
    ++bucket.end;
  }
  uint32_t begin = 0;
  for (Bucket& bucket : index->table_) {
    const uint32_t count = std::exchange(bucket.end, begin);
    bucket.begin = begin;
    begin += count;
  }
  index->by_value_.resize(begin);
  for (const auto& [value, rule] : wanted) {
    Bucket& bucket = index->table_[index->PlaceOf(value)];
    const bool repeated = bucket.end != bucket.begin && index->by_value_[bucket.end - 1] == rule;
    if (!repeated) index->by_value_[bucket.end++] = rule;
  }
  index->always_.shrink_to_fit();
  return index;
}

// Where a constant is in the table, or an empty place.
std::size_t RuleIndex::PlaceOf(const SlotValue& value) const noexcept {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = HashValue(value) & mask;
  while (table_[at].value.type != Type::kAbsent && !EqualValues(table_[at].value, value))
    at = (at + 1) & mask;
  return at;
}

bool RuleIndex::Find(const SlotValue& value, Candidates& candidates) const noexcept {
  if (value.type != type_ && value.type != Type::kAbsent) return false;
  candidates.always = always_;
  candidates.by_value = {};
  if (value.type == type_) {
    const Bucket& bucket = table_[PlaceOf(value)];
    candidates.by_value =
        std::span<const uint32_t>(by_value_).subspan(bucket.begin, bucket.end - bucket.begin);
  }
  return true;
}

std::size_t RuleIndex::bytes() const noexcept {
  return sizeof(*this) + (always_.capacity() + by_value_.capacity()) * sizeof(uint32_t) +
         table_.capacity() * sizeof(Bucket);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
