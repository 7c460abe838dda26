#ifndef CALLWARDEN_BENCH_DECISION_HARNESS_H_
#define CALLWARDEN_BENCH_DECISION_HARNESS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

/// Ends the program with status 2 unless `right`: nothing that answers wrongly is measured.
void Expect(bool right, std::string_view what);

/// Calls of operator new by this thread so far. The program replaces it.
uint64_t AllocationsOfThread() noexcept;

/// Latencies by nanosecond, exact to one part in 32.
class Histogram {
 public:
  void Add(uint64_t ns) noexcept;
  void Add(const Histogram& other) noexcept;
  uint64_t count() const noexcept { return count_; }
  /// The latency that a share of all is at most; 0 without any.
  double Quantile(double share) const noexcept;

 private:
  static constexpr unsigned kBits = 5;
  std::array<uint64_t, 60 << kBits> buckets_{};
  uint64_t count_ = 0;
};

/// Instructions and cycles of this thread in user mode, where the machine lets them be read.
class PerfCounters {
 public:
  PerfCounters() noexcept;
  ~PerfCounters();
  PerfCounters(const PerfCounters&) = delete;  // owns descriptors
  PerfCounters& operator=(const PerfCounters&) = delete;
  struct Reading {
    double instructions = 0;
    double cycles = 0;
  };
  /// Absent where the machine has none.
  std::optional<Reading> Read() const noexcept;

 private:
  int instructions_ = -1;
  int cycles_ = -1;
};

/// What was measured of one workload, over all its repetitions.
struct Measured {
  std::vector<double> ns;      ///< a decision, one value a repetition: CPU time, or over threads real time
  std::vector<double> cpu_ns;  ///< the same, always CPU time of all threads together
  double allocations = 0;      ///< a decision, the most of any repetition
  std::optional<PerfCounters::Reading> perf;  ///< a decision, of the repetition with the fewest instructions
  Histogram latencies;

  double best_ns() const noexcept;
  double best_cpu_ns() const noexcept;
  double median_ns() const;
  double median_cpu_ns() const;
};

/// By the workload's name.
using Results = std::map<std::string, Measured>;
Results& AllResults();

/// One thing to measure.
struct Workload {
  std::string name;
  std::string what;
  int threads = 1;
  std::function<void(benchmark::State&)> measure;
  /// Runs it so often without measuring anything, for callgrind.
  std::function<void(std::size_t)> repeat;
};

/// In the order of the table.
std::vector<Workload>& AllWorkloads();

namespace detail {
void Note(const std::string& name, double allocations, const std::optional<PerfCounters::Reading>& perf,
          const Histogram* latencies);

/// Decisions that are timed one by one, in each repetition. Reading the clock twice is part of what is told.
inline constexpr std::size_t kTimedDecisions = 1000;
inline constexpr std::size_t kWarmDecisions = 1000;

/// A subject may leave something open with each decision, at most `kOpenMax` of them until `Settle()`.
template <class Subject>
concept Settles = requires(Subject subject) {
  subject.Settle();
  Subject::kOpenMax;
};

/// Calls `decide` so often; what it leaves open is settled as it must be.
template <class Subject, class Each>
void Repeat(std::size_t times, Subject& decide, Each each) {
  for (std::size_t i = 0; i < times; ++i) {
    each();
    if constexpr (Settles<Subject>) {
      if ((i + 1) % Subject::kOpenMax == 0 || i + 1 == times) decide.Settle();
    }
  }
}

template <class Subject>
void Run(benchmark::State& state, const std::string& name, Subject& decide) {
  bool right = true;
  Repeat(kWarmDecisions, decide, [&] { right &= decide(); });
  const PerfCounters perf;
  const auto perf_before = perf.Read();
  uint64_t allocations_before = AllocationsOfThread();
  [[maybe_unused]] std::size_t open = 0;
  for (auto _ : state) {
    bool as_expected = decide();
    benchmark::DoNotOptimize(as_expected);
    right &= as_expected;
    if constexpr (Settles<Subject>) {
      if (++open < Subject::kOpenMax) continue;
      state.PauseTiming();
      const uint64_t allocations_meanwhile = AllocationsOfThread();
      decide.Settle();
      allocations_before += AllocationsOfThread() - allocations_meanwhile;
      open = 0;
      state.ResumeTiming();
    }
  }
  const auto each = [&](double total) { return total / static_cast<double>(state.iterations()); };
  const double allocations = each(static_cast<double>(AllocationsOfThread() - allocations_before));
  if constexpr (Settles<Subject>) decide.Settle();
  auto reading = perf.Read();
  if (Settles<Subject>) reading.reset();  // settling is in it
  if (reading) {
    reading = PerfCounters::Reading{each(reading->instructions - perf_before->instructions),
                                    each(reading->cycles - perf_before->cycles)};
  }
  Histogram latencies;
  if (state.threads() == 1) {
    Repeat(kTimedDecisions, decide, [&] {
      const auto begin = std::chrono::steady_clock::now();
      bool as_expected = decide();
      benchmark::DoNotOptimize(as_expected);
      latencies.Add(static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin)
              .count()));
      right &= as_expected;
    });
  }
  Expect(right, name);
  Note(name, allocations, reading, state.threads() == 1 ? &latencies : nullptr);
}
}  // namespace detail

/// Adds a workload. `make()` returns what decides: copyable, called without arguments, true when the answer
/// is the expected one. It is made when first asked for; each thread has a copy of its own.
template <class Make>
void Add(std::string name, std::string what, Make make, int threads = 1) {
  using Subject = decltype(make());
  struct Lazy {
    explicit Lazy(Make m) : make(std::move(m)) {}
    Subject& Get() {
      if (!subject) subject.emplace(make());
      return *subject;
    }
    Make make;
    std::optional<Subject> subject;
  };
  auto lazy = std::make_shared<Lazy>(std::move(make));
  const std::string label = threads == 1 ? name : name + "/threads:" + std::to_string(threads);
  Workload workload{label, std::move(what), threads, {}, {}};
  workload.measure = [lazy, label](benchmark::State& state) {
    Subject subject = lazy->Get();
    detail::Run(state, label, subject);
  };
  workload.repeat = [lazy, label](std::size_t times) {
    bool right = true;
    Subject& subject = lazy->Get();
    detail::Repeat(times, subject, [&] { right &= subject(); });
    Expect(right, label);
  };
  // Threads of one run start together; what they share must be there before.
  if (threads != 1) lazy->Get();
  AllWorkloads().push_back(std::move(workload));
}

}  // namespace bench

#endif  // CALLWARDEN_BENCH_DECISION_HARNESS_H_
