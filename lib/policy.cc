#include "callwarden/policy.h"

#include "lib/compiler.h"
#include "lib/engine.h"
#if defined(CALLWARDEN_HAS_CRYPTO)
#include "lib/crypto.h"
#endif

CALLWARDEN_NAMESPACE_BEGIN

CompiledPolicy::CompiledPolicy(std::unique_ptr<const internal::Program> program) noexcept
    : program_(std::move(program)) {}
CompiledPolicy::~CompiledPolicy() = default;

namespace {

std::string DigestOf([[maybe_unused]] std::string_view text) {
#if defined(CALLWARDEN_HAS_CRYPTO)
  if (const std::optional<internal::Sha256Hash> hash = internal::HashSha256(text))
    return internal::ToHex(*hash);
#endif
  return {};
}

}  // namespace

CompileResult CompiledPolicy::Compile(std::string_view text, const CompileOptions& options) {
  internal::Compiler compiler(text, options);
  std::unique_ptr<internal::Program> program = compiler.Run();
  std::shared_ptr<const CompiledPolicy> policy;
  if (program != nullptr) {
    program->digest = DigestOf(text);
    policy = internal::PolicyAccess::Make(std::move(program));
  }
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

bool CompiledPolicy::denies_unlisted() const noexcept {
  return program_->mode == PolicyMode::kEnforce && !program_->default_allow;
}

PolicyMode CompiledPolicy::mode() const noexcept { return program_->mode; }
std::string_view CompiledPolicy::description() const noexcept { return program_->description; }

std::string_view CompiledPolicy::digest() const noexcept { return program_->digest; }

PolicyShape CompiledPolicy::shape() const noexcept {
  PolicyShape shape;
  shape.tools_exact = program_->globs_begin;
  shape.tools_glob = program_->globs_count;
  shape.rules = program_->rules.size();
  shape.limits = program_->limits.size();
  for (const internal::Entry& entry : program_->entries) shape.argument_paths += entry.path_slots;
  shape.memory_bytes = program_->MemoryBytes();
  return shape;
}

std::vector<PolicyLimit> CompiledPolicy::Limits() const {
  std::vector<PolicyLimit> limits;
  limits.reserve(program_->limits.size());
  for (const internal::Limit& limit : program_->limits) {
    limits.push_back({limit.id, limit.counter, limit.spec.max(), limit.spec.digest(), limit.shadow});
  }
  return limits;
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
  bytes += path_nodes.capacity() * sizeof(PathTrie::Node);
  bytes += hide.capacity() * sizeof(std::string_view);
  for (const auto& set : sets) bytes += set->bytes();
  for (const auto& index : rule_indexes) bytes += index->bytes();
  return bytes;
}

}  // namespace internal

CALLWARDEN_NAMESPACE_END
