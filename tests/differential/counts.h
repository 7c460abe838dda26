#ifndef TESTS_DIFFERENTIAL_COUNTS_H_
#define TESTS_DIFFERENTIAL_COUNTS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/differential/evaluate.h"
#include "tests/differential/json.h"
#include "tests/differential/model.h"

namespace reference {

/// Nanoseconds since the Unix epoch.
using Nanos = int64_t;

/// The end of the calendar window that holds `now`.
Int128 WindowEnd(const Window& window, Int128 now);

enum class Outcome { kOk, kError, kLost, kNotSent };

/// One count that a call is charged to: the limits of the call that share it, put together.
struct Charge {
  std::string identity;
  Limit limit;  // any of those that share the count; its `max` is not used
  Int128 weight = 0;
  bool refund_on_error = true;  // all of them say so
};

/// A charge that was made.
struct Charged {
  Charge charge;
  Int128 window_end = 0;
  Int128 admitted = 0;
};

/// When a refused weight could fit.
struct Wait {
  bool known = false;  // false: never, or nobody knows
  bool never = false;
  Int128 ns = 0;
};

/// The text that limits share exactly when they share a count, for the scope values of one call.
/// `scope_values` are in the order of limit.scopes.
std::string CountIdentity(const Limit& limit, const std::vector<const Value*>& scope_values);

/// All counts, one mutex, wide integers.
class Counts {
 public:
  /// Nothing when the weight fits into the limit's count at `now`; else how long until it could.
  std::optional<Wait> Refuses(const Limit& limit, const std::string& identity, Int128 weight,
                              Nanos now) const;
  Charged Apply(const Charge& charge, Nanos now);
  void Settle(const Charged& charged, Outcome outcome, Nanos now);

 private:
  struct Count {
    Int128 window_end = 0;
    Int128 used = 0;
    Int128 arrival = 0;  // gcra: TAT
  };
  Count Look(const std::string& identity) const;

  mutable std::mutex mutex_;
  std::map<std::string, Count> counts_;
};

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_COUNTS_H_
