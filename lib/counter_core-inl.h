#ifndef CALLWARDEN_LIB_COUNTER_CORE_INL_H_
#define CALLWARDEN_LIB_COUNTER_CORE_INL_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "callwarden/counter_store.h"

#include "lib/counter_stats.h"
#include "lib/counter_words.h"
#include "lib/int128.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The lock-free table of counts. docs/counters.md tells the protocol, its invariants and its proofs.
///
/// `Policy` says what atomics are made of, so that the model checker runs the code that ships:
///   Atomic<T>         like std::atomic<T>
///   kGroupSlots       slots in a group
///   NewZeroed<T>(n)   n zeroed objects or null; Delete<T>(p, n) gives them back
///   Backoff(spins)    waits a little for a lock
///   Tallies           counts what happened; see ShardedTallies
///
/// Thread safety: every member may be called from any thread, but for Init and Clear.
template <class Policy>
class CounterCore {
 public:
  template <class T>
  using Atomic = typename Policy::template Atomic<T>;

  static constexpr uint32_t kNoSlot = CounterKey::kNoHint;
  static constexpr uint32_t kGroupSlots = Policy::kGroupSlots;

  CounterCore() = default;
  CounterCore(const CounterCore&) = delete;  // holds the table
  CounterCore& operator=(const CounterCore&) = delete;
  ~CounterCore() {
    Policy::template Delete<Payload>(payloads_, slots_made_);
    Policy::template Delete<Atomic<uint64_t>>(fps_, slots_made_);
    Policy::template Delete<GroupMeta>(metas_, group_count_);
  }

  /// Allocates `groups` groups; false when there is no memory for them. `clock` is what refunds and
  /// debits read and must outlive this.
  bool Init(uint32_t groups, const Clock* clock, int retries_max) noexcept {
    clock_ = clock;
    retries_max_ = retries_max;
    group_count_ = groups;
    slots_made_ = groups * kGroupSlots;
    payloads_ = Policy::template NewZeroed<Payload>(slots_made_);
    fps_ = Policy::template NewZeroed<Atomic<uint64_t>>(slots_made_);
    metas_ = Policy::template NewZeroed<GroupMeta>(group_count_);
    if (payloads_ == nullptr || fps_ == nullptr || metas_ == nullptr) return false;
    slot_count_ = slots_made_;
    return true;
  }

  [[nodiscard]] ReserveResult Reserve(CounterStore& owner, std::span<const LimitRequest> requests,
                                      Timestamp now, Reservation& reservation) noexcept {
    ReserveResult result;
    if (now < kTimeMin || now >= kTimeMax) {
      Deny(result, ReserveStatus::kInvalid);
    } else if (requests.size() == 1) [[likely]] {
      ReserveOne(owner, requests[0], Ns(now), reservation, result);
    } else {
      ReserveAll(owner, requests, Ns(now), reservation, result);
    }
    return result;
  }

  SettleResult Settle(std::span<const ReservationToken> tokens, std::span<const uint64_t> actual) noexcept {
    SettleResult result;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const ReservationToken& token = tokens[i];
      const auto bit = static_cast<uint16_t>(1u << i);
      uint64_t target = i < actual.size() ? actual[i] : token.weight;
      if (token.kind == LimitKind::kInflight) target = 0;
      if (target < token.weight) {
        const bool credited = Uncharge(token, token.weight - target);
        (credited ? result.credited : result.stale) |= bit;
        tallies_.Add(credited ? Tally::kCredited : Tally::kStale);
      } else if (target > token.weight) {
        const bool debited = Debit(token, target - token.weight);
        (debited ? result.debited : result.lost) |= bit;
        tallies_.Add(debited ? Tally::kDebits : Tally::kDebitsLost);
      }
    }
    return result;
  }

  [[nodiscard]] PeekResult Peek(const LimitRequest& request, Timestamp now) const noexcept {
    PeekResult result;
    if (now < kTimeMin || now >= kTimeMax || !Usable(request)) return result;
    const int64_t now_ns = Ns(now);
    Charge c = ChargeFor(request, 0);
    const uint64_t word = Look(c, now_ns);
    result.ok = true;
    result.max = request.spec->max();
    result.fits = request.weight == 0 || Fits(c, word, now_ns);
    if (!result.fits) result.retry = ShortageOf(c, word, now_ns).retry;
    switch (c.format) {
      case WordFormat::kMinutes:
        PeekCalendar<MinuteWord>(word, request.spec->window(), now_ns, result);
        break;
      case WordFormat::kSeconds:
        PeekCalendar<SecondWord>(word, request.spec->window(), now_ns, result);
        break;
      case WordFormat::kArrival: {
        const uint64_t at = ArrivalWord::FromNs(now_ns);
        const auto interval = static_cast<uint64_t>(request.spec->interval_ns());
        if (word > at && interval != 0) result.used = (word - at + interval - 1) / interval;
        break;
      }
      case WordFormat::kGauge:
        result.used = GaugeWord::Used(word);
        break;
    }
    return result;
  }

  /// A count as it stands in the table.
  struct Record {
    uint64_t fp;
    uint64_t check;
    uint64_t word;
    int64_t tolerance_ns;
    uint32_t spec_tag;
    WordFormat format;
  };

  /// Calls `f(const Record&)` for each count that is not idle at `now`.
  template <class F>
  void ForEach(Timestamp now, F&& f) const {
    for (uint32_t slot = 0; slot < slot_count_; ++slot) {
      Record record;
      if (ReadRecord(slot, record) && !Idle(record.format, record.word, record.tolerance_ns, Ns(now)))
        f(record);
    }
  }

  [[nodiscard]] static bool Idle(const Record& record, Timestamp now) noexcept {
    return Idle(record.format, record.word, record.tolerance_ns, Ns(now));
  }

  /// Puts a count back as it was; of two words for one count the later holds. False when there is no
  /// room. No other member may run.
  bool Put(const Record& record, Timestamp now) noexcept {
    const Shape shape{record.format, Window(), record.tolerance_ns, record.spec_tag};
    const uint32_t slot = Insert(record.fp, record.check, shape, Ns(now), record.word);
    if (slot == kNoSlot) return false;
    Atomic<uint64_t>& word = WordOf(PayloadAt(slot), record.format);
    const uint64_t held = word.load(std::memory_order_relaxed);
    if (held == kSealed) return false;  // held in another format, which no table of ours did
    if (held < record.word) word.store(record.word, std::memory_order_relaxed);
    return true;
  }

  /// Inserts later than this behave as if the clock said at least `floor`.
  void RaiseFloors(Timestamp floor) noexcept {
    for (uint32_t g = 0; g < group_count_; ++g) {
      const int64_t now_ns = std::max(metas_[g].floor_ns.load(std::memory_order_relaxed), Ns(floor));
      metas_[g].floor_ns.store(now_ns, std::memory_order_relaxed);
    }
  }

  /// Empties the table. No other member may run.
  void Clear() noexcept {
    for (uint32_t slot = 0; slot < slot_count_; ++slot) {
      Payload& payload = PayloadAt(slot);
      for (Atomic<uint64_t>& word : payload.words) word.store(kSealed, std::memory_order_relaxed);
      payload.fp.store(0, std::memory_order_relaxed);
      fps_[slot].store(0, std::memory_order_relaxed);
    }
    keys_.store(0, std::memory_order_relaxed);
  }

  /// Slots taken, expired ones included.
  [[nodiscard]] uint64_t keys() const noexcept { return keys_.load(std::memory_order_relaxed); }
  typename Policy::Tallies& tallies() noexcept { return tallies_; }
  const typename Policy::Tallies& tallies() const noexcept { return tallies_; }

 private:
  // One line a count, so that hot counts do not share lines and a charge touches one. Each format has a
  // word of its own: exactly one is not sealed while the slot is taken, and a charge of one kind cannot
  // hit a count of another.
  struct alignas(64) Payload {
    std::array<Atomic<uint64_t>, kWordFormats> words;
    Atomic<uint64_t> fp;
    Atomic<uint64_t> check;
    Atomic<int64_t> tolerance_ns;
    Atomic<uint32_t> spec_tag;
    Atomic<uint32_t> gen;
  };
  struct GroupMeta {
    Atomic<uint32_t> lock;
    Atomic<int64_t> floor_ns;  // no count dropped from the group had a later end
  };

  // What a new slot is made from.
  struct Shape {
    WordFormat format;
    Window window;
    int64_t tolerance_ns;
    uint32_t spec_tag;
  };

  // One count of a call, and what became of it.
  struct Charge {
    Ask ask;
    CounterKey* key;
    WordFormat format;
    uint8_t first;      // the first of the requests
    uint16_t requests;  // bit i: request i is one of them
    uint32_t slot;
    uint64_t word;  // kCharged: that it made; kShort: that it met
  };

  enum class Step : uint8_t { kCharged, kShort, kMoved };

  static constexpr int64_t Ns(Timestamp t) noexcept { return t.time_since_epoch().count(); }

  static bool Usable(const LimitRequest& request) noexcept {
    return request.spec != nullptr && request.key != nullptr && request.key->spec_tag == request.spec->tag();
  }

  static Charge ChargeFor(const LimitRequest& request, std::size_t index) noexcept {
    Charge c;
    c.ask = {request.spec, request.weight, request.spec->burst()};
    c.key = request.key;
    c.format = FormatOf(*request.spec);
    c.first = static_cast<uint8_t>(index);
    c.requests = static_cast<uint16_t>(1u << index);
    return c;
  }

  static Shape ShapeFor(const LimitSpec& spec) noexcept {
    return {FormatOf(spec), spec.window(), spec.tolerance_ns(), spec.tag()};
  }

  static bool Fits(const Charge& c, uint64_t word, int64_t now_ns) noexcept {
    uint64_t next;
    return WithOps(c.format, [&](auto ops) { return ops.Next(word, c.ask, now_ns, next); });
  }

  static LimitShortage ShortageOf(const Charge& c, uint64_t word, int64_t now_ns) noexcept {
    return WithOps(c.format, [&](auto ops) { return ops.Shortage(word, c.ask, now_ns); });
  }

  static bool Idle(WordFormat format, uint64_t word, int64_t tolerance_ns, int64_t now_ns) noexcept {
    return WithOps(format, [&](auto ops) { return ops.Idle(word, tolerance_ns, now_ns); });
  }

  template <class Word>
  static void PeekCalendar(uint64_t word, Window window, int64_t now_ns, PeekResult& result) noexcept {
    const auto count = CalendarOps<Word>::At(word, window, now_ns);
    result.used = count.used;
    result.window_end = Timestamp(std::chrono::nanoseconds(Word::TrueEndNs(window, count.end)));
  }

  Payload& PayloadAt(uint32_t slot) const noexcept { return payloads_[slot]; }

  static Atomic<uint64_t>& WordOf(Payload& payload, WordFormat format) noexcept {
    return payload.words[static_cast<std::size_t>(format)];
  }

  // Only after the word was loaded: a slot's identity changes while its words are sealed, so the word
  // that was loaded is this key's, or else no longer the slot's.
  static bool Holds(const Payload& payload, uint64_t fp, uint64_t check) noexcept {
    return payload.fp.load(std::memory_order_acquire) == fp &&
           payload.check.load(std::memory_order_acquire) == check;
  }

  // Where a key may live: one of two groups, by halves of its identity.
  uint32_t FirstGroup(uint64_t fp) const noexcept {
    return static_cast<uint32_t>((uint128{fp} * group_count_) >> 64);
  }
  uint32_t SecondGroup(uint64_t check, uint32_t first) const noexcept {
    const auto g = static_cast<uint32_t>((uint128{check} * group_count_) >> 64);
    return g != first ? g : (g + 1) % group_count_;
  }

  uint32_t FindIn(uint32_t group, uint64_t fp, uint64_t check) const noexcept {
    const uint32_t begin = group * kGroupSlots;
    for (uint32_t slot = begin; slot < begin + kGroupSlots; ++slot) {
      if (fps_[slot].load(std::memory_order_acquire) == fp && Holds(payloads_[slot], fp, check)) return slot;
    }
    return kNoSlot;
  }

  uint32_t Find(uint64_t fp, uint64_t check) const noexcept {
    const uint32_t first = FirstGroup(fp);
    const uint32_t slot = FindIn(first, fp, check);
    return slot != kNoSlot ? slot : FindIn(SecondGroup(check, first), fp, check);
  }

  // Reads the word of a slot if it is this key's. The second look makes it so at one instant: what
  // charges need not know, since their exchange would fail, decisions without one do.
  bool ReadWord(uint32_t slot, WordFormat format, uint64_t fp, uint64_t check,
                uint64_t& word) const noexcept {
    Payload& payload = PayloadAt(slot);
    const Atomic<uint64_t>& source = WordOf(payload, format);
    word = source.load(std::memory_order_acquire);
    for (;;) {
      if (word == kSealed || !Holds(payload, fp, check)) return false;
      const uint64_t again = source.load(std::memory_order_acquire);
      if (again == word) return true;
      word = again;
    }
  }

  // A time at which neither group has dropped a count of this key whose window was not over.
  int64_t SinceFloors(uint64_t fp, uint64_t check, int64_t now_ns) const noexcept {
    const uint32_t first = FirstGroup(fp);
    const uint32_t second = SecondGroup(check, first);
    return std::max({now_ns, metas_[first].floor_ns.load(std::memory_order_relaxed),
                     metas_[second].floor_ns.load(std::memory_order_relaxed)});
  }

  // What a count that has no slot would begin with.
  uint64_t UnusedWord(const Charge& c, int64_t now_ns) const noexcept {
    return FreshWord(c.format, c.ask.spec->window(), 1, SinceFloors(c.key->fp, c.key->check, now_ns));
  }
  static uint64_t FreshWord(WordFormat format, Window window, uint64_t gen, int64_t now_ns) noexcept {
    return WithOps(format, [&](auto ops) { return ops.Fresh(window, gen, now_ns); });
  }

  // Finds the count's slot, by its hint or by its identity, and reads its word; without a slot
  // (kNoSlot), what its word would be.
  uint64_t Look(Charge& c, int64_t now_ns) const noexcept {
    CounterKey& key = *c.key;
    uint64_t word = 0;
    c.slot = key.hint;
    if (c.slot < slot_count_ && ReadWord(c.slot, c.format, key.fp, key.check, word)) return word;
    c.slot = Find(key.fp, key.check);
    if (c.slot != kNoSlot && ReadWord(c.slot, c.format, key.fp, key.check, word)) {
      key.hint = c.slot;
      return word;
    }
    c.slot = kNoSlot;
    return UnusedWord(c, now_ns);
  }

  // Charges a slot. `word`: the one it made, or the one that left no room.
  template <class Ops>
  [[gnu::always_inline]] Step TryChargeAs(uint32_t slot, WordFormat format, const CounterKey& key,
                                          const Ask& ask, int64_t now_ns, uint64_t& word) noexcept {
    Payload& payload = PayloadAt(slot);
    Atomic<uint64_t>& target = WordOf(payload, format);
    word = target.load(std::memory_order_acquire);
    for (;;) {
      if (word == kSealed || !Holds(payload, key.fp, key.check)) return Step::kMoved;
      uint64_t next = 0;
      if (!Ops::Next(word, ask, now_ns, next)) {
        const uint64_t again = target.load(std::memory_order_acquire);  // as in ReadWord
        if (again == word) return Step::kShort;
        word = again;
        continue;
      }
      if (target.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        word = next;
        return Step::kCharged;
      }
    }
  }

  Step TryCharge(Charge& c, int64_t now_ns) noexcept {
    return WithOps(c.format, [&](auto ops) {
      return TryChargeAs<decltype(ops)>(c.slot, c.format, *c.key, c.ask, now_ns, c.word);
    });
  }

  template <class Ops>
  [[gnu::always_inline]] static ReservationToken TokenAs(const CounterKey& key, const Ask& ask, uint32_t slot,
                                                         uint64_t word, int64_t now_ns) noexcept {
    return {.fp = key.fp,
            .check = key.check,
            .weight = ask.weight,
            .stamp = Ops::Stamp(word, now_ns),
            .max = ask.max,
            .used = Ops::Counted(word),
            .interval_ns = ask.spec->interval_ns(),
            .tolerance_ns = ask.spec->tolerance_ns(),
            .slot = slot,
            .spec_tag = ask.spec->tag(),
            .window = ask.spec->window(),
            .kind = ask.spec->kind(),
            .whole_minutes = ask.spec->whole_minutes()};
  }
  static ReservationToken TokenFor(const Charge& c, int64_t now_ns) noexcept {
    return WithOps(c.format,
                   [&](auto ops) { return TokenAs<decltype(ops)>(*c.key, c.ask, c.slot, c.word, now_ns); });
  }

  // Gives back `give` of a charge; false when what was charged is gone.
  bool Uncharge(const ReservationToken& token, uint64_t give) noexcept {
    if (token.slot >= slot_count_) return false;
    Payload& payload = PayloadAt(token.slot);
    const WordFormat format = FormatOf(token);
    Atomic<uint64_t>& target = WordOf(payload, format);
    uint64_t word = target.load(std::memory_order_acquire);
    for (;;) {
      if (word == kSealed || !Holds(payload, token.fp, token.check)) return false;
      // Read after the word: a reading from before it would count less as drained than has.
      const int64_t now_ns = format == WordFormat::kArrival ? Ns(clock_->Now()) : 0;
      uint64_t next = 0;
      if (!WithOps(format, [&](auto ops) { return ops.Returned(word, token, give, now_ns, next); }))
        return false;
      if (target.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        return true;
      }
    }
  }

  // Charges `extra` to the count's present window whatever its maximum; false when it has no slot any
  // more and there is no room for one.
  bool Debit(const ReservationToken& token, uint64_t extra) noexcept {
    const WordFormat format = FormatOf(token);
    if (format == WordFormat::kArrival) return DebitAs<ArrivalOps>(token, extra, format);
    return format == WordFormat::kMinutes ? DebitAs<MinuteOps>(token, extra, format)
                                          : DebitAs<SecondOps>(token, extra, format);
  }

  template <class Ops>
  bool DebitAs(const ReservationToken& token, uint64_t extra, WordFormat format) noexcept {
    const Timestamp last = kTimeMax - std::chrono::nanoseconds(1);
    const int64_t now_ns = Ns(std::clamp(clock_->Now(), kTimeMin, last));
    uint32_t slot = token.slot;
    while (slot != kNoSlot) {
      if (slot < slot_count_) {
        Payload& payload = PayloadAt(slot);
        Atomic<uint64_t>& target = WordOf(payload, format);
        uint64_t word = target.load(std::memory_order_acquire);
        while (word != kSealed && Holds(payload, token.fp, token.check)) {
          bool over = false, saturated = false;
          const uint64_t next = Ops::Debited(word, token, extra, now_ns, over, saturated);
          if (target.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                           std::memory_order_acquire)) {
            if (over) tallies_.Add(Tally::kDebitsOverMax);
            if (saturated) tallies_.Add(Tally::kSaturations);
            return true;
          }
        }
      }
      slot = Insert(token.fp, token.check, {format, token.window, token.tolerance_ns, token.spec_tag}, now_ns,
                    0);
    }
    return false;
  }

  void Lock(uint32_t group) noexcept {
    Atomic<uint32_t>& lock = metas_[group].lock;
    for (unsigned spins = 0; lock.exchange(1, std::memory_order_acquire) != 0; ++spins)
      Policy::Backoff(spins);
  }
  void Unlock(uint32_t group) noexcept { metas_[group].lock.store(0, std::memory_order_release); }

  // The word of a taken slot and its format. For holders of the group's lock, who alone see one always.
  static WordFormat FormatHeld(Payload& payload, uint64_t& word) noexcept {
    for (uint32_t f = 0; f + 1 < kWordFormats; ++f) {
      word = payload.words[f].load(std::memory_order_acquire);
      if (word != kSealed) return static_cast<WordFormat>(f);
    }
    word = payload.words[kWordFormats - 1].load(std::memory_order_acquire);
    return static_cast<WordFormat>(kWordFormats - 1);
  }

  // What a group has to offer to an insert.
  struct Survey {
    uint32_t live = 0;
    uint32_t empty = kNoSlot;
    uint32_t idle = kNoSlot;
  };
  Survey SurveyOf(uint32_t group, int64_t now_ns) const noexcept {
    Survey survey;
    for (uint32_t i = 0; i < kGroupSlots; ++i) {
      const uint32_t slot = group * kGroupSlots + i;
      Payload& payload = PayloadAt(slot);
      if (payload.fp.load(std::memory_order_relaxed) == 0) {
        if (survey.empty == kNoSlot) survey.empty = slot;
        continue;
      }
      uint64_t word = 0;
      const WordFormat format = FormatHeld(payload, word);
      if (!Idle(format, word, payload.tolerance_ns.load(std::memory_order_relaxed), now_ns)) {
        ++survey.live;
      } else if (survey.idle == kNoSlot) {
        survey.idle = slot;
      }
    }
    return survey;
  }

  // Takes an idle slot out of use; false when it was charged meanwhile.
  bool Seal(Payload& payload, int64_t now_ns) noexcept {
    uint64_t word = 0;
    const WordFormat format = FormatHeld(payload, word);
    return Idle(format, word, payload.tolerance_ns.load(std::memory_order_relaxed), now_ns) &&
           WordOf(payload, format)
               .compare_exchange_strong(word, kSealed, std::memory_order_acq_rel, std::memory_order_acquire);
  }

  // The slot of a key, made if need be; kNoSlot when both its groups are full. `word`: what to put in it,
  // or 0 for an unused count.
  uint32_t Insert(uint64_t fp, uint64_t check, const Shape& shape, int64_t now_ns, uint64_t word) noexcept {
    const uint32_t first = FirstGroup(fp);
    const uint32_t second = SecondGroup(check, first);
    const uint32_t low = std::min(first, second), high = std::max(first, second);
    Lock(low);
    if (high != low) Lock(high);
    const uint32_t slot = InsertLocked(first, second, fp, check, shape, now_ns, word);
    if (high != low) Unlock(high);
    Unlock(low);
    return slot;
  }

  uint32_t InsertLocked(uint32_t first, uint32_t second, uint64_t fp, uint64_t check, const Shape& shape,
                        int64_t now_ns, uint64_t word) noexcept {
    if (const uint32_t found = Find(fp, check); found != kNoSlot) return found;
    // A count of this key that was dropped had an end no later than the floor, so that a clock reading
    // from before it cannot open that window again.
    now_ns = SinceFloors(fp, check, now_ns);
    const uint32_t slot = TakeSlot(first, second, now_ns);
    if (slot == kNoSlot) return kNoSlot;

    Payload& payload = PayloadAt(slot);
    Atomic<uint64_t>& index = fps_[slot];
    index.store(0, std::memory_order_relaxed);
    // Released, so that who sees the new identity sees the words sealed, or what came after.
    payload.fp.store(fp, std::memory_order_release);
    payload.check.store(check, std::memory_order_release);
    payload.tolerance_ns.store(shape.tolerance_ns, std::memory_order_relaxed);
    payload.spec_tag.store(shape.spec_tag, std::memory_order_relaxed);
    const auto gen = static_cast<uint32_t>(GaugeWord::NextGen(payload.gen.load(std::memory_order_relaxed)));
    payload.gen.store(gen, std::memory_order_relaxed);
    if (word == 0) word = FreshWord(shape.format, shape.window, gen, now_ns);
    WordOf(payload, shape.format).store(word, std::memory_order_release);
    index.store(fp, std::memory_order_release);
    tallies_.Add(Tally::kInserts);
    return slot;
  }

  // An empty slot, or one whose count is over and which is then sealed, in the group that has fewer live
  // counts if possible.
  uint32_t TakeSlot(uint32_t first, uint32_t second, int64_t now_ns) noexcept {
    // Each turn but the last lost its slot to a charge that came first, and to a clock behind ours.
    for (uint32_t turn = 0; turn < 2 * kGroupSlots; ++turn) {
      const Survey a = SurveyOf(first, now_ns), b = SurveyOf(second, now_ns);
      const Survey& fewer = a.live <= b.live ? a : b;
      const Survey& more = a.live <= b.live ? b : a;
      for (const uint32_t slot : {fewer.empty, fewer.idle, more.empty, more.idle}) {
        if (slot == kNoSlot) continue;
        if (slot == fewer.empty || slot == more.empty) {
          keys_.fetch_add(1, std::memory_order_relaxed);
          return slot;
        }
        if (!Seal(PayloadAt(slot), now_ns)) break;
        metas_[slot / kGroupSlots].floor_ns.store(now_ns, std::memory_order_relaxed);
        tallies_.Add(Tally::kReuses);
        return slot;
      }
      if (a.idle == kNoSlot && b.idle == kNoSlot) break;
    }
    return kNoSlot;
  }

  // Reads a slot whole, as it is at one instant; false when it is empty or in the making.
  bool ReadRecord(uint32_t slot, Record& record) const noexcept {
    Payload& payload = PayloadAt(slot);
    for (uint32_t f = 0; f < kWordFormats; ++f) {
      record.format = static_cast<WordFormat>(f);
      record.word = payload.words[f].load(std::memory_order_acquire);
      while (record.word != kSealed) {
        record.fp = payload.fp.load(std::memory_order_acquire);
        record.check = payload.check.load(std::memory_order_acquire);
        record.tolerance_ns = payload.tolerance_ns.load(std::memory_order_acquire);
        record.spec_tag = payload.spec_tag.load(std::memory_order_acquire);
        const uint64_t again = payload.words[f].load(std::memory_order_acquire);
        if (again == record.word) return true;
        record.word = again;
      }
    }
    return false;
  }

  [[gnu::noinline]] void Deny(ReserveResult& result, ReserveStatus status) noexcept {
    result.status = status;
    switch (status) {
      case ReserveStatus::kStoreFull:
        tallies_.Add(Tally::kStoreFull);
        break;
      case ReserveStatus::kContended:
        result.retry = {RetryAfter::Kind::kAfter, std::chrono::milliseconds(1)};
        tallies_.Add(Tally::kContended);
        break;
      case ReserveStatus::kOverLimit:
        tallies_.Add(Tally::kOverLimit);
        break;
      case ReserveStatus::kNeverFits:
        tallies_.Add(Tally::kNeverFits);
        break;
      default:
        tallies_.Add(Tally::kInvalid);
        break;
    }
  }

  void Admit(ReserveResult& result) noexcept {
    result.status = ReserveStatus::kAdmitted;
    tallies_.Add(Tally::kAdmitted);
  }

  void DenyShort(ReserveResult& result, const LimitShortage& shortage) noexcept {
    const bool never = shortage.retry.kind == RetryAfter::Kind::kNever;
    result.status = never ? ReserveStatus::kNeverFits : ReserveStatus::kOverLimit;
    result.short_mask = 1;
    result.retry = shortage.retry;
    result.shortages[0] = shortage;
    tallies_.Add(never ? Tally::kNeverFits : Tally::kOverLimit);
  }

  // One limit: its charge answers by itself.
  [[gnu::always_inline]] void ReserveOne(CounterStore& owner, const LimitRequest& request, int64_t now_ns,
                                         Reservation& reservation, ReserveResult& result) noexcept {
    if (!Usable(request)) [[unlikely]]
      return Deny(result, ReserveStatus::kInvalid);
    if (request.weight == 0) [[unlikely]]
      return Admit(result);
    WithOps(FormatOf(*request.spec),
            [&](auto ops) { ReserveHinted<decltype(ops)>(owner, request, now_ns, reservation, result); });
  }

  template <class Ops>
  [[gnu::always_inline]] void ReserveHinted(CounterStore& owner, const LimitRequest& request, int64_t now_ns,
                                            Reservation& reservation, ReserveResult& result) noexcept {
    const Ask ask{request.spec, request.weight, request.spec->burst()};
    const uint32_t slot = request.key->hint;
    Step step = Step::kMoved;
    uint64_t word = 0;
    if (slot < slot_count_) [[likely]] {
      step = TryChargeAs<Ops>(slot, FormatOf(*request.spec), *request.key, ask, now_ns, word);
    }
    if (step == Step::kCharged) [[likely]] {
      reservation.Add(owner, TokenAs<Ops>(*request.key, ask, slot, word, now_ns), 0);
      return Admit(result);
    }
    if (step == Step::kShort) [[likely]]
      return DenyShort(result, Ops::Shortage(word, ask, now_ns));
    ReserveUnhinted(owner, request, now_ns, reservation, result);
  }

  [[gnu::noinline]] void ReserveUnhinted(CounterStore& owner, const LimitRequest& request, int64_t now_ns,
                                         Reservation& reservation, ReserveResult& result) noexcept {
    CounterKey& key = *request.key;
    Charge c = ChargeFor(request, 0);
    Step step = Step::kMoved;
    for (int turn = 0; step == Step::kMoved; ++turn) {
      if (turn > kMovesMax) return Deny(result, ReserveStatus::kContended);
      c.slot = Find(key.fp, key.check);
      if (c.slot == kNoSlot) {
        const uint64_t unused = UnusedWord(c, now_ns);
        if (!Fits(c, unused, now_ns)) return DenyShort(result, ShortageOf(c, unused, now_ns));
        c.slot = Insert(key.fp, key.check, ShapeFor(*c.ask.spec), now_ns, 0);
        if (c.slot == kNoSlot) return Deny(result, ReserveStatus::kStoreFull);
      }
      key.hint = c.slot;
      step = TryCharge(c, now_ns);
    }
    if (step == Step::kShort) return DenyShort(result, ShortageOf(c, c.word, now_ns));
    reservation.Add(owner, TokenFor(c, now_ns), 0);
    Admit(result);
  }

  // Longer waits first; never and unknown are longer than any, and equal.
  static int64_t Rank(const RetryAfter& retry) noexcept {
    return retry.kind == RetryAfter::Kind::kAfter ? retry.delay.count()
                                                  : (std::numeric_limits<int64_t>::max)();
  }

  // Puts the requests of one key together. False: a request is not usable.
  static bool Merge(std::span<const LimitRequest> requests, std::span<Charge> charges,
                    std::size_t& count) noexcept {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const LimitRequest& request = requests[i];
      if (!Usable(request)) return false;
      if (request.weight == 0) continue;
      Charge* same = nullptr;
      for (std::size_t k = 0; k < count && same == nullptr; ++k) {
        if (*charges[k].key == *request.key) same = &charges[k];
      }
      if (same == nullptr) {
        charges[count++] = ChargeFor(request, i);
        continue;
      }
      same->requests = static_cast<uint16_t>(same->requests | (1u << i));
      same->ask.max = std::min(same->ask.max, request.spec->burst());
      const uint64_t sum = same->ask.weight + request.weight;
      same->ask.weight = sum < request.weight ? (std::numeric_limits<uint64_t>::max)() : sum;
    }
    return true;
  }

  // Looks at every count without charging any; true when one is short.
  bool AnyShort(std::span<Charge> charges, int64_t now_ns, ReserveResult& result) const noexcept {
    bool never = false;
    int64_t longest = -1;
    for (Charge& c : charges) {
      const uint64_t word = Look(c, now_ns);
      if (Fits(c, word, now_ns)) continue;
      const LimitShortage shortage = ShortageOf(c, word, now_ns);
      result.short_mask = static_cast<uint16_t>(result.short_mask | c.requests);
      for (std::size_t i = 0; i < kLimitsPerCallMax; ++i) {
        if ((c.requests >> i & 1) != 0) result.shortages[i] = shortage;
      }
      never = never || shortage.retry.kind == RetryAfter::Kind::kNever;
      if (Rank(shortage.retry) > longest) {
        longest = Rank(shortage.retry);
        result.limit = c.first;
        result.retry = shortage.retry;
      }
    }
    result.status = never ? ReserveStatus::kNeverFits : ReserveStatus::kOverLimit;
    return result.short_mask != 0;
  }

  // Several limits: look, then charge in the order of slots, so that of calls that block one another the
  // one blocked at none completes; take everything back when one charge fails.
  [[gnu::noinline]] void ReserveAll(CounterStore& owner, std::span<const LimitRequest> requests,
                                    int64_t now_ns, Reservation& reservation,
                                    ReserveResult& result) noexcept {
    if (requests.size() > kLimitsPerCallMax) return Deny(result, ReserveStatus::kInvalid);
    Scratch scratch;
    std::size_t count = 0;
    if (!Merge(requests, scratch.charges, count)) return Deny(result, ReserveStatus::kInvalid);
    const std::span<Charge> charges(scratch.charges.data(), count);
    std::array<uint8_t, kLimitsPerCallMax> order;
    for (int turn = 0;; ++turn) {
      if (AnyShort(charges, now_ns, result)) return Deny(result, result.status);
      for (std::size_t k = 0; k < count; ++k) {
        Charge& c = charges[k];
        if (c.slot == kNoSlot) {
          c.slot = Insert(c.key->fp, c.key->check, ShapeFor(*c.ask.spec), now_ns, 0);
          if (c.slot == kNoSlot) return Deny(result, ReserveStatus::kStoreFull);
          c.key->hint = c.slot;
        }
        std::size_t at = k;
        for (; at > 0 && charges[order[at - 1]].slot > c.slot; --at) order[at] = order[at - 1];
        order[at] = static_cast<uint8_t>(k);
      }
      std::size_t charged = 0;
      while (charged < count && TryCharge(charges[order[charged]], now_ns) == Step::kCharged) ++charged;
      if (charged == count) break;
      if (charged > 0) tallies_.Add(Tally::kRollbacks);
      while (charged > 0) {
        const Charge& c = charges[order[--charged]];
        Uncharge(TokenFor(c, now_ns), c.ask.weight);
      }
      if (turn >= retries_max_) return Deny(result, ReserveStatus::kContended);
      tallies_.Add(Tally::kRetries);
    }
    for (const Charge& c : charges) {
      WithOps(c.format, [&](auto ops) {  // built in place: a copy of a token costs as much as its charge
        reservation.Add(owner, TokenAs<decltype(ops)>(*c.key, c.ask, c.slot, c.word, now_ns), c.first);
      });
    }
    Admit(result);
  }

  // Sixteen charges that are not cleared.
  struct Scratch {
    Scratch() noexcept {}
    union {
      std::array<Charge, kLimitsPerCallMax> charges;
    };
  };

  // Each move is another key's insert into the slot just found, which wants it idle; many in a row mean
  // clocks far apart.
  static constexpr int kMovesMax = 64;

  Payload* payloads_ = nullptr;
  uint32_t slot_count_ = 0;  // 0 until all memory is there
  uint32_t slots_made_ = 0;
  Atomic<uint64_t>* fps_ = nullptr;  // to find a slot by, a group's on two lines; what it holds stands in it
  GroupMeta* metas_ = nullptr;
  uint32_t group_count_ = 0;
  int retries_max_ = 0;
  const Clock* clock_ = nullptr;
  Atomic<uint64_t> keys_{};
  typename Policy::Tallies tallies_{};
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_COUNTER_CORE_INL_H_
