#ifndef CALLWARDEN_LIB_COUNTER_WORDS_H_
#define CALLWARDEN_LIB_COUNTER_WORDS_H_

#include <algorithm>
#include <cstdint>

#include "callwarden/counter_store.h"

#include "lib/int128.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The 64-bit words that counts are held in, without any concurrency. docs/counters.md, section 4.

/// In every format: not in use, look the key up again. Zero, so that fresh memory is an empty table.
inline constexpr uint64_t kSealed = 0;

inline constexpr int64_t kTimeMinNs = kTimeMin.time_since_epoch().count();
inline constexpr int64_t kTimeMaxNs = kTimeMax.time_since_epoch().count();

enum class WordFormat : uint8_t { kMinutes = 0, kSeconds, kArrival, kGauge };
inline constexpr uint32_t kWordFormats = 4;

constexpr WordFormat FormatOf(LimitKind kind, bool whole_minutes) noexcept {
  if (kind == LimitKind::kCalendar) return whole_minutes ? WordFormat::kMinutes : WordFormat::kSeconds;
  return kind == LimitKind::kGcra ? WordFormat::kArrival : WordFormat::kGauge;
}
inline WordFormat FormatOf(const LimitSpec& spec) noexcept {
  return FormatOf(spec.kind(), spec.whole_minutes());
}
constexpr WordFormat FormatOf(const ReservationToken& token) noexcept {
  return FormatOf(token.kind, token.whole_minutes);
}

/// [end : 64 - kUsedBits][used : kUsedBits], the end in ticks since 2025-01-01.
template <unsigned kUsedBits, int64_t kTickNs>
struct CalendarWord {
  static constexpr uint64_t kUsedMask = (uint64_t{1} << kUsedBits) - 1;
  /// A count that a debit drove out of range: nobody knows it any more, until its window is over.
  static constexpr uint64_t kSaturated = kUsedMask;
  /// The last end that can be written. Later than kTimeMax, so that a window cut to it never ends early
  /// for any time that is accepted.
  static constexpr uint64_t kEndMax = (uint64_t{1} << (64 - kUsedBits)) - 2;

  static constexpr uint64_t End(uint64_t word) noexcept { return word >> kUsedBits; }
  static constexpr uint64_t Used(uint64_t word) noexcept { return word & kUsedMask; }
  static constexpr uint64_t Pack(uint64_t end, uint64_t used) noexcept { return (end << kUsedBits) | used; }
  static constexpr int64_t EndNs(uint64_t end) noexcept {
    return kTimeMinNs + static_cast<int64_t>(end) * kTickNs;
  }
  /// The end of the window that holds `now_ns`, which lies in [kTimeMin, kTimeMax).
  static uint64_t EndAfter(Window window, int64_t now_ns) noexcept {
    const Timestamp end = WindowEnd(window, Timestamp(std::chrono::nanoseconds(now_ns)));
    const auto ticks = static_cast<uint64_t>((end.time_since_epoch().count() - kTimeMinNs) / kTickNs);
    return std::min(ticks, kEndMax);
  }
  /// The end to tell users: that of the window itself, also where the word's was cut.
  static int64_t TrueEndNs(Window window, uint64_t end) noexcept {
    if (end != kEndMax) return EndNs(end);
    const Timestamp last = WindowEnd(window, kTimeMax - std::chrono::nanoseconds(1));
    return last.time_since_epoch().count();
  }
};
using MinuteWord = CalendarWord<40, 60'000'000'000>;
using SecondWord = CalendarWord<32, 1'000'000'000>;
static_assert(MinuteWord::EndNs(MinuteWord::kEndMax) > kTimeMaxNs);
static_assert(SecondWord::EndNs(SecondWord::kEndMax) > kTimeMaxNs);
static_assert(kCountMax == MinuteWord::kSaturated - 1 && kCountMaxSeconds == SecondWord::kSaturated - 1);

/// gcra: the theoretical arrival time, in nanoseconds since 2025-01-01 plus one (never kSealed).
struct ArrivalWord {
  static constexpr uint64_t kSaturated = (uint64_t{1} << 63) - 1;
  static constexpr uint64_t FromNs(int64_t now_ns) noexcept {
    return static_cast<uint64_t>(now_ns - kTimeMinNs) + 1;
  }
  static constexpr Timestamp ToTime(uint64_t word) noexcept {
    const auto ns = static_cast<int64_t>(word - 1);
    const auto last = (Timestamp::max)();
    return ns > last.time_since_epoch().count() - kTimeMinNs
               ? last
               : Timestamp(std::chrono::nanoseconds(ns + kTimeMinNs));
  }
};

/// In flight: [gen : 24][used : 40], gen counts the incarnations of the slot, from 1.
struct GaugeWord {
  static constexpr unsigned kUsedBits = 40;
  static constexpr uint64_t kUsedMask = (uint64_t{1} << kUsedBits) - 1;
  static constexpr uint64_t kGenMask = (uint64_t{1} << 24) - 1;
  static constexpr uint64_t Gen(uint64_t word) noexcept { return word >> kUsedBits; }
  static constexpr uint64_t Used(uint64_t word) noexcept { return word & kUsedMask; }
  static constexpr uint64_t Pack(uint64_t gen, uint64_t used) noexcept { return (gen << kUsedBits) | used; }
  static constexpr uint64_t NextGen(uint64_t gen) noexcept { return gen == kGenMask ? 1 : gen + 1; }
};

/// What a call asks of one count.
struct Ask {
  const LimitSpec* spec;
  uint64_t weight;  // of all the call's requests of one key together, saturating
  uint64_t max;     // the smallest of theirs; kGcra: of their bursts
};

constexpr RetryAfter AfterNs(uint64_t wait_ns) noexcept {
  constexpr uint64_t kMax = INT64_MAX;  // a saturated debit may be further away than 292 years
  return {RetryAfter::Kind::kAfter,
          std::chrono::nanoseconds(static_cast<int64_t>(wait_ns < kMax ? wait_ns : kMax))};
}

// What each format does to a word. Next: the word after charging what is asked, or false when it does not
// fit. Shortage: why not. Stamp: what identifies the charge in the word it made. Counted: the use in it.
// Returned: the word after giving back `give` of `token`'s charge, or false when what was charged is gone.
// Debited: the word after charging `extra` regardless.

template <class Word>
struct CalendarOps {
  struct Count {
    uint64_t end;
    uint64_t used;
  };
  // The later of the word's window and the one that holds `now_ns`. Never an earlier one, and never
  // empty while the word's window is not over: a clock reading may be old, or have stepped back.
  static Count At(uint64_t word, Window window, int64_t now_ns) noexcept {
    const uint64_t end = Word::End(word);
    if (now_ns < Word::EndNs(end)) return {end, Word::Used(word)};
    return {Word::EndAfter(window, now_ns), 0};
  }
  static bool Next(uint64_t word, const Ask& ask, int64_t now_ns, uint64_t& next) noexcept {
    const Count w = At(word, ask.spec->window(), now_ns);
    if (w.used > ask.max || ask.weight > ask.max - w.used) return false;
    next = Word::Pack(w.end, w.used + ask.weight);
    return true;
  }
  static LimitShortage Shortage(uint64_t word, const Ask& ask, int64_t now_ns) noexcept {
    const Count w = At(word, ask.spec->window(), now_ns);
    if (ask.weight > ask.max) return {w.used, {}};
    return {w.used, AfterNs(static_cast<uint64_t>(Word::TrueEndNs(ask.spec->window(), w.end) - now_ns))};
  }
  static uint64_t Stamp(uint64_t next, int64_t) noexcept { return Word::End(next); }
  static uint64_t Counted(uint64_t next) noexcept { return Word::Used(next); }
  static bool Returned(uint64_t word, const ReservationToken& token, uint64_t give, int64_t,
                       uint64_t& next) noexcept {
    if (Word::End(word) != token.stamp || Word::Used(word) == Word::kSaturated) return false;
    next = word - std::min(Word::Used(word), give);
    return true;
  }
  static uint64_t Debited(uint64_t word, const ReservationToken& token, uint64_t extra, int64_t now_ns,
                          bool& over, bool& saturated) noexcept {
    const Count w = At(word, token.window, now_ns);
    saturated = extra >= Word::kSaturated - w.used;
    const uint64_t used = saturated ? Word::kSaturated : w.used + extra;
    over = used > token.max;
    return Word::Pack(w.end, used);
  }
  static bool Idle(uint64_t word, int64_t, int64_t now_ns) noexcept {
    return Word::EndNs(Word::End(word)) <= now_ns;
  }
  static uint64_t Fresh(Window window, uint64_t, int64_t now_ns) noexcept {
    return Word::Pack(Word::EndAfter(window, now_ns), 0);
  }
};
using MinuteOps = CalendarOps<MinuteWord>;
using SecondOps = CalendarOps<SecondWord>;

struct ArrivalOps {
  // Debts stay below 2^62 and times below 2^60, so that no sum here leaves 64 bits.
  static bool Next(uint64_t word, const Ask& ask, int64_t now_ns, uint64_t& next) noexcept {
    if (ask.weight > ask.max) return false;
    const uint64_t now = ArrivalWord::FromNs(now_ns);
    const uint64_t debt = ask.weight * static_cast<uint64_t>(ask.spec->interval_ns());
    const uint64_t arrival = std::max(word, now);
    if (arrival - now + debt > static_cast<uint64_t>(ask.spec->tolerance_ns())) return false;
    next = arrival + debt;
    return true;
  }
  static LimitShortage Shortage(uint64_t word, const Ask& ask, int64_t now_ns) noexcept {
    if (ask.weight > ask.max) return {0, {}};
    const uint64_t now = ArrivalWord::FromNs(now_ns);
    const uint64_t debt = ask.weight * static_cast<uint64_t>(ask.spec->interval_ns());
    return {0, AfterNs(std::max(word, now) - now + debt - static_cast<uint64_t>(ask.spec->tolerance_ns()))};
  }
  static uint64_t Stamp(uint64_t, int64_t now_ns) noexcept { return static_cast<uint64_t>(now_ns); }
  static uint64_t Counted(uint64_t) noexcept { return 0; }
  // Takes back no more of a charge than has not drained since, so that a refund never makes a burst.
  static bool Returned(uint64_t word, const ReservationToken& token, uint64_t give, int64_t now_ns,
                       uint64_t& next) noexcept {
    if (word >= ArrivalWord::kSaturated) return false;
    const auto interval = static_cast<uint64_t>(token.interval_ns);
    const uint64_t charged = token.weight * interval;
    const int64_t passed = now_ns - static_cast<int64_t>(token.stamp);
    const uint64_t drained = passed > 0 ? std::min(static_cast<uint64_t>(passed), charged) : 0;
    const uint64_t credit = std::min(std::min(give, token.weight) * interval, charged - drained);
    if (credit == 0 || credit >= word) return false;
    next = word - credit;
    return true;
  }
  static uint64_t Debited(uint64_t word, const ReservationToken& token, uint64_t extra, int64_t now_ns,
                          bool& over, bool& saturated) noexcept {
    const uint64_t now = ArrivalWord::FromNs(now_ns);
    const uint64_t arrival = std::max(word, now);
    const uint128 after = uint128{extra} * static_cast<uint64_t>(token.interval_ns) + arrival;
    saturated = after >= ArrivalWord::kSaturated;
    const uint64_t next = saturated ? ArrivalWord::kSaturated : static_cast<uint64_t>(after);
    over = next - now > static_cast<uint64_t>(token.tolerance_ns);
    return next;
  }
  static bool Idle(uint64_t word, int64_t tolerance_ns, int64_t now_ns) noexcept {
    return word + static_cast<uint64_t>(tolerance_ns) < ArrivalWord::FromNs(now_ns);
  }
  static uint64_t Fresh(Window, uint64_t, int64_t now_ns) noexcept { return ArrivalWord::FromNs(now_ns); }
};

struct GaugeOps {
  static bool Next(uint64_t word, const Ask& ask, int64_t, uint64_t& next) noexcept {
    const uint64_t used = GaugeWord::Used(word);
    if (used > ask.max || ask.weight > ask.max - used) return false;
    next = word + ask.weight;
    return true;
  }
  static LimitShortage Shortage(uint64_t word, const Ask& ask, int64_t) noexcept {
    const auto kind = ask.weight > ask.max ? RetryAfter::Kind::kNever : RetryAfter::Kind::kOnRelease;
    return {GaugeWord::Used(word), {kind, {}}};
  }
  static uint64_t Stamp(uint64_t next, int64_t) noexcept { return GaugeWord::Gen(next); }
  static uint64_t Counted(uint64_t next) noexcept { return GaugeWord::Used(next); }
  static bool Returned(uint64_t word, const ReservationToken& token, uint64_t give, int64_t,
                       uint64_t& next) noexcept {
    if (GaugeWord::Gen(word) != token.stamp) return false;
    next = word - std::min(GaugeWord::Used(word), give);
    return true;
  }
  static bool Idle(uint64_t word, int64_t, int64_t) noexcept { return GaugeWord::Used(word) == 0; }
  static uint64_t Fresh(Window, uint64_t gen, int64_t) noexcept { return GaugeWord::Pack(gen, 0); }
};

/// Calls `f` with the operations of `format`.
template <class F>
[[gnu::always_inline]] inline decltype(auto) WithOps(WordFormat format, F&& f) {
  switch (format) {
    case WordFormat::kMinutes:
      return f(MinuteOps());
    case WordFormat::kSeconds:
      return f(SecondOps());
    case WordFormat::kArrival:
      return f(ArrivalOps());
    case WordFormat::kGauge:
      break;
  }
  return f(GaugeOps());
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_COUNTER_WORDS_H_
