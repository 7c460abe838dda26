// A sink of the host's own instead of JsonlAuditSink: it counts decisions for the host's metrics, and queues
// a line of text for each. Record runs on the thread that decides, so it takes no lock, allocates nothing and
// waits for nobody; another thread writes the lines. A line that finds the queue full is dropped, counted,
// and told to the gate, which denies the call where `audit_required` is set.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "callwarden/audit.h"
#include "callwarden/callwarden.h"
#include "callwarden/gate.h"

namespace {

/// A bounded queue of short lines: many threads push, one pops. Slot i holds line n when n % size is i; its
/// turn is n while the line may be written, and n + 1 while it may be read.
class LineQueue {
 public:
  using Line = std::array<char, 200>;

  LineQueue() {
    for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
  }

  /// False when it is full.
  bool Push(const Line& line) noexcept {
    uint64_t n = pushed_.load(std::memory_order_relaxed);
    while (true) {
      Slot& slot = slots_[n % slots_.size()];
      const uint64_t turn = slot.turn.load(std::memory_order_acquire);
      if (turn < n) return false;
      if (turn > n) {
        n = pushed_.load(std::memory_order_relaxed);
      } else if (pushed_.compare_exchange_weak(n, n + 1, std::memory_order_relaxed)) {
        slot.line = line;
        slot.turn.store(n + 1, std::memory_order_release);
        return true;
      }
    }
  }

  /// False when there is none.
  bool Pop(Line& line) noexcept {
    Slot& slot = slots_[popped_ % slots_.size()];
    if (slot.turn.load(std::memory_order_acquire) != popped_ + 1) return false;
    line = slot.line;
    slot.turn.store(popped_ + slots_.size(), std::memory_order_release);
    ++popped_;
    return true;
  }

 private:
  struct Slot {
    std::atomic<uint64_t> turn{0};
    Line line{};
  };
  std::array<Slot, 256> slots_;
  std::atomic<uint64_t> pushed_{0};
  uint64_t popped_ = 0;
};

class MetricsSink final : public callwarden::AuditSink {
 public:
  callwarden::AuditReceipt Record(const callwarden::AuditRecord& record) noexcept override {
    const callwarden::Verdict& verdict = *record.verdict;
    Add(decisions_[Index(verdict.effect())][Index(verdict.reason())]);
    if (record.would != nullptr && !record.would->allowed()) Add(would_refuse_);

    LineQueue::Line line;
    int size = std::snprintf(line.data(), line.size(), "%s %s grant=%s %s%s%s",
                             Text(Name(verdict.effect()), 20).data(), Text(record.call->tool, 40).data(),
                             Text(record.call->grant, 30).data(), Text(Name(verdict.reason()), 20).data(),
                             verdict.rule().empty() ? "" : " ", Text(verdict.rule(), 60).data());
    for (const callwarden::AuditLimit& limit : record.limits) {
      if (size < 0 || static_cast<std::size_t>(size) >= line.size()) break;  // cut at the line's end
      size += std::snprintf(line.data() + size, line.size() - static_cast<std::size_t>(size),
                            " used %llu of %llu", static_cast<unsigned long long>(limit.used),
                            static_cast<unsigned long long>(limit.max));
    }
    if (!lines_.Push(line)) {
      Add(dropped_);
      return {};
    }
    return {.recorded = true, .sequence = sequence_.fetch_add(1, std::memory_order_relaxed) + 1};
  }

  void Complete(const callwarden::AuditCompletion& completion) noexcept override {
    Add(outcomes_[Index(completion.outcome)]);
  }

  /// What has been queued, one line a decision; for one thread.
  std::string TakeLines() {
    std::string text;
    for (LineQueue::Line line; lines_.Pop(line);) text.append(line.data()).append("\n");
    return text;
  }

  /// In the text format of Prometheus, as an example of one.
  void PrintMetrics(const callwarden::CounterStats& counters) const {
    for (std::size_t effect = 0; effect < decisions_.size(); ++effect) {
      for (std::size_t reason = 0; reason < decisions_[effect].size(); ++reason) {
        const uint64_t count = decisions_[effect][reason].load(std::memory_order_relaxed);
        if (count == 0) continue;
        std::cout << "decisions_total{effect=\"" << Name(static_cast<callwarden::Effect>(effect))
                  << "\",reason=\"" << Name(static_cast<callwarden::Reason>(reason)) << "\"} " << count
                  << "\n";
      }
    }
    for (std::size_t outcome = 0; outcome < outcomes_.size(); ++outcome) {
      std::cout << "calls_ended_total{outcome=\"" << Name(static_cast<callwarden::Outcome>(outcome)) << "\"} "
                << outcomes_[outcome].load(std::memory_order_relaxed) << "\n";
    }
    std::cout << "would_refuse_total " << would_refuse_.load(std::memory_order_relaxed) << "\n"
              << "audit_dropped_total " << dropped_.load(std::memory_order_relaxed) << "\n"
              << "counter_keys " << counters.keys << "\n"
              << "counter_keys_max " << counters.capacity_keys << "\n";
  }

 private:
  using Count = std::atomic<uint64_t>;
  static void Add(Count& count) noexcept { count.fetch_add(1, std::memory_order_relaxed); }
  template <class Enum>
  static std::size_t Index(Enum value) noexcept {
    return static_cast<std::size_t>(value);
  }

  /// Names of tools come from the model: nothing of them that could end a line or steer a terminal.
  static std::array<char, 64> Text(std::string_view text, std::size_t size_max) noexcept {
    std::array<char, 64> shown{};
    const std::size_t size = std::min(text.size(), size_max);
    for (std::size_t i = 0; i < size; ++i) shown[i] = text[i] >= ' ' && text[i] < 0x7F ? text[i] : '?';
    return shown;
  }

  std::array<std::array<Count, static_cast<std::size_t>(callwarden::Reason::kAllowed) + 1>, 3> decisions_{};
  std::array<Count, 4> outcomes_{};
  Count would_refuse_{0};
  Count dropped_{0};
  Count sequence_{0};
  LineQueue lines_;
};

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": {
      "run_code": {
        "deny_if": [ { "name": "shell", "mode": "shadow",
                       "conditions": [ { "path": "args.language", "op": "eq", "value": "sh" } ] } ],
        "limits": [ { "counter": "runs", "window": "minute", "max": 60, "scope": "grant" } ]
      },
      "drop_table": { "action": "require_approval" }
    }
  })");
  if (!compiled.ok()) return 1;
  // Stands still, so that this program prints the same at any time; a host takes a SystemClock.
  const callwarden::ManualClock clock(callwarden::kTimeMin);
  callwarden::MemoryCounterStore counters({.clock = &clock});
  MetricsSink sink;
  callwarden::Gate gate({.policy = compiled.policy(),
                         .counters = &counters,
                         .clock = &clock,
                         .audit = &sink,
                         .audit_required = true});

  gate.Check({.tool = "run_code", .arguments = R"({"language": "sh"})", .grant = "agent-1"})
      .Complete(callwarden::Outcome::kError);
  for (const char* tool : {"drop_table", "rm\n-rf", "delete_all"}) {
    static_cast<void>(gate.Check({.tool = tool, .grant = "agent-2"}));
  }
  std::cout << sink.TakeLines();

  // Two threads: 200 calls, of which 59 still fit, all in the queue; then as many again, while nobody reads.
  for (int round = 0; round < 2; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&gate] {
        for (int n = 0; n < 100; ++n) {
          static_cast<void>(gate.Check({.tool = "run_code", .grant = "agent-1"}));  // its end reports kOk
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const std::string lines = sink.TakeLines();
  std::cout << std::count(lines.begin(), lines.end(), '\n') << " lines\n";
  sink.PrintMetrics(counters.stats());
}
