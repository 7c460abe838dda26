// make_audit_log FOLDER POLICY: writes the audit log that tests and documents show, always the same: what the
// sink makes of ten calls under the policy, decided at times of their own.

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "callwarden/audit.h"
#include "callwarden/clock.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

namespace {

using namespace callwarden;

struct Call {
  std::string_view tool;
  std::string_view arguments;
  std::string_view grant;
};

constexpr std::array<Call, 10> kCalls = {{
    {"run_code", R"({"code": "1+1"})", "agent-1"},
    {"run_code", R"({"code": "1+2"})", "agent-1"},
    {"charge", R"({"amount": 5, "currency": "usd"})", "agent-2"},
    {"run_code", R"({"code": "1+3"})", "agent-1"},
    {"run_code", R"({"code": "1+4"})", "agent-1"},
    {"charge", R"({"amount": 5000, "currency": "eur"})", "agent-2"},
    {"delete_all", "{}", "agent-2"},
    {"run_code", R"({"code": "1+5"})", "agent-1"},
    {"charge", R"({"amount": 7, "currency": "eur"})", "agent-2"},
    {"charge", R"({"amount": )", "agent-2"},
}};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream file(argv[2]);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto policy = CompiledPolicy::Compile(text).policy();
  if (policy == nullptr) return 2;
  MemoryCounterStore counters({.capacity_keys = 64});
  ManualClock clock(Timestamp(std::chrono::seconds(1772361000)));  // 2026-03-01T10:30:00Z
  JsonlAuditOptions options;
  options.directory = argv[1];
  options.clock = &clock;
  options.digest_key.emplace().fill(1);
  options.record_arguments = true;
  JsonlAuditSink sink(options);
  uint64_t run_code_used = 0;
  for (std::size_t i = 0; i < kCalls.size(); ++i) {
    const ToolCall call{.tool = kCalls[i].tool, .arguments = kCalls[i].arguments, .grant = kCalls[i].grant};
    Decision decision = policy->Decide(call, counters, clock.Now());
    const bool limited = call.tool == "run_code";
    if (limited && decision.allowed()) ++run_code_used;
    const AuditLimit limit{
        .rule = "/tools/run_code/limits/runs", .weight = 1, .used = run_code_used, .max = 3};
    AuditRecord record;
    record.at = clock.Now();
    record.verdict = &decision.verdict();
    record.would = decision.would();
    record.call = &call;
    record.grant_label = call.grant == "agent-1" ? "build bot" : "";
    record.policy_digest = policy->digest();
    record.policy_revision = 1;
    if (limited) record.limits = {&limit, 1};
    record.latency = std::chrono::nanoseconds(250 + 10 * i);
    const AuditReceipt receipt = sink.Record(record);
    clock.Advance(std::chrono::milliseconds(1500));
    if (decision.allowed()) {
      const Outcome outcome = i == 1 ? Outcome::kError : Outcome::kOk;
      sink.Complete({.at = clock.Now(),
                     .sequence = receipt.sequence,
                     .outcome = outcome,
                     .duration = std::chrono::milliseconds(1500)});
      decision.Complete(outcome);
    }
  }
  if (!sink.Flush()) return 1;
  std::printf("%s\n", sink.end().hash.c_str());
  return 0;
}
