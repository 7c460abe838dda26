#ifndef CALLWARDEN_TESTS_LINEARIZABILITY_CHECKER_H_
#define CALLWARDEN_TESTS_LINEARIZABILITY_CHECKER_H_

#include <array>
#include <cstdint>
#include <vector>

namespace callwarden_test {

/// Counts at most, and operations at most: several limits in one call rule out checking key by key.
inline constexpr std::size_t kCounts = 3;
inline constexpr std::size_t kOperationsMax = 64;

/// One operation of a recorded history. A refund of n limits is n operations over the same time, since it is
/// not one atomic step.
struct Operation {
  enum class Kind { kAdmitted, kDenied, kRefunded };
  Kind kind = Kind::kAdmitted;
  uint64_t called = 0;  ///< from one counter that all threads share
  uint64_t returned = 0;
  std::array<uint64_t, kCounts> weight{};  ///< of each count; 0: not asked for
};

/// Whether a history can be put in an order that respects real time (an operation that returned before
/// another was called comes first) and in which each admission fits, holding each count to its `max`, and
/// each denial is justified: a limit of it was short, counting what stood. With `weak` denials, what
/// overlapping reservations asked for may be counted too, as docs/counters.md says of calls with several
/// limits.
///
/// Algorithm: Wing and Gong's search with Lowe's memory of what was visited; what stands follows from which
/// operations have happened, so a set of them is a state.
bool Linearizable(const std::vector<Operation>& history, const std::array<uint64_t, kCounts>& max, bool weak);

}  // namespace callwarden_test

#endif  // CALLWARDEN_TESTS_LINEARIZABILITY_CHECKER_H_
