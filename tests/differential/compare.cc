#include "tests/differential/compare.h"

#include <chrono>
#include <span>
#include <string_view>
#include <utility>

namespace differential {
namespace {

using reference::Call;
using reference::Nanos;
using reference::Outcome;
using reference::Value;
using reference::Verdict;

callwarden::Timestamp Time(Nanos at) { return callwarden::Timestamp(std::chrono::nanoseconds(at)); }

callwarden::AttributeValue AttributeOf(const Value& value) {
  switch (value.type) {
    case Value::Type::kBoolean:
      return value.boolean;
    case Value::Type::kInteger:
      if (value.integer < 0) return static_cast<int64_t>(value.integer);
      return static_cast<uint64_t>(value.integer);
    case Value::Type::kReal:
      return value.real;
    default:
      return std::string_view(value.string);
  }
}

std::vector<callwarden::Attribute> AttributesOf(const std::vector<reference::Attribute>& attributes) {
  std::vector<callwarden::Attribute> out;
  for (const reference::Attribute& attribute : attributes) {
    out.push_back(callwarden::Attribute{attribute.name, AttributeOf(attribute.value)});
  }
  return out;
}

Verdict VerdictOf(const callwarden::Verdict& verdict) {
  Verdict out;
  out.effect = callwarden::Name(verdict.effect());
  out.reason = callwarden::Name(verdict.reason());
  out.rule = verdict.rule();
  out.message = verdict.message();
  if (verdict.retry_after()) out.retry_after_ms = verdict.retry_after()->count();
  return out;
}

callwarden::Outcome OutcomeOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return callwarden::Outcome::kOk;
    case Outcome::kError:
      return callwarden::Outcome::kError;
    case Outcome::kLost:
      return callwarden::Outcome::kLost;
    case Outcome::kNotSent:
      return callwarden::Outcome::kNotSent;
  }
  return callwarden::Outcome::kOk;
}

bool Agree(const Verdict& reference, const Verdict& library) {
  if (reference.effect != library.effect || reference.reason != library.reason ||
      reference.rule != library.rule || reference.retry_after_ms != library.retry_after_ms) {
    return false;
  }
  if (reference.allowed()) return true;
  if (library.message.size() > callwarden::Verdict::kMessageMax || !reference::IsUtf8(library.message)) {
    return false;
  }
  // What follows "Arguments refused: " is free text.
  return reference.reason == "malformed_call" ? library.message.starts_with(reference.message)
                                              : library.message == reference.message;
}

bool Agree(const Decided& reference, const Decided& library) {
  if (!Agree(reference.verdict, library.verdict)) return false;
  if (reference.would.has_value() != library.would.has_value()) return false;
  return !reference.would || Agree(*reference.would, *library.would);
}

/// A small table, since every test has a store of its own.
callwarden::MemoryCounterStoreOptions StoreOptions(const callwarden::Clock& clock) {
  callwarden::MemoryCounterStoreOptions options;
  options.capacity_keys = 512;
  options.clock = &clock;
  return options;
}

std::string Show(const Verdict& verdict) {
  std::string out = verdict.effect + " " + verdict.reason + " " + verdict.rule;
  out += " retry_after_ms " + (verdict.retry_after_ms ? std::to_string(*verdict.retry_after_ms) : "none");
  return out + " \"" + verdict.message + "\"";
}

}  // namespace

std::string Show(const Decided& decided) {
  return Show(decided.verdict) + (decided.would ? "\n             would: " + Show(*decided.would) : "");
}

Library::Library(std::shared_ptr<const callwarden::CompiledPolicy> policy, std::size_t steps)
    : policy_(std::move(policy)), counters_(StoreOptions(clock_)), decisions_(steps) {}

Decided Library::Decide(std::size_t step, const Call& call, Nanos now,
                        const callwarden::ArgumentSource* parsed) {
  const std::vector<callwarden::Attribute> grant_attributes = AttributesOf(call.grant_attributes);
  const std::vector<callwarden::Attribute> context = AttributesOf(call.context);
  callwarden::ToolCall tool_call;
  tool_call.tool = call.tool;
  // A copy of exactly the size, so that a sanitizer sees any read past its end.
  const std::vector<char> arguments = call.arguments
                                          ? std::vector<char>(call.arguments->begin(), call.arguments->end())
                                          : std::vector<char>();
  if (parsed != nullptr) {
    tool_call.parsed_arguments = parsed;
  } else if (call.arguments) {
    tool_call.arguments = std::string_view(arguments.data(), arguments.size());
  }
  tool_call.grant = call.grant;
  tool_call.session = call.session;
  tool_call.grant_attributes = grant_attributes;
  tool_call.context = context;
  tool_call.approved = call.approved;
  clock_.Set(Time(now));
  callwarden::Decision& decision = decisions_[step];
  decision = policy_->Decide(tool_call, counters_, Time(now));
  Decided decided{VerdictOf(decision.verdict()), std::nullopt};
  if (decision.would() != nullptr) decided.would = VerdictOf(*decision.would());
  return decided;
}

void Library::Complete(std::size_t step, Outcome outcome, Nanos now) {
  clock_.Set(Time(now));
  decisions_[step].Complete(OutcomeOf(outcome));
}

std::shared_ptr<const callwarden::CompiledPolicy> Compile(const std::string& policy_text, std::string& errors,
                                                          const reference::Options& options) {
  callwarden::CompileOptions compile_options;
  compile_options.arguments_size_max_bytes = options.arguments.size_max_bytes;
  compile_options.arguments_depth_max = static_cast<uint32_t>(options.arguments.depth_max);
  compile_options.refuse_case_variants = options.refuse_case_variants;
  compile_options.refuse_nul_strings = options.refuse_nul_strings;
  const callwarden::CompileResult result = callwarden::CompiledPolicy::Compile(policy_text, compile_options);
  for (const callwarden::Diagnostic& diagnostic : result.diagnostics()) {
    if (diagnostic.severity != callwarden::Severity::kError) continue;
    errors += diagnostic.code + " at " + diagnostic.pointer + ": " + diagnostic.message + "\n";
  }
  return result.policy();
}

std::optional<Mismatch> RunBoth(const std::string& policy_text, const reference::PolicyTest& test,
                                const reference::Options& options, Tally* tally) {
  std::string errors;
  const auto compiled = Compile(policy_text, errors, options);
  const std::optional<reference::Policy> policy = reference::ReadPolicy(policy_text);
  if (compiled == nullptr || !policy) {
    return Mismatch{.compile = true,
                    .text = compiled == nullptr ? errors : "the reference cannot read the policy\n"};
  }
  reference::Evaluator evaluator(*policy, options);
  Library library(compiled, test.steps.size());
  std::vector<std::optional<reference::Result>> open(test.steps.size());
  if (tally != nullptr) ++tally->policies;
  for (std::size_t i = 0; i < test.steps.size(); ++i) {
    const reference::TestStep& step = test.steps[i];
    if (step.completes) {
      if (step.completed >= i || !open[step.completed]) continue;
      evaluator.Complete(*open[step.completed], step.outcome, step.at);
      library.Complete(step.completed, step.outcome, step.at);
      open[step.completed].reset();
      continue;
    }
    reference::Result result = evaluator.Decide(step.call, step.at);
    const Decided expected{result.verdict, result.would};
    const Decided got = library.Decide(i, step.call, step.at);
    if (tally != nullptr) {
      ++tally->cases;
      ++tally->reasons[expected.verdict.reason];
      if (expected.would) ++tally->with_would;
    }
    if (!Agree(expected, got)) {
      return Mismatch{.step = i,
                      .text = "  reference: " + Show(expected) + "\n  library:   " + Show(got) + "\n"};
    }
    if (!result.verdict.allowed()) continue;
    if (step.open) {
      open[i] = std::move(result);
    } else {
      evaluator.Complete(result, step.outcome, step.at);
      library.Complete(i, step.outcome, step.at);
    }
  }
  return std::nullopt;
}

}  // namespace differential
