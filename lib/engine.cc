#include "lib/engine.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "lib/decision_builder.h"
#include "lib/limiter.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

SlotValue ToSlot(const AttributeValue& value) noexcept {
  switch (value.type()) {
    case AttributeValue::Type::kString:
      return SlotValue::Of(value.string());
    case AttributeValue::Type::kBoolean:
      return SlotValue::OfBoolean(value.boolean());
    case AttributeValue::Type::kInt64:
      return SlotValue::Of(Number::Int(value.int64()));
    case AttributeValue::Type::kUint64:
      return SlotValue::Of(Number::Uint(value.uint64()));
    case AttributeValue::Type::kDouble:
      if (!std::isfinite(value.real())) return SlotValue::Of(SlotValue::Type::kUntestable);
      return SlotValue::Of(Number::Double(value.real()));
  }
  return SlotValue();
}

// The id that always goes by this name, or null for an ordinary attribute.
const std::string_view* FixedAttribute(const AttributeSlot& attribute, const ToolCall& call) noexcept {
  if (attribute.grant) return attribute.name == "id" ? &call.grant : nullptr;
  return attribute.name == "session" ? &call.session : nullptr;
}

SlotValue FindAttribute(const AttributeSlot& attribute, const ToolCall& call) noexcept {
  if (const std::string_view* id = FixedAttribute(attribute, call)) {
    return id->empty() ? SlotValue() : SlotValue::Of(*id);
  }
  for (const Attribute& given : attribute.grant ? call.grant_attributes : call.context) {
    if (given.name == attribute.name) return ToSlot(given.value);
  }
  return SlotValue();
}

// Puts together the plan of a name that only globs match.
bool MakePlan(const Program& program, Scratch& scratch) noexcept {
  Plan& plan = scratch.plan;
  plan = {};
  const std::size_t most = scratch.globs.size() + 1;
  scratch.plan_entries.clear();
  scratch.plan_layers.clear();
  if (!scratch.plan_entries.reserve(most) || !scratch.plan_layers.reserve(most)) return false;
  std::sort(scratch.globs.data(), scratch.globs.data() + scratch.globs.size());
  for (std::size_t g = 0; g < scratch.globs.size(); ++g) {
    AppendToPlan(program, program.globs_begin + scratch.globs[g], plan, scratch.plan_entries,
                 scratch.plan_layers);
  }
  if (program.has_all_tools) {
    AppendToPlan(program, program.all_tools, plan, scratch.plan_entries, scratch.plan_layers);
  }
  plan.entries = {scratch.plan_entries.data(), scratch.plan_entries.size()};
  plan.layers = {scratch.plan_layers.data(), scratch.plan_layers.size()};
  return true;
}

// Finds what applies to a name that is no key of `tools`. False: no memory.
bool FindOther(const Program& program, std::string_view name, Scratch& scratch,
               PreparedCall& prepared) noexcept {
  const uint64_t hash = PlanCache::HashOf(program.number, name);
  if (scratch.plans != nullptr) {
    if (const PlanCache::Entry* found = scratch.plans->Find(hash, program.number, name)) {
      prepared.match = found->match;
      prepared.plan = &found->plan;
      return true;
    }
  } else {
    scratch.plans.reset(new (std::nothrow) PlanCache);
  }
  scratch.globs.clear();
  if (!program.tools.FindOther(name, prepared.match, scratch.globs)) return false;
  prepared.plan = &program.plans[0];
  if (!scratch.globs.empty()) {
    if (!MakePlan(program, scratch)) return false;
    prepared.plan = &scratch.plan;
  }
  if (scratch.plans != nullptr && prepared.match.name_allowed) {
    scratch.plans->Put(hash, program.number, name, prepared.match, *prepared.plan);
  }
  return true;
}

// Finds what applies to a tool. False: no memory.
bool FindPlan(const Program& program, std::string_view tool, Scratch& scratch,
              PreparedCall& prepared) noexcept {
  if (!program.tools.FindKey(tool, prepared.match)) [[unlikely]] {
    return FindOther(program, tool, scratch, prepared);
  }
  prepared.plan = &program.plans[prepared.match.plan];
  return true;
}

// Fills the slots that are not of the arguments, which ends the preparation.
void SetAttributes(const Program& program, const ToolCall& call, Scratch& scratch,
                   PreparedCall& prepared) noexcept {
  SlotValue* const values = scratch.reader.slots();
  for (const PlanEntry& at : prepared.plan->entries) {
    const Range attributes = program.entries[at.entry].attributes;
    for (uint32_t a = attributes.begin; a < attributes.end; ++a) {
      const AttributeSlot& attribute = program.attributes[a];
      values[at.slot_base + attribute.slot] = FindAttribute(attribute, call);
    }
  }
  prepared.values = values;
}

// Whether what was prepared ahead is what preparing this call would make.
bool IsAhead(const PreparedAhead& ahead, uint64_t number, const Program& program,
             const ToolCall& call) noexcept {
  return number != 0 && ahead.number == number && ahead.program == program.number &&
         call.parsed_arguments == nullptr && call.arguments &&
         call.arguments->data() == ahead.arguments.data() &&
         call.arguments->size() == ahead.arguments.size() && call.tool == ahead.tool;
}

void RefuseName(std::string_view tool, Verdict& verdict) noexcept {
  if (tool.empty()) {
    DecisionBuilder::Malformed(verdict, "the tool name is empty", 0);
  } else if (tool.size() > kToolNameMax) {
    DecisionBuilder::Malformed(verdict, "the tool name is too long", kToolNameMax);
  } else {
    const auto bad = std::find_if_not(tool.begin(), tool.end(), IsToolNameCharacter);
    DecisionBuilder::Malformed(verdict, "the tool name has a character outside A-Z a-z 0-9 _ . : / -",
                               static_cast<std::size_t>(bad - tool.begin()));
  }
}

void RefuseLimit(Verdict& verdict, const Limiter::Answer& answer, LimitTrace* trace) noexcept {
  const LimitRefusal& refusal = answer.refusal;
  DecisionBuilder::RefuseLimit(verdict, refusal);
  if (trace != nullptr && refusal.kind == LimitRefusal::Kind::kExceeded) {
    trace->AddOnce({refusal.limit, refusal.weight.units, refusal.used});
  }
}

bool IsShortage(const Limiter::Answer& answer) noexcept {
  return !answer.admitted && answer.refusal.kind == LimitRefusal::Kind::kExceeded;
}

// Of two refusals by shortage the one to report: the longer wait, and of equals the earlier limit.
const Limiter::Answer& Worse(const Program& program, const Plan& plan, const Limiter::Answer& a,
                             const Limiter::Answer& b) noexcept {
  if (a.admitted) return b;
  if (b.admitted) return a;
  if (Limiter::IsLonger(a.refusal.retry, b.refusal.retry)) return a;
  if (Limiter::IsLonger(b.refusal.retry, a.refusal.retry)) return b;
  for (const PlanEntry& at : plan.entries) {
    const Range limits = program.entries[at.entry].limits;
    for (uint32_t l = limits.begin; l < limits.end; ++l) {
      if (&program.limits[l] == a.refusal.limit) return a;
      if (&program.limits[l] == b.refusal.limit) return b;
    }
  }
  return a;
}

// The thread is ending, and its scratch has ended before: what still asks for a decision gets a denial.
thread_local bool scratch_gone = false;

}  // namespace

Scratch::~Scratch() { scratch_gone = true; }

ScratchLease::ScratchLease() noexcept {
  if (scratch_gone) return;
  static thread_local Scratch scratch;
  if (scratch.in_use) return;
  scratch.in_use = true;
  scratch_ = &scratch;
}

ArgumentsAhead ReadAhead(const Program& program, std::string_view tool, std::string_view text) noexcept {
  const ScratchLease lease;
  if (lease.get() == nullptr) return {};
  Scratch& scratch = *lease.get();
  PreparedAhead& ahead = scratch.ahead;
  ahead.number = 0;
  ahead.prepared = {};
  if (!FindPlan(program, tool, scratch, ahead.prepared)) return {};
  const Plan& plan = *ahead.prepared.plan;
  const std::size_t size = scratch.reader.ReadFirst(text, plan.layers, plan.slot_count, program.checks);
  if (size == 0) return {};
  ahead.number = ++scratch.ahead_count;
  ahead.program = program.number;
  ahead.tool = tool;
  ahead.arguments = text.substr(0, size);
  return {ahead.number, size};
}

PreparedCall Prepare(const Program& program, const ToolCall& call, Scratch& scratch,
                     uint64_t number) noexcept {
  PreparedCall prepared;
  if (IsAhead(scratch.ahead, number, program, call)) {
    prepared = scratch.ahead.prepared;
    SetAttributes(program, call, scratch, prepared);
    return prepared;
  }
  scratch.ahead.number = 0;
  prepared.memory = FindPlan(program, call.tool, scratch, prepared);
  if (!prepared.memory) return prepared;
  const Plan& plan = *prepared.plan;
  if (call.parsed_arguments != nullptr) {
    if (call.arguments) {
      // Two arguments for one call: whichever were read, the host might dispatch the other.
      prepared.read = {Refusal::kUnbalanced, Refusal::kUnbalanced, ReadResult::kNoOffset,
                       ReadResult::kNoOffset};
      return prepared;
    }
    scratch.reader.ReadParsed(*call.parsed_arguments, plan.layers, plan.slot_count, program.checks,
                              prepared.read);
  } else if (call.arguments) {
    scratch.reader.ReadText(*call.arguments, plan.layers, plan.slot_count, program.checks, prepared.read);
  } else if (plan.slot_count != 0) {
    scratch.reader.ReadAbsent(plan.layers, plan.slot_count, prepared.read);
  } else {
    return prepared;  // nothing to read, and nothing that reads
  }
  prepared.memory = prepared.read.enforced != Refusal::kNoMemory && prepared.read.all != Refusal::kNoMemory;
  // Arguments that every rule refuses have filled no slots, and nobody will ask for any.
  if (prepared.read.enforced != Refusal::kNone && prepared.read.all != Refusal::kNone) return prepared;
  SetAttributes(program, call, scratch, prepared);
  return prepared;
}

bool Judge(const Program& program, const ToolCall& call, const PreparedCall& prepared, bool shadow,
           Verdict& verdict) noexcept {
  const ToolMatch& match = prepared.match;
  if (!match.name_allowed) {
    RefuseName(call.tool, verdict);
    return true;
  }
  const Refusal refusal = shadow ? prepared.read.all : prepared.read.enforced;
  if (refusal != Refusal::kNone) {
    DecisionBuilder::Malformed(verdict, Describe(refusal),
                               shadow ? prepared.read.all_offset : prepared.read.enforced_offset);
    return true;
  }
  if (match.hidden || match.confusable || (!match.listed && !program.default_allow)) {
    DecisionBuilder::Tool(verdict,
                          match.hidden       ? Reason::kHidden
                          : match.confusable ? Reason::kConfusableTool
                                             : Reason::kNotListed,
                          call.tool);
    return true;
  }
  const Objection objection = Evaluate(program, *prepared.plan, prepared.values, call.approved, shadow);
  if (objection.reason == Reason::kAllowed) return false;
  DecisionBuilder::Object(verdict, objection, call.tool);
  return true;
}

void Decide(const Program& program, const ToolCall& call, CounterStore& counters, Timestamp now,
            const DecideOptions& options, bool charge, Decision& decision, LimitTrace* trace,
            uint64_t ahead) noexcept {
  using Part = Limiter::Part;
  const ScratchLease lease;
  if (lease.get() == nullptr) return;  // the decision denies with internal_error
  const PreparedCall prepared = Prepare(program, call, *lease.get(), ahead);
  if (!prepared.memory) return;
  Limiter limiter(program, *prepared.plan, prepared.values, call, options.count_namespace, counters, now,
                  lease.get()->scope_values, trace);
  const auto run = [&](Part part, Reservation& reservation, uint16_t& refund_on_error) {
    return charge ? limiter.Charge(part, reservation, refund_on_error) : limiter.Look(part);
  };
  const bool has_limits = prepared.plan->limit_count != 0;
  if (has_limits && !limiter.MakeRoom()) return;
  const bool shadow_document = program.mode == PolicyMode::kShadow;
  Verdict& verdict = DecisionBuilder::VerdictOf(decision);
  uint16_t refunds = 0;
  uint16_t shadow_refunds = 0;

  // What is enforced. A document in shadow enforces nothing.
  bool decided = false;
  Limiter::Answer enforced;
  if (!shadow_document) {
    decided = Judge(program, call, prepared, /*shadow=*/false, verdict);
    if (!decided && has_limits) {
      enforced = run(Part::kEnforced, DecisionBuilder::ReservationOf(decision), refunds);
      if (!enforced.admitted) RefuseLimit(verdict, enforced, trace);
    }
  }
  if (!decided && enforced.admitted) DecisionBuilder::Allow(verdict);

  // What would be, with the shadowed part enforced as well.
  if (prepared.plan->has_shadow || shadow_document) {
    Verdict would;
    if (!Judge(program, call, prepared, /*shadow=*/true, would)) {
      Limiter::Answer all = has_limits ? limiter.Check(Part::kAll) : Limiter::Answer();
      if (all.admitted && has_limits) {
        // Looked at only where they have not been charged, because the enforced decision fell earlier.
        Limiter::Answer held = decided ? limiter.Look(Part::kEnforced) : enforced;
        if (held.admitted) {
          all = run(Part::kShadowed, DecisionBuilder::ShadowReservationOf(decision), shadow_refunds);
        } else if (IsShortage(held)) {
          const Limiter::Answer shadowed = limiter.Look(Part::kShadowed);
          all = shadowed.admitted || IsShortage(shadowed) ? Worse(program, *prepared.plan, held, shadowed)
                                                          : held;
        } else {
          all = held;
        }
      }
      if (all.admitted) {
        DecisionBuilder::Allow(would);
      } else {
        RefuseLimit(would, all, trace);
      }
    }
    DecisionBuilder::SetWould(decision, would);
  }
  DecisionBuilder::SetRefundOnError(decision, refunds, shadow_refunds);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
