#ifndef TESTS_DIFFERENTIAL_RANDOM_H_
#define TESTS_DIFFERENTIAL_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

namespace differential {

/// Random choices that depend on the seed alone: the standard's distributions differ between libraries, its
/// engines do not.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15u + 1) {}

  /// 0 to n - 1; the slight bias does not matter here.
  std::size_t Below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  bool Percent(int percent) { return Below(100) < static_cast<std::size_t>(percent); }
  bool OneIn(std::size_t n) { return Below(n) == 0; }

  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  template <typename T>
  T Pick(std::initializer_list<T> from) {
    return *(from.begin() + Below(from.size()));
  }
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace differential

#endif  // TESTS_DIFFERENTIAL_RANDOM_H_
