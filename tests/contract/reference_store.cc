#include "contract/reference_store.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace callwarden_test {

using callwarden::AttributeValue;
using callwarden::CounterKey;
using callwarden::kCountMax;
using callwarden::kCountMaxSeconds;
using callwarden::kLimitsPerCallMax;
using callwarden::LimitKind;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::PeekResult;
using callwarden::Reservation;
using callwarden::ReservationToken;
using callwarden::ReserveResult;
using callwarden::ReserveStatus;
using callwarden::RetryAfter;
using callwarden::SettleResult;
using callwarden::Timestamp;
using callwarden::Window;

namespace {

Big Ns(Timestamp t) { return t.time_since_epoch().count(); }

bool LeapYear(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

std::string Encode(const AttributeValue& value) {
  switch (value.type()) {
    case AttributeValue::Type::kString:
      return "s" + std::to_string(value.string().size()) + ":" + std::string(value.string());
    case AttributeValue::Type::kBoolean:
      return value.boolean() ? "true" : "false";
    case AttributeValue::Type::kInt64:
      return "n" + std::to_string(value.int64());
    case AttributeValue::Type::kUint64:
      return "n" + std::to_string(value.uint64());
    case AttributeValue::Type::kDouble:
      break;
  }
  const double real = value.real();
  if (real == std::floor(real) && std::fabs(real) < 9e18)
    return "n" + std::to_string(static_cast<int64_t>(real));
  return "d" + std::to_string(real);
}

RetryAfter Wait(const LimitSpec& spec, bool never, Big wait_ns) {
  if (never) return {RetryAfter::Kind::kNever, {}};
  if (spec.kind() == LimitKind::kInflight) return {RetryAfter::Kind::kOnRelease, {}};
  return {RetryAfter::Kind::kAfter,
          std::chrono::nanoseconds(static_cast<int64_t>(std::min<Big>(wait_ns, INT64_MAX)))};
}

Big SlowWindowEndNs(Window window, Big now_ns) {
  constexpr Big kSecond = 1000000000;
  return SlowWindowEnd(window, static_cast<int64_t>(now_ns / kSecond)) * kSecond;
}

// Beyond this a count is not known any more.
Big UnknownFrom(bool whole_minutes) { return Big{whole_minutes ? kCountMax : kCountMaxSeconds} + 1; }

}  // namespace

int64_t SlowWindowEnd(Window window, int64_t now_s) {
  constexpr int64_t kDay = 86400;
  if (window.unit() == Window::Unit::kMonth) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t end = 0;
    for (int64_t year = 1970;; ++year) {
      for (int month = 0; month < 12; ++month) {
        end += (kDays[month] + (month == 1 && LeapYear(year) ? 1 : 0)) * kDay;
        if (end > now_s) return end;
      }
    }
  }
  int64_t end = window.unit() == Window::Unit::kWeek ? 4 * kDay : 0;  // 1970-01-05 was a Monday
  const int64_t length = window.unit() == Window::Unit::kWeek ? 7 * kDay : window.seconds();
  end += (now_s - end) / length * length;
  while (end <= now_s) end += length;
  return end;
}

CounterKey ReferenceStore::Key(const LimitSpec& spec, std::span<const AttributeValue> scope) const noexcept {
  std::string text = std::to_string(spec.digest()[0]) + "/" + std::to_string(spec.digest()[1]);
  for (const AttributeValue& value : scope) text += "/" + Encode(value);
  const std::lock_guard lock(mutex_);
  CounterKey key;
  key.fp = ids_.emplace(text, ids_.size() + 1).first->second;
  key.spec_tag = spec.tag();
  return key;
}

ReferenceStore::Count ReferenceStore::Find(uint64_t id, const LimitSpec& spec, Big now_ns) const {
  const auto found = counts_.find(id);
  if (found != counts_.end()) return found->second;
  Count count;
  count.kind = spec.kind();
  count.tolerance_ns = spec.tolerance_ns();
  const Big begin_ns = std::max(now_ns, floor_ns_);
  if (spec.kind() == LimitKind::kCalendar) count.end_ns = SlowWindowEndNs(spec.window(), begin_ns);
  if (spec.kind() == LimitKind::kGcra) count.arrival_ns = begin_ns;
  return count;
}

void ReferenceStore::Restart(Timestamp now) {
  const std::lock_guard lock(mutex_);
  floor_ns_ = Ns(now);
  std::erase_if(counts_, [&](const auto& entry) {
    const Count& count = entry.second;
    switch (count.kind) {
      case LimitKind::kCalendar:
        return count.end_ns <= floor_ns_;
      case LimitKind::kGcra:
        return count.arrival_ns + count.tolerance_ns < floor_ns_;
      case LimitKind::kInflight:
        break;
    }
    return true;
  });
}

ReferenceStore::Answer ReferenceStore::Judge(const Count& count, const LimitSpec& spec, Big weight, Big max,
                                             Big now_ns) {
  Answer answer;
  switch (spec.kind()) {
    case LimitKind::kCalendar: {
      answer.end_ns = count.end_ns;
      answer.used = count.used;
      if (count.end_ns <= now_ns) {
        answer.end_ns = SlowWindowEndNs(spec.window(), now_ns);
        answer.used = 0;
      }
      answer.fits = answer.used + weight <= max;
      answer.wait_ns = answer.end_ns - now_ns;
      break;
    }
    case LimitKind::kGcra: {
      const Big arrival = std::max(count.arrival_ns, now_ns);
      const Big over = arrival + weight * spec.interval_ns() - now_ns - spec.tolerance_ns();
      answer.fits = weight <= max && over <= 0;
      answer.wait_ns = over;
      break;
    }
    case LimitKind::kInflight:
      answer.used = count.used;
      answer.fits = count.used + weight <= max;
      break;
  }
  answer.fits = answer.fits || weight == 0;
  answer.never = weight > max;
  return answer;
}

ReserveResult ReferenceStore::Reserve(std::span<const LimitRequest> requests, Timestamp now,
                                      Reservation& reservation) noexcept {
  reservation = Reservation();
  ReserveResult result;
  result.status = ReserveStatus::kInvalid;
  if (requests.size() > kLimitsPerCallMax || now < callwarden::kTimeMin || now >= callwarden::kTimeMax)
    return result;

  struct Merged {
    std::vector<std::size_t> requests;
    Big weight = 0;
    Big max = 0;
  };
  std::vector<std::pair<uint64_t, Merged>> merged;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const LimitRequest& request = requests[i];
    if (request.spec == nullptr || request.key == nullptr || request.key->spec_tag != request.spec->tag())
      return result;
    if (request.weight == 0) continue;
    auto same =
        std::find_if(merged.begin(), merged.end(), [&](const auto& m) { return m.first == request.key->fp; });
    if (same == merged.end()) same = merged.insert(same, {request.key->fp, {{}, 0, request.spec->burst()}});
    same->second.requests.push_back(i);
    same->second.weight += request.weight;
    same->second.max = std::min<Big>(same->second.max, request.spec->burst());
  }

  const std::lock_guard lock(mutex_);
  bool never = false;
  std::optional<Big> longest;
  for (const auto& [id, m] : merged) {
    const LimitSpec& spec = *requests[m.requests[0]].spec;
    const Answer answer = Judge(Find(id, spec, Ns(now)), spec, m.weight, m.max, Ns(now));
    if (answer.fits) continue;
    const RetryAfter retry = Wait(spec, answer.never, answer.wait_ns);
    for (const std::size_t i : m.requests) {
      result.short_mask = static_cast<uint16_t>(result.short_mask | (1u << i));
      result.shortages[i] = {static_cast<uint64_t>(answer.used), retry};
    }
    never = never || answer.never;
    const Big rank = retry.kind == RetryAfter::Kind::kAfter ? Big{retry.delay.count()} : Big{1} << 100;
    if (!longest.has_value() || rank > *longest) {
      longest = rank;
      result.limit = static_cast<uint16_t>(m.requests[0]);
      result.retry = retry;
    }
  }
  if (longest.has_value()) {
    result.status = never ? ReserveStatus::kNeverFits : ReserveStatus::kOverLimit;
    return result;
  }

  for (const auto& [id, m] : merged) {
    const LimitSpec& spec = *requests[m.requests[0]].spec;
    Count& count = counts_.emplace(id, Find(id, spec, Ns(now))).first->second;
    ReservationToken token;
    token.fp = id;
    token.weight = static_cast<uint64_t>(m.weight);
    token.stamp = static_cast<uint64_t>(Ns(now));
    token.interval_ns = spec.interval_ns();
    token.window = spec.window();
    token.kind = spec.kind();
    token.whole_minutes = spec.whole_minutes();
    const Answer answer = Judge(count, spec, m.weight, m.max, Ns(now));
    switch (spec.kind()) {
      case LimitKind::kCalendar:
        if (count.end_ns != answer.end_ns) count.unknown = false;
        count.end_ns = answer.end_ns;
        count.used = answer.used + m.weight;
        token.stamp = static_cast<uint64_t>(count.end_ns);
        break;
      case LimitKind::kGcra:
        count.arrival_ns = std::max(count.arrival_ns, Ns(now)) + m.weight * spec.interval_ns();
        break;
      case LimitKind::kInflight:
        count.used += m.weight;
        break;
    }
    if (spec.kind() != LimitKind::kGcra) token.used = static_cast<uint64_t>(count.used);
    reservation.Add(*this, token, m.requests[0]);
  }
  result.status = ReserveStatus::kAdmitted;
  return result;
}

SettleResult ReferenceStore::Settle(Reservation&& reservation, std::span<const uint64_t> actual) noexcept {
  SettleResult result;
  const std::lock_guard lock(mutex_);
  const Big clock_ns = Ns(clock_->Now());
  const Big now_ns = std::clamp(clock_ns, Ns(callwarden::kTimeMin), Ns(callwarden::kTimeMax) - 1);
  const std::span<ReservationToken> tokens = reservation.tokens();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const ReservationToken& token = tokens[i];
    const auto bit = static_cast<uint16_t>(1u << i);
    Count& count = counts_[token.fp];
    const Big weight = token.weight;
    const Big target = token.kind == LimitKind::kInflight ? 0 : i < actual.size() ? Big{actual[i]} : weight;
    if (target == weight) continue;
    if (target > weight) {
      result.debited = static_cast<uint16_t>(result.debited | bit);
      if (token.kind == LimitKind::kGcra) {
        const Big last = (Big{1} << 63) - 2 + Ns(callwarden::kTimeMin);
        count.arrival_ns =
            std::min(std::max(count.arrival_ns, now_ns) + (target - weight) * token.interval_ns, last);
        count.unknown = count.arrival_ns == last;
        continue;
      }
      if (count.end_ns <= now_ns) {
        count.end_ns = SlowWindowEndNs(token.window, now_ns);
        count.used = 0;
        count.unknown = false;
      }
      count.used += target - weight;
      const Big unknown_from = UnknownFrom(token.whole_minutes);
      count.unknown = count.used >= unknown_from;
      count.used = std::min(count.used, unknown_from);
      continue;
    }
    Big give = weight - target;
    bool stale = count.unknown;
    switch (token.kind) {
      case LimitKind::kCalendar:
        stale = stale || count.end_ns != Big{token.stamp};
        if (!stale) count.used -= std::min(count.used, give);
        break;
      case LimitKind::kGcra: {
        const Big whole = weight * token.interval_ns;
        const Big passed = std::max<Big>(0, clock_ns - Big{static_cast<int64_t>(token.stamp)});
        const Big credit = std::min(give * token.interval_ns, std::max<Big>(0, whole - passed));
        stale = stale || credit == 0;
        if (!stale) count.arrival_ns -= credit;
        break;
      }
      case LimitKind::kInflight:
        count.used -= give;
        break;
    }
    uint16_t& mask = stale ? result.stale : result.credited;
    mask = static_cast<uint16_t>(mask | bit);
  }
  reservation.Forget();
  return result;
}

PeekResult ReferenceStore::Peek(const LimitRequest& request, Timestamp now) const noexcept {
  PeekResult result;
  if (request.spec == nullptr || request.key == nullptr || request.key->spec_tag != request.spec->tag() ||
      now < callwarden::kTimeMin || now >= callwarden::kTimeMax) {
    return result;
  }
  const std::lock_guard lock(mutex_);
  const LimitSpec& spec = *request.spec;
  const Count count = Find(request.key->fp, spec, Ns(now));
  const Answer answer = Judge(count, spec, request.weight, spec.burst(), Ns(now));
  result.ok = true;
  result.fits = answer.fits;
  result.max = spec.max();
  result.used = static_cast<uint64_t>(answer.used);
  if (spec.kind() == LimitKind::kGcra && spec.interval_ns() != 0 && count.arrival_ns > Ns(now)) {
    const Big debt = count.arrival_ns - Ns(now);
    result.used = static_cast<uint64_t>((debt + spec.interval_ns() - 1) / spec.interval_ns());
  }
  if (spec.kind() == LimitKind::kCalendar) {
    result.window_end = Timestamp(std::chrono::nanoseconds(static_cast<int64_t>(answer.end_ns)));
  }
  if (!answer.fits) result.retry = Wait(spec, answer.never, answer.wait_ns);
  return result;
}

}  // namespace callwarden_test
