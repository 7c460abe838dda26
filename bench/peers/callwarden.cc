// callwarden's side of the comparison with its peers. compare.py tells what a program of peers reads and
// prints.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"
#include "callwarden/arguments.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "bench/charge_policy.h"
#include "bench/decision/harness.h"

namespace {

using callwarden::AttributeValue;
using callwarden::CompiledPolicy;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::MemoryCounterStore;
using callwarden::Reservation;
using callwarden::SystemClock;
using callwarden::Timestamp;
using callwarden::Window;
using nlohmann::json;

constexpr Timestamp kNow{std::chrono::seconds(1772366400)};
constexpr std::size_t kKeys = 64;

// The timed call's arguments as a host of known tools has them, in a structure of its own.
class Charge final : public callwarden::ArgumentSource {
 public:
  explicit Charge(const json& value)
      : amount_(value.at("amount")),
        currency_(value.at("currency")),
        customer_(value.at("customer")),
        description_(value.at("description")),
        capture_(value.at("capture")),
        order_(value.at("metadata").at("order")) {}
  void Write(callwarden::ArgumentWriter& writer) const noexcept override {
    writer.BeginObject();
    writer.Name("amount");
    writer.Int64(amount_);
    writer.Name("currency");
    writer.String(currency_);
    writer.Name("customer");
    writer.String(customer_);
    writer.Name("description");
    writer.String(description_);
    writer.Name("capture");
    writer.Boolean(capture_);
    writer.Name("metadata");
    writer.BeginObject();
    writer.Name("order");
    writer.String(order_);
    writer.Name("note");
    writer.Null();
    writer.EndObject();
    writer.EndObject();
  }

 private:
  int64_t amount_;
  std::string currency_;
  std::string customer_;
  std::string description_;
  bool capture_;
  std::string order_;
};

struct Subject {
  const char* workload;
  const char* form;
  std::function<bool()> decide;
};

int64_t ProcessorNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::shared_ptr<const CompiledPolicy> Compile(std::string_view text) {
  const auto compiled = CompiledPolicy::Compile(text);
  bench::Expect(compiled.ok(), "a policy that compiles");
  return compiled.policy();
}

void AddCharge(std::vector<Subject>& subjects, const json& calls) {
  const auto policy = Compile(bench::kChargePolicy);
  const auto counters = std::make_shared<MemoryCounterStore>();
  const auto of_text = [policy, counters](const std::string& tool, const std::string& arguments) {
    return policy->Decide({.tool = tool, .arguments = arguments}, *counters, kNow).allowed();
  };
  const auto of_value = [policy, counters](const std::string& tool, const json& value) {
    const callwarden::NlohmannArguments arguments(value);
    return policy->Decide({.tool = tool, .parsed_arguments = &arguments}, *counters, kNow).allowed();
  };
  const auto check = [&](const json& call, bool allowed) {
    const std::string tool = call.at("tool");
    const std::string arguments = call.at("arguments");
    bench::Expect(of_text(tool, arguments) == allowed, arguments);
    bench::Expect(of_value(tool, json::parse(arguments)) == allowed, arguments);
  };
  for (const json& call : calls.at("checked")) check(call, call.at("allowed"));
  const json& timed = calls.at("timed");
  check(timed, true);
  const std::string tool = timed.at("tool");
  const std::string arguments = timed.at("arguments");
  subjects.push_back({"charge_text", "CompiledPolicy::Decide", [=] { return of_text(tool, arguments); }});
  subjects.push_back({"charge_prepared", "Decide, nlohmann::json",
                      [=, value = json::parse(arguments)] { return of_value(tool, value); }});
  subjects.push_back(
      {"charge_prepared", "Decide, ArgumentSource", [=, charge = Charge(json::parse(arguments))] {
         const callwarden::ToolCall call{.tool = tool, .parsed_arguments = &charge};
         return policy->Decide(call, *counters, kNow).allowed();
       }});
}

std::string SeedPolicy(std::string_view max) {
  return R"({"version": "1", "default": "deny", "tools": {"run_code": {"limits": [{"counter": "run_code_rate",)"
         R"("window": "minute", "scope": "grant", "max": )" +
         std::string(max) + "}]}}}";
}

void AddLimit(std::vector<Subject>& subjects) {
  std::vector<std::string> grants;
  for (std::size_t i = 0; i < kKeys; ++i) grants.push_back("agent-" + std::to_string(i));

  const auto ten = Compile(SeedPolicy("10"));
  MemoryCounterStore few;
  for (const std::string& grant : {grants[1], grants[2]}) {
    for (int i = 0; i < 11; ++i) {
      bench::Expect(ten->Decide({.tool = "run_code", .grant = grant}, few, kNow).allowed() == (i < 10),
                    "ten a minute for each grant");
    }
  }
  const auto clock = std::make_shared<SystemClock>();
  const auto counters = std::make_shared<MemoryCounterStore>();
  subjects.push_back({"limit", "CompiledPolicy::Decide",
                      [=, policy = Compile(SeedPolicy("1000000000000")), next = std::size_t{0}]() mutable {
                        next = (next + 1) % kKeys;
                        return policy
                            ->Decide({.tool = "run_code", .grant = grants[next]}, *counters, clock->Now())
                            .allowed();
                      }});

  // The store alone, as a limiter of a host's own: the key is made of the name at each call.
  const auto spec = std::make_shared<const LimitSpec>(*LimitSpec::Create(
      {.window = Window::Seconds(60), .max = 1'000'000'000'000, .burst = {}, .identity = "run_code_rate"}));
  subjects.push_back({"limit", "MemoryCounterStore::Reserve", [=, next = std::size_t{0}]() mutable {
                        next = (next + 1) % kKeys;
                        const AttributeValue name(std::string_view(grants[next]));
                        callwarden::CounterKey key = counters->Key(*spec, {&name, 1});
                        const LimitRequest request{spec.get(), &key, 1};
                        Reservation reservation;
                        return counters->Reserve({&request, 1}, clock->Now(), reservation).status ==
                               callwarden::ReserveStatus::kAdmitted;
                      }});
}

json Measure(const std::function<bool()>& decide, std::size_t decisions, std::size_t timed) {
  bool right = true;
  for (std::size_t i = 0; i < decisions / 10; ++i) right &= decide();
  const uint64_t allocations_before = bench::AllocationsOfThread();
  const int64_t begin = ProcessorNanoseconds();
  for (std::size_t i = 0; i < decisions; ++i) right &= decide();
  const int64_t took = ProcessorNanoseconds() - begin;
  const uint64_t allocations = bench::AllocationsOfThread() - allocations_before;
  std::vector<int64_t> each(timed);
  for (int64_t& one : each) {
    const auto start = std::chrono::steady_clock::now();
    const bool answer = decide();
    one = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
    right &= answer;
  }
  bench::Expect(right, "while it was timed");
  std::sort(each.begin(), each.end());
  return {{"ns", static_cast<double>(took) / static_cast<double>(decisions)},
          {"p50_ns", each[timed / 2]},
          {"p99_ns", each[timed * 99 / 100]},
          {"allocations", static_cast<double>(allocations) / static_cast<double>(decisions)}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: callwarden_peer FOLDER\n");
    return 2;
  }
  std::ifstream file(std::string(argv[1]) + "/calls.json");
  const json calls = json::parse(file, nullptr, false);
  bench::Expect(!calls.is_discarded(), "calls.json can be read");
  std::vector<Subject> subjects;
  AddCharge(subjects, calls);
  AddLimit(subjects);

  json listed = json::array();
  for (const Subject& subject : subjects) {
    listed.push_back({{"workload", subject.workload}, {"package", "callwarden"}, {"form", subject.form}});
  }
  std::cout << listed.dump() << std::endl;
  // A second thread, asleep: glibc's mutexes and allocator skip their atomics in a process that has only one.
  std::binary_semaphore done(0);
  std::thread second([&] { done.acquire(); });
  std::size_t index = 0;
  std::size_t decisions = 0;
  std::size_t timed = 0;
  while (std::cin >> index >> decisions >> timed) {
    std::cout << Measure(subjects.at(index).decide, decisions, timed).dump() << std::endl;
  }
  done.release();
  second.join();
  return 0;
}
