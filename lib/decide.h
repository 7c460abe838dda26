#ifndef CALLWARDEN_LIB_DECIDE_H_
#define CALLWARDEN_LIB_DECIDE_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/policy.h"

#include "lib/arguments_ahead.h"
#include "lib/limit_trace.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

struct Program;

/// Reads the object that `text` begins with, for a decision on a call of `tool` that this thread asks for
/// next: it then reads the arguments no second time, if they are these very bytes, which must stay as they
/// are meanwhile. Whatever might be refused is left to the decision. For who reads a message that holds a
/// call, and learns in the same pass where the arguments end.
ArgumentsAhead ReadAhead(const Program& program, std::string_view tool, std::string_view text) noexcept;

/// The whole decision; `charge` false only looks at the counters. `trace`, unless null, gets what was charged
/// and which limits refused. `ahead`: the number that ReadAhead gave for these arguments, or 0; one that is
/// out of date, or another call's, means nothing.
void Decide(const Program& program, const ToolCall& call, CounterStore& counters, Timestamp now,
            const DecideOptions& options, bool charge, Decision& decision, LimitTrace* trace = nullptr,
            uint64_t ahead = 0) noexcept;

/// Reaches into a policy, for the parts of the library that are not its members.
class PolicyAccess {
 public:
  static const Program& ProgramOf(const CompiledPolicy& policy) noexcept { return *policy.program_; }
  static std::shared_ptr<const CompiledPolicy> Make(std::unique_ptr<const Program> program) {
    return std::shared_ptr<const CompiledPolicy>(new CompiledPolicy(std::move(program)));
  }
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_DECIDE_H_
