#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "callwarden/approvals.h"

#include "lib/approval_call.h"
#include "lib/approval_journal.h"
#include "lib/approval_record.h"
#include "lib/crypto.h"
#include "lib/mutex.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::ApprovalRecord;
using std::chrono::nanoseconds;
using Kind = ApprovalRecord::Kind;
using ErrorKind = ApprovalError::Kind;

constexpr std::chrono::hours kTimeToLiveMax{24 * 3653};
constexpr std::chrono::hours kRemembered{24};
constexpr std::size_t kEndedMin = 1000;
constexpr std::size_t kArgumentsMax = std::size_t{1} << 20;
constexpr std::size_t kNameMax = 1024;  // of a tool, grant, session or rule, as people see it
constexpr std::size_t kMessageMax = Verdict::kMessageMax;
constexpr std::size_t kWhoMax = 256;
constexpr std::size_t kNoteMax = 1024;
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

ApprovalError ErrorOf(ErrorKind kind, int system_error = 0) noexcept { return {kind, system_error, 0}; }

Timestamp Later(Timestamp time, nanoseconds by) noexcept {
  return time > Timestamp::max() - by ? Timestamp::max() : time + by;
}

// How far `b` lies after `a`, of which it is not earlier; exact over all times.
uint64_t Distance(Timestamp a, Timestamp b) noexcept {
  return static_cast<uint64_t>(b.time_since_epoch().count()) -
         static_cast<uint64_t>(a.time_since_epoch().count());
}

uint64_t Count(nanoseconds span) noexcept { return static_cast<uint64_t>(span.count()); }

bool IsLive(ApprovalState state) noexcept {
  return state == ApprovalState::kPending || state == ApprovalState::kApproved;
}

struct Entry {
  Approval approval;
  nanoseconds wait{};
  Timestamp ended_at{};
  uint64_t number = 0;  // in the order of asking
};

}  // namespace

// What the journal's records have come to. Without a file records are applied all the same, and forgotten.
struct ApprovalStore::Impl final : internal::ApprovalJournal::Reader {
  explicit Impl(ApprovalStoreOptions given) : options(std::move(given)) {
    options.time_to_live = std::clamp(options.time_to_live, std::chrono::seconds(0),
                                      std::chrono::duration_cast<std::chrono::seconds>(kTimeToLiveMax));
    options.arguments_size_max_bytes = std::min(options.arguments_size_max_bytes, kArgumentsMax);
    if (!options.path.empty()) journal.emplace(options.path, options.sync);
  }

  // An operation on the store: the mutex, and with a file its lock, with all that others have added applied
  // and what is overdue marked.
  class Operation {
   public:
    explicit Operation(Impl& impl) : impl_(impl), guard_(impl.mutex) {
      if (impl_.journal.has_value()) {
        error_ = impl_.journal->Lock(impl_);
        locked_ = error_.ok();
      }
      now_ = impl_.clock().Now();
      if (error_.ok()) error_ = impl_.ExpireOverdue(now_, expired_);
      impl_.error = error_;
    }
    Operation(const Operation&) = delete;  // holds locks
    Operation& operator=(const Operation&) = delete;
    ~Operation() {
      if (!locked_) return;
      impl_.RewriteIfLong();
      impl_.journal->Unlock();
    }
    bool ok() const noexcept { return error_.ok(); }
    const ApprovalError& error() const noexcept { return error_; }
    Timestamp now() const noexcept { return now_; }
    std::size_t expired() const noexcept { return expired_; }
    // Writes a change down, then applies it.
    ApprovalError Commit(const ApprovalRecord& record) {
      impl_.error = error_ = impl_.Commit({&record, 1});
      return error_;
    }

   private:
    Impl& impl_;
    std::lock_guard<internal::Mutex> guard_;
    ApprovalError error_;
    bool locked_ = false;
    Timestamp now_{};
    std::size_t expired_ = 0;
  };

  const Clock& clock() const noexcept { return options.clock != nullptr ? *options.clock : own_clock; }

  ApprovalError Commit(std::span<const ApprovalRecord> records) {
    ApprovalError result;
    if (journal.has_value()) {
      std::vector<std::string> bodies;
      bodies.reserve(records.size());
      for (const ApprovalRecord& record : records) bodies.push_back(EncodeApprovalRecord(record));
      bool written = false;
      result = journal->Append(bodies, written);
      if (!written) return result;
    }
    for (const ApprovalRecord& record : records) ApplyRecord(record);
    return result;
  }

  void Restart() override {
    entries.clear();
    by_digest.clear();
    by_deadline.clear();
    by_end.clear();
    latest = Timestamp::max();
  }

  bool Apply(std::string_view line) override {
    const std::optional<ApprovalRecord> record = internal::DecodeApprovalRecord(line);
    return record.has_value() && ApplyRecord(*record);
  }

  // False when the record does not follow from those before: a line that this library did not write.
  bool ApplyRecord(const ApprovalRecord& record) {
    if (record.kind == Kind::kRequest || record.kind == Kind::kKeep) return Add(record);
    const auto found = entries.find(record.approval.id);
    if (found == entries.end()) return false;
    Entry& entry = found->second;
    Approval& approval = entry.approval;
    const bool pending = approval.state == ApprovalState::kPending;
    if (!IsLive(approval.state)) return false;
    switch (record.kind) {
      case Kind::kApprove:
        if (!pending) return false;
        Unlink(entry);
        approval.state = ApprovalState::kApproved;
        approval.expires_at = record.approval.expires_at;
        SetAnswer(approval, record);
        Link(entry);
        return true;
      case Kind::kDeny:
        SetAnswer(approval, record);
        End(entry, ApprovalState::kDenied, record.at);
        return true;
      case Kind::kUse:
        if (pending) return false;
        End(entry, ApprovalState::kUsed, record.at);
        return true;
      case Kind::kExpire:
        End(entry, ApprovalState::kExpired, record.at);
        return true;
      case Kind::kRequest:
      case Kind::kKeep:
        break;
    }
    return false;
  }

  bool Add(const ApprovalRecord& record) {
    if (record.wait < nanoseconds(0) || record.wait > kTimeToLiveMax) return false;
    const bool live = IsLive(record.approval.state);
    if (live && by_digest.contains(record.approval.digest)) return false;
    const auto [place, added] = entries.try_emplace(record.approval.id);
    if (!added) return false;
    Entry& entry = place->second;
    entry.approval = record.approval;
    entry.wait = record.wait;
    entry.number = ++numbers;
    if (record.kind == Kind::kRequest) entry.approval.requested_at = record.at;
    if (!live) entry.ended_at = record.at;
    Link(entry);
    return true;
  }

  static void SetAnswer(Approval& approval, const ApprovalRecord& record) {
    approval.answered_by = record.approval.answered_by;
    approval.note = record.approval.note;
    approval.answered_at = record.at;
  }

  void End(Entry& entry, ApprovalState state, Timestamp at) {
    Unlink(entry);
    entry.approval.state = state;
    entry.ended_at = at;
    std::string().swap(entry.approval.arguments);
    Link(entry);
  }

  void Link(Entry& entry) {
    if (IsLive(entry.approval.state)) {
      by_digest.emplace(entry.approval.digest, &entry);
      by_deadline.emplace(std::pair(entry.approval.expires_at, entry.number), &entry);
    } else {
      by_end.emplace(std::pair(entry.ended_at, entry.number), &entry);
    }
  }
  void Unlink(Entry& entry) {
    by_digest.erase(entry.approval.digest);
    by_deadline.erase(std::pair(entry.approval.expires_at, entry.number));
  }

  // An approval waits from `expires_at - wait` on. When that lies ahead by more than the wait, the clock was
  // set back, and nobody can tell how long it has waited.
  static bool IsOverdue(const Entry& entry, Timestamp now) noexcept {
    const Timestamp until = entry.approval.expires_at;
    return now >= until || Distance(now, until) > 2 * Count(entry.wait);
  }

  ApprovalError ExpireOverdue(Timestamp now, std::size_t& expired) {
    std::vector<ApprovalRecord> records;
    const bool set_back = now < latest;
    latest = now;
    for (const auto& [deadline, entry] : by_deadline) {
      if (deadline.first > now && !set_back) break;
      if (!IsOverdue(*entry, now) || held.contains(entry->approval.id)) continue;
      ApprovalRecord& record = records.emplace_back();
      record.kind = Kind::kExpire;
      record.at = now;
      record.approval.id = entry->approval.id;
    }
    const std::size_t ended_max = std::max(options.live_max, kEndedMin);
    while (!by_end.empty()) {
      const Timestamp ended_at = by_end.begin()->first.first;
      if (by_end.size() <= ended_max && (now < ended_at || Distance(ended_at, now) <= Count(kRemembered)))
        break;
      const std::string id = by_end.begin()->second->approval.id;
      by_end.erase(by_end.begin());
      entries.erase(id);
    }
    if (records.empty()) return {};
    const ApprovalError result = Commit(records);
    if (result.ok()) expired = records.size();
    return result;
  }

  void RewriteIfLong() {
    constexpr uint64_t kLinesMin = 64;
    if (journal->lines() < 2 * uint64_t{entries.size()} + kLinesMin) return;
    std::vector<const Entry*> kept = InOrder();
    std::vector<std::string> bodies;
    bodies.reserve(kept.size());
    for (const Entry* entry : kept) {
      ApprovalRecord record;
      record.kind = Kind::kKeep;
      record.at = entry->ended_at;
      record.wait = entry->wait;
      record.approval = entry->approval;
      bodies.push_back(EncodeApprovalRecord(record));
    }
    // When it fails the file stays as it is, and the next operation tries again.
    static_cast<void>(journal->Rewrite(bodies));
  }

  std::vector<const Entry*> InOrder() const {
    std::vector<const Entry*> ordered;
    ordered.reserve(entries.size());
    for (const auto& [id, entry] : entries) ordered.push_back(&entry);
    std::sort(ordered.begin(), ordered.end(),
              [](const Entry* a, const Entry* b) { return a->number < b->number; });
    return ordered;
  }

  Entry* Find(std::string_view id) {
    const auto found = entries.find(id);
    return found == entries.end() ? nullptr : &found->second;
  }

  ApprovalError Answer(Kind kind, std::string_view id, std::string_view who, std::string_view note) {
    Operation operation(*this);
    if (!operation.ok()) return operation.error();
    const Entry* entry = Find(id);
    if (entry == nullptr) return ErrorOf(ErrorKind::kUnknown);
    const ApprovalState state = entry->approval.state;
    if (!IsLive(state) || (kind == Kind::kApprove && state != ApprovalState::kPending)) {
      return ErrorOf(ErrorKind::kState);
    }
    ApprovalRecord record;
    record.kind = kind;
    record.at = operation.now();
    record.approval.id = entry->approval.id;
    record.approval.answered_by = internal::Utf8Prefix(who, kWhoMax);
    record.approval.note = internal::Utf8Prefix(note, kNoteMax);
    record.approval.expires_at = Later(operation.now(), entry->wait);
    return operation.Commit(record);
  }

  ApprovalStoreOptions options;
  SystemClock own_clock;
  mutable internal::Mutex mutex;
  std::optional<internal::ApprovalJournal> journal;
  ApprovalError error;
  std::map<std::string, Entry, std::less<>> entries;             // by id; pointers to entries stay good
  std::map<CallDigest, Entry*> by_digest;                        // live ones
  std::map<std::pair<Timestamp, uint64_t>, Entry*> by_deadline;  // live ones
  std::map<std::pair<Timestamp, uint64_t>, Entry*> by_end;       // the others
  std::set<std::string, std::less<>> held;                       // presented, neither consumed nor released
  uint64_t numbers = 0;
  Timestamp latest = Timestamp::max();  // the last time that was looked at
};

ApprovalStore::ApprovalStore(ApprovalStoreOptions options) : impl_(new Impl(std::move(options))) {
  Impl::Operation operation(*impl_);
}

ApprovalStore::~ApprovalStore() = default;

ApprovalError ApprovalStore::status() const {
  const std::lock_guard<internal::Mutex> guard(impl_->mutex);
  return impl_->error;
}

ApprovalStore::RequestResult ApprovalStore::Request(const ToolCall& call, const Verdict& verdict) {
  RequestResult result;
  std::string arguments;
  if (!AppendCanonicalArguments(call, arguments)) {
    result.error = ErrorOf(ErrorKind::kMalformed);
    return result;
  }
  const std::optional<CallDigest> digest = internal::DigestOf(call, arguments);
  std::array<uint8_t, 12> random{};
  if (!digest.has_value() || !internal::FillRandom(random)) {
    result.error = ErrorOf(ErrorKind::kFile, ENOMEM);
    return result;
  }
  const ApprovalStoreOptions& options = impl_->options;
  if (arguments.size() > options.arguments_size_max_bytes) {
    arguments.resize(internal::CutAtCodePoint(arguments, options.arguments_size_max_bytes).size());
    arguments.append(kEllipsis);
  }

  Impl::Operation operation(*impl_);
  if (!operation.ok()) {
    result.error = operation.error();
    return result;
  }
  if (const auto found = impl_->by_digest.find(*digest); found != impl_->by_digest.end()) {
    result.id = found->second->approval.id;
    result.state = found->second->approval.state;
    return result;
  }
  if (impl_->by_digest.size() >= options.live_max) {
    result.error = ErrorOf(ErrorKind::kFull);
    return result;
  }
  ApprovalRecord record;
  record.kind = Kind::kRequest;
  record.at = operation.now();
  record.wait = options.time_to_live;
  Approval& approval = record.approval;
  approval.id = internal::ToHex(random);
  approval.digest = *digest;
  approval.tool = internal::Utf8Prefix(call.tool, kNameMax);
  approval.grant = internal::Utf8Prefix(call.grant, kNameMax);
  approval.session = internal::Utf8Prefix(call.session, kNameMax);
  approval.rule = internal::Utf8Prefix(verdict.rule(), kNameMax);
  approval.message = internal::Utf8Prefix(verdict.message(), kMessageMax);
  if (options.keep_arguments) approval.arguments = std::move(arguments);
  approval.requested_at = operation.now();
  approval.expires_at = Later(operation.now(), record.wait);
  result.error = operation.Commit(record);
  if (result.error.ok()) result.id = approval.id;
  return result;
}

ApprovalStatus ApprovalStore::Present(std::string_view id, const CallDigest& digest) {
  Impl::Operation operation(*impl_);
  if (!operation.ok()) return ApprovalStatus::kFailed;
  const Entry* entry = impl_->Find(id);
  if (entry == nullptr) return ApprovalStatus::kUnknown;
  if (entry->approval.digest != digest) return ApprovalStatus::kOtherCall;
  switch (entry->approval.state) {
    case ApprovalState::kPending:
      return ApprovalStatus::kPending;
    case ApprovalState::kApproved:
      return impl_->held.emplace(id).second ? ApprovalStatus::kReady : ApprovalStatus::kUsed;
    case ApprovalState::kDenied:
      return ApprovalStatus::kDenied;
    case ApprovalState::kExpired:
      return ApprovalStatus::kExpired;
    case ApprovalState::kUsed:
      return ApprovalStatus::kUsed;
  }
  return ApprovalStatus::kFailed;
}

bool ApprovalStore::Consume(std::string_view id) {
  Impl::Operation operation(*impl_);
  const auto hold = impl_->held.find(id);
  if (hold == impl_->held.end()) return false;
  impl_->held.erase(hold);
  if (!operation.ok()) return false;
  const Entry* entry = impl_->Find(id);
  if (entry == nullptr || entry->approval.state != ApprovalState::kApproved) return false;
  ApprovalRecord record;
  record.kind = Kind::kUse;
  record.at = operation.now();
  record.approval.id = entry->approval.id;
  return operation.Commit(record).ok();
}

void ApprovalStore::Release(std::string_view id) {
  const std::lock_guard<internal::Mutex> guard(impl_->mutex);
  if (const auto hold = impl_->held.find(id); hold != impl_->held.end()) impl_->held.erase(hold);
}

ApprovalError ApprovalStore::Approve(std::string_view id, std::string_view who, std::string_view note) {
  return impl_->Answer(Kind::kApprove, id, who, note);
}

ApprovalError ApprovalStore::Deny(std::string_view id, std::string_view who, std::string_view note) {
  return impl_->Answer(Kind::kDeny, id, who, note);
}

std::vector<Approval> ApprovalStore::List(bool live_only) const {
  const Impl::Operation operation(*impl_);
  std::vector<Approval> list;
  if (!operation.ok()) return list;
  for (const Entry* entry : impl_->InOrder()) {
    if (!live_only || IsLive(entry->approval.state)) list.push_back(entry->approval);
  }
  return list;
}

std::optional<Approval> ApprovalStore::Find(std::string_view id) const {
  const Impl::Operation operation(*impl_);
  const Entry* entry = operation.ok() ? impl_->Find(id) : nullptr;
  if (entry == nullptr) return std::nullopt;
  return entry->approval;
}

std::size_t ApprovalStore::Expire() { return Impl::Operation(*impl_).expired(); }

CALLWARDEN_NAMESPACE_END
