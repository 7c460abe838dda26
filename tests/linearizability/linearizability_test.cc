#include <array>
#include <atomic>
#include <barrier>
#include <cstdlib>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "catch.h"
#include "contract/stores.h"
#include "linearizability/checker.h"

using callwarden::CounterKey;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::Window;
using namespace callwarden_test;

namespace {

using Kind = Operation::Kind;
constexpr Kind kAdmitted = Kind::kAdmitted, kDenied = Kind::kDenied, kRefunded = Kind::kRefunded;
constexpr std::array<uint64_t, kCounts> kOne{1, 1, 1};

constexpr std::size_t kThreads = 3;
constexpr int kCallsEach = 8;

// Records what threads do to three counts at once, and takes one such history after another.
class Recorder {
 public:
  Recorder(const LimitSpec& a, const LimitSpec& b, const LimitSpec& c, std::size_t limits_max, uint32_t seed)
      : specs_{a, b, c}, limits_max_(limits_max), seed_(seed) {}

  // One history on a fresh set of keys.
  std::vector<Operation> Record(uint64_t round) {
    subject_.clock.Set(kNoon + std::chrono::minutes(2 * round));  // earlier counts are over: slots are reused
    std::array<std::vector<Operation>, kThreads> parts;
    std::atomic<uint64_t> time{0};
    std::barrier start(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(seed_ + static_cast<uint32_t>(round * kThreads + t));
        start.arrive_and_wait();
        Work(round, random, time, parts[t]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<Operation> history;
    for (const auto& part : parts) history.insert(history.end(), part.begin(), part.end());
    return history;
  }
  std::array<uint64_t, kCounts> Max() const { return {specs_[0].max(), specs_[1].max(), specs_[2].max()}; }

 private:
  struct Held {
    Reservation reservation;
    std::array<uint64_t, kCounts> weight{};
  };

  void Work(uint64_t round, std::mt19937& random, std::atomic<uint64_t>& time, std::vector<Operation>& out) {
    const auto below = [&](uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random); };
    std::array<CounterKey, kCounts> keys;
    const callwarden::AttributeValue scope(round);
    for (std::size_t k = 0; k < kCounts; ++k) keys[k] = subject_.store->Key(specs_[k], {&scope, 1});
    std::vector<Held> held;
    for (int call = 0; call < kCallsEach; ++call) {
      if (below(4) == 0) std::this_thread::yield();
      if (!held.empty() && below(2) == 0) {
        Held last = std::move(held.back());
        held.pop_back();
        const uint64_t called = time++;
        subject_.store->Refund(std::move(last.reservation));
        const uint64_t returned = time++;
        for (std::size_t k = 0; k < kCounts; ++k) {
          if (last.weight[k] == 0) continue;
          Operation op{kRefunded, called, returned, {}};
          op.weight[k] = last.weight[k];
          out.push_back(op);
        }
        continue;
      }
      Held next;
      std::array<LimitRequest, kCounts> requests;
      const std::size_t count = 1 + below(static_cast<uint32_t>(limits_max_));
      std::size_t k = below(kCounts);
      for (std::size_t i = 0; i < count; ++i, k = (k + 1) % kCounts) {
        next.weight[k] = 1 + below(2);
        requests[i] = {&specs_[k], &keys[k], next.weight[k]};
      }
      Operation op{kDenied, time++, 0, next.weight};
      const auto status =
          subject_.store->Reserve({requests.data(), count}, subject_.clock.Now(), next.reservation).status;
      op.returned = time++;
      if (status == ReserveStatus::kAdmitted) {
        op.kind = kAdmitted;
        held.push_back(std::move(next));
      }
      if (status != ReserveStatus::kContended) out.push_back(op);  // which says nothing about the counts
    }
    for (Held& h : held) h.reservation.Forget();
  }

  Subject subject_{Implementation::kMemory};
  std::array<LimitSpec, kCounts> specs_;
  std::size_t limits_max_;
  uint32_t seed_;
};

uint32_t Seed() {
  const char* text = std::getenv("CALLWARDEN_TEST_SEED");
  return text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : 20260301;
}

int Rounds() {
  const char* text = std::getenv("CALLWARDEN_TEST_ROUNDS");
  return text != nullptr ? std::atoi(text) : 1500;
}

}  // namespace

TEST_CASE("the checker accepts what can be put in order") {
  CHECK(Linearizable({}, kOne, false));
  CHECK(Linearizable({{kAdmitted, 0, 1, {1}}, {kDenied, 2, 3, {1}}}, kOne, false));
  CHECK(Linearizable({{kAdmitted, 0, 5, {1}}, {kDenied, 1, 2, {1}}}, kOne, false));  // they overlap
  CHECK(Linearizable({{kAdmitted, 0, 1, {1}}, {kRefunded, 2, 5, {1}}, {kAdmitted, 3, 4, {1}}}, kOne, false));
  CHECK(
      Linearizable({{kAdmitted, 0, 1, {1, 1}}, {kRefunded, 2, 3, {1}}, {kAdmitted, 4, 5, {1}}}, kOne, false));
}

TEST_CASE("the checker rejects what cannot") {
  CHECK_FALSE(Linearizable({{kAdmitted, 0, 1, {1}}, {kAdmitted, 2, 3, {1}}}, kOne, true));
  CHECK_FALSE(Linearizable(
      {{kAdmitted, 0, 3, {1}}, {kAdmitted, 1, 2, {0, 1, 1}}, {kAdmitted, 1, 4, {0, 0, 1}}}, kOne, true));
  CHECK_FALSE(Linearizable({{kDenied, 0, 1, {1}}, {kAdmitted, 2, 3, {1}}}, kOne, true));
  CHECK_FALSE(
      Linearizable({{kAdmitted, 0, 1, {1}}, {kRefunded, 2, 3, {1}}, {kDenied, 4, 5, {1}}}, kOne, true));
  CHECK_FALSE(
      Linearizable({{kAdmitted, 0, 1, {1}}, {kAdmitted, 2, 3, {1}}, {kRefunded, 4, 5, {1}}}, kOne, true));
}

TEST_CASE("weak denials may count overlapping reservations, strict ones may not") {
  // The first is denied for count 1 alone; the second was denied while the first held count 0 for a moment.
  const std::vector<Operation> history{
      {kAdmitted, 0, 1, {0, 1}}, {kDenied, 2, 5, {1, 1}}, {kDenied, 3, 4, {1}}};
  CHECK(Linearizable(history, kOne, true));
  CHECK_FALSE(Linearizable(history, kOne, false));
  const std::vector<Operation> apart{
      {kAdmitted, 0, 1, {0, 1}}, {kDenied, 2, 3, {1, 1}}, {kDenied, 4, 5, {1}}};
  CHECK_FALSE(Linearizable(apart, kOne, true));
}

TEST_CASE("histories of one limit a call are linearizable, denials included") {
  const Window minute = Window::Seconds(60);
  const uint32_t seed = Seed();
  CAPTURE(seed);
  Recorder recorder(Calendar(minute, 2, "a"), Inflight(2, "b"), Calendar(Window::Seconds(90), 3, "c"), 1,
                    seed);
  int refused = 0;
  for (int round = 0; round < Rounds(); ++round) {
    refused += Linearizable(recorder.Record(static_cast<uint64_t>(round)), recorder.Max(), false) ? 0 : 1;
  }
  CHECK(refused == 0);
}

TEST_CASE("histories of several limits a call are linearizable, with weak denials") {
  const Window minute = Window::Seconds(60);
  const uint32_t seed = Seed();
  CAPTURE(seed);
  Recorder recorder(Calendar(minute, 3, "a"), Calendar(minute, 4, "b"), Inflight(3, "c"), 3, seed);
  int refused = 0;
  for (int round = 0; round < Rounds(); ++round) {
    refused += Linearizable(recorder.Record(static_cast<uint64_t>(round)), recorder.Max(), true) ? 0 : 1;
  }
  CHECK(refused == 0);
}
