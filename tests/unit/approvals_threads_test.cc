// Races of one approval; run under ThreadSanitizer, too.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "callwarden/approvals.h"

#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::ApprovalStatus;
using callwarden::ApprovalStore;
using callwarden::ApprovalStoreOptions;
using callwarden::DigestCall;
using callwarden::Verdict;
using callwarden_unit::Call;

// Two threads present each of `rounds` approvals at once, through these stores; returns how often a call was
// admitted, and how often both were.
struct Admitted {
  int calls = 0;
  int twice = 0;
};
Admitted Race(ApprovalStore& first, ApprovalStore& second, int rounds) {
  const auto digest = *DigestCall(Call("{}"));
  Admitted result;
  std::string id;
  std::atomic<int> round{0};
  std::atomic<int> arrived{0};
  std::atomic<int> admitted{0};
  const auto present = [&](ApprovalStore& store, int number) {
    while (round.load(std::memory_order_acquire) != number) std::this_thread::yield();
    if (store.Present(id, digest) == ApprovalStatus::kReady) {
      if (store.Consume(id)) admitted.fetch_add(1, std::memory_order_relaxed);
    }
    arrived.fetch_add(1, std::memory_order_acq_rel);
  };
  std::thread other([&] {
    for (int number = 1; number <= rounds; ++number) present(second, number);
  });
  for (int number = 1; number <= rounds; ++number) {
    id = first.Request(Call("{}"), Verdict()).id;
    if (!first.Approve(id, "ada").ok()) break;
    admitted.store(0, std::memory_order_relaxed);
    arrived.store(0, std::memory_order_relaxed);
    round.store(number, std::memory_order_release);
    present(first, number);
    while (arrived.load(std::memory_order_acquire) != 2) std::this_thread::yield();
    result.calls += admitted.load(std::memory_order_relaxed);
    result.twice += admitted.load(std::memory_order_relaxed) > 1 ? 1 : 0;
  }
  other.join();
  return result;
}

TEST_CASE("An approval that is presented twice at once admits one call, 100,000 times", "[threads]") {
  ApprovalStore store;
  const Admitted admitted = Race(store, store, 100'000);
  CHECK(admitted.calls == 100'000);
  CHECK(admitted.twice == 0);
}

TEST_CASE("An approval in a file that is presented through two stores at once admits one call", "[threads]") {
  const callwarden_test::TemporaryFolder folder;
  ApprovalStoreOptions options;
  options.path = folder / "approvals.jsonl";
  {
    ApprovalStore first(options);
    ApprovalStore second(options);
    const Admitted admitted = Race(first, second, 1'000);
    CHECK(admitted.calls == 1'000);
    CHECK(admitted.twice == 0);
    CHECK(first.status().ok());
    CHECK(second.status().ok());
  }
}

TEST_CASE("Every operation at once", "[threads]") {
  ApprovalStore store;
  std::atomic<int> used{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&store, &used, t] {
      for (int i = 0; i < 2'000; ++i) {
        const std::string arguments = "{\"a\":" + std::to_string(i % 7) + "}";
        const auto digest = *DigestCall(Call(arguments));
        const std::string id = store.Request(Call(arguments), Verdict()).id;
        if (t % 2 == 0) static_cast<void>(store.Approve(id, "ada"));
        if (i % 50 == 0) static_cast<void>(store.Deny(id, "bob"));
        if (store.Present(id, digest) == ApprovalStatus::kReady) {
          if (i % 3 == 0) {
            store.Release(id);
          } else if (store.Consume(id)) {
            used.fetch_add(1, std::memory_order_relaxed);
          }
        }
        if (i % 100 == 0) static_cast<void>(store.List(false));
        static_cast<void>(store.Expire());
        static_cast<void>(store.status());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(used.load() > 0);
  CHECK(store.List(true).size() <= 7);
}

}  // namespace
