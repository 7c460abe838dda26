#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "callwarden/audit.h"

#include "tests/catch.h"
#include "tests/unit/audit_testing.h"

namespace {

using namespace callwarden;
using namespace callwarden::testing;

/// Stops whoever asks for the time as long as it is held: the sink's writer, which asks before each batch.
class HeldClock final : public Clock {
 public:
  Timestamp Now() const noexcept override {
    ++asked_;
    const std::lock_guard<std::mutex> lock(mutex_);
    return kAuditNow;
  }
  void Hold() {
    mutex_.lock();
    for (const int before = asked_; asked_ == before;) std::this_thread::yield();
  }
  void LetGo() { mutex_.unlock(); }

 private:
  mutable std::mutex mutex_;
  mutable std::atomic<int> asked_{0};
};

JsonlAuditOptions Options(const AuditFolder& folder) {
  JsonlAuditOptions options;
  options.directory = folder.path();
  options.flush_interval = std::chrono::milliseconds(1);
  options.sync = AuditSync::kNever;
  return options;
}

uint64_t NumberAfter(const std::string& line, std::string_view name) {
  const std::size_t at = line.find(name);
  REQUIRE(at != std::string::npos);
  return std::stoull(line.substr(at + name.size()));
}

TEST_CASE("Records of many threads stand in the log once, whole, and in the order of their numbers",
          "[threads]") {
  const AuditFolder folder;
  constexpr uint64_t kThreads = 8;
  constexpr uint64_t kRecords = 2000;
  JsonlAuditOptions options = Options(folder);
  options.queue_size_bytes = 1;  // the least: it wraps around all the time, and is full often
  options.block_max = std::chrono::minutes(5);
  options.rotate_size_bytes = 300000;
  options.record_arguments = true;
  std::vector<std::vector<uint64_t>> numbers(kThreads);
  {
    JsonlAuditSink sink(options);
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < kRecords; ++i) {
          const std::string tool = "tool-" + std::to_string(t) + "-" + std::to_string(i);
          const std::string filler = "\"" + std::string(i % 700, static_cast<char>('a' + t)) + "\"";
          const AuditReceipt receipt = sink.Record(SampleCall(tool, filler).record);
          numbers[t].push_back(receipt.recorded ? receipt.sequence : 0);
          if (i % 3 == 0) sink.Complete({.at = kAuditNow, .sequence = receipt.sequence});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(sink.stats().dropped == 0);
    CHECK(sink.stats().refused == 0);
  }
  const AuditLogSummary summary = Verify(folder);
  CHECK(summary.ok());
  CHECK(summary.from_beginning);
  CHECK(summary.records == kThreads * (kRecords + (kRecords + 2) / 3));
  CHECK(summary.gaps == 0);
  CHECK(folder.Files().size() > 3);
  std::size_t decisions = 0;
  for (const std::string& line : LinesOf(folder)) {
    if (line.find("\"type\":\"decision\"") == std::string::npos) continue;
    ++decisions;
    const std::size_t at = line.find("\"tool\":\"tool-");
    REQUIRE(at != std::string::npos);
    const uint64_t t = std::stoull(line.substr(at + 13));
    const uint64_t i = std::stoull(line.substr(line.find('-', at + 13) + 1));
    REQUIRE(t < kThreads);
    REQUIRE(numbers[t].at(i) == NumberAfter(line, "{\"seq\":"));
    const std::string filler(i % 700, static_cast<char>('a' + t));
    REQUIRE(line.find("\"arguments_text\":\"\\\"" + filler + "\\\"\"") != std::string::npos);
  }
  CHECK(decisions == kThreads * kRecords);
  for (const std::vector<uint64_t>& own : numbers) CHECK(std::is_sorted(own.begin(), own.end()));
}

TEST_CASE("A full queue drops and counts", "[threads]") {
  const AuditFolder folder;
  HeldClock clock;
  JsonlAuditOptions options = Options(folder);
  options.clock = &clock;
  options.queue_size_bytes = 1;
  options.when_full = AuditFull::kDrop;
  uint64_t recorded = 0;
  {
    JsonlAuditSink sink(options);
    clock.Hold();
    while (sink.Record(SampleCall("t").record).recorded) ++recorded;
    CHECK(recorded > 100);
    // A completion takes less room, so some may still be taken.
    for (; sink.stats().dropped < 2; ++recorded) sink.Complete({.at = kAuditNow, .sequence = 1});
    --recorded;
    CHECK(sink.stats().blocked == 0);
    clock.LetGo();
    CHECK(sink.Flush());
    CHECK(sink.Record(SampleCall("after").record).sequence == recorded + 1);
  }
  const AuditLogSummary summary = Verify(folder);
  CHECK(summary.ok());
  CHECK(summary.records == recorded + 1);
  CHECK(summary.records_missing == 2);
  CHECK(summary.gaps == 1);
}

TEST_CASE("A full queue is waited for, up to a bound", "[threads]") {
  const AuditFolder folder;
  HeldClock clock;
  JsonlAuditOptions options = Options(folder);
  options.clock = &clock;
  options.queue_size_bytes = 1;
  options.block_max = std::chrono::milliseconds(1);
  JsonlAuditSink sink(options);
  clock.Hold();
  uint64_t recorded = 0;
  while (sink.Record(SampleCall("t").record).recorded) ++recorded;
  CHECK(sink.stats().blocked == 1);
  CHECK(sink.stats().dropped == 1);
  clock.LetGo();
  REQUIRE(sink.Flush());
  CHECK(sink.Record(SampleCall("t").record).sequence == recorded + 1);
  REQUIRE(sink.Flush());
  CHECK(Verify(folder).records_missing == 1);
}

TEST_CASE("Flush, stats and end may be called while others record", "[threads]") {
  const AuditFolder folder;
  std::atomic<bool> done{false};
  uint64_t last = 0;
  {
    JsonlAuditOptions options = Options(folder);
    options.sync = AuditSync::kEveryBatch;
    options.block_max = std::chrono::minutes(5);
    JsonlAuditSink sink(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        while (!done) {
          const AuditReceipt receipt = sink.Record(SampleCall("t").record);
          if (!receipt.recorded || !sink.Flush(std::chrono::minutes(5)) ||
              sink.end().sequence < receipt.sequence || sink.stats().written < receipt.sequence) {
            std::abort();
          }
        }
      });
    }
    for (int i = 0; i < 300; ++i) last = sink.Record(SampleCall("u").record).sequence;
    done = true;
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(Verify(folder).ok());
  CHECK(Verify(folder).last_sequence >= last);
}

}  // namespace
