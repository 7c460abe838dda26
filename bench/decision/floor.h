#ifndef CALLWARDEN_BENCH_DECISION_FLOOR_H_
#define CALLWARDEN_BENCH_DECISION_FLOOR_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>
#include <absl/synchronization/mutex.h>

namespace bench {

/// Abseil's string_view may be another type than std's.
inline absl::string_view Key(std::string_view text) noexcept { return {text.data(), text.size()}; }

inline int64_t WallNanoseconds() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// What no limiter can do without: the tool and the grant are each found by a hash, the clock is read once,
/// and one word that holds a window and its count is exchanged.
class Floor {
 public:
  Floor(std::string tool, const std::vector<std::string>& grants) : words_(grants.size()) {
    tools_.emplace(std::move(tool), 1'000'000'000'000);
    for (std::size_t i = 0; i < grants.size(); ++i) grants_.emplace(grants[i], i);
  }
  bool Admit(std::string_view tool, std::string_view grant) noexcept {
    const auto found_tool = tools_.find(Key(tool));
    if (found_tool == tools_.end()) return false;
    const auto found_grant = grants_.find(Key(grant));
    if (found_grant == grants_.end()) return false;
    const auto minute = static_cast<uint64_t>(WallNanoseconds() / 60'000'000'000) & kMinuteMask;
    std::atomic<uint64_t>& word = words_[found_grant->second].word;
    uint64_t held = word.load(std::memory_order_acquire);
    for (;;) {
      const uint64_t used = held >> kCountBits == minute ? held & kCountMask : 0;
      if (used + 1 > found_tool->second) return false;
      if (word.compare_exchange_weak(held, minute << kCountBits | (used + 1), std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
        return true;
      }
    }
  }

 private:
  static constexpr unsigned kCountBits = 40;
  static constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
  static constexpr uint64_t kMinuteMask = (uint64_t{1} << (64 - kCountBits)) - 1;
  struct alignas(64) Word {
    std::atomic<uint64_t> word{0};
  };
  absl::flat_hash_map<std::string, uint64_t> tools_;
  absl::flat_hash_map<std::string, std::size_t> grants_;
  std::vector<Word> words_;
};

/// What one writes first: a hash map of windows and counts, by grant, under a mutex.
class MutexMap {
 public:
  explicit MutexMap(std::string tool) { tools_.emplace(std::move(tool), 1'000'000'000'000); }
  bool Admit(std::string_view tool, std::string_view grant) {
    const auto found_tool = tools_.find(Key(tool));
    if (found_tool == tools_.end()) return false;
    const int64_t now_ns = WallNanoseconds();
    const absl::MutexLock lock(&mutex_);
    Count& count = counts_[Key(grant)];
    if (now_ns >= count.end_ns) count = {now_ns - now_ns % 60'000'000'000 + 60'000'000'000, 0};
    if (count.used >= found_tool->second) return false;
    ++count.used;
    return true;
  }

 private:
  struct Count {
    int64_t end_ns = 0;
    uint64_t used = 0;
  };
  absl::flat_hash_map<std::string, uint64_t> tools_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Count> counts_;
};

}  // namespace bench

#endif  // CALLWARDEN_BENCH_DECISION_FLOOR_H_
