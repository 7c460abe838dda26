#ifndef CALLWARDEN_AUDIT_H_
#define CALLWARDEN_AUDIT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/decision.h"
#include "callwarden/tool_call.h"

CALLWARDEN_NAMESPACE_BEGIN

/// One limit that a decision charged or that refused it.
struct AuditLimit {
  std::string_view rule;
  uint64_t weight = 0;  ///< what the call weighs of it; at most 2^64-1
  uint64_t used = 0;    ///< counted after the decision: with the charge when admitted; for gcra 0
  uint64_t max = 0;
  bool shadow = false;
};

/// One decision. Everything is borrowed until AuditSink::Record returns.
struct AuditRecord {
  Timestamp at{};  ///< the time that the decision was made with
  const Verdict* verdict = nullptr;
  const Verdict* would = nullptr;  ///< null: shadow changes nothing
  /// The call; its arguments are here for sinks that digest them, and must not be written down unless the
  /// host asked for it.
  const ToolCall* call = nullptr;
  std::string_view grant_label;
  std::string_view policy_digest;  ///< CompiledPolicy::digest(); empty without a policy
  uint64_t policy_revision = 0;    ///< Gate::revision()
  std::string_view approval_id;    ///< asked for, or consumed
  std::span<const AuditLimit> limits;
  std::chrono::nanoseconds latency{};  ///< what the decision took, on the monotonic clock
};

/// How an admitted call ended.
struct AuditCompletion {
  Timestamp at{};
  uint64_t sequence = 0;  ///< AuditReceipt::sequence of its decision
  Outcome outcome = Outcome::kOk;
  std::chrono::nanoseconds duration{};  ///< since the decision
};

/// What a sink answers to a record.
struct AuditReceipt {
  /// False: the record is not in the log and will not be. A gate with `audit_required` denies the call.
  bool recorded = false;
  /// The record's number in the log, for the completion to refer to.
  uint64_t sequence = 0;
};

/// Hears of every decision, denials and errors included. Implement it to keep the log elsewhere; a host that
/// wants a callback derives from it.
///
/// Thread safety: every member may be called from any thread, at the same time.
/// Errors: must not throw. Record runs on the deciding thread: what it takes, every call waits for.
class CALLWARDEN_EXPORT AuditSink {
 public:
  AuditSink() = default;
  AuditSink(const AuditSink&) = delete;  // an identity: gates keep pointers to it
  AuditSink& operator=(const AuditSink&) = delete;
  virtual ~AuditSink();

  virtual AuditReceipt Record(const AuditRecord& record) noexcept = 0;
  virtual void Complete(const AuditCompletion& completion) noexcept = 0;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_AUDIT_H_
