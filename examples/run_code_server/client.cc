// A scripted MCP client: starts run_code_server over pipes, makes twelve calls of run_code under the policy
// and shows what became of them. Succeeds only if ten ran and then two were denied by the limit.
//
//   run_code_client SERVER [POLICY]
//
// Without POLICY it is examples/run_code_server/policy.json, as seen from the source tree's root.

#include <chrono>
#include <cstdint>
#include <exception>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "child_process.h"

namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr int kCalls = 12;
constexpr int kCallsThatRun = 10;
constexpr std::string_view kRule = "/tools/run_code/limits/run_code_rate";
// The limit is counted in whole UTC minutes, so all calls must fall into one.
constexpr std::chrono::seconds kNeededInMinute(5);
constexpr int kAttemptsMax = 3;

/// What became of one call.
struct CallOutcome {
  bool ran = false;
  std::string text;
  std::string decision;  // this and what follows: of a call that was denied
  std::string rule;
  int64_t retry_after_ms = 0;
};

class Client {
 public:
  Client(const std::string& server, const std::string& policy) : server_({server, policy}) {}

  void Initialize() {
    const json result =
        Request("initialize", {{"protocolVersion", "2025-06-18"},
                               {"capabilities", json::object()},
                               {"clientInfo", {{"name", "run_code_client"}, {"version", "1"}}}});
    server_.WriteLine(json({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}).dump());
    std::cout << "initialize  -> " << result.at("serverInfo").at("name").get<std::string>() << ", protocol "
              << result.at("protocolVersion").get<std::string>() << "\n";
  }

  void ListTools() {
    std::cout << "tools/list  ->";
    const json result = Request("tools/list", json::object());
    for (const json& tool : result.at("tools")) {
      std::cout << " " << tool.at("name").get<std::string>();
    }
    std::cout << "\n";
  }

  CallOutcome CallRunCode() {
    const json result = Request("tools/call", {{"name", "run_code"},
                                               {"arguments",
                                                {{"file_uuid", "0b0e2c6e-6a4d-4a3c-9f57-2f3f6f1f0a11"},
                                                 {"method_uuid", "7d1c1b52-5f1e-4f5e-8a3a-0c9a2f4f7b21"}}}});
    CallOutcome outcome;
    outcome.text = result.at("content").at(0).at("text").get<std::string>();
    outcome.ran = !result.value("isError", false);
    if (!outcome.ran) {
      const json& details = result.at("_meta").at("dev.callwarden/decision");
      outcome.decision = details.at("decision").get<std::string>();
      outcome.rule = details.at("rule").get<std::string>();
      outcome.retry_after_ms = details.value("retryAfterMs", int64_t{0});
    }
    return outcome;
  }

  int Finish() { return server_.Finish(); }

 private:
  json Request(const char* method, json params) {
    const int id = ++last_id_;
    server_.WriteLine(
        json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}).dump());
    json reply = json::parse(server_.ReadLine());
    if (reply.at("id") != id) throw std::runtime_error("the server answered another request");
    if (reply.contains("error")) throw std::runtime_error("the server answered: " + reply["error"].dump());
    return std::move(reply.at("result"));
  }

  ChildProcess server_;
  int last_id_ = 0;
};

std::chrono::minutes ThisMinute() {
  return std::chrono::floor<std::chrono::minutes>(system_clock::now().time_since_epoch());
}

milliseconds LeftInMinute() {
  return std::chrono::ceil<milliseconds>(ThisMinute() + std::chrono::minutes(1) -
                                         system_clock::now().time_since_epoch());
}

std::string Seconds(int64_t ms) { return std::to_string((ms + 999) / 1000) + " s"; }

void WaitForRoomInMinute() {
  const milliseconds left = LeftInMinute();
  if (left >= kNeededInMinute) return;
  std::cout << "Only " << Seconds(left.count())
            << " of this UTC minute are left; waiting for the next, so that all calls fall into one.\n";
  std::this_thread::sleep_for(left);
}

void Print(int number, const CallOutcome& outcome) {
  std::cout << std::setw(4) << number;
  if (outcome.ran) {
    std::cout << "  ran     " << outcome.text << "\n";
    return;
  }
  std::cout << "  denied  " << outcome.text << "\n              rule " << outcome.rule << ", wait "
            << Seconds(outcome.retry_after_ms) << " (" << outcome.retry_after_ms << " ms)\n";
}

/// A denial must name the limit, and a wait that is not longer than the minute that was left.
bool AsExpected(int number, const CallOutcome& outcome, milliseconds left) {
  if (number <= kCallsThatRun) return outcome.ran;
  return !outcome.ran && outcome.decision == "rate_limited" && outcome.rule == kRule &&
         outcome.retry_after_ms >= 1 && outcome.retry_after_ms <= left.count() + 1000;
}

enum class RunStatus { kAsExpected, kUnexpected, kCrossedMinute };

RunStatus RunOnce(const std::string& server, const std::string& policy) {
  WaitForRoomInMinute();
  Client client(server, policy);
  client.Initialize();
  client.ListTools();
  std::cout << "tools/call run_code, " << kCalls << " times:\n\n";
  const auto minute = ThisMinute();
  int ran = 0;
  bool as_expected = true;
  for (int number = 1; number <= kCalls; ++number) {
    const milliseconds left = LeftInMinute();
    const CallOutcome outcome = client.CallRunCode();
    Print(number, outcome);
    ran += outcome.ran ? 1 : 0;
    as_expected = AsExpected(number, outcome, left) && as_expected;
  }
  if (ThisMinute() != minute) return RunStatus::kCrossedMinute;
  if (const int status = client.Finish(); status != 0) {
    throw std::runtime_error("the server ended with status " + std::to_string(status));
  }
  std::cout << "\n" << ran << " calls ran, " << kCalls - ran << " were denied before they were dispatched.\n";
  return as_expected ? RunStatus::kAsExpected : RunStatus::kUnexpected;
}

int Run(const std::string& server, const std::string& policy) {
  for (int attempt = 1; attempt <= kAttemptsMax; ++attempt) {
    const RunStatus status = RunOnce(server, policy);
    if (status == RunStatus::kAsExpected) return 0;
    if (status == RunStatus::kUnexpected) {
      std::cerr << "Expected: " << kCallsThatRun << " calls run, then " << kCalls - kCallsThatRun
                << " are denied by " << kRule << " with a wait.\n";
      return 1;
    }
    std::cout << "\nThe calls fell into two UTC minutes, which shows nothing about one.\n\n";
  }
  std::cerr << "Gave up: this machine is too slow to make " << kCalls << " calls within a minute.\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: run_code_client SERVER [POLICY]\n";
    return 2;
  }
  try {
    return Run(argv[1], argc == 3 ? argv[2] : "examples/run_code_server/policy.json");
  } catch (const std::exception& error) {
    std::cerr << "run_code_client: " << error.what() << "\n";
    return 1;
  }
}
