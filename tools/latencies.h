#ifndef CALLWARDEN_TOOLS_LATENCIES_H_
#define CALLWARDEN_TOOLS_LATENCIES_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace callwarden::tool {

/// Times in buckets whose bounds are 1/32 apart, so that any number of them takes the same memory; an answer
/// is the bucket's upper bound, at most 3 % too large.
class Latencies {
 public:
  void Add(int64_t ns) {
    ++counts_[BucketOf(static_cast<uint64_t>(std::max<int64_t>(ns, 0)))];
    ++total_;
  }
  void Add(const Latencies& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }
  uint64_t total() const { return total_; }
  /// The time that `per_mille` of all are not above.
  uint64_t At(uint64_t per_mille) const {
    const uint64_t rank = (total_ * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= rank && seen > 0) return UpperBound(i);
    }
    return 0;
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::size_t kPerDoubling = std::size_t{1} << kBits;
  static std::size_t BucketOf(uint64_t value) {
    if (value < kPerDoubling) return static_cast<std::size_t>(value);
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return (shift + 1) * kPerDoubling + static_cast<std::size_t>(value >> shift) - kPerDoubling;
  }
  static uint64_t UpperBound(std::size_t bucket) {
    if (bucket < kPerDoubling) return bucket;
    const auto shift = static_cast<unsigned>(bucket / kPerDoubling - 1);
    return ((kPerDoubling + bucket % kPerDoubling + 1) << shift) - 1;
  }
  std::array<uint64_t, (64 - kBits + 1) * kPerDoubling> counts_{};
  uint64_t total_ = 0;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_LATENCIES_H_
