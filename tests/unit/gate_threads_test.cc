// Gates under many threads; worth a run under ThreadSanitizer.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "callwarden/gate.h"

#include "tests/catch.h"
#include "tests/unit/gate_fixture.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::ArgumentSource;
using callwarden::ArgumentWriter;
using callwarden::CompiledPolicy;
using callwarden::Decision;
using callwarden::Gate;
using callwarden::GrantTable;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::Outcome;
using callwarden::Reason;
using callwarden::ToolCall;
using callwarden_unit::CallOf;
using callwarden_unit::Compile;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;
using callwarden_unit::Table;
using callwarden_unit::Written;

constexpr int kThreads = 8;

// Allows one tool and denies the other, with a text that only this policy has.
std::shared_ptr<const CompiledPolicy> Only(std::string_view allowed, std::string_view denied, int number) {
  return Compile(R"({"version": "1", "default": "deny", "tools": {")" + std::string(allowed) + R"(": {}, ")" +
                 std::string(denied) + R"(": {"deny_if": [{"name": "no", "conditions": [], "on_deny": ")" +
                 std::string(allowed) + " alone, says number " + std::to_string(number) + R"("}]}}})");
}

// One set of policies: for calls without a grant and with one. Both or neither allow `x`.
struct Set {
  std::shared_ptr<const CompiledPolicy> policy;
  std::shared_ptr<const GrantTable> grants;
};
Set MakeSet(bool x, int number) {
  const auto make = [&] { return Only(x ? "x" : "y", x ? "y" : "x", number); };
  return {make(), Table({{.id = "g", .policy = make()}})};
}

}  // namespace

TEST_CASE("a check sees one set of policies, whole, while they are swapped", "[threads]") {
  Set first = MakeSet(true, 0);
  Gate gate({.policy = first.policy, .grants = first.grants});
  std::vector<std::weak_ptr<const CompiledPolicy>> watch{first.policy, first.grants->grants()[0].policy};
  first = {};
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> mixed{0};
  std::atomic<uint64_t> checks{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string grant = t % 2 == 0 ? "" : "g";
      std::vector<Decision> kept;
      while (!stop.load(std::memory_order_relaxed)) {
        const uint64_t before = gate.revision();
        Decision x = gate.Check(CallOf("x", grant));
        Decision y = gate.Check(CallOf("y", grant));
        const uint64_t after = gate.revision();
        // Sets of odd revision allow x. Without a swap in between, the two answers differ.
        if (before == after && (x.allowed() == y.allowed() || x.allowed() != (before % 2 == 1))) ++mixed;
        for (Decision* decision : {&x, &y}) {
          if (decision->allowed()) continue;
          const std::string expected = decision == &x ? "y alone, says number " : "x alone, says number ";
          if (decision->message().substr(0, expected.size()) != expected) ++mixed;
          kept.push_back(std::move(*decision));
        }
        // Texts that were kept over swaps.
        if (kept.size() >= 64) {
          for (const Decision& decision : kept) {
            if (decision.message().find(" alone, says number ") != 1 ||
                decision.rule() !=
                    (decision.message()[0] == 'x' ? "/tools/y/deny_if/no" : "/tools/x/deny_if/no"))
              ++mixed;
          }
          kept.clear();
        }
        checks.fetch_add(2, std::memory_order_relaxed);
      }
    });
  }
  for (int number = 1; number <= 200; ++number) {
    Set next = MakeSet(number % 2 == 0, number);
    watch.push_back(next.policy);
    watch.push_back(next.grants->grants()[0].policy);
    const auto report = gate.Swap(std::move(next.policy), std::move(next.grants));
    CHECK(report.revision == static_cast<uint64_t>(number) + 1);
  }
  while (checks.load() < 1000) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(mixed.load() == 0);
  // Nothing but the set in force is alive.
  std::size_t alive = 0;
  for (const auto& policy : watch) alive += policy.expired() ? 0 : 1;
  CHECK(alive == 2);
}

TEST_CASE("counts go on over swaps, each charged once", "[threads]") {
  const auto policy_of = [](int number) {
    return CompileEntry(
        R"({"limits": [{"counter": "c", "window": "day", "max": 5000, "scope": "global", "on_deny": "number )" +
        std::to_string(number) + R"("}]})");
  };
  ManualClock clock(kNoon);
  Gate gate({.policy = policy_of(0), .clock = &clock});
  std::atomic<uint64_t> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (gate.Check(CallOf("t")).allowed()) admitted.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  for (int number = 1; number <= 50; ++number) {
    const auto report = gate.Swap(policy_of(number), nullptr);
    REQUIRE(report.limits.size() == 1);
    CHECK(report.limits[0].kind == callwarden::LimitChange::Kind::kCarriedOver);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(admitted.load() == 5000);
}

TEST_CASE("threads that come and go check and leave nothing behind", "[threads]") {
  std::weak_ptr<const CompiledPolicy> watch;
  std::optional<Decision> outlives;
  {
    auto policy = Only("x", "y", 0);
    watch = policy;
    Gate gate({.policy = std::move(policy)});
    std::atomic<int> wrong{0};
    for (int round = 0; round < 20; ++round) {
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
          if (!gate.Check(CallOf("x")).allowed() || gate.Check(CallOf("y")).allowed()) ++wrong;
        });
      }
      gate.Swap(Only("x", "y", round), nullptr);
      for (std::thread& thread : threads) thread.join();
    }
    CHECK(wrong.load() == 0);
    CHECK(watch.expired());
    auto last = Only("x", "y", 99);
    watch = last;
    gate.Swap(std::move(last), nullptr);
    std::thread([&] { outlives.emplace(gate.Check(CallOf("y"))); }).join();
    gate.Swap(nullptr, nullptr);
    CHECK(outlives->message() == "x alone, says number 99");
  }
  CHECK_FALSE(watch.expired());
  outlives.reset();
  CHECK(watch.expired());
}

TEST_CASE("a swap from inside a decision does not wait for it", "[threads]") {
  auto policy =
      CompileEntry(R"({"deny_if": [{"name": "no", "conditions": [{"path": "args.a", "op": "eq", "value": 1}],
                                              "on_deny": "by the old one"}]})");
  std::weak_ptr<const CompiledPolicy> watch = policy;
  Gate gate({.policy = std::move(policy)});
  const Written swaps([&](ArgumentWriter& writer) {
    gate.Swap(CompileEntry("{}"), nullptr);
    // A decision inside a decision is denied; a look at the gate is not.
    CHECK(gate.Check(CallOf("t")).reason() == Reason::kInternalError);
    CHECK(gate.PolicyOf("") != nullptr);
    CHECK(gate.revision() == 2);
    writer.BeginObject();
    writer.Name("a");
    writer.Int64(1);
    writer.EndObject();
  });
  {
    const Decision decision = gate.Check(callwarden_unit::CallWith(swaps));
    CHECK(decision.message() == "by the old one");
    CHECK_FALSE(watch.expired());
  }
  CHECK_FALSE(watch.expired());  // until the next swap
  gate.Swap(CompileEntry("{}"), nullptr);
  CHECK(watch.expired());
}

TEST_CASE("swaps from inside decisions of several threads all end", "[threads]") {
  Gate gate({.policy = CompileEntry("{}")});
  const auto next = CompileEntry("{}");
  std::vector<std::thread> threads;
  std::atomic<int> allowed{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const Written swaps([&](ArgumentWriter& writer) {
        if (t % 2 == 0) gate.Swap(next, nullptr);
        writer.BeginObject();
        writer.EndObject();
      });
      for (int i = 0; i < 50; ++i) {
        if (gate.Check(callwarden_unit::CallWith(swaps)).allowed()) ++allowed;
        if (t % 2 == 1 && i % 10 == 0) gate.Swap(next, nullptr);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(allowed.load() == kThreads * 50);
  CHECK(gate.revision() == 1 + 4 * 50 + 4 * 5);
}

TEST_CASE("a gate can be asked deep inside decisions of other gates", "[threads]") {
  Gate gate({.policy = CompileEntry("{}")});
  const auto old = gate.PolicyOf("");
  int depth = 0;
  // Each level holds the state of the gate once more; beyond what a thread can mark, it is kept otherwise.
  struct Asking final : callwarden::AuditSink {
    std::function<void()> ask;
    callwarden::AuditReceipt Record(const callwarden::AuditRecord&) noexcept override {
      ask();
      return {};
    }
    void Complete(const callwarden::AuditCompletion&) noexcept override {}
  } sink;
  Gate recorded({.policy = CompileEntry("{}"), .audit = &sink});
  sink.ask = [&] {
    CHECK(gate.PolicyOf("") == old);
    if (++depth < 8) CHECK(recorded.Check(CallOf("t")).allowed());
  };
  CHECK(recorded.Check(CallOf("t")).allowed());
  CHECK(depth == 8);
  gate.Swap(nullptr, nullptr);
  CHECK(gate.PolicyOf("") == nullptr);
}

TEST_CASE("a thread that is ending still gets decisions", "[threads]") {
  Gate gate({.policy = CompileEntry("{}")});
  static Gate* asked;
  asked = &gate;
  static std::atomic<int> denied;
  static std::atomic<int> allowed;
  denied = allowed = 0;
  std::thread([] {
    // Constructed before the thread's own parts, so destroyed after them.
    struct Late {
      ~Late() {
        const Decision decision = asked->Check(CallOf("t"));
        if (decision.reason() == Reason::kInternalError && asked->revision() == 1) ++denied;
      }
    };
    static thread_local Late late;
    static_cast<void>(late);
    if (asked->Check(CallOf("t")).allowed()) ++allowed;
  }).join();
  CHECK(allowed.load() == 1);
  CHECK(denied.load() == 1);
}
