#include "callwarden/memory_counter_store.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include <unistd.h>

#include "lib/key_cache.h"
#include "lib/memory_store_impl.h"
#include "lib/siphash.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::Tally;

// Twice as many slots must have an index below CounterKey::kNoHint.
constexpr uint64_t kCapacityMax = uint64_t{1} << 31;
constexpr int kRetriesMax = 1000;

// How an attribute value is hashed: a type, then its bytes. Numbers that are equal are hashed as one,
// whatever the host called them.
enum class ScopeTag : uint64_t { kString = 1, kBoolean, kNonNegative, kNegative, kDouble };

void HashInteger(internal::SipHasher128& hasher, bool negative, uint64_t bits) noexcept {
  hasher.Update64(static_cast<uint64_t>(negative ? ScopeTag::kNegative : ScopeTag::kNonNegative));
  hasher.Update64(bits);
}

void HashDouble(internal::SipHasher128& hasher, double value) noexcept {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (value == std::trunc(value) && value >= -kTwo63 && value < 2 * kTwo63) {
    if (value < 0) return HashInteger(hasher, true, static_cast<uint64_t>(static_cast<int64_t>(value)));
    return HashInteger(hasher, false, static_cast<uint64_t>(value));
  }
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  hasher.Update64(static_cast<uint64_t>(ScopeTag::kDouble));
  hasher.Update64(std::bit_cast<uint64_t>(value));
}

void HashScopeValue(internal::SipHasher128& hasher, const AttributeValue& value) noexcept {
  switch (value.type()) {
    case AttributeValue::Type::kString:
      hasher.Update64(static_cast<uint64_t>(ScopeTag::kString));
      hasher.UpdatePrefixed(value.string());
      break;
    case AttributeValue::Type::kBoolean:
      hasher.Update64(static_cast<uint64_t>(ScopeTag::kBoolean));
      hasher.Update64(value.boolean() ? 1 : 0);
      break;
    case AttributeValue::Type::kInt64:
      HashInteger(hasher, value.int64() < 0, static_cast<uint64_t>(value.int64()));
      break;
    case AttributeValue::Type::kUint64:
      HashInteger(hasher, false, value.uint64());
      break;
    case AttributeValue::Type::kDouble:
      HashDouble(hasher, value.real());
      break;
  }
}

[[gnu::noinline]] void Drop(Reservation& reservation) noexcept { reservation = Reservation(); }

uint32_t HintOf(const LimitRequest& request) noexcept {
  return request.key == nullptr ? CounterKey::kNoHint : request.key->hint;
}

[[gnu::noinline]] void RememberHint(const CounterKey& key) noexcept {
  if (internal::KeyCache* const cache = internal::KeyCache::OfThread()) cache->SetHint(key);
}

Timestamp CalendarEnd(internal::WordFormat format, uint64_t word) noexcept {
  using internal::MinuteWord;
  using internal::SecondWord;
  const int64_t ns = format == internal::WordFormat::kMinutes ? MinuteWord::EndNs(MinuteWord::End(word))
                                                              : SecondWord::EndNs(SecondWord::End(word));
  return Timestamp(std::chrono::nanoseconds(ns));
}

}  // namespace

MemoryCounterStore::MemoryCounterStore(const MemoryCounterStoreOptions& options) noexcept {
  if (options.capacity_keys == 0 || options.capacity_keys > kCapacityMax) return;
  Impl* impl = new (std::nothrow) Impl;
  if (impl == nullptr) return;
  if (options.clock != nullptr) impl->clock = options.clock;
  impl->capacity_keys = options.capacity_keys;
  impl->secret_given = options.secret.has_value();
  bool ok = true;
  if (impl->secret_given) {
    impl->secret = *options.secret;
  } else {
    ok = getentropy(impl->secret.data(), sizeof impl->secret) == 0;
  }
  // Half as many slots again as keys: docs/counters.md, section 7.
  constexpr uint64_t kGroupSlots = internal::StdPolicy::kGroupSlots;
  const uint64_t slots = uint64_t{options.capacity_keys} + (uint64_t{options.capacity_keys} + 1) / 2;
  const auto groups = static_cast<uint32_t>((slots + kGroupSlots - 1) / kGroupSlots);
  if (!ok || !impl->core.Init(groups, impl->clock, std::clamp(options.retries_max, 0, kRetriesMax))) {
    delete impl;
    return;
  }
  impl_ = impl;
}

MemoryCounterStore::~MemoryCounterStore() { delete impl_; }

bool MemoryCounterStore::ok() const noexcept { return impl_ != nullptr; }

CounterKey MemoryCounterStore::Key(const LimitSpec& spec,
                                   std::span<const AttributeValue> scope) const noexcept {
  CounterKey key;
  key.spec_tag = spec.tag();
  if (impl_ == nullptr) return key;
  const std::array<uint64_t, 2> digest = spec.digest();
  internal::KeyCache* const cache = internal::KeyCache::OfThread();
  if (cache != nullptr && cache->Find(impl_->secret, digest, scope, key)) [[likely]]
    return key;
  internal::SipHasher128 hasher(impl_->secret);
  hasher.Update64(digest[0]);
  hasher.Update64(digest[1]);
  for (const AttributeValue& value : scope) HashScopeValue(hasher, value);
  const std::array<uint64_t, 2> identity = hasher.Finish();
  key.fp = identity[0] != 0 ? identity[0] : 1;  // 0 marks an empty slot
  key.check = identity[1];
  if (cache != nullptr) {
    key.hint = cache->HintOf(key.fp);
    // A key that was charged before: those that are met once push nothing out.
    if (key.hint != CounterKey::kNoHint) cache->Put(impl_->secret, digest, scope, key);
  }
  return key;
}

ReserveResult MemoryCounterStore::Reserve(std::span<const LimitRequest> requests, Timestamp now,
                                          Reservation& reservation) noexcept {
  if (!reservation.empty()) [[unlikely]]
    Drop(reservation);
  if (impl_ == nullptr) [[unlikely]] {
    denied_store_error_.fetch_add(1, std::memory_order_relaxed);
    return ReserveResult();
  }
  return [&] {  // so that the answer, which is large, is made where the caller wants it
    std::array<uint32_t, kLimitsPerCallMax> hints;
    const std::size_t hinted = std::min(requests.size(), hints.size());
    for (std::size_t i = 0; i < hinted; ++i) hints[i] = HintOf(requests[i]);
    ReserveResult result = impl_->core.Reserve(*this, requests, now, reservation);
    for (std::size_t i = 0; i < hinted; ++i) {
      if (HintOf(requests[i]) != hints[i]) [[unlikely]]
        RememberHint(*requests[i].key);
    }
    return result;
  }();
}

SettleResult MemoryCounterStore::Settle(Reservation&& reservation,
                                        std::span<const uint64_t> actual) noexcept {
  CounterStore* store = reservation.store();
  if (store != this) return store == nullptr ? SettleResult() : store->Settle(std::move(reservation), actual);
  const SettleResult result = impl_->core.Settle(reservation.tokens(), actual);
  reservation.Forget();
  return result;
}

PeekResult MemoryCounterStore::Peek(const LimitRequest& request, Timestamp now) const noexcept {
  return impl_ == nullptr ? PeekResult() : impl_->core.Peek(request, now);
}

CounterStats MemoryCounterStore::stats() const noexcept {
  CounterStats stats;
  stats.denied_store_error = denied_store_error_.load(std::memory_order_relaxed);
  if (impl_ == nullptr) return stats;
  const auto& tallies = impl_->core.tallies();
  stats.admitted = tallies.Sum(Tally::kAdmitted);
  stats.denied_over_limit = tallies.Sum(Tally::kOverLimit);
  stats.denied_never_fits = tallies.Sum(Tally::kNeverFits);
  stats.denied_store_full = tallies.Sum(Tally::kStoreFull);
  stats.denied_contended = tallies.Sum(Tally::kContended);
  stats.denied_invalid = tallies.Sum(Tally::kInvalid);
  stats.rollbacks = tallies.Sum(Tally::kRollbacks);
  stats.retries = tallies.Sum(Tally::kRetries);
  stats.refunds_credited = tallies.Sum(Tally::kCredited);
  stats.refunds_stale = tallies.Sum(Tally::kStale);
  stats.debits = tallies.Sum(Tally::kDebits);
  stats.debits_over_max = tallies.Sum(Tally::kDebitsOverMax);
  stats.debits_lost = tallies.Sum(Tally::kDebitsLost);
  stats.saturations = tallies.Sum(Tally::kSaturations);
  stats.inserts = tallies.Sum(Tally::kInserts);
  stats.reuses = tallies.Sum(Tally::kReuses);
  stats.keys = impl_->core.keys();
  uint64_t live = 0;
  impl_->core.ForEach(impl_->clock->Now(), [&](const auto&) { ++live; });
  stats.keys_expired = stats.keys - std::min(stats.keys, live);
  stats.capacity_keys = impl_->capacity_keys;
  stats.clock_forward_clamped = impl_->own_clock.forward_clamped();
  stats.above_70_percent = live * 100 > stats.capacity_keys * 70;
  stats.above_85_percent = live * 100 > stats.capacity_keys * 85;
  return stats;
}

void MemoryCounterStore::Visit(Timestamp now, void (*record)(void*, const CounterRecord&),
                               void* context) const {
  if (impl_ == nullptr) return;
  impl_->core.ForEach(now, [&](const auto& found) {
    CounterRecord out{.identity = {found.fp, found.check}, .spec_tag = found.spec_tag};
    switch (found.format) {
      case internal::WordFormat::kMinutes:
        out.used = internal::MinuteWord::Used(found.word);
        out.until = CalendarEnd(found.format, found.word);
        break;
      case internal::WordFormat::kSeconds:
        out.used = internal::SecondWord::Used(found.word);
        out.until = CalendarEnd(found.format, found.word);
        break;
      case internal::WordFormat::kArrival:
        out.kind = LimitKind::kGcra;
        out.until = internal::ArrivalWord::ToTime(found.word);
        break;
      case internal::WordFormat::kGauge:
        out.kind = LimitKind::kInflight;
        out.used = internal::GaugeWord::Used(found.word);
        out.until = (Timestamp::max)();
        break;
    }
    record(context, out);
  });
}

CALLWARDEN_NAMESPACE_END
