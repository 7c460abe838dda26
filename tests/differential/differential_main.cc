// The library against the reference, on policies and calls drawn at random. A case is one call decided.
//
// Usage: callwarden_differential [--cases N] [--seed S] [--rounds N] [--mismatches N] [--out FOLDER]
//
// Round i draws one policy and its calls from seed S + i, so a reported seed is replayed with
// `--seed SEED --rounds 1`. CALLWARDEN_DIFFERENTIAL_CASES and CALLWARDEN_DIFFERENTIAL_SEED stand in for the
// first two options. Ends with status 1 when anything differed.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "tests/differential/compare.h"
#include "tests/differential/generate.h"
#include "tests/differential/random.h"
#include "tests/differential/shrink.h"

namespace {

struct Options {
  uint64_t cases = 50000;
  uint64_t seed = 1;
  uint64_t rounds = UINT64_MAX;
  uint64_t mismatches = 1;  // to report before giving up
  std::string out;          // folder for the test files; empty: they are printed
};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::optional<Options> ReadOptions(int argc, char** argv) {
  Options options;
  options.cases = FromEnvironment("CALLWARDEN_DIFFERENTIAL_CASES", options.cases);
  options.seed = FromEnvironment("CALLWARDEN_DIFFERENTIAL_SEED", options.seed);
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) return std::nullopt;
    const char* value = argv[i + 1];
    if (name == "--cases") {
      options.cases = std::strtoull(value, nullptr, 10);
    } else if (name == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
    } else if (name == "--rounds") {
      options.rounds = std::strtoull(value, nullptr, 10);
    } else if (name == "--mismatches") {
      options.mismatches = std::strtoull(value, nullptr, 10);
    } else if (name == "--out") {
      options.out = value;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

differential::Case Draw(uint64_t seed) {
  differential::Random random(seed);
  const differential::Focus focus = differential::RandomFocus(random);
  differential::Case out;
  out.policy = differential::RandomPolicy(random, focus);
  out.options = differential::RandomOptions(random);
  out.test = differential::RandomTest(random, out.policy, focus, 24);
  out.test.name = "differential seed " + std::to_string(seed);
  return out;
}

std::optional<differential::Mismatch> RunCase(const differential::Case& c, differential::Tally* tally) {
  return differential::RunBoth(reference::WriteJson(c.policy), c.test, c.options, tally);
}

void Report(const Options& options, uint64_t seed, const differential::Case& drawn,
            const differential::Mismatch& mismatch) {
  std::printf("seed %" PRIu64 ": %s\n%s", seed,
              mismatch.compile ? "the policy does not compile" : "the decisions differ",
              mismatch.text.c_str());
  const differential::Case small = differential::Shrink(drawn, [&](const differential::Case& smaller) {
    const auto now = RunCase(smaller, nullptr);
    return now && now->compile == mismatch.compile;
  });
  if (const auto now = RunCase(small, nullptr)) std::printf("shrunk to\n%s", now->text.c_str());
  if (small.options.arguments.size_max_bytes != reference::Options().arguments.size_max_bytes ||
      small.options.arguments.depth_max != reference::Options().arguments.depth_max ||
      !small.options.refuse_case_variants || !small.options.refuse_nul_strings) {
    std::printf("with options that no test file can say: %zu bytes, depth %d, case variants %s, U+0000 %s\n",
                small.options.arguments.size_max_bytes, small.options.arguments.depth_max,
                small.options.refuse_case_variants ? "refused" : "allowed",
                small.options.refuse_nul_strings ? "refused" : "allowed");
  }
  const std::string file = reference::WriteTestFile(reference::WriteJson(small.policy), small.test);
  if (options.out.empty()) {
    std::printf("%s", file.c_str());
    return;
  }
  const std::string path = options.out + "/differential_" + std::to_string(seed) + ".json";
  std::ofstream(path, std::ios::binary) << file;
  std::printf("written to %s\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Options> options = ReadOptions(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: %s [--cases N] [--seed S] [--rounds N] [--mismatches N] [--out FOLDER]\n",
                 argv[0]);
    return 2;
  }
  differential::Tally tally;
  uint64_t mismatches = 0;
  for (uint64_t round = 0; round < options->rounds && tally.cases < options->cases; ++round) {
    const uint64_t seed = options->seed + round;
    const differential::Case drawn = Draw(seed);
    const auto mismatch = RunCase(drawn, &tally);
    if (!mismatch) continue;
    Report(*options, seed, drawn, *mismatch);
    if (++mismatches == options->mismatches) break;
  }
  std::printf("%" PRIu64 " cases, %" PRIu64 " policies, %" PRIu64 " with another decision without shadow\n",
              tally.cases, tally.policies, tally.with_would);
  for (const auto& [reason, count] : tally.reasons)
    std::printf("  %-20s %" PRIu64 "\n", reason.c_str(), count);
  std::printf("%" PRIu64 " mismatches\n", mismatches);
  return mismatches == 0 ? 0 : 1;
}
