#ifndef CALLWARDEN_LIB_DECIDE_H_
#define CALLWARDEN_LIB_DECIDE_H_

#include <memory>

#include "callwarden/config.h"
#include "callwarden/policy.h"

#include "lib/limit_trace.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

struct Program;

/// The whole decision; `charge` false only looks at the counters. `trace`, unless null, gets what was charged
/// and which limits refused.
void Decide(const Program& program, const ToolCall& call, CounterStore& counters, Timestamp now,
            const DecideOptions& options, bool charge, Decision& decision,
            LimitTrace* trace = nullptr) noexcept;

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
