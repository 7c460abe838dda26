#ifndef CALLWARDEN_APPROVALS_H_
#define CALLWARDEN_APPROVALS_H_

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

/// Writes the arguments of a call in canonical JSON: RFC 8785, except that integral numbers in [-2^63, 2^64)
/// are printed exactly instead of as the nearest double. Two arguments have the same canonical form exactly
/// when they have the same members and values, as the policy language compares them: `1`, `1.0` and `10e-1`
/// are one form, `9007199254740993` and `9007199254740992` are two. Absent arguments are `{}`. The form is
/// for hashing and for people's eyes: doubles from 2^64 on are printed without exponent up to 1e21, as the
/// RFC says, and such a text is no argument text of the policy language.
///
/// Appends to `out` and returns true, or leaves it as it was and returns false when the arguments are
/// malformed: whatever no policy would read (docs/policy-language.md, section 6), under the bounds that
/// CompileOptions has by default, 1 MiB and 64 levels.
///
/// Thread safety: may be called from any thread. Allocation: yes. Complexity: O(n log n) in the members of an
/// object.
[[nodiscard]] CALLWARDEN_EXPORT bool AppendCanonicalArguments(const ToolCall& call, std::string& out);

/// SHA-256 over what an approval is bound to: grant, session, tool, canonical arguments and, unless it is
/// empty, the continuation, each with its length before it.
using CallDigest = std::array<uint8_t, 32>;

/// The digest of a call; absent when its arguments are malformed.
[[nodiscard]] CALLWARDEN_EXPORT std::optional<CallDigest> DigestCall(const ToolCall& call);

/// Where an approval stands.
enum class ApprovalState : uint8_t {
  kPending = 0,  ///< nobody has answered
  kApproved,     ///< a person approved it; a call may present it, once
  kDenied,       ///< a person denied it
  kExpired,      ///< nobody answered, or no call presented it, in time
  kUsed,         ///< a call that presented it was admitted
};

/// "pending", "approved", "denied", "expired", "used".
CALLWARDEN_EXPORT std::string_view Name(ApprovalState state) noexcept;

/// One approval, as people see it.
struct Approval {
  /// Opaque, hard to guess, at most Decision::kApprovalIdMax bytes of [A-Za-z0-9_-].
  std::string id;
  ApprovalState state = ApprovalState::kPending;
  CallDigest digest{};
  std::string tool;
  std::string grant;
  std::string session;
  /// Why it is asked for: rule id and message of the decision.
  std::string rule;
  std::string message;
  /// The canonical arguments, so that the approver sees what is approved. Empty when
  /// ApprovalStoreOptions::keep_arguments is off.
  std::string arguments;
  Timestamp requested_at{};
  Timestamp expires_at{};
  /// Who answered, and what they wrote; empty while pending.
  std::string answered_by;
  std::string note;
  Timestamp answered_at{};
};

struct ApprovalStoreOptions {
  /// File that keeps approvals over restarts and shares them with other processes, such as `callwarden
  /// approvals`. Created with mode 0600 when it does not exist. Empty: they live in memory.
  std::string path = {};
  /// Must outlive the store. Null: a SystemClock of the store's own.
  const Clock* clock = nullptr;
  /// How long an approval may wait, both for its answer and, counted from the answer, for its call; at most
  /// ten years. The store that asks decides for both.
  std::chrono::seconds time_to_live = std::chrono::minutes(15);
  /// Most approvals that are pending or approved; beyond it, calls get no approval id. A bound on what a
  /// looping agent can pile up in front of people.
  std::size_t live_max = 10000;
  /// Whether the arguments of calls are kept. They are what an approver has to look at; they are dropped as
  /// soon as the approval ends, from the file when it is rewritten next.
  bool keep_arguments = true;
  /// Longest canonical arguments that are kept; longer ones are cut there, and end in an ellipsis.
  std::size_t arguments_size_max_bytes = std::size_t{64} << 10;
  /// Whether each change is forced to the disk (fsync). Without it a change survives the process, also kill
  /// -9, but maybe not the machine.
  bool sync = false;
};

/// Why an approval operation failed.
struct ApprovalError {
  enum class Kind : uint8_t {
    kNone = 0,
    kUnknown,    ///< no such approval
    kState,      ///< not in a state that allows it, such as an answer to an expired approval
    kFull,       ///< live_max reached
    kMalformed,  ///< the call's arguments cannot be read
    kFile,       ///< the file cannot be opened, locked, read or written; see system_error
    kDamaged,    ///< the file has a line that this library did not write, or not there
    kForeign,    ///< the file is no approvals file, or one of a later version
    kUnsafe,     ///< not a regular file, of another user than this process's, or writable by others
  };
  Kind kind = Kind::kNone;
  int system_error = 0;  ///< errno, for kFile
  uint64_t line = 0;     ///< for kDamaged, from 1

  bool ok() const noexcept { return kind == Kind::kNone; }
  /// One sentence in English; a constant.
  CALLWARDEN_EXPORT const char* message() const noexcept;
};

/// Keeps approvals: asked for by a gate, answered by people, presented once by exactly the call they were
/// given for.
///
/// Thread safety: every member may be called from any thread; operations on one store take a mutex, those
/// with a file also a lock on it, so several processes may use one file at a time. They wait for that lock up
/// to five seconds, then fail with kFile (ETIMEDOUT). Ownership: must outlive the gates that use it; keeps
/// the pointer to options.clock. Not to be used on both sides of a fork. Allocation: yes. Calls that need no
/// approval never come here. Errors: nothing throws, prints or aborts. When the file fails, approvals are
/// neither given nor accepted; a damaged file stays so until a person has moved it away.
///
/// The file is a journal that operations add a line to (lib/approval_journal.h). Whoever can write it can
/// approve: it belongs into a folder that only the service's user may write, and approvers run
/// `callwarden approvals` as that user.
class CALLWARDEN_EXPORT ApprovalStore {
 public:
  /// Opens or creates the file; see status().
  explicit ApprovalStore(ApprovalStoreOptions options = {});
  ApprovalStore(const ApprovalStore&) = delete;  // an identity: gates keep pointers to it
  ApprovalStore& operator=(const ApprovalStore&) = delete;
  ~ApprovalStore();

  /// Whether the store works: the last error of the file, or none.
  [[nodiscard]] ApprovalError status() const;

  /// Asks for an approval of this call, or finds the live one that was asked for before: one call has at most
  /// one.
  struct RequestResult {
    ApprovalError error;
    std::string id;
    ApprovalState state = ApprovalState::kPending;  ///< kPending or kApproved
  };
  [[nodiscard]] RequestResult Request(const ToolCall& call, const Verdict& verdict);

  /// Holds an approval for a call that presents it, so that no other call of this store can. Returns kReady,
  /// and then Consume or Release must follow; anything else counts as no approval. A hold is not written
  /// down: it ends with the process, and the approval may then be presented again.
  [[nodiscard]] ApprovalStatus Present(std::string_view id, const CallDigest& digest);
  /// The call is admitted: the approval is used up, before the call runs. False when that could not be
  /// written down, or when since Present another process used the approval, a person denied it or it expired
  /// there; the call must then not run. Either way the hold is over. Of several processes that present one
  /// approval at once, one is told true.
  [[nodiscard]] bool Consume(std::string_view id);
  /// The call was not admitted: the approval may be presented again.
  void Release(std::string_view id);

  /// A person's answer. Approve answers what is pending; Deny also takes back what was approved and is not
  /// used yet. `who` and `note` are cut to 256 bytes and 1 KiB of UTF-8.
  ApprovalError Approve(std::string_view id, std::string_view who, std::string_view note = {});
  ApprovalError Deny(std::string_view id, std::string_view who, std::string_view note = {});

  /// Every approval that the store remembers, oldest first; `live_only` leaves out those that have ended.
  [[nodiscard]] std::vector<Approval> List(bool live_only = true) const;
  [[nodiscard]] std::optional<Approval> Find(std::string_view id) const;
  /// Marks what is overdue as expired, and forgets what ended more than a day ago, or so many endings ago as
  /// may be live at a time, at least 1000 (file: rewrites it when most of it is outdated). Returns how many
  /// expired. Called by the other members as needed; for hosts that want it sooner. What has expired stays
  /// so, whatever the clock does; an approval whose wait would have to begin in the future, by more than its
  /// own length, counts as overdue.
  std::size_t Expire();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What an approval token says. Everything in it is checked against its MAC.
struct ApprovalTokenClaims {
  std::string approval_id;
  std::string grant;
  Timestamp expires_at{};
  uint64_t policy_revision = 0;
  CallDigest digest{};
};

/// Makes and checks stateless tokens that carry an approval id through a client, such as MCP's
/// `requestState`: `cw1.PAYLOAD.MAC` in base64url, with HMAC-SHA-256. A token proves that this host asked for
/// the approval of exactly this call; that it is used once is the approval store's doing.
///
/// Thread safety: immutable; every member may be called from any thread. Ownership: keeps a copy of the key.
class CALLWARDEN_EXPORT ApprovalTokens {
 public:
  using Key = std::array<uint8_t, 32>;
  /// A key of the process's own: tokens of before a restart are refused.
  ApprovalTokens();
  /// A key that hosts behind one load balancer share. `key_id` is put into tokens, so that keys can be
  /// rotated.
  explicit ApprovalTokens(const Key& key, uint32_t key_id = 0);
  ApprovalTokens(const ApprovalTokens&) = delete;  // holds a secret, which its end wipes
  ApprovalTokens& operator=(const ApprovalTokens&) = delete;
  ~ApprovalTokens();

  /// A token, each with a nonce of its own. Empty when the system has no random numbers or no memory for it,
  /// or when id and grant together are longer than 4 KiB.
  [[nodiscard]] std::string Make(const ApprovalTokenClaims& claims) const;
  /// The claims of a token that this key made and that is not expired at `now`; compares in constant time. A
  /// token has one spelling; any other is refused.
  [[nodiscard]] std::optional<ApprovalTokenClaims> Check(std::string_view token, Timestamp now) const;

 private:
  Key key_;
  uint32_t key_id_;
  bool usable_ = true;  // false: there were no random numbers for a key
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_APPROVALS_H_
