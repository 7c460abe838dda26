// A host as a stranger would write it: public headers only, its own clock, counter store and argument source.
// Built against the package in several ways, with exceptions and RTTI on and off. Exit code 0 when every
// answer is as expected; otherwise the number of the first that is not.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#if defined(__cpp_rtti)
#include <typeinfo>
#endif

#include "callwarden/callwarden.h"

namespace {

class FixedClock final : public callwarden::Clock {
 public:
  [[nodiscard]] callwarden::Timestamp Now() const noexcept override { return callwarden::kTimeMin; }
};

// Holds one count, whatever the key, and never starts it afresh.
class OneCountStore final : public callwarden::CounterStore {
 public:
  [[nodiscard]] bool ok() const noexcept override { return true; }

  [[nodiscard]] callwarden::CounterKey Key(
      const callwarden::LimitSpec& spec,
      std::span<const callwarden::AttributeValue> /*scope*/) const noexcept override {
    return {.fp = spec.digest()[0], .check = spec.digest()[1]};
  }

  [[nodiscard]] callwarden::ReserveResult Reserve(std::span<const callwarden::LimitRequest> requests,
                                                  callwarden::Timestamp /*now*/,
                                                  callwarden::Reservation& reservation) noexcept override {
    callwarden::ReserveResult result;
    if (requests.size() != 1) {
      result.status = callwarden::ReserveStatus::kInvalid;
      return result;
    }
    const callwarden::LimitRequest& request = requests.front();
    if (used_ + request.weight > request.spec->max()) {
      result.status = callwarden::ReserveStatus::kOverLimit;
      result.short_mask = 1;
      result.retry = {callwarden::RetryAfter::Kind::kAfter, std::chrono::seconds(7)};
      result.shortages[0] = {used_, result.retry};
      return result;
    }
    used_ += request.weight;
    callwarden::ReservationToken token;
    token.weight = request.weight;
    reservation.Add(*this, token, 0);
    result.status = callwarden::ReserveStatus::kAdmitted;
    return result;
  }

  callwarden::SettleResult Settle(callwarden::Reservation&& reservation,
                                  std::span<const uint64_t> actual) noexcept override {
    callwarden::SettleResult result;
    if (!reservation.empty() && !actual.empty() && actual[0] < reservation.weight(0)) {
      used_ -= reservation.weight(0) - actual[0];
      result.credited = 1;
    }
    reservation.Forget();
    return result;
  }

  [[nodiscard]] callwarden::PeekResult Peek(const callwarden::LimitRequest& request,
                                            callwarden::Timestamp /*now*/) const noexcept override {
    callwarden::PeekResult result;
    result.ok = true;
    result.used = used_;
    result.max = request.spec->max();
    result.fits = used_ + request.weight <= result.max;
    return result;
  }

  [[nodiscard]] callwarden::CounterStats stats() const noexcept override { return {}; }

 private:
  uint64_t used_ = 0;
};

class LanguageArgument final : public callwarden::ArgumentSource {
 public:
  explicit LanguageArgument(std::string_view language) : language_(language) {}

  void Write(callwarden::ArgumentWriter& writer) const noexcept override {
    writer.BeginObject();
    writer.Name("language");
    writer.String(language_);
    writer.EndObject();
  }

 private:
  std::string_view language_;
};

constexpr std::string_view kPolicy = R"({
  "version": "1",
  "default": "deny",
  "tools": {
    "run_code": {
      "require": [{"conditions": [{"path": "args.language", "op": "in", "value": ["python", "lua"]}]}],
      "limits": [{"counter": "runs", "window": "minute", "max": 2, "scope": "grant"}]
    }
  }
})";

}  // namespace

int main() {
  const callwarden::CompileResult compiled = callwarden::CompiledPolicy::Compile(kPolicy);
  if (!compiled.ok() || !compiled.diagnostics().empty()) return 1;
  if (callwarden::CompiledPolicy::Compile("{").ok()) return 2;

  const FixedClock clock;
  OneCountStore counters;
  const auto decide = [&](const callwarden::ToolCall& call) {
    return compiled.policy()->Decide(call, counters, clock.Now());
  };

  callwarden::ToolCall as_text;
  as_text.tool = "run_code";
  as_text.arguments = R"({"language": "lua"})";
  as_text.grant = "agent-42";
  if (!decide(as_text).allowed()) return 3;
  const LanguageArgument python("python");
  const LanguageArgument cobol("cobol");
  callwarden::ToolCall as_value = as_text;
  as_value.arguments.reset();
  as_value.parsed_arguments = &python;
  {
    callwarden::Decision decision = decide(as_value);
    if (!decision.allowed()) return 4;
    decision.Complete(callwarden::Outcome::kNotSent);  // gives the charge back
  }
  if (!decide(as_value).allowed()) return 5;
  const callwarden::Decision third = decide(as_value);
  if (third.allowed() || third.reason() != callwarden::Reason::kLimitExceeded) return 6;
  if (third.retry_after() != std::chrono::seconds(7)) return 7;

  as_value.parsed_arguments = &cobol;
  if (decide(as_value).reason() != callwarden::Reason::kRequirementFailed) return 8;
  callwarden::ToolCall unlisted;
  unlisted.tool = "other";
  if (decide(unlisted).reason() != callwarden::Reason::kNotListed) return 9;

#if defined(__cpp_rtti)
  // The typeinfo of the interfaces is in the library, which is built without RTTI otherwise.
  const callwarden::CounterStore& store = counters;
  if (dynamic_cast<const OneCountStore*>(&store) == nullptr) return 10;
  const callwarden::Clock& interface = clock;
  if (typeid(interface) != typeid(FixedClock) || typeid(interface) == typeid(callwarden::Clock)) return 11;
#endif
  return 0;
}
