// Messages a second both ways through a session, calls with their answers and other requests with theirs; the
// medians of the rounds. What a call's line costs alone is W3 of decision_bench.
//
// Usage: mcp_bench [ROUNDS]

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "callwarden/gate.h"
#include "callwarden/mcp.h"
#include "callwarden/policy.h"

#include "bench/charge_policy.h"

namespace {

constexpr int kRoundsDefault = 51;
constexpr int kCalls = 2000;  // in one part of a round

constexpr std::string_view kArguments =
    R"({"amount":4200,"currency":"usd","customer":"cus_N4Qk2v9XbTqL","description":"Invoice 2026-0042, )"
    R"(hosting for March","metadata":{"order":"A-1009","retry":false}})";
const std::string kCall =
    R"({"jsonrpc":"2.0","id":1000,"method":"tools/call","params":{"name":"charge","arguments":)" +
    std::string(kArguments) + "}}";
const std::string kAnswer =
    R"({"jsonrpc":"2.0","id":1000,"result":{"content":[{"type":"text","text":"{\"charged\":true}"}],"isError":false}})";
const std::string kRequest =
    R"({"jsonrpc":"2.0","id":1000,"method":"resources/read","params":{"uri":"file:///notes/today.md"}})";

// Processor time, since other programs may run meanwhile.
double Now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Body>
double NanosecondsPer(int times, Body body) {
  const double begin = Now();
  for (int i = 0; i < times; ++i) body();
  return (Now() - begin) / times;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : kRoundsDefault;
  callwarden::GateOptions gate_options;
  gate_options.policy = callwarden::CompiledPolicy::Compile(bench::kChargePolicy).policy();
  if (gate_options.policy == nullptr) return 1;
  callwarden::Gate gate(gate_options);
  callwarden::mcp::SessionOptions options;
  options.gate = &gate;
  options.grant = "g";
  options.session = "s";
  callwarden::mcp::Session session(options);

  bool ok = true;
  const auto call_and_answer = [&] {
    ok = ok && session.FromClient(kCall).to_server.size() == 1;
    ok = ok && session.FromServer(kAnswer).to_client.size() == 1;
  };
  const auto request_and_answer = [&] {
    ok = ok && session.FromClient(kRequest).to_server.size() == 1;
    ok = ok && session.FromServer(kAnswer).to_client.size() == 1;
  };
  std::vector<double> calls, requests;
  for (int round = 0; round < rounds && ok; ++round) {
    calls.push_back(2e9 / NanosecondsPer(kCalls, call_and_answer));
    requests.push_back(2e9 / NanosecondsPer(kCalls, request_and_answer));
  }
  if (!ok) {
    std::fprintf(stderr, "mcp_bench: a message was not forwarded\n");
    return 1;
  }
  std::printf("%d rounds of %d, medians, processor time of one thread\n", rounds, kCalls);
  std::printf("messages a second, calls            %8.0f\n", Median(calls));
  std::printf("messages a second, other requests   %8.0f\n", Median(requests));
  return 0;
}
