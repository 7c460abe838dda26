#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "tests/differential/generate.h"
#include "tests/differential/generate_values.h"

namespace differential {
namespace {

using reference::Attribute;
using reference::Call;
using reference::Int128;
using reference::Nanos;
using reference::Outcome;
using reference::TestStep;
using reference::Value;
using reference::Window;

constexpr Nanos kSecond = 1000000000;

std::string FlipCase(Random& random, std::string name) {
  for (char& c : name) {
    if (!random.Percent(40)) continue;
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    } else if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return name;
}

/// A name for each `*`.
std::string Instantiate(Random& random, const std::string& pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '*') {
      out += random.Pick<const char*>({"", "a", "b", "_a", "x", "read_", "/"});
    } else {
      out += c;
    }
  }
  return out;
}

std::string RandomTool(Random& random, const Value& policy, Focus focus) {
  std::vector<std::string> names = {"run", "read_a", "read_b", "lots_of"};
  if (const Value* tools = policy.Find("tools")) {
    for (const reference::Member& tool : tools->members) {
      for (int weight = focus == Focus::kNames ? 2 : 12; weight > 0; --weight) names.push_back(tool.name);
    }
  }
  if (const Value* hide = policy.Find("hide")) {
    for (const Value& pattern : hide->items) names.push_back(pattern.string);
  }
  std::string name = Instantiate(random, random.Pick(names));
  if (focus == Focus::kNames && random.OneIn(3)) {
    name.clear();
    for (std::size_t n = 1 + random.Below(5); n > 0; --n) name += random.Pick({'a', 'b', 'a', 'b', '_', 'B'});
  }
  if (!random.OneIn(focus == Focus::kNames ? 3 : 25)) return name;
  switch (random.Below(7)) {
    case 0:
      return " " + name;
    case 1:
      return name + " ";
    case 2:
      return random.Pick<std::string>({"", "a b", "é", "\xFF", "drop", "drop_all", "Drop", "x", "AZaz09_.:/-",
                                       "a*b", "*", std::string("a\0b", 3), "a\nb", "größe", "GRÖSSE",
                                       "send  mail", "Send Mail"});
    case 3:
      return std::string(random.Pick<std::size_t>({127, 128, 129, 200}), 'n');
    default:
      return FlipCase(random, name);
  }
}

std::vector<Attribute> RandomAttributes(Random& random, bool grant) {
  std::vector<Attribute> attributes;
  const auto put = [&](const char* name, Value value) {
    attributes.push_back(Attribute{name, random.OneIn(12) ? RandomScalar(random) : std::move(value)});
  };
  if (grant) {
    if (random.Percent(40)) put("tier", RandomString(random));
    if (random.Percent(40)) put("level", RandomNumber(random));
    if (random.OneIn(30)) {
      // No JSON can say these, a host can.
      const double infinity = std::numeric_limits<double>::infinity();
      put("level", Value::Real(random.Pick({infinity, -infinity, std::numeric_limits<double>::quiet_NaN()})));
    }
    if (random.OneIn(30)) put("id", Value::String("ignored"));
  } else {
    if (random.Percent(85)) {
      put("env", random.Percent(70)
                     ? Value::String(random.Pick<const char*>({"prod", "dev"}))
                     : random.Pick<Value>({Value::String("1"), Value::Integer(1), Value::Real(1.0),
                                           Value::Boolean(true), Value::String(""), Value::Real(0.0),
                                           Value::Real(-0.0), Value::Integer(0)}));
    }
    if (random.Percent(85))
      put("n",
          random.Percent(70) ? Value::Integer(static_cast<Int128>(random.Below(2))) : RandomNumber(random));
    if (random.Percent(70)) put("night", Value::Boolean(random.Percent(50)));
    if (random.Percent(20)) put("odd name", RandomString(random));
    if (random.OneIn(30)) put("session", Value::String("ignored"));
  }
  if (!attributes.empty() && random.OneIn(40))
    attributes.push_back(Attribute{attributes[0].name, RandomScalar(random)});
  return attributes;
}

Nanos RandomStart(Random& random) {
  const Nanos seconds = random.Pick<Nanos>({
      1772361000,  // 2026-03-01T10:30:00
      1772361000, 1772361000,
      1772323199,  // 2026-02-28T23:59:59
      1772409599,  // 2026-03-01T23:59:59, a Sunday
      1798761599,  // 2026-12-31T23:59:59
      1835481540,  // 2028-02-29T23:59:00
      1735689599,  // 2024-12-31T23:59:59, a second too early
      1735689600,  // 2025-01-01T00:00:00
      2713910399,  // 2055-12-31T23:59:59
  });
  return seconds * kSecond + random.Pick<Nanos>({0, 0, 0, 1, 500000000, 999999999, 123456789});
}

Nanos NextTime(Random& random, Nanos now) {
  if (random.Percent(45)) return now;
  if (random.OneIn(10)) {
    const Nanos back =
        random.Pick<Nanos>({1, 1000000, kSecond, 60 * kSecond, 3600 * kSecond, 86400 * kSecond});
    return now - back;
  }
  if (random.Percent(45)) {
    return now + random.Pick<Nanos>({1, 999, 1000000, 250000000, kSecond, 2 * kSecond, 7 * kSecond,
                                     12 * kSecond, 20 * kSecond, 30 * kSecond, 59 * kSecond, 60 * kSecond,
                                     61 * kSecond, 1000 * kSecond, 3600 * kSecond});
  }
  Window window;
  const std::size_t kind = random.Below(8);
  window.kind = kind == 0 ? Window::Kind::kMonth : kind == 1 ? Window::Kind::kWeek : Window::Kind::kSeconds;
  window.seconds = random.Pick<Int128>({1, 60, 60, 90, 3600, 86400});
  return static_cast<Nanos>(reference::WindowEnd(window, now)) +
         random.Pick<Nanos>({-1, 0, 0, 1, -1000000, 1000000});
}

Outcome RandomOutcome(Random& random) {
  if (random.Percent(60)) return Outcome::kOk;
  if (random.Percent(85)) return Outcome::kError;
  return random.Percent(50) ? Outcome::kLost : Outcome::kNotSent;
}

}  // namespace

reference::Options RandomOptions(Random& random) {
  reference::Options options;
  if (!random.OneIn(15)) return options;
  options.refuse_case_variants = random.Percent(50);
  options.refuse_nul_strings = random.Percent(50);
  options.arguments.depth_max = random.Pick({1, 2, 3, 64, 512});
  options.arguments.size_max_bytes = random.Pick<std::size_t>({2, 100, 200, std::size_t{1} << 20});
  return options;
}

Call RandomCall(Random& random, const Value& policy, Focus focus) {
  Call call;
  call.tool = RandomTool(random, policy, focus);
  if (!random.OneIn(12)) {
    std::string text = random.OneIn(15) ? "{}" : Spell(random, RandomArguments(random));
    if (focus == Focus::kArguments ? random.Percent(70) : random.OneIn(25))
      text = Damage(random, std::move(text));
    if (random.OneIn(4000)) {
      // Around the longest arguments that are read.
      const std::size_t size = (std::size_t{1} << 20) + random.Below(3) - 1;
      if (text.size() < size) text.insert(0, size - text.size(), ' ');
    }
    call.arguments = std::move(text);
  }
  call.grant = random.OneIn(30) ? "" : random.Pick<const char*>({"g1", "g1", "g1", "g1", "g2", "G1"});
  if (random.OneIn(100)) call.grant = std::string("g1\0", 3);
  if (!random.OneIn(10)) call.session = random.Pick<const char*>({"s1", "s1", "s2"});
  call.grant_attributes = RandomAttributes(random, true);
  call.context = RandomAttributes(random, false);
  call.approved = random.OneIn(4);
  return call;
}

reference::PolicyTest RandomTest(Random& random, const Value& policy, Focus focus, std::size_t calls) {
  reference::PolicyTest test;
  std::vector<std::size_t> open;
  std::vector<std::string> names;
  Nanos now = RandomStart(random);
  while (calls > 0) {
    TestStep step;
    now = NextTime(random, now);
    step.at = now;
    if (!open.empty() && random.OneIn(4)) {
      const std::size_t i = random.Below(open.size());
      step.completes = true;
      step.completed = open[i];
      step.outcome = RandomOutcome(random);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      test.steps.push_back(std::move(step));
      continue;
    }
    step.call = RandomCall(random, policy, focus);
    // The same call again, as agents do.
    if (!test.steps.empty() && random.OneIn(3) && !test.steps.back().completes)
      step.call = test.steps.back().call;
    // A name that was called before, with other arguments: what is remembered of names is used.
    else if (!names.empty() && random.OneIn(3))
      step.call.tool = random.Pick(names);
    names.push_back(step.call.tool);
    step.open = random.OneIn(5);
    step.outcome = step.open ? Outcome::kOk : RandomOutcome(random);
    if (step.open) open.push_back(test.steps.size());
    test.steps.push_back(std::move(step));
    --calls;
  }
  return test;
}

}  // namespace differential
