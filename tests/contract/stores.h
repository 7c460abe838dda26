#ifndef CALLWARDEN_TESTS_CONTRACT_STORES_H_
#define CALLWARDEN_TESTS_CONTRACT_STORES_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "callwarden/counter_store.h"
#include "callwarden/memory_counter_store.h"

namespace callwarden_test {

/// The implementations that the contract suite runs on. A new store is added here and passes, or is not one.
enum class Implementation { kReference, kMemory, kRestored };

constexpr callwarden::Timestamp At(int64_t seconds) {
  return callwarden::Timestamp(std::chrono::seconds(seconds));
}
constexpr callwarden::Timestamp kNoon = At(1772366400);  // Sunday 2026-03-01T12:00:00Z

/// A fresh store on a clock of its own, which shows kNoon.
struct Subject {
  explicit Subject(Implementation implementation);

  /// A call of one limit, with a reservation that is dropped.
  callwarden::ReserveResult Take(const callwarden::LimitSpec& spec, uint64_t weight = 1);
  /// Saves the store and goes on with one restored from that, where the implementation can.
  void RoundTrip();
  uint64_t Used(const callwarden::LimitSpec& spec);

  Implementation implementation;
  callwarden::ManualClock clock{kNoon};
  std::unique_ptr<callwarden::CounterStore> store;
};

callwarden::LimitSpec Calendar(callwarden::Window window, uint64_t max,
                               std::string_view identity = "calendar");
callwarden::LimitSpec Gcra(callwarden::Window window, uint64_t max,
                           std::optional<uint64_t> burst = std::nullopt, std::string_view identity = "gcra");
callwarden::LimitSpec Inflight(uint64_t max, std::string_view identity = "inflight");

/// A file's name that no other test uses, removed with the object.
class TemporaryFile {
 public:
  TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

}  // namespace callwarden_test

#endif  // CALLWARDEN_TESTS_CONTRACT_STORES_H_
