#include "callwarden/counter_store.h"

#include <optional>
#include <string_view>

#include "catch.h"

using callwarden::kCountMax;
using callwarden::kCountMaxSeconds;
using callwarden::LimitKind;
using callwarden::LimitSpec;
using callwarden::Timestamp;
using callwarden::Window;
using callwarden::WindowEnd;
using std::chrono::seconds;

namespace {

constexpr Timestamp At(int64_t s) { return Timestamp(seconds(s)); }

bool Builds(LimitKind kind, Window window, uint64_t max, std::optional<uint64_t> burst = std::nullopt) {
  return LimitSpec::Create({.kind = kind, .window = window, .max = max, .burst = burst, .identity = "x"})
      .has_value();
}

}  // namespace

TEST_CASE("windows end where the calendar says") {
  CHECK(WindowEnd(Window::Seconds(60), At(1772366400)) == At(1772366460));
  CHECK(WindowEnd(Window::Seconds(60), At(1772366460) - std::chrono::nanoseconds(1)) == At(1772366460));
  CHECK(WindowEnd(Window::Week(), At(1772366400)) == At(1772409600));   // Sunday: Monday 2026-03-02
  CHECK(WindowEnd(Window::Week(), At(1772409600)) == At(1773014400));   // Monday itself
  CHECK(WindowEnd(Window::Month(), At(1835481599)) == At(1835481600));  // 2028-02-29T23:59:59
  CHECK(WindowEnd(Window::Month(), At(1803859199)) == At(1803859200));  // 2027-02-28T23:59:59
  CHECK(WindowEnd(Window::Month(), At(1798761599)) == At(1798761600));  // 2026-12-31T23:59:59
  CHECK(WindowEnd(Window(), At(1772366400)) == (Timestamp::max)());
  CHECK(WindowEnd(Window::Seconds(0), At(1772366400)) == (Timestamp::max)());
  CHECK(WindowEnd(Window::Month(), callwarden::kTimeMin - seconds(1)) == (Timestamp::max)());
  CHECK(WindowEnd(Window::Month(), callwarden::kTimeMax) == (Timestamp::max)());
}

TEST_CASE("specs keep their bounds") {
  CHECK(Builds(LimitKind::kCalendar, Window::Seconds(60), kCountMax));
  CHECK_FALSE(Builds(LimitKind::kCalendar, Window::Seconds(60), kCountMax + 1));
  CHECK(Builds(LimitKind::kCalendar, Window::Seconds(59), kCountMaxSeconds));
  CHECK_FALSE(Builds(LimitKind::kCalendar, Window::Seconds(59), kCountMaxSeconds + 1));
  CHECK_FALSE(Builds(LimitKind::kCalendar, Window::Seconds(0), 1));
  CHECK(Builds(LimitKind::kCalendar, Window::Seconds(31536000), 1));
  CHECK_FALSE(Builds(LimitKind::kCalendar, Window::Seconds(31536001), 1));
  CHECK_FALSE(Builds(LimitKind::kCalendar, Window(), 1));
  CHECK_FALSE(Builds(LimitKind::kCalendar, Window::Seconds(60), 1, 1));
  CHECK(Builds(LimitKind::kCalendar, Window::Month(), 0));

  CHECK(Builds(LimitKind::kInflight, Window(), 5));
  CHECK_FALSE(Builds(LimitKind::kInflight, Window::Seconds(1), 5));
  CHECK_FALSE(Builds(LimitKind::kInflight, Window(), 5, 5));

  CHECK(Builds(LimitKind::kGcra, Window::Week(), 5));
  CHECK_FALSE(Builds(LimitKind::kGcra, Window::Month(), 5));
  CHECK_FALSE(Builds(LimitKind::kGcra, Window(), 5));
  CHECK_FALSE(Builds(LimitKind::kGcra, Window::Seconds(60), 5, 0));
  CHECK(Builds(LimitKind::kGcra, Window::Seconds(1), 1000000));        // T is 1,000 ns
  CHECK_FALSE(Builds(LimitKind::kGcra, Window::Seconds(1), 1001002));  // T would be 999 ns
  CHECK(Builds(LimitKind::kGcra, Window::Seconds(31536000), 1, 146));
  CHECK_FALSE(Builds(LimitKind::kGcra, Window::Seconds(31536000), 1, 147));  // B above 2^62
  CHECK_FALSE(Builds(static_cast<LimitKind>(9), Window::Seconds(60), 5));
}

TEST_CASE("gcra rounds its interval up") {
  const auto spec = LimitSpec::Create(
      {.kind = LimitKind::kGcra, .window = Window::Seconds(1), .max = 3, .burst = 2, .identity = "x"});
  REQUIRE(spec.has_value());
  CHECK(spec->interval_ns() == 333333334);
  CHECK(spec->tolerance_ns() == 666666668);
  CHECK(spec->burst() == 2);
  CHECK(spec->max() == 3);
}

TEST_CASE("a digest tells counts apart and leaves the maximum out") {
  const auto make = [](LimitKind kind, Window window, uint64_t max, std::string_view identity) {
    return LimitSpec::Create({.kind = kind, .window = window, .max = max, .burst = {}, .identity = identity})
        ->digest();
  };
  const auto base = make(LimitKind::kCalendar, Window::Seconds(60), 5, "a");
  CHECK(base == make(LimitKind::kCalendar, Window::Seconds(60), 9, "a"));
  CHECK(base != make(LimitKind::kCalendar, Window::Seconds(60), 5, "b"));
  CHECK(base != make(LimitKind::kCalendar, Window::Seconds(61), 5, "a"));
  CHECK(base != make(LimitKind::kGcra, Window::Seconds(60), 5, "a"));
  CHECK(make(LimitKind::kGcra, Window::Seconds(60), 5, "a") !=
        make(LimitKind::kGcra, Window::Seconds(60), 6, "a"));
  CHECK(make(LimitKind::kCalendar, Window::Seconds(604800), 5, "a") !=
        make(LimitKind::kCalendar, Window::Week(), 5, "a"));
}
