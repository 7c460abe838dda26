#ifndef TESTS_DIFFERENTIAL_EVALUATE_H_
#define TESTS_DIFFERENTIAL_EVALUATE_H_

#include <vector>

#include "tests/differential/json.h"
#include "tests/differential/model.h"

namespace reference {

/// What paths lead through: three trees.
struct Roots {
  Value args;
  Value grant;
  Value context;
};

/// What one path leads to; several under `[*]`.
struct Found {
  enum class Kind { kAbsent, kMismatch, kValue };
  Kind kind = Kind::kAbsent;
  const Value* value = nullptr;  // for kValue
};
std::vector<Found> Walk(const Path& path, const Roots& roots);

enum class Truth { kFalse, kTrue, kIndeterminate };

/// Which list a rule stands in; it decides how `[*]` quantifies.
enum class List { kRequire, kDenyIf, kRequireApprovalIf };

/// Section 4 for one rule: the Kleene `all` of its conditions.
Truth Evaluate(const Rule& rule, List list, const Roots& roots);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_EVALUATE_H_
