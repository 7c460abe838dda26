// The counter store beside what it could have been: a bare compare-and-exchange on one word (the floor), a
// hash map under a mutex, and a token bucket in doubles under a mutex. Prints ratios of one run, since
// absolute figures say more about the machine than about the code. Every run ends with a check that what
// was admitted is what is counted.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <benchmark/benchmark.h>

#include "callwarden/counter_store.h"
#include "callwarden/memory_counter_store.h"

namespace {

using callwarden::AttributeValue;
using callwarden::CounterKey;
using callwarden::CounterStore;
using callwarden::kCountMax;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::Timestamp;
using callwarden::Window;
using std::chrono::seconds;

constexpr Timestamp kNow{seconds(1772366400)};

enum class Pattern : int { kHot = 0, kUniform, kZipf };

constexpr std::size_t kOrderSize = std::size_t{1} << 16;

// Indexes of keys in the order that a thread uses them; made beforehand, so that no generator is timed.
std::vector<uint32_t> Order(Pattern pattern, uint32_t keys, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> order(kOrderSize);
  if (pattern == Pattern::kZipf) {
    std::vector<double> weights(keys);
    for (uint32_t i = 0; i < keys; ++i) weights[i] = 1.0 / std::pow(i + 1.0, 0.99);
    std::discrete_distribution<uint32_t> zipf(weights.begin(), weights.end());
    for (uint32_t& i : order) i = zipf(random);
  } else {
    std::uniform_int_distribution<uint32_t> uniform(0, keys - 1);
    for (uint32_t& i : order) i = pattern == Pattern::kHot ? 0 : uniform(random);
  }
  return order;
}

enum class Work : int { kReserve = 0, kDeny, kPeek, kRefund };

struct Case {
  Work work;
  Pattern pattern;
  uint32_t keys;
  uint32_t limits = 1;
};

constexpr uint64_t MaxFor(Work work) { return work == Work::kDeny ? 1 : kCountMax / 2; }

// Every subject charges count `key` (or each of several limits of it) by one, at kNow, and can say what it
// has counted. Threads hold a Caller each, for what a thread keeps to itself.

// Ours. A reservation is kept, as of a call that went well, unless the work is to refund it.
class StoreSubject {
 public:
  explicit StoreSubject(const Case& c)
      : store_({.capacity_keys = std::size_t{c.keys} * c.limits, .clock = &clock_, .secret = {}}) {
    for (uint32_t limit = 0; limit < c.limits; ++limit) {
      specs_.push_back(*LimitSpec::Create({.window = Window::Seconds(86400),
                                           .max = MaxFor(c.work),
                                           .burst = {},
                                           .identity = std::to_string(limit)}));
    }
    for (uint32_t i = 0; i < c.keys; ++i) {
      const AttributeValue value(i);
      for (const LimitSpec& spec : specs_) keys_.push_back(store_.Key(spec, {&value, 1}));
    }
    Caller caller(*this);
    for (uint32_t i = 0; i < c.keys; ++i) caller.Charge(i);
    keys_ = caller.keys;  // with their hints
  }
  class Caller {
   public:
    explicit Caller(StoreSubject& subject) : subject_(subject), keys(subject.keys_) {
      for (std::size_t i = 0; i < requests_.size() && i < subject.specs_.size(); ++i) {
        requests_[i] = {&subject.specs_[i], nullptr, 1};
      }
    }
    uint64_t Charge(uint32_t key) {
      Reservation reservation;
      return Reserve(key, reservation);
    }
    uint64_t Refund(uint32_t key) {
      Reservation reservation;
      Reserve(key, reservation);
      return subject_.store_.Refund(std::move(reservation)).credited != 0 ? 0 : 1;
    }
    void Peek(uint32_t key) {
      requests_[0].key = &keys[key * subject_.specs_.size()];
      benchmark::DoNotOptimize(subject_.store_.Peek(requests_[0], kNow));
    }

   private:
    uint64_t Reserve(uint32_t key, Reservation& reservation) {
      const std::size_t limits = subject_.specs_.size();
      for (std::size_t i = 0; i < limits; ++i) requests_[i].key = &keys[key * limits + i];
      CounterStore& store = subject_.store_;
      const auto result = store.Reserve({requests_.data(), limits}, kNow, reservation);
      return result.status == ReserveStatus::kAdmitted ? limits : 0;
    }
    StoreSubject& subject_;
    std::array<LimitRequest, 3> requests_{};

   public:
    std::vector<CounterKey> keys;
  };
  uint64_t Counted() const {
    uint64_t sum = 0;
    store_.ForEach(kNow, [&](const callwarden::CounterRecord& record) { sum += record.used; });
    return sum;
  }

 private:
  ManualClock clock_{kNow};
  MemoryCounterStore store_;
  std::vector<LimitSpec> specs_;
  std::vector<CounterKey> keys_;
};

// (a) The floor: load, compare, exchange, and nothing else; exact, but it cannot roll, refund or be found.
class FloorSubject {
 public:
  explicit FloorSubject(const Case& c) : max_(MaxFor(c.work)), words_(c.keys) {
    for (uint32_t i = 0; i < c.keys; ++i) Caller(*this).Charge(i);
  }
  struct alignas(64) Word {
    std::atomic<uint64_t> used{0};
  };
  struct Caller {
    explicit Caller(FloorSubject& s) : subject(s) {}
    uint64_t Charge(uint32_t key) {
      std::atomic<uint64_t>& word = subject.words_[key].used;
      uint64_t used = word.load(std::memory_order_acquire);
      while (used < subject.max_) {
        if (word.compare_exchange_weak(used, used + 1, std::memory_order_acq_rel, std::memory_order_acquire))
          return 1;
      }
      return 0;
    }
    uint64_t Refund(uint32_t key) {
      Charge(key);
      std::atomic<uint64_t>& word = subject.words_[key].used;
      uint64_t used = word.load(std::memory_order_acquire);
      while (
          !word.compare_exchange_weak(used, used - 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      }
      return 0;
    }
    void Peek(uint32_t key) {
      benchmark::DoNotOptimize(subject.words_[key].used.load(std::memory_order_acquire));
    }
    FloorSubject& subject;
  };
  uint64_t Counted() const {
    uint64_t sum = 0;
    for (const Word& word : words_) sum += word.used.load();
    return sum;
  }

 private:
  uint64_t max_;
  std::vector<Word> words_;
};

// (b) What one would write first: a hash map under a mutex, with the window's end beside the count. Its
// keys are ready-made 64-bit hashes, as ours are identities. Limits of one call are checked, then charged.
class MapSubject {
 public:
  explicit MapSubject(const Case& c) : max_(MaxFor(c.work)), limits_(c.limits) {
    counts_.reserve(std::size_t{c.keys} * c.limits);
    for (uint32_t i = 0; i < c.keys; ++i) Caller(*this).Charge(i);
  }
  struct Count {
    int64_t end_ns = 0;
    uint64_t used = 0;
  };
  struct Caller {
    explicit Caller(MapSubject& s) : subject(s) {}
    uint64_t Charge(uint32_t key) {
      const int64_t now_ns = kNow.time_since_epoch().count();
      absl::MutexLock lock(&subject.mutex_);
      std::array<Count*, 3> counts;
      for (uint32_t i = 0; i < subject.limits_; ++i) {
        Count& count = subject.counts_[uint64_t{key} * 4 + i];
        if (now_ns >= count.end_ns) count = {now_ns - now_ns % kDayNs + kDayNs, 0};
        if (count.used >= subject.max_) return 0;
        counts[i] = &count;
      }
      for (uint32_t i = 0; i < subject.limits_; ++i) ++counts[i]->used;
      return subject.limits_;
    }
    uint64_t Refund(uint32_t key) {
      Charge(key);
      absl::MutexLock lock(&subject.mutex_);
      for (uint32_t i = 0; i < subject.limits_; ++i) --subject.counts_[uint64_t{key} * 4 + i].used;
      return 0;
    }
    void Peek(uint32_t key) {
      absl::MutexLock lock(&subject.mutex_);
      benchmark::DoNotOptimize(subject.counts_.find(uint64_t{key} * 4)->second.used);
    }
    MapSubject& subject;
  };
  uint64_t Counted() const {
    uint64_t sum = 0;
    for (const auto& [key, count] : counts_) sum += count.used;
    return sum;
  }

 private:
  static constexpr int64_t kDayNs = 86'400'000'000'000;
  uint64_t max_;
  uint32_t limits_;
  absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, Count> counts_;
};

// (c) The usual token bucket: a level in doubles that fills with time, under a mutex. Inexact on purpose.
class BucketSubject {
 public:
  explicit BucketSubject(const Case& c)
      : capacity_(static_cast<double>(MaxFor(c.work))), level_(capacity_), first_(level_) {
    Caller(*this).Charge(0);
  }
  struct Caller {
    explicit Caller(BucketSubject& s) : subject(s) {}
    uint64_t Charge(uint32_t) {
      const double now_s = std::chrono::duration<double>(kNow.time_since_epoch()).count();
      const std::lock_guard lock(subject.mutex_);
      subject.level_ =
          std::min(subject.capacity_, subject.level_ + (now_s - subject.last_s_) * subject.capacity_ / 86400);
      subject.last_s_ = now_s;
      if (subject.level_ < 1) return 0;
      subject.level_ -= 1;
      return 1;
    }
    uint64_t Refund(uint32_t key) {
      Charge(key);
      const std::lock_guard lock(subject.mutex_);
      subject.level_ += 1;
      return 0;
    }
    void Peek(uint32_t) {
      const std::lock_guard lock(subject.mutex_);
      benchmark::DoNotOptimize(subject.level_);
    }
    BucketSubject& subject;
  };
  uint64_t Counted() const { return static_cast<uint64_t>(first_ - level_); }

 private:
  double capacity_;
  double level_;
  double first_;
  double last_s_ = std::chrono::duration<double>(kNow.time_since_epoch()).count();
  std::mutex mutex_;
};

std::atomic<bool> failed{false};

// Runs one case; threads share the subject and each uses keys in an order of its own.
template <class Subject>
void Run(benchmark::State& state, const Case& c) {
  static std::unique_ptr<Subject> subject;
  static std::atomic<uint64_t> admitted;
  if (state.thread_index() == 0) {
    subject = std::make_unique<Subject>(c);
    admitted = subject->Counted();
  }
  const std::vector<uint32_t> order =
      Order(c.pattern, c.keys, static_cast<uint32_t>(state.thread_index()) + 1);
  std::optional<typename Subject::Caller> caller;
  std::size_t i = 0;
  uint64_t mine = 0;
  for (auto _ : state) {
    if (!caller.has_value()) caller.emplace(*subject);  // thread 0 has made it: loops start together
    const uint32_t key = order[i++ % kOrderSize];
    switch (c.work) {
      case Work::kReserve:
      case Work::kDeny:
        mine += caller->Charge(key);
        break;
      case Work::kRefund:
        mine += caller->Refund(key);
        break;
      case Work::kPeek:
        caller->Peek(key);
        break;
    }
  }
  admitted += mine;
  state.SetItemsProcessed(state.iterations());
  static std::atomic<int> finished{0};
  if (++finished == state.threads()) {
    finished = 0;
    if (subject->Counted() != admitted) {
      failed = true;
      std::fprintf(stderr, "counted %llu, admitted %llu\n",
                   static_cast<unsigned long long>(subject->Counted()),
                   static_cast<unsigned long long>(admitted.load()));
    }
    subject.reset();
  }
}

constexpr const char* kWorkNames[] = {"reserve", "deny", "peek", "refund"};
constexpr const char* kPatternNames[] = {"hot", "uniform", "zipf"};

std::string NameOf(const char* subject, const Case& c) {
  return std::string(subject) + "/" + kWorkNames[static_cast<int>(c.work)] + "/" +
         kPatternNames[static_cast<int>(c.pattern)] + "/keys:" + std::to_string(c.keys) +
         "/limits:" + std::to_string(c.limits);
}

template <class Subject>
void Register(const char* subject, const Case& c, int threads_max) {
  for (int threads = 1; threads <= threads_max; threads *= 2) {
    benchmark::RegisterBenchmark(NameOf(subject, c).c_str(),
                                 [c](benchmark::State& state) { Run<Subject>(state, c); })
        ->Threads(threads)
        ->UseRealTime()
        ->MinTime(0.05)
        ->Repetitions(5);
  }
}

// Keeps the best rate of each case, of several repetitions: the others were disturbed.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const auto rate = run.counters.find("items_per_second");
      if (rate == run.counters.end()) continue;
      const std::string name = run.run_name.function_name + "/threads:" + std::to_string(run.threads);
      best_[name] = std::max<double>(best_[name], rate->second);
    }
  }
  void PrintRatios(int threads_max) const {
    std::printf("\nRatios of this run (best of the repetitions):\n");
    const Case hot{Work::kReserve, Pattern::kHot, 1};
    const Case deny{Work::kDeny, Pattern::kHot, 1};
    More("reserve, hot key, ns beyond a bare exchange", hot, "floor", 1);
    More("deny, hot key, ns beyond a bare load", deny, "floor", 1);
    for (int threads = 1; threads <= threads_max; threads *= 2) {
      Rate("reserve, hot key", hot, "floor", threads);
      Rate("reserve, hot key", hot, "map", threads);
      Rate("reserve, hot key", hot, "bucket", threads);
      Rate("deny, hot key", deny, "map", threads);
      for (const uint32_t keys : {1024u, 65536u, 1048576u}) {
        Rate("reserve, uniform keys", {Work::kReserve, Pattern::kUniform, keys}, "map", threads);
        Rate("reserve, zipf keys", {Work::kReserve, Pattern::kZipf, keys}, "map", threads);
      }
      Rate("reserve, three limits", {Work::kReserve, Pattern::kUniform, 1024, 3}, "map", threads);
    }
    for (const uint32_t keys : {1024u, 65536u, 1048576u}) {
      const std::string name = NameOf("store", {Work::kReserve, Pattern::kUniform, keys});
      const double one = BestOf(name, 1), all = BestOf(name, threads_max);
      if (one > 0 && all > 0) {
        std::printf(
            "  %-50s %8.2f x one thread\n",
            (std::to_string(threads_max) + " threads, " + std::to_string(keys) + " uniform keys").c_str(),
            all / one);
      }
    }
  }

 private:
  double BestOf(const std::string& name, int threads) const {
    const auto found = best_.find(name + "/threads:" + std::to_string(threads));
    return found == best_.end() ? 0 : found->second;
  }
  void More(const char* what, const Case& c, const char* other, int threads) const {
    const double ours = BestOf(NameOf("store", c), threads), theirs = BestOf(NameOf(other, c), threads);
    if (ours > 0 && theirs > 0) std::printf("  %-50s %8.2f ns\n", what, 1e9 / ours - 1e9 / theirs);
  }
  void Rate(const char* what, const Case& c, const char* other, int threads) const {
    const double ours = BestOf(NameOf("store", c), threads), theirs = BestOf(NameOf(other, c), threads);
    if (ours == 0 || theirs == 0) return;
    const std::string line = std::string(what) + ", " + std::to_string(c.keys) + " keys, " +
                             std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    std::printf("  %-50s %8.2f x the rate of %s\n", line.c_str(), ours / theirs, other);
  }
  std::map<std::string, double> best_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const int threads_max = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  for (const Work work : {Work::kReserve, Work::kDeny, Work::kPeek, Work::kRefund}) {
    const Case c{work, Pattern::kHot, 1};
    Register<StoreSubject>("store", c, threads_max);
    Register<FloorSubject>("floor", c, threads_max);
    Register<MapSubject>("map", c, threads_max);
    Register<BucketSubject>("bucket", c, threads_max);
  }
  for (const Pattern pattern : {Pattern::kUniform, Pattern::kZipf}) {
    for (const uint32_t keys : {1024u, 65536u, 1048576u}) {
      const Case c{Work::kReserve, pattern, keys};
      Register<StoreSubject>("store", c, threads_max);
      Register<MapSubject>("map", c, threads_max);
    }
  }
  const Case three{Work::kReserve, Pattern::kUniform, 1024, 3};
  Register<StoreSubject>("store", three, threads_max);
  Register<MapSubject>("map", three, threads_max);

  // A second thread, asleep: glibc's mutexes skip their atomics in a process that has only one.
  std::binary_semaphore done(0);
  std::thread second([&] { done.acquire(); });
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.PrintRatios(threads_max);
  done.release();
  second.join();
  benchmark::Shutdown();
  return failed ? 1 : 0;
}
