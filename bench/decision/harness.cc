#include "bench/decision/harness.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include <unistd.h>
#if defined(__linux__)
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif

namespace {

thread_local uint64_t allocations = 0;

void* Allocate(std::size_t size, std::size_t alignment) noexcept {
  ++allocations;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* AllocateOrEnd(std::size_t size, std::size_t alignment) noexcept {
  void* const memory = Allocate(size, alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return AllocateOrEnd(size, 0); }
void* operator new[](std::size_t size) { return AllocateOrEnd(size, 0); }
void* operator new(std::size_t size, std::align_val_t a) {
  return AllocateOrEnd(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return AllocateOrEnd(size, static_cast<std::size_t>(a));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size, 0); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size, 0); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace bench {

void Expect(bool right, std::string_view what) {
  if (right) return;
  std::fprintf(stderr, "wrong answer: %.*s\n", static_cast<int>(what.size()), what.data());
  std::_Exit(2);
}

uint64_t AllocationsOfThread() noexcept { return allocations; }

void Histogram::Add(uint64_t ns) noexcept {
  // Below 2^kBits a bucket a nanosecond; above, 2^kBits buckets for each doubling.
  const unsigned doubling = ns >> kBits == 0 ? 0 : static_cast<unsigned>(std::bit_width(ns)) - kBits;
  const uint64_t bucket = doubling == 0 ? ns : (uint64_t{doubling} << kBits) + ((ns >> (doubling - 1)) & 31);
  ++buckets_[std::min<std::size_t>(bucket, buckets_.size() - 1)];
  ++count_;
}

void Histogram::Add(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

double Histogram::Quantile(double share) const noexcept {
  const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
  uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen <= wanted) continue;
    const std::size_t doubling = i >> kBits;
    return doubling == 0 ? static_cast<double>(i) : static_cast<double>(((i & 31) + 32) << (doubling - 1));
  }
  return 0;
}

#if defined(__linux__)
namespace {

int OpenCounter(uint64_t config) noexcept {
  perf_event_attr attributes;
  std::memset(&attributes, 0, sizeof(attributes));
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = config;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

}  // namespace

PerfCounters::PerfCounters() noexcept
    : instructions_(OpenCounter(PERF_COUNT_HW_INSTRUCTIONS)),
      cycles_(OpenCounter(PERF_COUNT_HW_CPU_CYCLES)) {}
#else
PerfCounters::PerfCounters() noexcept = default;
#endif

PerfCounters::~PerfCounters() {
  if (instructions_ >= 0) close(instructions_);
  if (cycles_ >= 0) close(cycles_);
}

std::optional<PerfCounters::Reading> PerfCounters::Read() const noexcept {
  uint64_t instructions = 0;
  uint64_t cycles = 0;
  if (instructions_ < 0 || cycles_ < 0 ||
      read(instructions_, &instructions, sizeof(instructions)) != sizeof(instructions) ||
      read(cycles_, &cycles, sizeof(cycles)) != sizeof(cycles)) {
    return std::nullopt;
  }
  return Reading{static_cast<double>(instructions), static_cast<double>(cycles)};
}

namespace {

double Least(const std::vector<double>& values) noexcept {
  return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

}  // namespace

double Measured::best_ns() const noexcept { return Least(ns); }
double Measured::best_cpu_ns() const noexcept { return Least(cpu_ns); }
double Measured::median_ns() const { return Median(ns); }
double Measured::median_cpu_ns() const { return Median(cpu_ns); }

Results& AllResults() {
  static Results results;
  return results;
}

std::vector<Workload>& AllWorkloads() {
  static std::vector<Workload> workloads;
  return workloads;
}

void detail::Note(const std::string& name, double allocations,
                  const std::optional<PerfCounters::Reading>& perf, const Histogram* latencies) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  Measured& measured = AllResults()[name];
  measured.allocations = std::max(measured.allocations, allocations);
  if (perf && (!measured.perf || perf->instructions < measured.perf->instructions)) measured.perf = perf;
  if (latencies != nullptr) measured.latencies.Add(*latencies);
}

}  // namespace bench
