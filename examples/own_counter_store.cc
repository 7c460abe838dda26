// Counts kept by the host: a CounterStore over a std::map under a mutex. It keeps calendar windows only and
// denies calls that other limits apply to, as a store should do with whatever it cannot count.

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "callwarden/callwarden.h"

namespace {

using callwarden::AttributeValue;
using callwarden::CounterKey;
using callwarden::LimitRequest;
using callwarden::ReserveResult;
using callwarden::ReserveStatus;
using callwarden::Timestamp;

/// Thread safety: any member from any thread, one at a time. Memory: grows with the identities that are met,
/// up to kKeysMax; a store for long runs would drop counts whose windows are over.
class MapCounterStore final : public callwarden::CounterStore {
 public:
  [[nodiscard]] bool ok() const noexcept override { return true; }

  /// Numbers identities in the order in which they are met: nothing is hashed, so nothing can collide. 0 is
  /// nobody's number, and Reserve denies it.
  [[nodiscard]] CounterKey Key(const callwarden::LimitSpec& spec,
                               std::span<const AttributeValue> scope) const noexcept override {
    CounterKey key;
    key.spec_tag = spec.tag();
    try {
      std::string identity = std::to_string(spec.digest()[0]) + ' ' + std::to_string(spec.digest()[1]);
      for (const AttributeValue& value : scope) AppendTo(identity, value);
      const std::scoped_lock lock(mutex_);
      const auto known = numbers_.find(identity);
      if (known != numbers_.end()) {
        key.fp = known->second;
      } else if (numbers_.size() < kKeysMax) {
        key.fp = numbers_.size() + 1;
        numbers_.emplace(std::move(identity), key.fp);
      }
    } catch (const std::bad_alloc&) {  // nothing may be thrown into the library
      key.fp = 0;
    }
    return key;
  }

  [[nodiscard]] ReserveResult Reserve(std::span<const LimitRequest> requests, Timestamp now,
                                      callwarden::Reservation& reservation) noexcept override {
    ReserveResult result;  // says kStoreError until told otherwise, which denies
    if (requests.size() > callwarden::kLimitsPerCallMax) return result;
    try {
      const std::scoped_lock lock(mutex_);
      for (std::size_t i = 0; i < requests.size();
           ++i) {  // all or none, so look at each before any is charged
        const LimitRequest& request = requests[i];
        if (!CanCount(request)) return result;
        const Count& count = CountIn(request, now);
        const uint64_t max = request.spec->max();
        const uint64_t weight = WeightOfKey(requests, *request.key);
        if (weight == 0 || (weight <= max && count.used <= max - weight)) continue;
        result.status = weight <= max ? ReserveStatus::kOverLimit : ReserveStatus::kNeverFits;
        if (weight <= max) result.retry = {callwarden::RetryAfter::Kind::kAfter, count.window_end - now};
        result.limit = static_cast<uint16_t>(i);
        result.short_mask = static_cast<uint16_t>(1u << i);
        result.shortages[i] = {count.used, result.retry};
        return result;
      }
      for (std::size_t i = 0; i < requests.size(); ++i) {
        if (requests[i].weight == 0) continue;
        Count& count = CountIn(requests[i], now);
        count.used += requests[i].weight;
        callwarden::ReservationToken token;
        token.fp = requests[i].key->fp;
        token.weight = requests[i].weight;
        token.stamp = StampOf(count);
        reservation.Add(*this, token, i);
      }
      result.status = ReserveStatus::kAdmitted;
    } catch (const std::bad_alloc&) {  // while a new count was looked at: nothing is charged yet
      result.status = ReserveStatus::kStoreError;
    }
    return result;
  }

  callwarden::SettleResult Settle(callwarden::Reservation&& reservation,
                                  std::span<const uint64_t> actual) noexcept override {
    const std::scoped_lock lock(mutex_);
    callwarden::SettleResult result;
    const auto tokens = reservation.tokens();
    for (std::size_t i = 0; i < std::min(tokens.size(), actual.size()); ++i) {
      if (actual[i] == tokens[i].weight) continue;
      const auto bit = static_cast<uint16_t>(1u << i);
      Count& count = counts_.find(tokens[i].fp)->second;
      if (StampOf(count) != tokens[i].stamp) {
        result.stale |= bit;  // the window that was charged is over
      } else {
        count.used = count.used - tokens[i].weight + actual[i];
        (actual[i] < tokens[i].weight ? result.credited : result.debited) |= bit;
      }
    }
    reservation.Forget();
    return result;
  }

  [[nodiscard]] callwarden::PeekResult Peek(const LimitRequest& request,
                                            Timestamp now) const noexcept override {
    callwarden::PeekResult result;
    if (!CanCount(request)) return result;
    const std::scoped_lock lock(mutex_);
    result.ok = true;
    result.max = request.spec->max();
    result.window_end = callwarden::WindowEnd(request.spec->window(), now);
    const auto count = counts_.find(request.key->fp);
    if (count != counts_.end() && count->second.window_end >= result.window_end) {
      result.window_end = count->second.window_end;
      result.used = count->second.used;
    }
    const bool ever = request.weight <= result.max;
    result.fits = request.weight == 0 || (ever && result.used <= result.max - request.weight);
    if (!result.fits && ever) result.retry = {callwarden::RetryAfter::Kind::kAfter, result.window_end - now};
    return result;
  }

  [[nodiscard]] callwarden::CounterStats stats() const noexcept override {
    const std::scoped_lock lock(mutex_);
    callwarden::CounterStats stats;
    stats.keys = counts_.size();
    stats.capacity_keys = kKeysMax;
    return stats;
  }

 private:
  struct Count {
    Timestamp window_end{};
    uint64_t used = 0;
  };
  static constexpr std::size_t kKeysMax = 100000;

  static bool CanCount(const LimitRequest& request) noexcept {
    return request.key->fp != 0 && request.spec->kind() == callwarden::LimitKind::kCalendar;
  }

  static uint64_t StampOf(const Count& count) noexcept {
    return static_cast<uint64_t>(count.window_end.time_since_epoch().count());
  }

  // With its type and size, so that no two lists of values look alike. 1 and 1.0 are one value.
  static void AppendTo(std::string& identity, const AttributeValue& value) {
    const auto append = [&](char type, const std::string& text) {
      identity += ' ' + std::string(1, type) + std::to_string(text.size()) + ':' + text;
    };
    switch (value.type()) {
      case AttributeValue::Type::kString:
        return append('s', std::string(value.string()));
      case AttributeValue::Type::kBoolean:
        return append('b', value.boolean() ? "1" : "0");
      case AttributeValue::Type::kInt64:
        return append('n', std::to_string(value.int64()));
      case AttributeValue::Type::kUint64:
        return append('n', std::to_string(value.uint64()));
      case AttributeValue::Type::kDouble:
        const double real = value.real();
        if (real == std::floor(real) && std::fabs(real) < 0x1p63) {
          return append('n', std::to_string(static_cast<int64_t>(real)));
        }
        return append('d', std::to_string(std::bit_cast<uint64_t>(real)));
    }
  }

  // What all requests of one count weigh together. A sum too large for any maximum stays that.
  static uint64_t WeightOfKey(std::span<const LimitRequest> requests, const CounterKey& key) {
    uint64_t weight = 0;
    for (const LimitRequest& request : requests) {
      if (*request.key == key) weight += std::min(request.weight, callwarden::kCountMax + 1);
    }
    return weight;
  }

  // The count in the window of `now`; one that has moved on never goes back.
  Count& CountIn(const LimitRequest& request, Timestamp now) {
    Count& count = counts_[request.key->fp];
    const Timestamp end = callwarden::WindowEnd(request.spec->window(), now);
    if (end > count.window_end) count = {end, 0};
    return count;
  }

  mutable std::mutex mutex_;
  mutable std::map<std::string, uint64_t> numbers_;
  std::map<uint64_t, Count> counts_;
};

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "all_tools": { "limits": [ { "counter": "calls", "window": "hour", "max": 3, "scope": "grant" } ] },
    "tools": {
      "read": {},
      "write": { "limits": [ { "counter": "writes", "window": "minute", "max": 1, "scope": "grant" } ] },
      "watch": { "limits": [ { "counter": "watching", "algorithm": "inflight", "max": 1, "scope": "grant" } ] }
    }
  })");
  if (!compiled.ok()) return 1;
  MapCounterStore counters;
  // Moved by hand, so that this program prints the same at any time; a host takes a SystemClock.
  callwarden::ManualClock clock(callwarden::kTimeMin);

  const auto call = [&](const char* tool, const char* grant, callwarden::Outcome outcome) {
    callwarden::Decision decision =
        compiled.policy()->Decide({.tool = tool, .grant = grant}, counters, clock.Now());
    std::cout << grant << " " << tool << ": " << Name(decision.effect()) << " " << decision.message() << "\n";
    decision.Complete(outcome);
  };
  using callwarden::Outcome;
  call("write", "ann", Outcome::kOk);
  call("write", "ann", Outcome::kOk);       // charges neither of its two limits
  call("write", "bob", Outcome::kNotSent);  // given back
  call("write", "bob", Outcome::kOk);
  clock.Advance(std::chrono::minutes(1));
  call("write", "ann", Outcome::kOk);
  call("read", "ann", Outcome::kOk);
  call("read", "ann", Outcome::kOk);
  call("watch", "bob", Outcome::kOk);  // an in-flight limit: not counted here, so denied
  std::cout << counters.stats().keys << " counts\n";
}
