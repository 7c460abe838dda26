// make_approvals FILE: an approvals file with something of everything, asked for some hours ago, for the
// tests of the tool. Prints the ids, one a line. Exits with 1 when the store does not do what it should.
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

#include "callwarden/approvals.h"
#include "callwarden/clock.h"

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  if (argc != 2) return 2;
  callwarden::ManualClock clock(callwarden::SystemClock().Now() - 5h - 30min);
  callwarden::ApprovalStoreOptions options;
  options.path = argv[1];
  options.clock = &clock;
  options.time_to_live = 48h;
  options.arguments_size_max_bytes = 100;
  callwarden::ApprovalStore store(options);
  const auto ask = [&](std::string_view tool, std::string_view arguments) {
    callwarden::ToolCall call;
    call.tool = tool;
    call.arguments = arguments;
    call.grant = "agent-7";
    call.session = "s-\x1b[2J";  // ids are the host's; a terminal must not act on them all the same
    const auto result = store.Request(call, callwarden::Verdict());
    std::cout << result.id << '\n';
    return result.id;
  };
  // Escapes that clear the screen, and marks that turn text around.
  ask("refund",
      "{\"note\": \"\\u001b[2Jsafe\", \"amount\": 12345678901234567890, \"to\": \"a\xE2\x80\xAE"
      "b\"}");
  clock.Advance(1h);
  const std::string approved = ask("delete_repo", R"({"name": "old"})");
  const std::string used = ask("deploy", "{}");
  const std::string denied = ask("deploy", R"({"env": "prod"})");
  ask("write", R"({"text": ")" + std::string(200, 'x') + "\"}");
  clock.Advance(1h);
  callwarden::ToolCall deploy;
  deploy.tool = "deploy";
  deploy.arguments = "{}";
  deploy.grant = "agent-7";
  deploy.session = "s-\x1b[2J";
  const auto digest = callwarden::DigestCall(deploy);
  const bool ok = store.Approve(approved, "ada", "after the review").ok() &&
                  store.Approve(used, "ada").ok() &&
                  store.Deny(denied, "bob\x1b[1m", "not on a Friday").ok() && digest.has_value() &&
                  store.Present(used, *digest) == callwarden::ApprovalStatus::kReady && store.Consume(used);
  return ok && store.status().ok() ? 0 : 1;
}
