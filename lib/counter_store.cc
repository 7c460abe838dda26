#include "callwarden/counter_store.h"

#include <utility>

#include "lib/int128.h"
#include "lib/siphash.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

// A year of 365 days; the longest window of a whole number of seconds.
constexpr uint32_t kWindowSecondsMax = 31536000;
// Rounding T up to a nanosecond lowers the rate by less than 1 ns per unit: under 0.1 % from here on.
constexpr uint64_t kIntervalNsMin = 1000;
constexpr uint64_t kToleranceNsMax = uint64_t{1} << 62;

}  // namespace

std::optional<LimitSpec> LimitSpec::Create(const Options& options) noexcept {
  const Window window = options.window;
  if (options.burst.has_value() && options.kind != LimitKind::kGcra) return std::nullopt;
  if (window.unit() == Window::Unit::kSeconds &&
      (window.seconds() == 0 || window.seconds() > kWindowSecondsMax)) {
    return std::nullopt;
  }
  LimitSpec spec;
  spec.kind_ = options.kind;
  spec.window_ = window;
  spec.max_ = options.max;
  spec.burst_ = options.max;
  if (options.max > kCountMax) return std::nullopt;
  switch (options.kind) {
    case LimitKind::kCalendar:
      if (window.unit() == Window::Unit::kNone) return std::nullopt;
      spec.whole_minutes_ = window.unit() != Window::Unit::kSeconds || window.seconds() % 60 == 0;
      if (!spec.whole_minutes_ && options.max > kCountMaxSeconds) return std::nullopt;
      break;
    case LimitKind::kGcra: {
      if (window.unit() != Window::Unit::kSeconds && window.unit() != Window::Unit::kWeek)
        return std::nullopt;
      spec.burst_ = options.burst.value_or(options.max);
      if (options.burst.has_value() && spec.burst_ == 0) return std::nullopt;
      if (options.max == 0) {  // nothing above weight 0 ever fits, whatever the burst
        spec.burst_ = 0;
        break;
      }
      const uint64_t window_ns = uint64_t{window.seconds()} * 1'000'000'000u;
      const uint64_t interval = window_ns / options.max + (window_ns % options.max != 0 ? 1 : 0);
      const internal::uint128 tolerance = internal::uint128{interval} * spec.burst_;
      if (interval < kIntervalNsMin || tolerance > kToleranceNsMax) return std::nullopt;
      spec.interval_ns_ = static_cast<int64_t>(interval);
      spec.tolerance_ns_ = static_cast<int64_t>(tolerance);
      break;
    }
    case LimitKind::kInflight:
      if (window.unit() != Window::Unit::kNone) return std::nullopt;
      break;
    default:
      return std::nullopt;
  }

  // A digest, not a secret: policies are trusted. Stores mix it with a secret of their own.
  internal::SipHasher128 hasher({0x63616c6c77617264u, 0x656e206c696d6974u});
  hasher.Update64(static_cast<uint64_t>(spec.kind_));
  hasher.Update64(static_cast<uint64_t>(window.unit()));
  hasher.Update64(window.seconds());
  hasher.UpdatePrefixed(options.identity);
  if (spec.kind_ == LimitKind::kGcra) {  // they set T, so counts under other values mean other things
    hasher.Update64(spec.max_);
    hasher.Update64(options.burst.value_or(options.max));
  }
  spec.digest_ = hasher.Finish();
  return spec;
}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    if (releases_) SettleAsReserved();
    TakeFrom(other);
  }
  return *this;
}

void Reservation::SettleAsReserved() noexcept {
  store_->Settle(std::move(*this), {});
  Forget();
}

CounterStore::~CounterStore() = default;

SettleResult CounterStore::Refund(Reservation&& reservation) noexcept {
  static constexpr std::array<uint64_t, kLimitsPerCallMax> kNothing{};
  return Settle(std::move(reservation), kNothing);
}

CALLWARDEN_NAMESPACE_END
