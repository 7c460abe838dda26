#include "callwarden/policy.h"

#include "lib/compiler.h"
#include "lib/engine.h"

CALLWARDEN_NAMESPACE_BEGIN

CompiledPolicy::CompiledPolicy(std::unique_ptr<const internal::Program> program) noexcept
    : program_(std::move(program)) {}
CompiledPolicy::~CompiledPolicy() = default;

CompileResult CompiledPolicy::Compile(std::string_view text, const CompileOptions& options) {
  internal::Compiler compiler(text, options);
  std::unique_ptr<const internal::Program> program = compiler.Run();
  std::shared_ptr<const CompiledPolicy> policy;
  if (program != nullptr) policy = internal::PolicyAccess::Make(std::move(program));
  return CompileResult(std::move(policy), compiler.TakeDiagnostics());
}

Decision CompiledPolicy::Decide(const ToolCall& call, CounterStore& counters, Timestamp now,
                                const DecideOptions& options) const noexcept {
  Decision decision;
  internal::Decide(*program_, call, counters, now, options, /*charge=*/true, decision);
  return decision;
}

bool CompiledPolicy::Hides(std::string_view tool) const noexcept {
  return program_->mode == PolicyMode::kEnforce && program_->tools.IsHidden(tool);
}

bool CompiledPolicy::Lists(std::string_view tool) const noexcept { return program_->tools.IsListed(tool); }

PolicyMode CompiledPolicy::mode() const noexcept { return program_->mode; }
std::string_view CompiledPolicy::description() const noexcept { return program_->description; }

PolicyShape CompiledPolicy::shape() const noexcept {
  PolicyShape shape;
  shape.tools_exact = program_->globs_begin;
  shape.tools_glob = program_->globs_count;
  shape.rules = program_->rules.size();
  shape.limits = program_->limits.size();
  for (const internal::Entry& entry : program_->entries) shape.argument_paths += entry.paths.slot_count;
  shape.memory_bytes = program_->MemoryBytes();
  return shape;
}

namespace internal {

std::size_t Program::MemoryBytes() const noexcept {
  std::size_t bytes = sizeof(CompiledPolicy) + sizeof(Program) + texts.bytes() + tools.bytes();
  bytes +=
      entries.capacity() * sizeof(Entry) + rules.capacity() * sizeof(Rule) + tests.capacity() * sizeof(Test);
  bytes += test_sources.capacity() * sizeof(TestSource) + limits.capacity() * sizeof(Limit);
  bytes += scopes.capacity() * sizeof(Scope) + attributes.capacity() * sizeof(AttributeSlot);
  bytes += plan_entries.capacity() * sizeof(PlanEntry) + plan_layers.capacity() * sizeof(SlotFiller::Layer);
  bytes += plans.capacity() * sizeof(Plan);
  for (const Entry& entry : entries) bytes += entry.paths.nodes.capacity() * sizeof(PathTrie::Node);
  for (const auto& set : sets) bytes += set->bytes();
  for (const auto& index : rule_indexes) bytes += index->bytes();
  return bytes;
}

}  // namespace internal

CALLWARDEN_NAMESPACE_END
