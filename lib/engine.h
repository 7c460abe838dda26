#ifndef CALLWARDEN_LIB_ENGINE_H_
#define CALLWARDEN_LIB_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "callwarden/config.h"
#include "callwarden/policy.h"

#include "lib/arguments_reader.h"
#include "lib/decide.h"
#include "lib/evaluator.h"
#include "lib/plan_cache.h"
#include "lib/program.h"
#include "lib/scratch.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A call as far as it goes before rules are asked: its name looked up, its arguments read, its slots filled.
struct PreparedCall {
  ToolMatch match;
  const Plan* plan = nullptr;
  ReadResult read;
  const SlotValue* values = nullptr;
  bool memory = true;  ///< false: there was none, nothing else holds
};

/// Arguments that were read before a decision on them was asked for.
struct PreparedAhead {
  uint64_t number = 0;  ///< 0: there are none; what the scratch holds is no longer theirs
  uint64_t program = 0;
  std::string_view tool;
  std::string_view arguments;
  PreparedCall prepared;
};

/// What a thread keeps from call to call.
struct Scratch {
  ArgumentsReader reader;
  ScratchVector<uint32_t> globs;
  ScratchVector<PlanEntry> plan_entries;
  ScratchVector<SlotFiller::Layer> plan_layers;
  Plan plan;  ///< of a name that is no key of `tools`, put together in the two arrays above
  std::unique_ptr<PlanCache> plans;
  ScratchVector<AttributeValue> scope_values;
  PreparedAhead ahead;
  uint64_t ahead_count = 0;
  bool in_use = false;
  ~Scratch();
};

/// Lends this thread's scratch, once at a time: a decision made from inside another one gets none.
class ScratchLease {
 public:
  ScratchLease() noexcept;
  ~ScratchLease() {
    if (scratch_ != nullptr) scratch_->in_use = false;
  }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;
  Scratch* get() const noexcept { return scratch_; }

 private:
  Scratch* scratch_ = nullptr;
};

/// `ahead`: the number of what ReadAhead made of this call's arguments, or 0.
PreparedCall Prepare(const Program& program, const ToolCall& call, Scratch& scratch,
                     uint64_t ahead = 0) noexcept;

/// Steps 1 to 8 of the language's section 8. Writes the verdict and returns true when one of them decides.
bool Judge(const Program& program, const ToolCall& call, const PreparedCall& prepared, bool shadow,
           Verdict& verdict) noexcept;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_ENGINE_H_
