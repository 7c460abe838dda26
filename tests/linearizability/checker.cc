#include "linearizability/checker.h"

#include <algorithm>
#include <unordered_set>

namespace callwarden_test {
namespace {

using Counts = std::array<uint64_t, kCounts>;

class Search {
 public:
  Search(const std::vector<Operation>& history, const Counts& max, bool weak)
      : history_(history), max_(max), weak_(weak) {}

  bool From(uint64_t done, const Counts& used) {
    if (done == All()) return true;
    if (!visited_.insert(done).second) return false;
    uint64_t first_return = UINT64_MAX;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (!Done(done, i)) first_return = std::min(first_return, history_[i].returned);
    }
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (Done(done, i) || history_[i].called > first_return) continue;
      Counts next = used;
      if (Apply(done, i, next) && From(done | uint64_t{1} << i, next)) return true;
    }
    return false;
  }

 private:
  static bool Done(uint64_t done, std::size_t i) { return (done >> i & 1) != 0; }
  uint64_t All() const { return history_.size() == 64 ? UINT64_MAX : (uint64_t{1} << history_.size()) - 1; }

  bool Apply(uint64_t done, std::size_t i, Counts& used) const {
    const Operation& op = history_[i];
    switch (op.kind) {
      case Operation::Kind::kAdmitted:
        for (std::size_t k = 0; k < kCounts; ++k) {
          if (op.weight[k] == 0) continue;
          used[k] += op.weight[k];
          if (used[k] > max_[k]) return false;
        }
        return true;
      case Operation::Kind::kRefunded:
        for (std::size_t k = 0; k < kCounts; ++k) {
          if (op.weight[k] > used[k]) return false;
          used[k] -= op.weight[k];
        }
        return true;
      case Operation::Kind::kDenied:
        break;
    }
    for (std::size_t k = 0; k < kCounts; ++k) {
      if (op.weight[k] != 0 && used[k] + Provisional(done, i, k) + op.weight[k] > max_[k]) return true;
    }
    return false;
  }

  // What reservations that overlap denial `i` may have charged to count `k` without having happened.
  uint64_t Provisional(uint64_t done, std::size_t i, std::size_t k) const {
    if (!weak_) return 0;
    uint64_t sum = 0;
    for (std::size_t j = 0; j < history_.size(); ++j) {
      const Operation& other = history_[j];
      if (j == i || other.kind == Operation::Kind::kRefunded) continue;
      if (other.kind == Operation::Kind::kAdmitted && Done(done, j)) continue;
      if (other.called < history_[i].returned && history_[i].called < other.returned) sum += other.weight[k];
    }
    return sum;
  }

  const std::vector<Operation>& history_;
  const Counts& max_;
  bool weak_;
  std::unordered_set<uint64_t> visited_;
};

}  // namespace

bool Linearizable(const std::vector<Operation>& history, const std::array<uint64_t, kCounts>& max,
                  bool weak) {
  return history.size() <= kOperationsMax && Search(history, max, weak).From(0, {});
}

}  // namespace callwarden_test
