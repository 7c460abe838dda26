// At most two renderings at a time for each grant: an in-flight limit, and a queue for the calls that must
// wait. A slot is held by the decision and is free again when that is completed or destroyed, so none can
// leak.

#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callwarden/callwarden.h"

namespace {

class Renderer {
 public:
  Renderer(std::shared_ptr<const callwarden::CompiledPolicy> policy, callwarden::CounterStore& counters)
      : policy_(std::move(policy)), counters_(counters) {}

  /// Starts a job, or queues it until a slot is free.
  void Submit(std::string job) {
    waiting_.push_back(std::move(job));
    StartWaiting();
  }

  /// The oldest running job has ended, well or badly.
  void Finish(callwarden::Outcome outcome) {
    auto [job, decision] = std::move(running_.front());
    running_.pop_front();
    std::cout << "finished " << job << "\n";
    decision.Complete(outcome);  // frees the slot; so would the end of this scope
    StartWaiting();
  }

 private:
  void StartWaiting() {
    while (!waiting_.empty()) {
      callwarden::Decision decision =
          policy_->Decide({.tool = "render", .grant = "studio"}, counters_, clock_.Now());
      if (!decision.allowed()) {
        // No time is known at which an in-flight slot becomes free, so the next to finish will try again.
        std::cout << "waiting " << waiting_.front() << ": " << decision.message() << "\n";
        return;
      }
      std::cout << "started " << waiting_.front() << "\n";
      running_.emplace_back(std::move(waiting_.front()), std::move(decision));
      waiting_.pop_front();
    }
  }

  std::shared_ptr<const callwarden::CompiledPolicy> policy_;
  callwarden::CounterStore& counters_;
  callwarden::SystemClock clock_;
  std::deque<std::string> waiting_;
  std::deque<std::pair<std::string, callwarden::Decision>> running_;
};

}  // namespace

int main() {
  const auto compiled = callwarden::CompiledPolicy::Compile(R"({
    "version": "1",
    "default": "deny",
    "tools": {
      "render": { "limits": [ { "counter": "renderings", "algorithm": "inflight", "max": 2, "scope": "grant" } ] }
    }
  })");
  if (!compiled.ok()) return 1;
  callwarden::MemoryCounterStore counters;  // outlives every decision that it admitted
  Renderer renderer(compiled.policy(), counters);

  for (const char* job : {"intro", "title", "credits"}) renderer.Submit(job);
  renderer.Finish(callwarden::Outcome::kOk);
  renderer.Finish(callwarden::Outcome::kError);  // a slot is free again whatever the outcome
  renderer.Submit("trailer");
}
