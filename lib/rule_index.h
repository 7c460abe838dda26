#ifndef CALLWARDEN_LIB_RULE_INDEX_H_
#define CALLWARDEN_LIB_RULE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "callwarden/config.h"

#include "lib/condition.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

struct Rule;

/// The rules of one list of `deny_if` or `require_approval_if`, by the value that each demands at one path.
///
/// Such a rule objects only when its conditions come to at least *indeterminate*. A rule that has `eq` or
/// `in`, not negated, among the conditions that must all reach that is told by the value alone when the value
/// is absent (such a test is then false) or of the type of the constants (it is false unless equal): it
/// cannot object unless its constants hold the value. The rules that are left are run as ever, in the
/// document's order. Values of other types make the test indeterminate, which tells nothing: then all rules
/// are run.
///
/// Thread safety: immutable.
class RuleIndex {
 public:
  /// Null when the list is too short, or has too few such rules, to gain from it. `rules` are numbered from
  /// `first`. Slots of the tests must be final.
  static std::unique_ptr<const RuleIndex> Make(std::span<const Rule> rules, uint32_t first,
                                               std::span<const Test> tests);

  uint32_t slot() const noexcept { return slot_; }

  /// Two rising lists, without a rule in common, of the rules that may object.
  struct Candidates {
    std::span<const uint32_t> always;
    std::span<const uint32_t> by_value;
  };
  /// False: any rule may. `value` is what the slot holds.
  bool Find(const SlotValue& value, Candidates& candidates) const noexcept;

  std::size_t bytes() const noexcept;

 private:
  struct Bucket {
    SlotValue value;  // absent: an empty place
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  RuleIndex() = default;
  std::size_t PlaceOf(const SlotValue& value) const noexcept;

  uint32_t slot_ = 0;
  SlotValue::Type type_ = SlotValue::Type::kString;
  std::vector<uint32_t> always_;    // not told by the value
  std::vector<uint32_t> by_value_;  // of all buckets
  std::vector<Bucket> table_;       // open addressing; a power of two long
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_RULE_INDEX_H_
