// The code of docs/embedding.md, which a test compares with this file byte for byte, put to use.

#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "callwarden/adaptors/nlohmann.h"
#include "callwarden/callwarden.h"

#include "tests/catch.h"

namespace {

struct Request {
  std::string tool;
  std::string arguments;
  std::string grant;
  std::string session;
};

struct Reply {
  bool ok = false;
  std::string text;
};

int dispatched = 0;

Reply Dispatch(const std::string& tool, const std::string& arguments) {
  ++dispatched;
  return {arguments != "{}", tool + " ran"};
}

Reply AskPerson(const Request&, std::string_view reason) { return {false, "ask: " + std::string(reason)}; }

Reply Handle(const callwarden::CompiledPolicy& policy, callwarden::CounterStore& counters,
             const callwarden::Clock& clock, const Request& request) {
  callwarden::Decision decision = policy.Decide({.tool = request.tool,
                                                 .arguments = request.arguments,
                                                 .grant = request.grant,
                                                 .session = request.session},
                                                counters, clock.Now());
  if (decision.effect() == callwarden::Effect::kRequireApproval) {
    return AskPerson(request, decision.message());
  }
  if (!decision.allowed()) return {.ok = false, .text = std::string(decision.message())};
  Reply reply = Dispatch(request.tool, request.arguments);
  decision.Complete(reply.ok ? callwarden::Outcome::kOk : callwarden::Outcome::kError);
  return reply;
}

bool MayRunParsed(const callwarden::CompiledPolicy& policy, callwarden::CounterStore& counters,
                  const callwarden::Clock& clock, const nlohmann::json& params) {
  const std::string& tool = params.at("name").get_ref<const std::string&>();
  const callwarden::NlohmannArguments arguments(params.at("arguments"));
  return policy.Decide({.tool = tool, .parsed_arguments = &arguments}, counters, clock.Now()).allowed();
}

class PolicyHolder {
 public:
  /// False, and the old policy stays, when the new one has errors.
  bool Reload(std::string_view text) {
    auto compiled = callwarden::CompiledPolicy::Compile(text);
    if (!compiled.ok()) return false;
    const std::scoped_lock lock(mutex_);
    policy_ = compiled.policy();
    return true;
  }

  std::shared_ptr<const callwarden::CompiledPolicy> Get() const {
    const std::scoped_lock lock(mutex_);  // for one copy of a pointer
    return policy_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const callwarden::CompiledPolicy> policy_;
};

callwarden::MemoryCounterStore MakeStore(const callwarden::Clock& clock) {
  callwarden::MemoryCounterStoreOptions options;
  options.capacity_keys = 1 << 20;  // 111 bytes each, of which pages are used as they are touched
  options.clock = &clock;
  return callwarden::MemoryCounterStore(options);
}

volatile std::sig_atomic_t reload_wanted = 0;

void OnHangup(int /*signal*/) { reload_wanted = 1; }

constexpr std::string_view kPolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "run": { "limits": [ { "counter": "runs", "window": "day", "max": 1, "refund": "on_error" } ] },
    "drop": { "action": "require_approval", "reason": "A person confirms" }
  }
})";

}  // namespace

TEST_CASE("the embedding guide's code does what the guide says", "[docs]") {
  const callwarden::ManualClock clock(callwarden::kTimeMin);
  callwarden::MemoryCounterStore counters = MakeStore(clock);
  REQUIRE(counters.ok());
  PolicyHolder holder;
  REQUIRE(holder.Reload(kPolicy));
  const auto policy = holder.Get();
  CHECK_FALSE(holder.Reload("{"));
  CHECK(holder.Get() == policy);

  dispatched = 0;
  CHECK(Handle(*policy, counters, clock, {"drop", "{}", "g", "s"}).text == "ask: A person confirms");
  CHECK(Handle(*policy, counters, clock, {"other", "{}", "g", "s"}).text ==
        "Tool \"other\" is not permitted by policy");
  CHECK(dispatched == 0);
  CHECK_FALSE(Handle(*policy, counters, clock, {"run", "{}", "g", "s"}).ok);  // fails, and is given back
  CHECK(Handle(*policy, counters, clock, {"run", R"({"n": 1})", "g", "s"}).text == "run ran");
  CHECK(dispatched == 2);
  CHECK_FALSE(Handle(*policy, counters, clock, {"run", R"({"n": 1})", "g", "s"}).ok);
  CHECK(dispatched == 2);

  REQUIRE(holder.Reload(kPolicy));  // counters live in the store: the limit stays reached
  CHECK_FALSE(Handle(*holder.Get(), counters, clock, {"run", R"({"n": 1})", "g", "s"}).ok);
  CHECK(Handle(*holder.Get(), counters, clock, {"run", R"({"n": 1})", "h", "s"}).ok);

  const auto open = callwarden::CompiledPolicy::Compile(R"({"version": "1", "default": "allow"})");
  CHECK(MayRunParsed(*open.policy(), counters, clock, {{"name", "run"}, {"arguments", {{"n", 1}}}}));
  CHECK_FALSE(MayRunParsed(*open.policy(), counters, clock, {{"name", "run"}, {"arguments", "{}"}}));

  const auto before = std::signal(SIGHUP, OnHangup);
  std::raise(SIGHUP);
  std::signal(SIGHUP, before);
  CHECK(reload_wanted == 1);
}
