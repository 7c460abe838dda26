// How long policies take to compile and how much memory they hold, beside their budgets. Prints one line a
// policy, the fastest of several rounds, in CPU time of the thread; ends with 1 when a budget is missed.
//
// Usage: compile_bench [ROUNDS]

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "callwarden/policy.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::CompileOptions;

enum class Kind { kExact, kGlobs, kStars };

// Tools with a rule and a limit each; kStars has in their midst one glob in a hundred with `*` at both ends,
// which no literal end finds.
std::string PolicyOf(Kind kind, std::size_t tools) {
  std::string text = R"({"version":"1","default":"deny","tools":{)";
  for (std::size_t i = 0; i < tools; ++i) {
    const std::string number = std::to_string(i);
    if (i != 0) text += ',';
    if (kind == Kind::kStars && i % 100 == 0) {
      text += "\"*x" + number + "y*\"";
    } else {
      text += "\"service_" + number + (kind == Kind::kGlobs ? "_*\"" : "_read\"");
    }
    text += R"(:{"require":[{"conditions":[{"path":"args.amount","op":"lte","value":)" + number + "}]}]";
    if (kind == Kind::kExact)
      text += R"(,"limits":[{"counter":"c)" + number + R"(","window":"minute","max":10}])";
    text += "}";
  }
  return text + "}}";
}

double ThreadMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

struct Measured {
  double ms = 0;
  double kib = 0;
};

Measured Measure(Kind kind, std::size_t tools, int rounds) {
  const std::string text = PolicyOf(kind, tools);
  CompileOptions options;
  options.document_size_max_bytes = std::size_t{64} << 20;
  Measured best;
  for (int round = 0; round < rounds; ++round) {
    const double begin = ThreadMilliseconds();
    const auto compiled = CompiledPolicy::Compile(text, options);
    const double ms = ThreadMilliseconds() - begin;
    if (!compiled.ok() || compiled.policy()->shape().rules != tools) {
      std::fprintf(stderr, "a policy of %zu tools did not compile\n", tools);
      std::exit(2);
    }
    best.ms = round == 0 ? ms : std::min(best.ms, ms);
    best.kib = static_cast<double>(compiled.policy()->shape().memory_bytes) / 1024;
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  if (argc > 2 || rounds < 1) {
    std::fprintf(stderr, "usage: compile_bench [ROUNDS]\n");
    return 2;
  }
  bool met = true;
  const auto hold = [&](bool within, const char* bound) {
    std::printf("  %s: %s", bound, within ? "met" : "MISSED");
    met &= within;
  };
  std::printf("%-28s %10s %10s %12s %12s\n", "policy", "tools", "ms", "us a tool", "KiB");
  constexpr const char* kNames[] = {"exact, a rule, a limit", "globs, a rule", "1 in 100 is *x*, a rule"};
  for (const Kind kind : {Kind::kExact, Kind::kGlobs, Kind::kStars}) {
    double first_each = 0;
    for (const std::size_t tools : {1000, 10000, 100000}) {
      const Measured m = Measure(kind, tools, tools == 100000 ? std::min(rounds, 3) : rounds);
      const double each = m.ms * 1000 / static_cast<double>(tools);
      std::printf("%-28s %10zu %10.2f %12.2f %12.0f", kNames[static_cast<int>(kind)], tools, m.ms, each,
                  m.kib);
      if (tools == 1000) {
        first_each = each;
        hold(m.ms <= 5, "5 ms");
        hold(m.kib <= 1024, "1 MiB");
      } else if (tools == 100000) {
        hold(m.ms <= 1000, "1 s");
        hold(each <= first_each * 2, "2 x the first line's each");
      }
      std::printf("\n");
    }
  }
  return met ? 0 : 1;
}
