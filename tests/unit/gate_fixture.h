#ifndef CALLWARDEN_TESTS_UNIT_GATE_FIXTURE_H_
#define CALLWARDEN_TESTS_UNIT_GATE_FIXTURE_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/audit.h"
#include "callwarden/gate.h"

#include "tests/catch.h"

namespace callwarden_unit {

/// A table of grants that must be made without a diagnostic.
inline std::shared_ptr<const callwarden::GrantTable> Table(std::vector<callwarden::Grant> grants) {
  const callwarden::GrantTableResult result = callwarden::GrantTable::Create(std::move(grants));
  for (const callwarden::Diagnostic& d : result.diagnostics()) UNSCOPED_INFO(d.pointer << ": " << d.message);
  REQUIRE(result.ok());
  return result.table();
}

inline callwarden::ToolCall CallOf(std::string_view tool, std::string_view grant = {},
                                   std::string_view session = {}) {
  callwarden::ToolCall call;
  call.tool = tool;
  call.grant = grant;
  call.session = session;
  return call;
}

/// Keeps what it hears, as long as it is not `full`.
class RecordingSink final : public callwarden::AuditSink {
 public:
  struct Heard {
    callwarden::Timestamp at;
    callwarden::Reason reason;
    std::string rule;
    bool has_would = false;
    std::string grant, label, session, policy_digest, approval_id;
    uint64_t revision = 0;
    std::vector<std::string> limits;  ///< `RULE WEIGHT USED/MAX`, and ` shadow`
    std::chrono::nanoseconds latency;
  };
  callwarden::AuditReceipt Record(const callwarden::AuditRecord& record) noexcept override {
    const std::lock_guard lock(mutex_);
    if (full) return {};
    Heard kept;
    kept.at = record.at;
    kept.reason = record.verdict->reason();
    kept.rule = record.verdict->rule();
    kept.has_would = record.would != nullptr;
    kept.grant = record.call->grant;
    kept.label = record.grant_label;
    kept.session = record.call->session;
    kept.policy_digest = record.policy_digest;
    kept.approval_id = record.approval_id;
    kept.revision = record.policy_revision;
    for (const callwarden::AuditLimit& limit : record.limits) {
      kept.limits.push_back(std::string(limit.rule) + " " + std::to_string(limit.weight) + " " +
                            std::to_string(limit.used) + "/" + std::to_string(limit.max) +
                            (limit.shadow ? " shadow" : ""));
    }
    kept.latency = record.latency;
    records.push_back(std::move(kept));
    return {true, records.size()};
  }
  void Complete(const callwarden::AuditCompletion& completion) noexcept override {
    const std::lock_guard lock(mutex_);
    completions.push_back(completion);
  }

  bool full = false;
  std::vector<Heard> records;
  std::vector<callwarden::AuditCompletion> completions;

 private:
  std::mutex mutex_;
};

}  // namespace callwarden_unit

#endif  // CALLWARDEN_TESTS_UNIT_GATE_FIXTURE_H_
