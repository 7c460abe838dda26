// What the audit log costs: what JsonlAuditSink::Record takes on the deciding thread, beside a decision under
// a policy with one limit; and how many records a second the writer keeps up with, beside a bare write of the
// same bytes. bench/README.md says how to read the numbers.
//
// Usage: audit_bench FOLDER [RECORDS]
// FOLDER is on the disk that is to be measured; the log written there is removed afterwards. With RECORDS
// that many are written at once and the process's memory is shown, for a soak.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "callwarden/audit.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

namespace {

using namespace callwarden;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kPolicy = R"({ "version": "1", "default": "deny", "tools": { "run_code": {
  "limits": [ { "counter": "run_code_rate", "window": "minute", "max": 1000000000, "scope": "grant" } ] } } })";
constexpr int kRounds = 61;
// As many records as half a queue of 4 MiB takes, so that the writer may sleep meanwhile.
constexpr int kBurst = 2000;

double NanosecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::nano>(SteadyClock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

std::string ArgumentsOf(std::size_t size) {
  if (size == 0) return "{}";
  std::string text = R"({"amount":4999,"currency":"usd","customer":"cus_9s6XKzkNRiz8i3","note":")";
  text.append(size - text.size() - 2, 'x');
  return text + "\"}";
}

/// One call as a gate would record it.
struct Sample {
  explicit Sample(std::size_t size) : arguments(ArgumentsOf(size)) {
    call = {.tool = "run_code", .arguments = arguments, .grant = "agent-42", .session = "s-1f2e3d4c"};
    decision = policy->Decide(call, counters, now);
    limit = {.rule = "/tools/run_code/limits/run_code_rate", .weight = 1, .used = 17, .max = 1000000000};
    record.at = now;
    record.verdict = &decision.verdict();
    record.call = &call;
    record.policy_digest = policy->digest();
    record.policy_revision = 1;
    record.limits = {&limit, 1};
    record.latency = std::chrono::nanoseconds(200);
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;
  const Timestamp now{std::chrono::seconds(1772361000)};
  const std::string arguments;
  const std::shared_ptr<const CompiledPolicy> policy = CompiledPolicy::Compile(kPolicy).policy();
  MemoryCounterStore counters{{.capacity_keys = 1024}};
  ToolCall call;
  Decision decision;
  AuditLimit limit;
  AuditRecord record;
};

JsonlAuditOptions Options(const std::string& folder) {
  JsonlAuditOptions options;
  options.directory = folder;
  options.block_max = std::chrono::minutes(10);
  return options;
}

void DecidingThread(const std::string& folder, std::size_t size) {
  Sample sample(size);
  JsonlAuditOptions options = Options(folder);
  // The writer sleeps while a burst is recorded: this is the cost of the deciding thread alone, as on a
  // machine with a core to spare.
  options.flush_interval = std::chrono::milliseconds(1000);
  JsonlAuditSink sink(options);
  std::vector<double> record_ns, decide_ns;
  for (int round = 0; round < kRounds; ++round) {
    auto begin = SteadyClock::now();
    for (int i = 0; i < kBurst; ++i) {
      Decision decision = sample.policy->Decide(sample.call, sample.counters, sample.now);
      benchmark::DoNotOptimize(decision);
    }
    decide_ns.push_back(NanosecondsSince(begin) / kBurst);
    begin = SteadyClock::now();
    for (int i = 0; i < kBurst; ++i) benchmark::DoNotOptimize(sink.Record(sample.record));
    record_ns.push_back(NanosecondsSince(begin) / kBurst);
    if (!sink.Flush()) std::exit(1);
  }
  std::vector<double> ratios;
  for (std::size_t i = 0; i < record_ns.size(); ++i) ratios.push_back(record_ns[i] / decide_ns[i]);
  std::printf("%4zu bytes of arguments: Record %6.1f ns, Decide %6.1f ns, ratio %.2f (medians of %d)\n",
              sample.arguments.size(), Median(record_ns), Median(decide_ns), Median(ratios), kRounds);
}

std::string WholeLog(const std::string& folder) {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    text.append(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return text;
}

void Clear(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("audit")) std::filesystem::remove(entry.path());
  }
}

double WriteBare(const std::string& folder, std::string_view text) {
  const std::string path = folder + "/audit.bare";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto begin = SteadyClock::now();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = std::min<std::size_t>(text.size() - at, 131072);
    if (write(file, text.data() + at, size) != static_cast<ssize_t>(size)) std::exit(1);
    at += size;
  }
  const double ns = NanosecondsSince(begin);
  close(file);
  return ns;
}

void Sustained(const std::string& folder, std::size_t size, AuditSync sync, const char* name) {
  constexpr int kRecords = 300000;
  Sample sample(size);
  JsonlAuditOptions options = Options(folder);
  options.sync = sync;
  options.rotate_size_bytes = 0;
  Clear(folder);
  double ns = 0;
  {
    JsonlAuditSink sink(options);
    const auto begin = SteadyClock::now();
    for (int i = 0; i < kRecords; ++i) {
      if (!sink.Record(sample.record).recorded) std::exit(1);
    }
    if (!sink.Flush(std::chrono::minutes(10))) std::exit(1);
    ns = NanosecondsSince(begin);
  }
  const std::string log = WholeLog(folder);
  const double write_ns = WriteBare(folder, log);
  std::printf(
      "%4zu bytes of arguments, sync %-8s: %8.0f records/s, %.0f bytes a line, %4.0f MB/s; "
      "a bare write of the same bytes takes %.0f %% of the time\n",
      sample.arguments.size(), name, kRecords * 1e9 / ns, static_cast<double>(log.size()) / kRecords,
      static_cast<double>(log.size()) * 1e3 / ns, 100 * write_ns / ns);
  Clear(folder);
}

long MaxMemoryKib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// `count` records, with the files taken away as they are ended, and the memory at each tenth.
void Soak(const std::string& folder, uint64_t count) {
  Sample sample(164);
  Clear(folder);
  JsonlAuditOptions options = Options(folder);
  options.sync = AuditSync::kNever;
  JsonlAuditSink sink(options);
  for (uint64_t i = 0; i < count; ++i) {
    if (!sink.Record(sample.record).recorded) std::exit(1);
    if (i % (count / 10 + 1) == count / 10) {
      std::printf("%llu records: %ld KiB at most\n", static_cast<unsigned long long>(i + 1), MaxMemoryKib());
      std::fflush(stdout);
    }
    if (i % 1000000 == 999999) {
      std::vector<std::filesystem::path> files;
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
      for (std::size_t f = 0; f + 1 < files.size(); ++f) std::filesystem::remove(files[f]);
    }
  }
  const bool flushed = sink.Flush(std::chrono::minutes(10));
  const JsonlAuditStats stats = sink.stats();
  std::printf("%s: %llu written, %llu dropped, %llu refused, %llu errors, %llu files, %ld KiB at most\n",
              flushed ? "done" : "NOT FLUSHED", static_cast<unsigned long long>(stats.written),
              static_cast<unsigned long long>(stats.dropped), static_cast<unsigned long long>(stats.refused),
              static_cast<unsigned long long>(stats.errors), static_cast<unsigned long long>(stats.files),
              MaxMemoryKib());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: audit_bench FOLDER [RECORDS]\n");
    return 2;
  }
  const std::string folder = argv[1];
  if (argc > 2) {
    Soak(folder, std::strtoull(argv[2], nullptr, 10));
    Clear(folder);
    return 0;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{164}}) DecidingThread(folder, size);
  for (const std::size_t size : {std::size_t{0}, std::size_t{164}}) {
    Sustained(folder, size, AuditSync::kNever, "never");
    Sustained(folder, size, AuditSync::kInterval, "interval");
  }
  Clear(folder);
  return 0;
}
