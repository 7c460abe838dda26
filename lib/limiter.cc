#include "lib/limiter.h"

#include <algorithm>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Type = SlotValue::Type;

bool IsPresent(const SlotValue& value) noexcept {
  return value.type == Type::kString || value.type == Type::kBoolean || value.type == Type::kNumber;
}

AttributeValue ToAttribute(const SlotValue& value) noexcept {
  if (value.type == Type::kString) return value.text();
  if (value.type == Type::kBoolean) return value.boolean;
  switch (value.number_kind) {
    case Number::Kind::kInt64:
      return value.i;
    case Number::Kind::kUint64:
      return value.u;
    case Number::Kind::kDouble:
      break;
  }
  return value.d;
}

}  // namespace

template <class Take>
void Limiter::ForEach(Part part, Take&& take) const noexcept {
  for (const PlanEntry& at : plan_.entries) {
    const Range limits = program_.entries[at.entry].limits;
    for (uint32_t l = limits.begin; l < limits.end; ++l) {
      if (IsIn(program_.limits[l], part)) take(program_.limits[l], values_ + at.slot_base);
    }
  }
}

inline bool Limiter::IsGiven(const Scope& scope, const SlotValue* slots) const noexcept {
  switch (scope.kind) {
    case Scope::Kind::kGrant:
      return !call_.grant.empty();
    case Scope::Kind::kSession:
      return !call_.session.empty();
    case Scope::Kind::kContext:
      break;
  }
  return IsPresent(slots[scope.slot]);
}

inline bool Limiter::HasScopes(const Limit& limit, const SlotValue* slots) const noexcept {
  for (uint32_t s = limit.scopes.begin; s < limit.scopes.end; ++s) {
    if (!IsGiven(program_.scopes[s], slots)) return false;
  }
  return true;
}

bool Limiter::WeighAmount(const Limit& limit, const SlotValue* slots,
                          internal::Weight& weight) const noexcept {
  const SlotValue& amount = slots[limit.amount_slot];
  if (amount.type != Type::kNumber || IsNegative(amount.number())) return false;
  weight = internal::Weigh(amount.number(), limit.unit_digits);
  return true;
}

bool Limiter::Weigh(const Limit& limit, const SlotValue* slots, internal::Weight& weight,
                    LimitRefusal& refusal) const noexcept {
  refusal.limit = &limit;
  for (uint32_t s = limit.scopes.begin; s < limit.scopes.end; ++s) {
    const Scope& scope = program_.scopes[s];
    if (IsGiven(scope, slots)) continue;
    refusal.kind = LimitRefusal::Kind::kMissingScope;
    refusal.scope = scope.text;
    return false;
  }
  weight = limit.weight;
  if (limit.amount_path.empty() || WeighAmount(limit, slots, weight)) return true;
  refusal.kind = LimitRefusal::Kind::kInvalidAmount;
  return false;
}

[[gnu::always_inline]] inline CounterKey Limiter::MakeKey(const Limit& limit,
                                                          const SlotValue* slots) noexcept {
  const std::size_t first = count_namespace_.empty() ? 0 : 1;
  const std::size_t size = first + limit.scopes.size();
  const std::span<AttributeValue> scope(scope_values_.data(), size);
  if (first != 0) scope[0] = count_namespace_;
  for (uint32_t s = limit.scopes.begin; s < limit.scopes.end; ++s) {
    const Scope& part = program_.scopes[s];
    scope[first + part.key_order] = part.kind == Scope::Kind::kGrant     ? AttributeValue(call_.grant)
                                    : part.kind == Scope::Kind::kSession ? AttributeValue(call_.session)
                                                                         : ToAttribute(slots[part.slot]);
  }
  return store_.Key(limit.spec, scope);
}

CounterKey Limiter::KeyOf(const Limit& limit, const SlotValue* slots) noexcept {
  return MakeKey(limit, slots);
}

Limiter::Answer Limiter::Check(Part part) noexcept {
  Answer answer;
  LimitRefusal invalid_amount;
  const Limit* first = nullptr;
  std::size_t count = 0;
  ForEach(part, [&](const Limit& limit, const SlotValue* slots) {
    if (first == nullptr) first = &limit;
    ++count;
    internal::Weight weight;
    LimitRefusal refusal;
    if (Weigh(limit, slots, weight, refusal)) return;
    if (refusal.kind == LimitRefusal::Kind::kMissingScope) {
      if (answer.admitted) answer = {false, refusal};
    } else if (invalid_amount.limit == nullptr) {
      invalid_amount = refusal;
    }
  });
  if (!answer.admitted) return answer;
  if (invalid_amount.limit != nullptr) return {false, invalid_amount};
  if (count > program_.limits_per_call_max || (count != 0 && (now_ < kTimeMin || now_ >= kTimeMax))) {
    answer.admitted = false;
    answer.refusal.kind = LimitRefusal::Kind::kUnavailable;
    answer.refusal.limit = first;
  }
  return answer;
}

// Gathers the counts to charge: a call charges a count once, with the largest weight of the limits that
// share it, held to the smallest maximum. A limit that weighs nothing by itself still holds its count to its
// own maximum, and a count that nothing weighs on is left to the store to pass over. False: Check refuses.
bool Limiter::Gather(Part part, Requests& r) noexcept {
  if (now_ < kTimeMin || now_ >= kTimeMax) [[unlikely]]
    return false;
  for (const PlanEntry& at : plan_.entries) {
    const Range limits = program_.entries[at.entry].limits;
    const SlotValue* const slots = values_ + at.slot_base;
    for (uint32_t l = limits.begin; l < limits.end; ++l) {
      const Limit& limit = program_.limits[l];
      if (!IsIn(limit, part)) continue;
      if (r.limit_count == program_.limits_per_call_max || !HasScopes(limit, slots)) [[unlikely]]
        return false;
      internal::Weight weight = limit.weight;
      if (!limit.amount_path.empty() && !WeighAmount(limit, slots, weight)) [[unlikely]]
        return false;
      std::size_t i = r.count;
      r.keys[i] = MakeKey(limit, slots);
      for (std::size_t k = 0; k < r.count; ++k) {
        if (r.keys[k] == r.keys[i]) i = k;
      }
      if (i == r.count) {
        ++r.count;
        r.weights[i] = weight;
        r.requests[i] = {&limit.spec, &r.keys[i], weight.units};
      } else {
        if (weight.units > r.weights[i].units || weight.huge) r.weights[i] = weight;
        r.requests[i].weight = r.weights[i].units;
        if (limit.spec.max() < r.requests[i].spec->max()) r.requests[i].spec = &limit.spec;
      }
      if (!limit.refund_on_error) r.keep_on_error = static_cast<uint16_t>(r.keep_on_error | 1u << i);
      r.request_of[r.limit_count] = static_cast<uint8_t>(i);
      r.limits[r.limit_count++] = &limit;
    }
  }
  return true;
}

bool Limiter::IsLonger(const RetryAfter& a, const RetryAfter& b) noexcept {
  const bool a_timed = a.kind == RetryAfter::Kind::kAfter;
  const bool b_timed = b.kind == RetryAfter::Kind::kAfter;
  if (a_timed && b_timed) return a.delay > b.delay;
  return !a_timed && b_timed;
}

// Finds the limit to report: of those that refuse, the one with the longest wait, the first of equals.
Limiter::Answer Limiter::Refuse(const Requests& r, const ReserveResult& result) noexcept {
  Answer answer;
  answer.admitted = false;
  if (result.status != ReserveStatus::kOverLimit && result.status != ReserveStatus::kNeverFits) {
    answer.refusal.kind = LimitRefusal::Kind::kUnavailable;
    if (result.status == ReserveStatus::kContended) answer.refusal.retry = result.retry;
    for (std::size_t l = 0; l < r.limit_count && answer.refusal.limit == nullptr; ++l) {
      if (r.request_of[l] == result.limit) answer.refusal.limit = r.limits[l];
    }
    if (answer.refusal.limit == nullptr) answer.refusal.limit = r.limits[0];
    return answer;
  }
  for (std::size_t l = 0; l < r.limit_count; ++l) {
    const std::size_t i = r.request_of[l];
    if ((result.short_mask >> i & 1) == 0) continue;
    const Limit& limit = *r.limits[l];
    const uint64_t weight = r.requests[i].weight;
    const LimitShortage& shortage = result.shortages[i];
    LimitRefusal refusal;
    refusal.kind = LimitRefusal::Kind::kExceeded;
    refusal.limit = &limit;
    refusal.weight = r.weights[i];
    refusal.used = shortage.used;
    refusal.retry = shortage.retry;
    if (limit.spec.kind() != LimitKind::kGcra) {
      // The count was held to the smallest maximum; this limit's own may be larger.
      if (weight > limit.spec.max()) {
        refusal.retry = RetryAfter();
      } else if (shortage.used <= limit.spec.max() && weight <= limit.spec.max() - shortage.used) {
        continue;
      } else if (limit.spec.kind() == LimitKind::kInflight) {
        refusal.retry.kind = RetryAfter::Kind::kOnRelease;
      } else if (shortage.retry.kind == RetryAfter::Kind::kNever) {
        continue;  // another limit of this count can never take the call, and is the one to report
      }
    }
    if (answer.refusal.limit == nullptr || IsLonger(refusal.retry, answer.refusal.retry))
      answer.refusal = refusal;
  }
  if (answer.refusal.limit == nullptr) answer.refusal.limit = r.limits[0];  // a store that does not say which
  return answer;
}

// Tells of each limit whose count was charged, in the order of the limits.
void Limiter::Note(const Requests& r, const Reservation& reservation) noexcept {
  const std::span<const ReservationToken> tokens = reservation.tokens();
  for (std::size_t l = 0; l < r.limit_count; ++l) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (reservation.request_of(i) != r.request_of[l]) continue;
      trace_->Add({r.limits[l], tokens[i].weight, tokens[i].used});
    }
  }
}

Limiter::Answer Limiter::Charge(Part part, Reservation& reservation, uint16_t& refund_on_error) noexcept {
  refund_on_error = 0;
  Requests r;
  if (!Gather(part, r)) [[unlikely]]
    return Check(part);
  if (r.count == 0) return {};
  const ReserveResult result = store_.Reserve({r.requests.data(), r.count}, now_, reservation);
  if (result.status != ReserveStatus::kAdmitted) return Refuse(r, result);
  for (std::size_t i = 0; i < reservation.size(); ++i) {
    const std::size_t request = reservation.request_of(i);  // a store of the host's may say anything
    if (request < r.count && (r.keep_on_error >> request & 1) == 0) {
      refund_on_error = static_cast<uint16_t>(refund_on_error | 1u << i);
    }
  }
  if (trace_ != nullptr) Note(r, reservation);
  return {};
}

Limiter::Answer Limiter::Look(Part part) noexcept {
  Requests r;
  if (!Gather(part, r)) return Check(part);
  ReserveResult result;
  result.status = ReserveStatus::kAdmitted;
  for (std::size_t i = 0; i < r.count; ++i) {
    const PeekResult peek = store_.Peek(r.requests[i], now_);
    if (!peek.ok) {
      result.status = ReserveStatus::kStoreError;
      result.limit = static_cast<uint16_t>(i);
      break;
    }
    if (peek.fits) continue;
    result.status = ReserveStatus::kOverLimit;
    result.short_mask = static_cast<uint16_t>(result.short_mask | 1u << i);
    result.shortages[i] = {peek.used, peek.retry};
  }
  return result.status == ReserveStatus::kAdmitted ? Answer{} : Refuse(r, result);
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
