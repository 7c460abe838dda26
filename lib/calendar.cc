#include <chrono>

#include "callwarden/counter_store.h"

CALLWARDEN_NAMESPACE_BEGIN

Timestamp WindowEnd(Window window, Timestamp now) noexcept {
  using std::chrono::floor;
  if (now < kTimeMin || now >= kTimeMax) return (Timestamp::max)();
  const int64_t now_s = floor<std::chrono::seconds>(now.time_since_epoch()).count();
  switch (window.unit()) {
    case Window::Unit::kNone:
      break;
    case Window::Unit::kSeconds: {
      const int64_t length = window.seconds();
      if (length == 0) break;
      return Timestamp(std::chrono::seconds(now_s - now_s % length + length));
    }
    case Window::Unit::kWeek: {
      constexpr int64_t kWeek = 604800;
      constexpr int64_t kMonday = 345600;  // 1970-01-05, the first Monday
      return Timestamp(std::chrono::seconds(now_s - (now_s - kMonday) % kWeek + kWeek));
    }
    case Window::Unit::kMonth: {
      const std::chrono::year_month_day day(floor<std::chrono::days>(now));
      const auto next = day.year() / day.month() + std::chrono::months(1);
      return Timestamp(std::chrono::sys_days(next / 1));
    }
  }
  return (Timestamp::max)();
}

CALLWARDEN_NAMESPACE_END
