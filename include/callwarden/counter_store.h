#ifndef CALLWARDEN_COUNTER_STORE_H_
#define CALLWARDEN_COUNTER_STORE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "callwarden/attribute.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

class CounterStore;

/// Most limits that one Reserve takes.
inline constexpr std::size_t kLimitsPerCallMax = 16;
/// Largest `max` and largest weight that is ever counted; a heavier call never fits a calendar window.
inline constexpr uint64_t kCountMax = (uint64_t{1} << 40) - 2;
/// Largest `max` of a calendar window that is not a whole number of minutes.
inline constexpr uint64_t kCountMaxSeconds = (uint64_t{1} << 32) - 2;
/// Decision times outside [kTimeMin, kTimeMax) deny: words count from 2025-01-01 and end in 2056.
inline constexpr Timestamp kTimeMin{std::chrono::seconds(1735689600)};  // 2025-01-01T00:00:00Z
inline constexpr Timestamp kTimeMax{std::chrono::seconds(2713910400)};  // 2056-01-01T00:00:00Z

enum class LimitKind : uint8_t { kCalendar = 0, kGcra, kInflight };

/// The span that a limit counts over: any whole number of seconds from 1 to 31,536,000, aligned to
/// multiples of itself since the Unix epoch; an ISO week from Monday 00:00 UTC; a civil month, UTC.
class Window {
 public:
  enum class Unit : uint8_t { kNone = 0, kSeconds, kWeek, kMonth };

  /// No window; for in-flight limits.
  constexpr Window() noexcept = default;
  static constexpr Window Seconds(uint32_t seconds) noexcept { return Window(Unit::kSeconds, seconds); }
  static constexpr Window Week() noexcept { return Window(Unit::kWeek, 604800); }
  static constexpr Window Month() noexcept { return Window(Unit::kMonth, 0); }

  constexpr Unit unit() const noexcept { return unit_; }
  /// Length in seconds; 0 for a month and for none.
  constexpr uint32_t seconds() const noexcept { return seconds_; }
  friend constexpr bool operator==(Window, Window) noexcept = default;

 private:
  constexpr Window(Unit unit, uint32_t seconds) noexcept : unit_(unit), seconds_(seconds) {}
  Unit unit_ = Unit::kNone;
  uint32_t seconds_ = 0;
};

/// The end of the calendar window that holds `now`; `now` on a boundary is in the window that begins
/// there. A window of unit kNone ends never (Timestamp::max()). Defined for any time in
/// [kTimeMin, kTimeMax); outside it returns Timestamp::max().
/// Complexity: O(1); does not allocate.
[[nodiscard]] CALLWARDEN_EXPORT Timestamp WindowEnd(Window window, Timestamp now) noexcept;

/// What one limit is: its kind, window, bounds, and a digest of what else tells its count from others.
///
/// Thread safety: immutable once built; shared freely.
/// Source: counters of kind kGcra use T = ceil(window / max) and B = burst * T, both in nanoseconds,
/// computed here once in 128 bits.
class CALLWARDEN_EXPORT LimitSpec {
 public:
  struct Options {
    LimitKind kind = LimitKind::kCalendar;
    Window window;
    /// 0 to kCountMax (kCountMaxSeconds for calendar windows that are not whole minutes).
    uint64_t max = 0;
    /// kGcra only: units that fit at one instant, at least 1; absent means `max`.
    std::optional<uint64_t> burst;
    /// Everything else that the count is identified by (counter name, scope kinds, unit, shadow), in
    /// any encoding that is unambiguous. Hashed here; not kept.
    std::string_view identity;
  };
  /// Builds a spec, or returns nothing when the options break a bound: a window out of range or of the
  /// wrong unit for the kind, max or burst too large, or for kGcra T below 1,000 ns or B above 2^62 ns.
  static std::optional<LimitSpec> Create(const Options& options) noexcept;

  LimitKind kind() const noexcept { return kind_; }
  Window window() const noexcept { return window_; }
  uint64_t(max)() const noexcept {
    return max_;
  }  // in parentheses, for hosts whose headers define max as a macro
  /// kGcra: the burst; otherwise equal to max().
  uint64_t burst() const noexcept { return burst_; }
  /// kGcra: nanoseconds per unit (T) and depth of the burst in nanoseconds (B); otherwise 0.
  int64_t interval_ns() const noexcept { return interval_ns_; }
  int64_t tolerance_ns() const noexcept { return tolerance_ns_; }
  /// 128 bits over kind, window, identity, and for kGcra max and burst. Specs that differ only in
  /// `max` (not kGcra) have equal digests and share their counts.
  std::array<uint64_t, 2> digest() const noexcept { return digest_; }
  /// The low half of digest()[0]; kept beside each count and in each key, so that a key is never used
  /// with the spec of another count, and records can be told apart by limit.
  uint32_t tag() const noexcept { return static_cast<uint32_t>(digest_[0]); }
  /// A calendar window of whole minutes, whose counts go up to kCountMax; others to kCountMaxSeconds.
  bool whole_minutes() const noexcept { return whole_minutes_; }

 private:
  LimitSpec() = default;
  LimitKind kind_ = LimitKind::kCalendar;
  bool whole_minutes_ = false;
  Window window_;
  uint64_t max_ = 0;
  uint64_t burst_ = 0;
  int64_t interval_ns_ = 0;
  int64_t tolerance_ns_ = 0;
  std::array<uint64_t, 2> digest_{};
};

/// Names one count: 128 bits, keyed by the store's secret, and a hint where the store last found it.
/// Made by CounterStore::Key; good for that store only, and for specs with the digest of the one it was
/// made with. A value; copy it freely. The store may update the hint while a call that was given the key
/// runs, so one thread at a time uses one object.
struct CounterKey {
  static constexpr uint32_t kNoHint = 0xFFFFFFFFu;
  uint64_t fp = 0;
  uint64_t check = 0;
  uint32_t hint = kNoHint;
  uint32_t spec_tag = 0;  ///< LimitSpec::tag of the spec it was made with
  friend constexpr bool operator==(const CounterKey& a, const CounterKey& b) noexcept {
    return a.fp == b.fp && a.check == b.check;
  }
};

/// One limit of a call. Borrowed for the duration of the call it is passed to.
struct LimitRequest {
  const LimitSpec* spec = nullptr;
  CounterKey* key = nullptr;
  uint64_t weight = 0;
};

/// When a denied request could fit. The delay is exact, so that of several waits the longest can be told;
/// decisions round it up to the millisecond. It is a lower bound: others may take the room first.
struct RetryAfter {
  enum class Kind : uint8_t {
    kNever = 0,  ///< waiting cannot help: the weight is above the maximum
    kOnRelease,  ///< when a call in flight completes; no time is known
    kAfter,      ///< after `delay`
  };
  Kind kind = Kind::kNever;
  std::chrono::nanoseconds delay{0};
};

enum class ReserveStatus : uint8_t {
  kStoreError = 0,  ///< the store cannot answer; zero denies
  kStoreFull,       ///< no room for a new key
  kContended,       ///< lost every retry of a race; try again in a millisecond
  kInvalid,         ///< more than kLimitsPerCallMax requests, a null pointer, a key made with another
                    ///< spec, or a time out of range
  kOverLimit,       ///< at least one request does not fit now
  kNeverFits,       ///< at least one request can never fit
  kAdmitted,        ///< everything is charged
};

/// What a request that did not fit met.
struct LimitShortage {
  uint64_t used = 0;  ///< counted in its window (calendar) or in flight; 0 for kGcra
  RetryAfter retry;
};

/// The answer of Reserve. `shortages[i]` is set only where bit i of `short_mask` is.
struct ReserveResult {
  ReserveStatus status = ReserveStatus::kStoreError;
  uint16_t limit = 0;       ///< index of the short request with the longest wait, the first of equals
  uint16_t short_mask = 0;  ///< bit i: request i did not fit
  RetryAfter retry;         ///< of request `limit`; for kContended 1 ms
  union {                   // left unset: clearing sixteen would cost more than the answer
    std::array<LimitShortage, kLimitsPerCallMax> shortages;
  };

  ReserveResult() noexcept {}
};

/// Which requests of a reservation a settlement changed; bit i is the reservation's i-th charge.
struct SettleResult {
  uint16_t credited = 0;  ///< given back in part or whole
  uint16_t stale = 0;     ///< nothing to give back: the window that was charged is gone
  uint16_t debited = 0;   ///< charged more, unconditionally
  uint16_t lost = 0;      ///< a debit that found no room in a full table
};

/// One charge as the store that made it knows it; opaque to everybody else. Carries what a later
/// correction needs, since a reservation may outlive the spec and the key it was made with.
struct ReservationToken {
  uint64_t fp = 0;
  uint64_t check = 0;
  uint64_t weight = 0;
  uint64_t stamp = 0;        ///< what was charged: which window or incarnation; kGcra: the admission time
  uint64_t max = 0;          ///< kCalendar: the maximum then held to
  uint64_t used = 0;         ///< counted right after this charge, with it; kGcra: 0. For audit records
  int64_t interval_ns = 0;   ///< kGcra
  int64_t tolerance_ns = 0;  ///< kGcra
  uint32_t slot = 0;
  uint32_t spec_tag = 0;
  Window window;
  LimitKind kind = LimitKind::kCalendar;
  bool whole_minutes = false;
};

/// Use that was charged before a call and is settled when it completes.
///
/// Thread safety: a value; one thread at a time.
/// Ownership: move-only, so that each charge is settled at most once. Must not outlive its store.
/// Destroying one that was not settled keeps its charges and releases its in-flight slots; its store is
/// not called when it has none.
/// Allocation: none; holds up to kLimitsPerCallMax charges inline.
class CALLWARDEN_EXPORT Reservation {
 public:
  Reservation() noexcept {}
  Reservation(Reservation&& other) noexcept { TakeFrom(other); }
  Reservation& operator=(Reservation&& other) noexcept;
  Reservation(const Reservation&) = delete;  // two copies could each be refunded
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() {
    if (releases_) SettleAsReserved();
  }

  bool empty() const noexcept { return store_ == nullptr; }
  /// Number of charges; requests of weight 0 and duplicates have none of their own.
  std::size_t size() const noexcept { return store_ == nullptr ? 0 : count_; }
  /// Weight of charge `i`, which is request `request_of(i)` of the Reserve that made it.
  uint64_t weight(std::size_t i) const noexcept { return tokens_[i].weight; }
  std::size_t request_of(std::size_t i) const noexcept { return requests_[i]; }
  /// Whether a charge is in flight, so that the store must hear of the end whatever it is.
  bool releases() const noexcept { return releases_; }
  /// The store that made it; null when empty.
  CounterStore* store() const noexcept { return store_; }

  /// For stores: takes up a charge. Ignored beyond kLimitsPerCallMax.
  void Add(CounterStore& store, const ReservationToken& token, std::size_t request) noexcept {
    if (count_ == kLimitsPerCallMax) return;
    store_ = &store;
    releases_ = releases_ || token.kind == LimitKind::kInflight;
    requests_[count_] = static_cast<uint8_t>(request);
    tokens_[count_++] = token;
  }
  /// For stores: forgets the charges without settling them, since they have been.
  void Forget() noexcept { store_ = nullptr, count_ = 0, releases_ = false; }
  std::span<ReservationToken> tokens() noexcept { return {tokens_.data(), size()}; }
  std::span<const ReservationToken> tokens() const noexcept { return {tokens_.data(), size()}; }

 private:
  void TakeFrom(Reservation& other) noexcept {
    store_ = other.store_;
    count_ = other.count_;
    releases_ = other.releases_;
    for (std::size_t i = 0; i < count_; ++i) {
      requests_[i] = other.requests_[i];
      tokens_[i] = other.tokens_[i];
    }
    other.Forget();
  }
  void SettleAsReserved() noexcept;

  CounterStore* store_ = nullptr;
  std::size_t count_ = 0;
  bool releases_ = false;  // a charge is in flight, so that the store must hear of the end
  std::array<uint8_t, kLimitsPerCallMax> requests_;
  union {  // unset until added: clearing them would cost more than a decision
    std::array<ReservationToken, kLimitsPerCallMax> tokens_;
  };
};

/// One count, looked at without charging it.
struct PeekResult {
  bool ok = false;    ///< false: the store could not answer, nothing else is set
  bool fits = false;  ///< the request would be admitted, alone and now
  uint64_t used = 0;  ///< counted or in flight; for kGcra the units of debt, rounded up
  uint64_t max = 0;
  Timestamp window_end{};  ///< calendar: when the count starts afresh
  RetryAfter retry;        ///< when !fits
};

/// Totals since the store was made. Each is read on its own; the set is not of one instant.
struct CounterStats {
  uint64_t admitted = 0;
  uint64_t denied_over_limit = 0;
  uint64_t denied_never_fits = 0;
  uint64_t denied_store_full = 0;
  uint64_t denied_contended = 0;
  uint64_t denied_invalid = 0;
  uint64_t denied_store_error = 0;
  uint64_t rollbacks = 0;
  uint64_t retries = 0;
  uint64_t refunds_credited = 0;
  uint64_t refunds_stale = 0;
  uint64_t debits = 0;
  uint64_t debits_over_max = 0;
  uint64_t debits_lost = 0;
  uint64_t saturations = 0;
  uint64_t inserts = 0;
  uint64_t reuses = 0;
  uint64_t keys = 0;          ///< slots taken now, expired ones included
  uint64_t keys_expired = 0;  ///< of them, those that an insert could reuse now
  uint64_t capacity_keys = 0;
  uint64_t clock_forward_clamped = 0;
  bool above_70_percent = false;
  bool above_85_percent = false;
};

/// Holds counts and charges them, all or none. Implement it to keep counts elsewhere.
///
/// Contract, checked by one test suite on every implementation: a Reserve is all or none and leaves no
/// charge when it denies; refunds touch only the window that was charged and happen once; waits are as
/// LimitSpec says; the time is bounded. A store may use its own clock and ignore `now`. Denials of
/// several limits are weak: one may count a concurrent reservation that is being rolled back.
///
/// Thread safety: every member may be called from any thread.
/// Errors: nothing throws, prints or aborts; what cannot be answered is a denial.
class CALLWARDEN_EXPORT CounterStore {
 public:
  CounterStore() = default;
  CounterStore(const CounterStore&) = delete;  // an identity: reservations point to it
  CounterStore& operator=(const CounterStore&) = delete;
  virtual ~CounterStore();

  /// False when the store has no memory or no connection; it then denies everything.
  [[nodiscard]] virtual bool ok() const noexcept = 0;

  /// The key of the count that `spec` keeps for these scope values (in the order of the spec's scope
  /// kinds; empty for a global scope). Values are told apart by type and value; 1 and 1.0 are one.
  [[nodiscard]] virtual CounterKey Key(const LimitSpec& spec,
                                       std::span<const AttributeValue> scope) const noexcept = 0;

  /// Charges every request, or none and says why. Requests of weight 0 always fit and charge nothing.
  /// Requests of equal key are merged: their weights added, the smallest maximum held.
  /// On admission the charges are put into `reservation`, which must be empty (it is settled first if
  /// not); on denial it is left empty. Specs and keys are borrowed for the call only: a reservation may
  /// outlive the policy that made it.
  [[nodiscard]] virtual ReserveResult Reserve(std::span<const LimitRequest> requests, Timestamp now,
                                              Reservation& reservation) noexcept = 0;

  /// Corrects each charge to `actual[i]` (one per charge of the reservation; missing ones stay as
  /// reserved): less is given back, more is charged unconditionally, even past the maximum. In-flight
  /// charges are released whatever `actual` says. An empty reservation changes nothing. Not called where
  /// nothing would change: for calls that went well, without a charge in flight.
  virtual SettleResult Settle(Reservation&& reservation, std::span<const uint64_t> actual) noexcept = 0;

  /// Gives every charge back: Settle with zeros.
  SettleResult Refund(Reservation&& reservation) noexcept;

  /// Looks without charging or creating anything.
  [[nodiscard]] virtual PeekResult Peek(const LimitRequest& request, Timestamp now) const noexcept = 0;

  [[nodiscard]] virtual CounterStats stats() const noexcept = 0;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_COUNTER_STORE_H_
