// What a message costs: W3 of the targets, a `charge` call as a JSON-RPC line through a session, beside
// simdjson's DOM parse of the same line, and messages a second both ways. The halves of a ratio run in turn
// in one process, and the median of the rounds' ratios is printed. bench/README.md says how to read them.
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

#include <benchmark/benchmark.h>
#include <simdjson.h>
#include <time.h>

#include "callwarden/gate.h"
#include "callwarden/mcp.h"
#include "callwarden/policy.h"

#include "bench/charge_policy.h"

namespace {

constexpr int kRoundsDefault = 51;
constexpr int kCalls = 2000;  // in one part of a round
constexpr int kOpen = 40;     // at once

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
  // Lines that differ in their ids; the calls are told to be settled when the clock does not run.
  std::vector<std::string> lines(kOpen, kCall);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].replace(lines[i].find("1000"), 4, std::to_string(1000 + i));
  }
  std::size_t next = 0;
  std::vector<uint64_t> tickets;
  tickets.reserve(lines.size());
  const auto call = [&] {
    const callwarden::mcp::Output output = session.FromClient(lines[next++]);
    ok = ok && output.to_server.size() == 1;
    if (ok) tickets.push_back(output.to_server[0].ticket);
  };
  const auto settle_all = [&] {
    for (const uint64_t ticket : tickets) benchmark::DoNotOptimize(session.NotSent(ticket).to_client.data());
    tickets.clear();
    next = 0;
  };
  const auto call_and_answer = [&] {
    ok = ok && session.FromClient(kCall).to_server.size() == 1;
    ok = ok && session.FromServer(kAnswer).to_client.size() == 1;
  };
  const auto request_and_answer = [&] {
    ok = ok && session.FromClient(kRequest).to_server.size() == 1;
    ok = ok && session.FromServer(kAnswer).to_client.size() == 1;
  };
  const auto check = [&] {
    callwarden::ToolCall tool_call;
    tool_call.tool = "charge";
    tool_call.arguments = kArguments;
    tool_call.grant = "g";
    tool_call.session = "s";
    const callwarden::Decision decision = gate.Check(tool_call);
    ok = ok && decision.allowed();
  };
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(kCall);
  const auto parse = [&] {
    simdjson::dom::element element;
    ok = ok && parser.parse(padded).get(element) == simdjson::SUCCESS;
    benchmark::DoNotOptimize(element);
  };

  std::vector<double> dom, line, gate_only, line_ratio, gate_ratio, calls, requests;
  for (int round = 0; round < rounds && ok; ++round) {
    dom.push_back(NanosecondsPer(kCalls, parse));
    double line_total = 0;
    for (int i = 0; i < kCalls / kOpen; ++i) {
      line_total += NanosecondsPer(kOpen, call);
      settle_all();
    }
    line.push_back(line_total / (kCalls / kOpen));
    gate_only.push_back(NanosecondsPer(kCalls, check));
    line_ratio.push_back(line.back() / dom.back());
    gate_ratio.push_back(gate_only.back() / dom.back());
    calls.push_back(2e9 / NanosecondsPer(kCalls, call_and_answer));
    requests.push_back(2e9 / NanosecondsPer(kCalls, request_and_answer));
  }
  if (!ok) {
    std::fprintf(stderr, "mcp_bench: a message was not forwarded\n");
    return 1;
  }
  std::printf("line of %zu bytes, %d rounds of %d, medians\n", kCall.size(), rounds, kCalls);
  std::printf("simdjson DOM parse of the line      %8.0f ns\n", Median(dom));
  std::printf("gate alone, arguments of the line   %8.0f ns   %5.2f x DOM\n", Median(gate_only),
              Median(gate_ratio));
  std::printf("W3: the line through a session      %8.0f ns   %5.2f x DOM\n", Median(line),
              Median(line_ratio));
  std::printf("messages a second, calls            %8.0f\n", Median(calls));
  std::printf("messages a second, other requests   %8.0f\n", Median(requests));
  return 0;
}
