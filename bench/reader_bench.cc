// What strict reading costs: the library's reader, which copies, reads and checks arguments and fills the
// slots that three conditions look at, beside simdjson's DOM parse alone of the same bytes; and beside both
// the whole of CompiledPolicy::Decide. They run in turn in one process, and what is printed are ratios of
// neighbouring runs. bench/README.md says how to read them.
//
// Usage: reader_bench [ROUNDS]

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "bench/charge_policy.h"
#include "lib/arguments_reader.h"
#include "lib/decide.h"
#include "lib/program.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::CompileOptions;
using callwarden::Decision;
using callwarden::MemoryCounterStore;
using callwarden::Reason;
using callwarden::Timestamp;
using callwarden::internal::ArgumentsReader;
using callwarden::internal::Plan;
using callwarden::internal::PolicyAccess;
using callwarden::internal::Program;
using callwarden::internal::ReadResult;
using callwarden::internal::Refusal;
using callwarden::internal::SlotValue;
using callwarden::internal::ToolMatch;

constexpr Timestamp kNow{std::chrono::seconds(1772366400)};
constexpr std::string_view kTool = "charge";
constexpr std::string_view kCustomer = "cus_9s6XKzkNRiz8i3";
constexpr int kRoundsDefault = 101;
// Long enough that reading the clock does not show, short enough that the two halves of a round meet the same
// machine.
constexpr double kRunNanoseconds = 5e5;
constexpr double kCaseNanoseconds = 1.5e9;  // after so long no further round begins

// The arguments of an order, of exactly `size` bytes: items with numbers, nested objects, arrays and escapes
// as far as they fit, then a note in plain text.
std::string OrderOf(std::size_t size) {
  if (size == 50) return R"({"amount":499,"currency":"usd","customer":"cus_7"})";
  std::string text = R"({"amount":4999,"currency":"usd","customer":")" + std::string(kCustomer) + '"';
  std::string items;
  const std::string_view note_begin = R"(,"note":")";
  const std::string_view note_end = R"("})";
  const std::string_view items_begin = R"(,"items":[)";
  const std::size_t left = size - text.size() - items_begin.size() - 1 - note_begin.size() - note_end.size();
  for (int i = 0;; ++i) {
    std::string item = items.empty() ? "" : ",";
    item += R"({"sku":"A-)" + std::to_string(1000 + i * 7 % 9000) + R"(","quantity":)" +
            std::to_string(i % 12 + 1);
    item += R"(,"price":)" + std::to_string(i % 400) + "." + std::to_string(10 + i % 90);
    item += R"(,"options":{"color":"dark green","gift":)" + std::string(i % 3 == 0 ? "true" : "false");
    item += R"(,"engraving":null},"tags":["new","summer sale"],"text":"say \"hello\"\nto caf\u00e9 )" +
            std::to_string(i) + R"("})";
    if (items.size() + item.size() > left) break;
    items += item;
  }
  if (!items.empty()) text += std::string(items_begin) + items + "]";
  text += note_begin;
  constexpr std::string_view kWords = "Please charge the customer for this order and send a receipt. ";
  while (text.size() + note_end.size() < size) text += kWords[text.size() % kWords.size()];
  return text + std::string(note_end);
}

// An object of `members` members, all named differently.
std::string WideOf(std::size_t members, std::string_view last) {
  std::string text = R"({"amount":4999,"currency":"usd","customer":")" + std::string(kCustomer) + '"';
  for (std::size_t i = 4; i < members; ++i) {
    text += ",\"field_" + std::to_string(i) + "\":" + std::to_string(i * 37 % 1000);
  }
  return text + ",\"" + std::string(last) + "\":1}";
}

// A text, padded as simdjson wants it, with a parser of its own: the floor.
class DomParse {
 public:
  explicit DomParse(std::string_view text) : padded_(text) {}
  bool Run() {
    simdjson::dom::element document;
    const auto error = parser_.parse(padded_).get(document);
    benchmark::DoNotOptimize(document);
    return error == simdjson::SUCCESS;
  }

 private:
  simdjson::padded_string padded_;
  simdjson::dom::parser parser_;
};

// The same text as a host has it, without padding, read as a decision reads it: into the slots of the plan of
// the tool, with the policy's checks, by a reader that keeps its buffers from call to call.
class StrictRead {
 public:
  StrictRead(const CompiledPolicy& policy, ArgumentsReader& reader, std::string_view text)
      : program_(PolicyAccess::ProgramOf(policy)), reader_(reader), text_(text) {
    ToolMatch match;
    if (program_.tools.FindKey(kTool, match)) plan_ = &program_.plans[match.plan];
  }
  bool Run() {
    ReadResult result;
    reader_.ReadText(text_, plan_->layers, plan_->slot_count, program_.checks, result);
    benchmark::DoNotOptimize(reader_.slots());
    benchmark::ClobberMemory();
    return result.enforced == Refusal::kNone && result.all == Refusal::kNone;
  }
  // Whether the text is read, and every slot gets the value that it is for.
  bool Fills(std::string_view currency, std::string_view customer) {
    if (plan_ == nullptr || plan_->slot_count != 3 || !Run()) return false;
    int numbers = 0;
    int currencies = 0;
    int customers = 0;
    for (const SlotValue& value : std::span(reader_.slots(), 3)) {
      numbers += value.type == SlotValue::Type::kNumber;
      if (value.type != SlotValue::Type::kString) continue;
      currencies += value.text() == currency;
      customers += value.text() == customer;
    }
    return numbers == 1 && currencies == 1 && customers == 1;
  }

 private:
  const Program& program_;
  ArgumentsReader& reader_;
  std::string_view text_;
  const Plan* plan_ = nullptr;
};

// The whole decision on that text.
class WholeDecision {
 public:
  WholeDecision(const CompiledPolicy& policy, MemoryCounterStore& counters, std::string_view text)
      : policy_(policy), counters_(counters), text_(text) {}
  bool Run() {
    const Decision decision = policy_.Decide({.tool = kTool, .arguments = text_}, counters_, kNow);
    bool allowed = decision.allowed();
    benchmark::DoNotOptimize(allowed);
    return allowed;
  }

 private:
  const CompiledPolicy& policy_;
  MemoryCounterStore& counters_;
  std::string_view text_;
};

// Time that this thread has run: what others run on the same machine is not in it, but for the caches.
double ThreadNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Subject>
double NanosecondsEach(Subject& subject, std::size_t times) {
  const double begin = ThreadNanoseconds();
  for (std::size_t i = 0; i < times; ++i) subject.Run();
  return (ThreadNanoseconds() - begin) / static_cast<double>(times);
}

// The value that a share of all others is below.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Measured {
  double dom_ns = 0;  // medians over the rounds
  double reading_ns = 0;
  double ratio = 0;      // of reading, by the parse
  double ratio_low = 0;  // the quarters of the rounds' ratios
  double ratio_high = 0;
  double ratio_of_best = 0;  // of the fastest runs
  double decide_ns = 0;
  double decide_ratio = 0;
};

Measured Measure(DomParse& dom, StrictRead& reading, WholeDecision& decision, int rounds) {
  NanosecondsEach(dom, 3);  // what grows once has grown
  NanosecondsEach(reading, 3);
  const double guess = NanosecondsEach(decision, 3);
  const auto times = static_cast<std::size_t>(std::max(1.0, kRunNanoseconds / guess));
  std::vector<double> dom_ns;
  std::vector<double> reading_ns;
  std::vector<double> decide_ns;
  std::vector<double> ratios;
  std::vector<double> decide_ratios;
  const double begin = ThreadNanoseconds();
  for (int round = 0; round < rounds && ThreadNanoseconds() - begin < kCaseNanoseconds; ++round) {
    // In turn, and each first every other time, so that what drifts favours neither.
    if (round % 2 == 0) dom_ns.push_back(NanosecondsEach(dom, times));
    reading_ns.push_back(NanosecondsEach(reading, times));
    if (round % 2 != 0) dom_ns.push_back(NanosecondsEach(dom, times));
    decide_ns.push_back(NanosecondsEach(decision, times));
    ratios.push_back(reading_ns.back() / dom_ns.back());
    decide_ratios.push_back(decide_ns.back() / dom_ns.back());
  }
  return {.dom_ns = Quantile(dom_ns, 0.5),
          .reading_ns = Quantile(reading_ns, 0.5),
          .ratio = Quantile(ratios, 0.5),
          .ratio_low = Quantile(ratios, 0.25),
          .ratio_high = Quantile(ratios, 0.75),
          .ratio_of_best = Quantile(reading_ns, 0) / Quantile(dom_ns, 0),
          .decide_ns = Quantile(decide_ns, 0.5),
          .decide_ratio = Quantile(decide_ratios, 0.5)};
}

void PrintHeader(const char* what, const char* rest) {
  std::printf("%10s %14s %14s %7s %16s %9s %14s %7s  %s\n", what, "simdjson DOM", "reading", "ratio",
              "half lie within", "of best", "Decide", "ratio", rest);
}

void PrintLine(std::size_t what, const Measured& m) {
  std::printf("%10zu %11.0f ns %11.0f ns %7.2f %7.2f .. %5.2f %9.2f %11.0f ns %7.2f", what, m.dom_ns,
              m.reading_ns, m.ratio, m.ratio_low, m.ratio_high, m.ratio_of_best, m.decide_ns, m.decide_ratio);
}

// Both verdicts on a text, and the refusal of the same text with something wrong, before anything is timed.
bool Check(const char* what, bool right) {
  if (!right) std::fprintf(stderr, "wrong verdict: %s\n", what);
  return right;
}

// What is measured, on one policy.
struct Subjects {
  explicit Subjects(const CompiledPolicy& p) noexcept : policy(p) {}

  const CompiledPolicy& policy;
  MemoryCounterStore counters;
  ArgumentsReader reader;

  bool IsMalformed(std::string_view text) {
    return !StrictRead(policy, reader, text).Run() &&
           policy.Decide({.tool = kTool, .arguments = text}, counters, kNow).reason() ==
               Reason::kMalformedCall;
  }
};

bool RunOrders(Subjects& subjects, int rounds) {
  PrintHeader("bytes", "");
  for (const std::size_t size : std::to_array<std::size_t>({50, 164, 2048, 65536, 1048576})) {
    const std::string text = OrderOf(size);
    DomParse dom(text);
    StrictRead reading(subjects.policy, subjects.reader, text);
    WholeDecision decision(subjects.policy, subjects.counters, text);
    std::string repeated = text;
    repeated.pop_back();
    repeated += ",\"amount\":1}";
    std::string too_much = text;
    too_much.replace(too_much.find("499"), 1, "99999");
    bool right = Check("an order's size", text.size() == size);
    right &= Check("an order, parsed", dom.Run());
    right &= Check("an order, read", reading.Fills("usd", size == 50 ? "cus_7" : kCustomer));
    right &= Check("an order, decided", decision.Run());
    right &= Check("an order with a repeated name", subjects.IsMalformed(repeated));
    right &=
        Check("an order of too much", !WholeDecision(subjects.policy, subjects.counters, too_much).Run());
    right &= Check("an order cut short", subjects.IsMalformed(std::string_view(text).substr(0, size - 1)));
    if (!right) return false;
    PrintLine(size, Measure(dom, reading, decision, rounds));
    std::printf("\n");
  }
  return true;
}

bool RunWide(Subjects& subjects, int rounds) {
  std::printf("\n");
  PrintHeader("members", "reading, each member");
  std::optional<double> each_first;
  for (const std::size_t members : std::to_array<std::size_t>({1000, 10000, 100000})) {
    const std::string text = WideOf(members, "last");
    DomParse dom(text);
    StrictRead reading(subjects.policy, subjects.reader, text);
    WholeDecision decision(subjects.policy, subjects.counters, text);
    bool right = Check("a wide object, parsed", dom.Run());
    right &= Check("a wide object, read", reading.Fills("usd", kCustomer));
    right &= Check("a wide object, decided", decision.Run());
    right &= Check("a wide object with a repeated name", subjects.IsMalformed(WideOf(members, "field_500")));
    if (!right) return false;
    const Measured m = Measure(dom, reading, decision, rounds);
    const double each = m.reading_ns / static_cast<double>(members);
    if (!each_first) each_first = each;
    PrintLine(members, m);
    std::printf("  %.1f ns, %.2f x the first line's\n", each, each / *each_first);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kRoundsDefault;
  if (argc > 2 || rounds < 1) {
    std::fprintf(stderr, "usage: reader_bench [ROUNDS]\n");
    return 2;
  }
  CompileOptions options;
  options.arguments_size_max_bytes = std::size_t{4} << 20;  // 100,000 members are longer than the default
  const auto compiled = CompiledPolicy::Compile(bench::kChargePolicy, options);
  if (!compiled.ok()) {
    std::fprintf(stderr, "the policy does not compile\n");
    return 1;
  }
  Subjects subjects(*compiled.policy());
  const std::string implementation(simdjson::get_active_implementation()->description());
  std::printf("simdjson %d.%d.%d, %s; medians of %d rounds, thread CPU time\n\n",
              static_cast<int>(simdjson::SIMDJSON_VERSION_MAJOR),
              static_cast<int>(simdjson::SIMDJSON_VERSION_MINOR),
              static_cast<int>(simdjson::SIMDJSON_VERSION_REVISION), implementation.c_str(), rounds);
  return RunOrders(subjects, rounds) && RunWide(subjects, rounds) ? 0 : 1;
}
