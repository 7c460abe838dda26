// Models of the counter core, checked by relacy on the code that ships.
//
//   counter_models MODEL
//
// succeeds when no schedule breaks the model. In the environment, CALLWARDEN_MODEL_SCHEDULES is how many
// random schedules are tried, and CALLWARDEN_MODEL_BOUND how many switches that nothing forces the exhaustive
// search makes (0: no such search). A long run: 2000000 and 3.
//
// With CALLWARDEN_MUTANT_MODEL the program is for a core with a known mistake in it, and succeeds when that
// model breaks.

#include "model/relacy_policy.h"

namespace model {
namespace {

using callwarden::CounterKey;
using callwarden::LimitKind;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::Timestamp;
using callwarden::Window;

constexpr Timestamp kFirst{std::chrono::seconds(1772366400)};  // in the first window of a minute
constexpr Timestamp kSecond = kFirst + std::chrono::seconds(60);
constexpr Timestamp kThird = kFirst + std::chrono::seconds(120);

LimitSpec Calendar(uint64_t max) {
  return *LimitSpec::Create({.window = Window::Seconds(60), .max = max, .burst = {}, .identity = "m"});
}
LimitSpec Inflight(uint64_t max) {
  return *LimitSpec::Create(
      {.kind = LimitKind::kInflight, .window = {}, .max = max, .burst = {}, .identity = "m"});
}
LimitSpec Gcra(uint64_t max, uint64_t burst) {
  return *LimitSpec::Create(
      {.kind = LimitKind::kGcra, .window = Window::Seconds(60), .max = max, .burst = burst, .identity = "m"});
}

// Key number `n`, of two groups the first by preference when `fp` is low.
CounterKey KeyOf(const LimitSpec& spec, uint64_t n, bool high_first = false) {
  constexpr uint64_t kHigh = uint64_t{1} << 63;
  CounterKey key;
  key.fp = n + (high_first ? kHigh : 0);
  key.check = n + (high_first ? 0 : kHigh);
  key.spec_tag = spec.tag();
  return key;
}

// A clock that threads may turn.
class ModelClock final : public callwarden::Clock {
 public:
  Timestamp Now() const noexcept override { return Timestamp(std::chrono::nanoseconds(ns_.load(kAcquire))); }
  void Set(Timestamp now) { ns_.store(now.time_since_epoch().count(), kRelease); }

 private:
  Atomic<int64_t> ns_;
};

// The core as a store, and what has been admitted by it. The books are plain: only one thread runs at a time,
// and none stops between a call and its entry.
template <uint32_t kSlots>
class ModelStore final : public callwarden::CounterStore {
 public:
  explicit ModelStore(uint32_t groups) { core_.Init(groups, &clock, 1); }

  bool ok() const noexcept override { return true; }
  CounterKey Key(const LimitSpec&, std::span<const callwarden::AttributeValue>) const noexcept override {
    return {};
  }
  callwarden::ReserveResult Reserve(std::span<const LimitRequest> requests, Timestamp now,
                                    Reservation& reservation) noexcept override {
    return core_.Reserve(*this, requests, now, reservation);
  }
  callwarden::SettleResult Settle(Reservation&& reservation,
                                  std::span<const uint64_t> actual) noexcept override {
    const auto result = core_.Settle(reservation.tokens(), actual);
    reservation.Forget();
    return result;
  }
  callwarden::PeekResult Peek(const LimitRequest& request, Timestamp now) const noexcept override {
    return core_.Peek(request, now);
  }
  callwarden::CounterStats stats() const noexcept override { return {}; }

  // Reserves one unit of each key and enters what was admitted.
  ReserveStatus Take(const LimitSpec& spec, std::span<CounterKey> keys, Timestamp now,
                     Reservation& reservation) {
    std::array<LimitRequest, 2> requests;
    RL_ASSERT(reservation.empty());
    for (std::size_t i = 0; i < keys.size(); ++i) requests[i] = {&spec, &keys[i], 1};
    const ReserveStatus status = Reserve({requests.data(), keys.size()}, now, reservation).status;
    for (const auto& token : reservation.tokens()) {
      const uint64_t sum = ++books[{token.fp, token.stamp}];
      RL_ASSERT(spec.kind() == LimitKind::kGcra || sum <= spec.max());
    }
    return status;
  }
  ReserveStatus Take(const LimitSpec& spec, CounterKey& key, Timestamp now, Reservation& reservation) {
    return Take(spec, {&key, 1}, now, reservation);
  }
  void GiveBack(Reservation& reservation) {
    for (const auto& token : reservation.tokens()) --books[{token.fp, token.stamp}];
    Refund(std::move(reservation));
  }
  // At the end: each count that is in the table stands at what the books say, once.
  void Balance() {
    std::map<uint64_t, int> slots;
    core_.ForEach(kFirst, [&](const auto& record) {
      RL_ASSERT(++slots[record.fp] == 1);
      using callwarden::internal::GaugeWord;
      using callwarden::internal::MinuteWord;
      if (record.format == callwarden::internal::WordFormat::kMinutes) {
        RL_ASSERT(MinuteWord::Used(record.word) == Booked(record.fp, MinuteWord::End(record.word)));
      } else if (record.format == callwarden::internal::WordFormat::kGauge) {
        RL_ASSERT(GaugeWord::Used(record.word) == Booked(record.fp, GaugeWord::Gen(record.word)));
      }
    });
  }
  uint64_t Booked(uint64_t fp, uint64_t stamp) const {
    const auto found = books.find({fp, stamp});
    return found == books.end() ? 0 : found->second;
  }

  ModelClock clock;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> books;

 private:
  callwarden::internal::CounterCore<Policy<kSlots>> core_;
};

// What the models share: a store that lives for one schedule.
template <class Derived, unsigned kThreads, uint32_t kSlots, uint32_t kGroups = 1>
struct Model : rl::test_suite<Derived, kThreads> {
  void before() {
    store = std::make_unique<ModelStore<kSlots>>(kGroups);
    store->clock.Set(kFirst);
    static_cast<Derived*>(this)->Begin();
  }
  void after() {
    static_cast<Derived*>(this)->End();
    store->Balance();
    store.reset();
  }
  void Begin() {}
  void End() {}
  std::unique_ptr<ModelStore<kSlots>> store;
};

// Two limits, charged in either order, rolled back, refunded, and rolled over by a third thread.
struct TwoLimits : Model<TwoLimits, 3, 2> {
  LimitSpec spec = Calendar(1);
  void thread(unsigned index) {
    Reservation reservation;
    std::array<CounterKey, 2> keys{KeyOf(spec, 1), KeyOf(spec, 2)};
    switch (index) {
      case 0:
        store->Take(spec, keys, kFirst, reservation);
        break;
      case 1:
        std::swap(keys[0], keys[1]);
        if (store->Take(spec, keys, kFirst, reservation) == ReserveStatus::kAdmitted)
          store->GiveBack(reservation);
        break;
      default:
        store->Take(spec, keys[1], kSecond, reservation);
        break;
    }
  }
};

// A thread whose clock reading is from before the boundary meets one from after it.
struct Roll : Model<Roll, 2, 1> {
  LimitSpec spec = Calendar(1);
  void thread(unsigned index) {
    Reservation reservation, second;
    CounterKey key = KeyOf(spec, 1);
    store->Take(spec, key, index == 0 ? kFirst : kSecond, reservation);
    if (index == 1) store->Take(spec, key, kSecond, second);
  }
};

// Two threads charge one word that has room for one.
struct OneWord : Model<OneWord, 2, 1> {
  LimitSpec spec = Calendar(1);
  void thread(unsigned) {
    Reservation reservation;
    CounterKey key = KeyOf(spec, 1);
    store->Take(spec, key, kFirst, reservation);
  }
};

// A refund meets the roll of its window.
struct LateRefund : Model<LateRefund, 2, 1> {
  LimitSpec spec = Calendar(2);
  Reservation held;
  void Begin() {
    CounterKey key = KeyOf(spec, 1);
    store->Take(spec, key, kFirst, held);
  }
  void thread(unsigned index) {
    Reservation reservation;
    CounterKey key = KeyOf(spec, 1);
    if (index == 0) {
      store->GiveBack(held);
    } else {
      store->Take(spec, key, kSecond, reservation);
    }
  }
};

// A thread with a hint charges a slot while another key takes it over.
struct Reuse : Model<Reuse, 2, 1> {
  LimitSpec spec = Calendar(3);
  CounterKey hinted = KeyOf(spec, 1);
  void Begin() {
    Reservation reservation;
    store->Take(spec, hinted, kFirst, reservation);
  }
  void thread(unsigned index) {
    Reservation reservation;
    CounterKey other = KeyOf(spec, 2);
    if (index == 0) {
      store->Take(spec, hinted, kFirst, reservation);
    } else {
      store->Take(spec, other, kSecond, reservation);
    }
  }
};

// The same, with a third thread that takes the slot back for the first key.
struct ReuseTwice : Model<ReuseTwice, 3, 1> {
  LimitSpec spec = Calendar(3);
  CounterKey hinted = KeyOf(spec, 1);
  void Begin() {
    Reservation reservation;
    store->Take(spec, hinted, kFirst, reservation);
  }
  void thread(unsigned index) {
    Reservation reservation;
    CounterKey key = KeyOf(spec, index == 1 ? 2 : 1);
    if (index == 0) {
      store->Take(spec, hinted, kFirst, reservation);
    } else {
      store->Take(spec, key, index == 1 ? kSecond : kThird, reservation);
    }
  }
};

// A denial, too, is about the key it was asked of: a stale hint leads to a slot that another key has used up
// and that becomes this key's.
struct StaleDenial : Model<StaleDenial, 2, 1> {
  LimitSpec spec = Calendar(2);
  CounterKey stale = KeyOf(spec, 2);
  void Begin() {
    Reservation reservation, second;
    CounterKey full = KeyOf(spec, 1);
    store->Take(spec, full, kFirst, reservation);
    store->Take(spec, full, kFirst, second);
    stale.hint = 0;
  }
  void thread(unsigned index) {
    Reservation reservation;
    CounterKey key = KeyOf(spec, 2);
    if (index == 0) {
      const ReserveStatus status = store->Take(spec, stale, kFirst, reservation);
      RL_ASSERT(status == ReserveStatus::kAdmitted || status == ReserveStatus::kStoreFull);
    } else {
      RL_ASSERT(store->Take(spec, key, kSecond, reservation) == ReserveStatus::kAdmitted);
    }
  }
};

// A gauge is given up, its slot taken for another, while a third charges it by its hint.
struct Gauges : Model<Gauges, 2, 1> {
  LimitSpec spec = Inflight(3);
  CounterKey hinted = KeyOf(spec, 1);
  void Begin() {
    Reservation reservation;
    store->Take(spec, hinted, kFirst, reservation);
    store->GiveBack(reservation);
  }
  Reservation held[2];
  void thread(unsigned index) {
    CounterKey other = KeyOf(spec, 2);
    store->Take(spec, index == 0 ? hinted : other, kFirst, held[index]);
  }
  void End() {
    store->Balance();
    for (uint64_t i = 0; i < 2; ++i) {  // nobody loses the slot that counts what is running
      CounterKey key = KeyOf(spec, i + 1);
      if (!held[i].empty()) RL_ASSERT(store->Peek({&spec, &key, 1}, kFirst).used == 1);
    }
    for (Reservation& reservation : held) store->GiveBack(reservation);
  }
};

// A window is used up, over, and dropped for another key; a thread whose clock is behind must not find it
// new.
struct Floors : Model<Floors, 2, 2> {
  LimitSpec spec = Calendar(1);
  LimitSpec gauge = Inflight(1);
  Reservation running;
  void Begin() {
    Reservation reservation;
    CounterKey used_up = KeyOf(spec, 1), in_flight = KeyOf(gauge, 3);
    store->Take(spec, used_up, kFirst, reservation);
    store->Take(gauge, in_flight, kFirst, running);
  }
  void thread(unsigned index) {
    Reservation reservation;
    CounterKey used_up = KeyOf(spec, 1), other = KeyOf(spec, 2);
    if (index == 0) {
      store->Take(spec, other, kSecond, reservation);
      store->GiveBack(running);
    } else {
      store->Take(spec, used_up, kFirst, reservation);
    }
  }
};

// Threads insert one key, and another whose groups come in the other order.
struct Insert : Model<Insert, 3, 2, 2> {
  LimitSpec spec = Calendar(3);
  void thread(unsigned index) {
    Reservation reservation;
    CounterKey key = KeyOf(spec, index == 2 ? 2 : 1, index == 2);
    RL_ASSERT(store->Take(spec, key, kFirst, reservation) == ReserveStatus::kAdmitted);
  }
};

// gcra charges and refunds commute with the clock in no order that lets more through than the burst: all
// happen within one interval, so that what is outstanding at the end must fit it.
struct Smooth : Model<Smooth, 3, 1> {
  LimitSpec spec = Gcra(60, 2);  // a unit a second, two at once
  Reservation held[3];
  bool back = false;
  void thread(unsigned index) {
    CounterKey key = KeyOf(spec, 1);
    const Timestamp now = kFirst + std::chrono::milliseconds(index * 100);
    const bool admitted = store->Take(spec, key, now, held[index]) == ReserveStatus::kAdmitted;
    if (index == 1 && admitted) {
      store->clock.Set(kFirst + std::chrono::milliseconds(400));
      store->GiveBack(held[index]);
      back = true;
    }
  }
  void End() {
    unsigned outstanding = 0;
    for (const Reservation& reservation : held) outstanding += reservation.empty() ? 0 : 1;
    RL_ASSERT(outstanding <= 2);
    // The refund came 0.3 s after its charge, so that 0.7 s of it were given back, or less.
    CounterKey key = KeyOf(spec, 1);
    const auto peek = store->Peek({&spec, &key, 1}, kFirst + std::chrono::milliseconds(500));
    if (outstanding == 2) RL_ASSERT(!peek.fits);
    for (Reservation& reservation : held) reservation.Forget();
  }
};

// A known mistake that no change of one line makes: the window's end and the count in two words.
struct TwoWords : rl::test_suite<TwoWords, 2> {
  std::unique_ptr<Atomic<uint64_t>> end, used;
  std::map<uint64_t, int> books;
  void before() {
    end = std::make_unique<Atomic<uint64_t>>();
    used = std::make_unique<Atomic<uint64_t>>();
    end->store(1, kRelease);
  }
  void after() {
    end.reset();
    used.reset();
  }
  void thread(unsigned) {
    constexpr uint64_t kWindow = 2, kMax = 1;
    if (end->load(kAcquire) != kWindow) {
      end->store(kWindow, kRelease);
      used->store(0, kRelease);
    }
    uint64_t count = used->load(kAcquire);
    while (count < kMax) {
      if (used->compare_exchange_strong(count, count + 1, kAcqRel, kAcquire)) {
        RL_ASSERT(++books[kWindow] <= static_cast<int>(kMax));
        return;
      }
    }
  }
};

// Takes what relacy says of a failure that was expected.
class Nowhere final : public std::streambuf {
  int overflow(int c) override { return c; }
};

unsigned long FromEnvironment(const char* name, unsigned long otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoul(text, nullptr, 10) : otherwise;
}

// Switches threads at random, but not at every step as relacy's own random scheduler does: an insert is some
// forty steps, and schedules in which one runs between two steps of another thread would hardly ever come up.
template <rl::thread_id_t kThreads>
class StickyScheduler : public rl::scheduler<StickyScheduler<kThreads>, rl::scheduler_thread_info, kThreads> {
 public:
  using Base = rl::scheduler<StickyScheduler<kThreads>, rl::scheduler_thread_info, kThreads>;
  using shared_context_t = typename Base::shared_context_t;
  struct task_t {};

  StickyScheduler(rl::test_params& params, shared_context_t& context, rl::thread_id_t dynamic_threads)
      : Base(params, context, dynamic_threads) {}

  rl::thread_id_t iteration_begin_impl() {
    random_.seed(this->iter_);
    constexpr unsigned kSteps[] = {2, 6, 20, 60};
    steps_ = kSteps[random_.rand() % 4];
    rl::unpark_reason reason;
    return schedule_impl(reason, 1);
  }
  bool iteration_end_impl() { return this->iter_ == this->params_.iteration_count; }

  rl::thread_id_t schedule_impl(rl::unpark_reason& reason, unsigned yield) {
    reason = rl::unpark_reason_normal;
    const unsigned count = this->running_threads_count;
    RL_VERIFY(count);
    if (yield == 0 && random_.rand() % steps_ != 0) {
      for (unsigned i = 0; i < count; ++i) {
        if (this->running_threads[i] == last_) return last_;
      }
    }
    return last_ = this->running_threads[random_.rand() % count];
  }
  // Which of the values that it may see a load sees.
  unsigned rand_impl(unsigned limit, rl::sched_type) { return random_.rand() % limit; }
  rl::iteration_t iteration_count_impl() { return this->params_.iteration_count; }
  void get_state_impl(std::ostream&) {}
  void set_state_impl(std::istream&) {}
  void on_thread_block(rl::thread_id_t, bool) {}

 private:
  rl::random_generator random_;
  rl::thread_id_t last_ = 0;
  unsigned steps_ = 2;
};

// Tries random schedules; true when none broke the model. Otherwise tells the one that did, unless
// `expected`.
template <class M>
bool SearchRandomly(bool expected) {
  using Scheduler = StickyScheduler<M::params::thread_count>;
  Nowhere nowhere;
  std::ostream quiet(&nowhere);
  rl::test_params params;
  params.iteration_count = FromEnvironment("CALLWARDEN_MODEL_SCHEDULES", expected ? 500'000 : 50'000);
  params.progress_stream = &quiet;
  if (expected) params.output_stream = &quiet;
  rl::ostringstream state;
  if (rl::run_test<M, Scheduler>(params, state, false) == rl::test_result_success) {
    std::cout << "held in " << params.stop_iteration << " random schedules\n";
    return true;
  }
  std::cout << "broke at schedule " << params.stop_iteration << ": "
            << rl::test_result_str(params.test_result) << "\n";
  if (!expected) {
    params.initial_state = state.str();
    params.collect_history = true;
    rl::ostringstream again;
    rl::run_test<M, Scheduler>(params, again, true);
  }
  return false;
}

#ifdef CALLWARDEN_MUTANT_MODEL
int Run(int, char**) { return SearchRandomly<CALLWARDEN_MUTANT_MODEL>(true) ? 1 : 0; }
#else
// Tries all schedules with at most `bound` switches that nothing forces.
template <class M>
bool SearchAll(unsigned long bound) {
  Nowhere nowhere;
  std::ostream quiet(&nowhere);
  rl::test_params params;
  params.search_type = rl::sched_bound;
  params.context_bound = static_cast<unsigned>(bound);
  params.progress_stream = &quiet;
  return rl::simulate<M>(params);
}

template <class M>
int Check(unsigned long bound) {
  bound = FromEnvironment("CALLWARDEN_MODEL_BOUND", bound);
  return (bound == 0 || SearchAll<M>(bound)) && SearchRandomly<M>(false) ? 0 : 1;
}

int Run(int argc, char** argv) {
  const std::string_view name = argc == 2 ? argv[1] : "";
  if (name == "one_word") return Check<OneWord>(2);
  if (name == "roll") return Check<Roll>(2);
  if (name == "late_refund") return Check<LateRefund>(3);
  if (name == "two_limits") return Check<TwoLimits>(0);
  if (name == "reuse") return Check<Reuse>(0);
  if (name == "reuse_twice") return Check<ReuseTwice>(0);
  if (name == "stale_denial") return Check<StaleDenial>(0);
  if (name == "gauges") return Check<Gauges>(0);
  if (name == "floors") return Check<Floors>(0);
  if (name == "insert") return Check<Insert>(0);
  if (name == "smooth") return Check<Smooth>(0);
  std::cout << "there is no model \"" << name << "\"\n";
  return 2;
}
#endif

}  // namespace
}  // namespace model

int main(int argc, char** argv) { return model::Run(argc, argv); }
