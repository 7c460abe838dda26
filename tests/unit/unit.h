#ifndef CALLWARDEN_TESTS_UNIT_UNIT_H_
#define CALLWARDEN_TESTS_UNIT_UNIT_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "tests/catch.h"

namespace callwarden_unit {

inline constexpr callwarden::Timestamp kNoon{
    std::chrono::seconds(1772366400)};  // Sunday 2026-03-01T12:00:00Z

/// A policy that must compile without a diagnostic.
inline std::shared_ptr<const callwarden::CompiledPolicy> Compile(
    std::string_view text, const callwarden::CompileOptions& options = {}) {
  const callwarden::CompileResult result = callwarden::CompiledPolicy::Compile(text, options);
  for (const callwarden::Diagnostic& d : result.diagnostics()) {
    UNSCOPED_INFO(d.line << ':' << d.column << ": " << d.code << " at " << d.pointer << ": " << d.message);
  }
  REQUIRE(result.diagnostics().empty());
  REQUIRE(result.ok());
  return result.policy();
}

/// A policy that says nothing of any tool but `t`, whose entry is given.
inline std::shared_ptr<const callwarden::CompiledPolicy> CompileEntry(
    std::string_view entry, const callwarden::CompileOptions& options = {}) {
  return Compile(R"({"version": "1", "default": "deny", "tools": {"t": )" + std::string(entry) + "}}",
                 options);
}

/// A call of `t` by grant g1 in session s1.
inline callwarden::ToolCall Call(std::string_view arguments) {
  callwarden::ToolCall call;
  call.tool = "t";
  call.arguments = arguments;
  call.grant = "g1";
  call.session = "s1";
  return call;
}

/// Arguments written by a function.
class Written final : public callwarden::ArgumentSource {
 public:
  using Function = std::function<void(callwarden::ArgumentWriter&)>;
  explicit Written(Function write) : write_(std::move(write)) {}
  void Write(callwarden::ArgumentWriter& writer) const noexcept override { write_(writer); }

 private:
  Function write_;
};

inline callwarden::ToolCall CallWith(const callwarden::ArgumentSource& source) {
  callwarden::ToolCall call = Call({});
  call.arguments.reset();
  call.parsed_arguments = &source;
  return call;
}

/// What the live counts of a store come to together.
inline uint64_t Used(const callwarden::MemoryCounterStore& store, callwarden::Timestamp now = kNoon) {
  uint64_t used = 0;
  store.ForEach(now, [&](const callwarden::CounterRecord& record) { used += record.used; });
  return used;
}

}  // namespace callwarden_unit

#endif  // CALLWARDEN_TESTS_UNIT_UNIT_H_
