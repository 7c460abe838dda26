#include "tests/differential/counts.h"

#include <algorithm>
#include <utility>

#include "tests/differential/formats.h"
#include "tests/differential/numbers.h"

namespace reference {
namespace {

constexpr Int128 kSecond = 1000000000;
constexpr Int128 kDay = 86400 * kSecond;

/// gcra: I of section 7.3.
Int128 Interval(const Limit& limit) {
  const Int128 window = limit.window.seconds * kSecond;
  return (window + limit.max - 1) / limit.max;
}

std::string Part(const std::string& text) { return std::to_string(text.size()) + ":" + text + ","; }

std::string ValueIdentity(const Value& value) {
  if (value.is_string()) return "string " + value.string;
  if (value.is_boolean()) return value.boolean ? "boolean true" : "boolean false";
  return "number " + NumberIdentity(value);
}

}  // namespace

Int128 WindowEnd(const Window& window, Int128 now) {
  switch (window.kind) {
    case Window::Kind::kNone:
      return 0;
    case Window::Kind::kSeconds: {
      const Int128 length = window.seconds * kSecond;
      return now / length * length + length;
    }
    case Window::Kind::kWeek: {
      // 1970-01-01 was a Thursday: Mondays are 4 days after multiples of a week.
      const Int128 week = 7 * kDay;
      const Int128 shift = 4 * kDay;
      return (now - shift + week) / week * week - week + shift + week;
    }
    case Window::Kind::kMonth: {
      Int128 end = 0;
      for (int year = 1970;; ++year) {
        for (int month = 1; month <= 12; ++month) {
          end += DaysInMonth(year, month) * kDay;
          if (end > now) return end;
        }
      }
    }
  }
  return 0;
}

std::string CountIdentity(const Limit& limit, const std::vector<const Value*>& scope_values) {
  std::vector<std::string> scopes;
  for (std::size_t i = 0; i < limit.scopes.size(); ++i) {
    scopes.push_back(Part(limit.scopes[i]) + Part(ValueIdentity(*scope_values[i])));
  }
  std::sort(scopes.begin(), scopes.end());  // a scope array is a set
  std::string identity = Part(limit.counter);
  identity += Part(std::to_string(static_cast<int>(limit.window.kind)));
  identity += Part(WriteInteger(limit.window.seconds));
  identity += Part(std::to_string(static_cast<int>(limit.algorithm)));
  identity += Part(std::to_string(limit.unit_digits));
  if (limit.algorithm == Limit::Algorithm::kGcra) {
    identity += Part(WriteInteger(limit.max)) + Part(WriteInteger(limit.burst));
  }
  identity += limit.shadow ? "shadow," : "enforce,";
  for (const std::string& scope : scopes) identity += scope;
  return identity;
}

Counts::Count Counts::Look(const std::string& identity) const {
  const auto it = counts_.find(identity);
  return it == counts_.end() ? Count() : it->second;
}

std::optional<Wait> Counts::Refuses(const Limit& limit, const std::string& identity, Int128 weight,
                                    Nanos now) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Count count = Look(identity);
  if (weight == 0) return std::nullopt;
  const Wait never{.known = false, .never = true};
  switch (limit.algorithm) {
    case Limit::Algorithm::kCalendar: {
      const Int128 end = std::max(count.window_end, WindowEnd(limit.window, now));
      const Int128 used = count.window_end == end ? count.used : 0;
      if (weight > limit.max) return never;
      if (used + weight <= limit.max) return std::nullopt;
      return Wait{.known = true, .ns = end - now};
    }
    case Limit::Algorithm::kGcra: {
      if (limit.max == 0 || weight > limit.burst) return never;
      const Int128 interval = Interval(limit);
      const Int128 from = std::max<Int128>(count.arrival, now);
      const Int128 over = from + weight * interval - limit.burst * interval - now;
      if (over <= 0) return std::nullopt;
      return Wait{.known = true, .ns = over};
    }
    case Limit::Algorithm::kInflight:
      if (weight > limit.max) return never;
      if (count.used + weight <= limit.max) return std::nullopt;
      return Wait{.known = false};
  }
  return never;
}

Charged Counts::Apply(const Charge& charge, Nanos now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Count& count = counts_[charge.identity];
  switch (charge.limit.algorithm) {
    case Limit::Algorithm::kCalendar: {
      const Int128 end = std::max(count.window_end, WindowEnd(charge.limit.window, now));
      if (count.window_end != end) count.used = 0;
      count.window_end = end;
      count.used += charge.weight;
      break;
    }
    case Limit::Algorithm::kGcra:
      count.arrival = std::max<Int128>(count.arrival, now) + charge.weight * Interval(charge.limit);
      break;
    case Limit::Algorithm::kInflight:
      count.used += charge.weight;
      break;
  }
  return Charged{charge, count.window_end, now};
}

void Counts::Settle(const Charged& charged, Outcome outcome, Nanos now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Charge& charge = charged.charge;
  Count& count = counts_[charge.identity];
  const bool give_back =
      outcome == Outcome::kNotSent || (outcome == Outcome::kError && charge.refund_on_error);
  switch (charge.limit.algorithm) {
    case Limit::Algorithm::kCalendar:
      if (give_back && count.window_end == charged.window_end) {
        count.used -= std::min(count.used, charge.weight);
      }
      break;
    case Limit::Algorithm::kGcra: {
      const Int128 debt = charge.weight * Interval(charge.limit);
      const Int128 left = std::max<Int128>(0, debt - (now - charged.admitted));
      if (give_back) count.arrival -= std::min(debt, left);
      break;
    }
    case Limit::Algorithm::kInflight:
      count.used -= charge.weight;
      break;
  }
}

}  // namespace reference
