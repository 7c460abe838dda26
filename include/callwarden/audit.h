#ifndef CALLWARDEN_AUDIT_H_
#define CALLWARDEN_AUDIT_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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
  /// What the decision took, on the monotonic clock; without the reading of arguments that an mcp::Session
  /// had read together with their message.
  std::chrono::nanoseconds latency{};
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

/// What a JsonlAuditSink does with a record when its queue is full.
enum class AuditFull : uint8_t {
  kBlock = 0,  ///< waits for room, at most JsonlAuditOptions::block_max, and then drops the record
  kDrop,       ///< drops the record at once
};

/// When a JsonlAuditSink forces what it has written to the disk (fdatasync). What the process has written
/// survives its end, also kill -9, in every case; the difference is what a crash of the machine can lose.
enum class AuditSync : uint8_t {
  kInterval = 0,  ///< every sync_interval, if there is something new: loses about that much
  kNever,         ///< when the system sees fit, often within 30 seconds
  kEveryBatch,    ///< before the next batch is begun: loses what is still queued
};

struct JsonlAuditOptions {
  /// Where the log's files are; it must exist. Files are NAME-00000001-20260301T103000Z.jsonl, counted up, so
  /// that the order of names is the order of the log; a file that exists is never overwritten. NAME.lock is
  /// held as long as the sink lives, so that two sinks never write one log. Files have mode 0600.
  std::string directory = {};
  std::string name = "audit";
  /// Tells the times of the sink's own lines and of file names; must outlive the sink. Null: the system's.
  const Clock* clock = nullptr;

  /// Memory of the queue between deciding threads and the writer, allocated once; a power of two from 128 KiB
  /// to 256 MiB, others are rounded up or held to these. 4 MiB hold about 8,000 usual records, or arguments
  /// of 1 MiB, the most that a policy takes by default. A record may take up to half of the queue;
  /// arguments that do not fit are left out of their record, which tells their size.
  std::size_t queue_size_bytes = std::size_t{4} << 20;
  AuditFull when_full = AuditFull::kBlock;
  /// Longest wait for room with kBlock. A tenth of a second: long for a decision, short for a person.
  std::chrono::milliseconds block_max{100};
  /// How long records wait in the queue to be written together; a queue that is half full is not waited for.
  /// It is also what kill -9 loses at most, as long as the disk keeps up.
  std::chrono::milliseconds flush_interval{10};
  AuditSync sync = AuditSync::kInterval;
  std::chrono::milliseconds sync_interval{1000};
  /// A file is ended when it is this long (by at most one batch longer), or this old; 0: never. 64 MiB verify
  /// in a fraction of a second.
  uint64_t rotate_size_bytes = uint64_t{64} << 20;
  std::chrono::seconds rotate_interval{std::chrono::hours(24)};
  /// How often writing is tried again while it fails.
  std::chrono::milliseconds retry_interval{100};

  /// Keys the digests of arguments, so that nobody without the key can guess arguments and compare digests.
  /// Absent: random, so that digests can be compared within one process only.
  std::optional<std::array<uint8_t, 32>> digest_key = {};
  /// Makes the chain of hashes one of HMAC-SHA-256 with this key: whoever has not got it cannot rewrite the
  /// log. Absent: plain SHA-256, which shows any change to whoever knows the last hash.
  std::optional<std::array<uint8_t, 32>> chain_key = {};

  /// Argument paths whose values may be logged, such as `args.repo` or `args.target.env`: strings, numbers
  /// and booleans as they are, nothing else. No [n], no [*]. Paths that are none are ignored; see
  /// JsonlAuditStats::bad_paths.
  std::vector<std::string> logged_paths = {};
  /// Whether the whole call is logged, arguments and attributes, for `callwarden replay`. The log is then as
  /// secret as the calls are.
  bool record_arguments = false;
};

/// Counts since the sink was made; each exact, all together not one moment's.
struct JsonlAuditStats {
  uint64_t written = 0;  ///< decisions and completions in the files
  uint64_t dropped = 0;  ///< found no room in the queue
  uint64_t refused = 0;  ///< came while writing failed, or after a fork
  uint64_t blocked = 0;  ///< waited for room
  uint64_t errors = 0;   ///< failed attempts to open, write, or force to the disk
  uint64_t bytes = 0;    ///< written
  uint64_t files = 0;    ///< begun or gone on with
  uint64_t bad_paths = 0;
  bool failing = false;  ///< the last attempt failed; records are refused
  int last_error = 0;    ///< errno of the last error, 0 when there was none
};

/// The end of a log: what `callwarden audit verify` needs to see that nothing was cut off.
struct AuditLogEnd {
  uint64_t sequence = 0;  ///< of the last record that is written; 0: none
  std::string hash;       ///< of the last line; 64 hexadecimal digits
};

/// Writes the audit log as JSON lines, with a chain of hashes through all of them; docs/operations.md, "Audit
/// log", describes files and lines. A thread of its own writes; deciding threads only copy the record into a
/// bounded queue.
///
/// Order: records stand in the log in the order in which the queue took them, and AuditReceipt::sequence is
/// that order; over restarts it goes on. For two calls decided at the same time it says nothing about which
/// was counted first.
/// Thread safety: every member may be called from any thread. Record and Complete take no lock, and wait only
/// with AuditFull::kBlock for a full queue. Ownership: keeps a copy of its options, borrows options.clock.
/// Must outlive the gates that use it; the destructor writes what is queued, and gives up what cannot be
/// written.
/// Allocation: the queue once. Record: none, but for arguments from an ArgumentSource, which are put into
/// canonical JSON on the deciding thread.
/// Errors: nothing throws, prints or aborts. While the files cannot be written records are refused
/// (`recorded` false), what was taken before waits in the queue, and writing is tried again; the first line
/// after that is a `gap` record with how many were refused. The same for records that were dropped.
/// Signals: the writer's thread blocks all of them; a file size limit is an error like a full disk.
/// Fork: the child has no writer. There every record is refused, and the parent's files are left alone; a
/// child that goes on needs a sink of its own.
class CALLWARDEN_EXPORT JsonlAuditSink final : public AuditSink {
 public:
  /// Opens the log, going on with the last of its files. A last line that was torn by a crash is cut off,
  /// which a `recovered` record tells. A log that cannot be opened refuses records until it can; see stats().
  explicit JsonlAuditSink(JsonlAuditOptions options);
  ~JsonlAuditSink() override;

  AuditReceipt Record(const AuditRecord& record) noexcept override;
  void Complete(const AuditCompletion& completion) noexcept override;

  /// Returns when everything that was recorded before is written, and unless sync is kNever on the disk.
  /// False: it was not within `timeout`.
  bool Flush(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  [[nodiscard]] JsonlAuditStats stats() const noexcept;
  /// The last line that is written. Kept elsewhere now and then, it proves that nothing before it was changed
  /// or cut off.
  [[nodiscard]] AuditLogEnd end() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_AUDIT_H_
