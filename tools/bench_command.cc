#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "commands.h"
#include "input_file.h"
#include "latencies.h"
#include "load_policy.h"
#include "log_files.h"
#include "output.h"
#include "printable.h"
#include "progress.h"
#include "recorded_call.h"
#include "style.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct BenchFlags {
  std::string policy;
  std::vector<std::string> calls;
  int threads = 1;
  double seconds = 3;
  std::size_t keys = std::size_t{1} << 20;
  bool json = false;
};

/// Most calls that are kept; each takes about a KiB besides its text.
constexpr std::size_t kCallsMax = 100000;

/// The calls of the files, all in memory.
class Calls {
 public:
  explicit Calls(const std::vector<std::string>& named) {
    const std::vector<std::string> files = LogFiles(named);
    Progress progress("reading", TotalSize(files));
    uint64_t done = 0;
    for (const std::string& path : files) {
      LineFile file(path);
      const std::string name = DisplayName(path);
      while (const auto line = file.NextLine()) {
        progress.At(done + file.bytes());
        Add(*line, name, file.line());
      }
      Add(file.Rest(), name, file.line() + 1);
      done += file.bytes();
    }
    if (calls_.empty()) {
      throw ToolError(DisplayName(named.front()) + (named.size() > 1 ? " and the others" : "") +
                      ": no call to judge" + (not_recorded_ > 0 ? ": the log was written without them" : ""));
    }
  }

  std::size_t size() const { return calls_.size(); }
  const ToolCall& operator[](std::size_t i) const { return calls_[i]; }
  uint64_t not_recorded() const { return not_recorded_; }
  uint64_t left_out() const { return left_out_; }

 private:
  void Add(std::string_view line, const std::string& file, uint64_t number) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    const std::string& text = texts_.emplace_back(line);
    RecordedCall& recorded = recorded_.emplace_back();
    const RecordedCall::Kind kind = recorded.Read(text, file, number);
    if (kind == RecordedCall::Kind::kCall && recorded.call().tool.empty()) {
      throw ToolError(file + ":" + std::to_string(number) + ": has no \"tool\"");
    }
    if (kind == RecordedCall::Kind::kCall && calls_.size() < kCallsMax) {
      calls_.push_back(recorded.call());
      return;
    }
    if (kind == RecordedCall::Kind::kCall) ++left_out_;
    if (kind == RecordedCall::Kind::kNotRecorded) ++not_recorded_;
    recorded_.pop_back();
    texts_.pop_back();
  }

  std::deque<std::string> texts_;
  std::deque<RecordedCall> recorded_;  // views of texts_
  std::vector<ToolCall> calls_;        // views of both
  uint64_t not_recorded_ = 0;
  uint64_t left_out_ = 0;
};

/// What one thread does: judges the calls in turn, each as on fresh counts, since what it is charged is given
/// back at once.
class Worker {
 public:
  Worker(const CompiledPolicy& policy, const Calls& calls, MemoryCounterStore& counters, const Clock& clock,
         const std::vector<Reason>& expected, std::size_t first)
      : policy_(policy),
        calls_(calls),
        counters_(counters),
        clock_(clock),
        expected_(expected),
        next_(first) {}

  /// Judges until `stop`.
  void Run(const std::atomic<bool>& stop) {
    do {
      for (int i = 0; i < kBetweenLooks; ++i) {
        Decision decision = policy_.Decide(calls_[next_], counters_, clock_.Now());
        End(decision);
      }
      decisions_ += kBetweenLooks;
    } while (!stop.load(std::memory_order_relaxed));
  }
  /// The same, and times each decision.
  void RunTimed(const std::atomic<bool>& stop) {
    do {
      for (int i = 0; i < kBetweenLooks; ++i) {
        const auto begin = SteadyClock::now();
        Decision decision = policy_.Decide(calls_[next_], counters_, clock_.Now());
        const auto end = SteadyClock::now();
        latencies_.Add(std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
        End(decision);
      }
    } while (!stop.load(std::memory_order_relaxed));
  }
  uint64_t decisions() const { return decisions_; }
  uint64_t otherwise() const { return otherwise_; }
  const Latencies& latencies() const { return latencies_; }

 private:
  static constexpr int kBetweenLooks = 64;

  void End(Decision& decision) {
    if (decision.reason() != expected_[next_]) ++otherwise_;
    if (decision.allowed()) decision.Complete(Outcome::kNotSent);
    if (++next_ == calls_.size()) next_ = 0;
  }

  const CompiledPolicy& policy_;
  const Calls& calls_;
  MemoryCounterStore& counters_;
  const Clock& clock_;
  const std::vector<Reason>& expected_;
  std::size_t next_;
  uint64_t decisions_ = 0;
  uint64_t otherwise_ = 0;
  Latencies latencies_;
};

struct Measured {
  std::map<std::string, std::map<std::string, uint64_t>>
      verdicts;  // by effect and reason, calls of the files
  double per_second = 0;
  uint64_t decisions = 0;
  uint64_t otherwise = 0;
  Latencies latencies;
  uint64_t clock_ns = 0;  // two readings, half of the times within this
};

/// What timing costs: the same two readings, with nothing between.
uint64_t TwoReadingsOfTheClock() {
  Latencies empty;
  for (int i = 0; i < 20000; ++i) {
    const auto begin = SteadyClock::now();
    const auto end = SteadyClock::now();
    empty.Add(std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
  }
  return empty.At(500);
}

/// Lets every worker do `work` at once for so long; returns how long it really was, in seconds.
double RunAll(std::vector<std::unique_ptr<Worker>>& workers,
              void (Worker::*work)(const std::atomic<bool>& stop), double seconds, double seconds_before,
              Progress& progress) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  const auto begin = SteadyClock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(SteadyClock::now() - begin).count(); };
  for (const auto& worker : workers) {
    threads.emplace_back([&worker, &stop, work] { (worker.get()->*work)(stop); });
  }
  for (double now = elapsed(); now < seconds; now = elapsed()) {
    progress.Now(static_cast<uint64_t>((seconds_before + now) * 1000));
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.1, seconds - now)));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return elapsed();
}

Measured Measure(const BenchFlags& flags, const CompiledPolicy& policy, const Calls& calls) {
  Measured measured;
  const SystemClock clock;
  MemoryCounterStore counters({.capacity_keys = flags.keys, .clock = &clock});
  if (!counters.ok()) throw ToolError("--counts: no memory for that many");
  std::vector<Reason> expected;
  expected.reserve(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Decision decision = policy.Decide(calls[i], counters, clock.Now());
    expected.push_back(decision.reason());
    ++measured.verdicts[std::string(Name(decision.effect()))][std::string(Name(decision.reason()))];
    if (decision.allowed()) decision.Complete(Outcome::kNotSent);
  }

  Progress progress("measuring", static_cast<uint64_t>(flags.seconds * 1000));
  std::vector<std::unique_ptr<Worker>> workers;
  const auto count = static_cast<std::size_t>(flags.threads);
  for (std::size_t i = 0; i < count; ++i) {
    workers.push_back(
        std::make_unique<Worker>(policy, calls, counters, clock, expected, i * calls.size() / count));
  }
  const double half = flags.seconds / 2;
  const double elapsed = RunAll(workers, &Worker::Run, half, 0, progress);
  RunAll(workers, &Worker::RunTimed, half, half, progress);
  for (const auto& worker : workers) {
    measured.decisions += worker->decisions();
    measured.otherwise += worker->otherwise();
    measured.latencies.Add(worker->latencies());
  }
  measured.per_second = static_cast<double>(measured.decisions) / elapsed;
  measured.clock_ns = TwoReadingsOfTheClock();
  return measured;
}

Json ToJson(const BenchFlags& flags, const Calls& calls, const Measured& measured) {
  Json json;
  json["calls"] = calls.size();
  json["not_recorded"] = calls.not_recorded();
  json["left_out"] = calls.left_out();
  json["verdicts"] = Json::array();
  for (const auto& [effect, reasons] : measured.verdicts) {
    for (const auto& [reason, count] : reasons) {
      json["verdicts"].push_back({{"effect", effect}, {"reason", reason}, {"calls", count}});
    }
  }
  json["otherwise"] = measured.otherwise;
  json["threads"] = flags.threads;
  json["decisions"] = measured.decisions;
  json["decisions_per_second"] = static_cast<uint64_t>(measured.per_second);
  json["timed"] = measured.latencies.total();
  json["latency_ns"] = {{"p50", measured.latencies.At(500)},
                        {"p90", measured.latencies.At(900)},
                        {"p99", measured.latencies.At(990)},
                        {"p999", measured.latencies.At(999)},
                        {"max", measured.latencies.At(1000)}};
  json["clock_ns"] = measured.clock_ns;
  return json;
}

/// `1234567` as `1,234,567`.
std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

void Print(const BenchFlags& flags, const Calls& calls, const Measured& measured) {
  const Style style = Style::For(stdout);
  Out(style.Bold(Count(calls.size(), "call")) + "\n");
  for (const auto& [effect, reasons] : measured.verdicts) {
    for (const auto& [reason, count] : reasons) {
      const std::string verdict =
          effect == reason || reason == "allowed" ? effect : effect + " (" + reason + ")";
      Out("  " + std::to_string(count) + "  " + verdict + "\n");
    }
  }
  if (measured.verdicts.size() == 1 && measured.verdicts.contains("deny") &&
      measured.verdicts.at("deny").size() == 1 && measured.verdicts.at("deny").contains("not_listed")) {
    Out(style.Yellow("note") + " the policy lists none of the tools that are called\n");
  }
  if (calls.not_recorded() > 0) {
    Out(style.Yellow("left out") + " " + Count(calls.not_recorded(), "call") +
        " without recorded arguments (JsonlAuditOptions::record_arguments)\n");
  }
  if (calls.left_out() > 0) {
    Out(style.Yellow("left out") + " " + Count(calls.left_out(), "call") + " after the first " +
        Grouped(kCallsMax) + "\n");
  }
  if (measured.otherwise > 0) {
    Out(style.Yellow("note") + " " + Count(measured.otherwise, "decision") +
        " came out otherwise than at first, for what other threads had charged meanwhile\n");
  }
  Out("\n" + style.Bold(Grouped(static_cast<uint64_t>(measured.per_second)) + " decisions a second") +
      " on " + Count(static_cast<std::size_t>(flags.threads), "thread") +
      ", charged, settled and with the clock read\n");
  Out("one decision, in ns: half within " + Grouped(measured.latencies.At(500)) + ", 90 % within " +
      Grouped(measured.latencies.At(900)) + ", 99 % within " + Grouped(measured.latencies.At(990)) +
      ", 99.9 % within " + Grouped(measured.latencies.At(999)) + ", all within " +
      Grouped(measured.latencies.At(1000)) + "\n");
  Out("two readings of a clock are in each of these: " + Grouped(measured.clock_ns) + " ns by themselves\n");
}

int RunBench(const BenchFlags& flags) {
  if (flags.policy == "-" && std::count(flags.calls.begin(), flags.calls.end(), "-") > 0) {
    throw ToolError("standard input can be read once");
  }
  const auto policy = LoadPolicy(flags.policy);
  if (policy == nullptr) return kExitProblems;
  const Calls calls(flags.calls);
  const Measured measured = Measure(flags, *policy, calls);
  if (flags.json) {
    Out(JsonDocument(ToJson(flags, calls, measured)));
  } else {
    Print(flags, calls, measured);
  }
  return kExitOk;
}

}  // namespace

void AddBenchCommand(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("bench", "Measure how fast your policy judges your calls");
  command->footer(
      "Calls are read as `replay` reads them. They are judged in turn, each as on fresh counts: what it is\n"
      "charged is given back at once, so that limits do not end the run. Half of the time decisions are\n"
      "counted, the other half each is timed. Threads share the policy and the counts.\n"
      "Exit codes: 0 measured, 1 the policy has errors, 2 bad usage, or a file or line that cannot be read.\n"
      "\n"
      "Example:\n"
      "  callwarden bench --policy policy.json --calls calls.jsonl --threads 2\n");
  const auto flags = std::make_shared<BenchFlags>();
  command->add_option("--policy,-p", flags->policy, "The policy")->required()->type_name("FILE");
  command->add_option("--calls", flags->calls, "Calls, or an audit log's folder; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--threads", flags->threads, "How many threads judge at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "How long to measure")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command->add_option("--counts", flags->keys, "How many counts there is room for")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 31))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print one JSON document instead");
  command->callback([flags, &action] { action = [flags] { return RunBench(*flags); }; });
}

}  // namespace callwarden::tool
