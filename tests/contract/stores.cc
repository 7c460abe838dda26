#include "contract/stores.h"

#include <atomic>
#include <cstdio>
#include <filesystem>

#include <unistd.h>

#include "catch.h"
#include "contract/reference_store.h"

namespace callwarden_test {

using callwarden::CounterKey;
using callwarden::LimitKind;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::MemoryCounterStore;
using callwarden::Reservation;
using callwarden::ReserveResult;
using callwarden::Window;

namespace {

constexpr std::size_t kCapacity = 4096;

}  // namespace

TemporaryFile::TemporaryFile() {
  static std::atomic<int> count{0};
  const std::string name = "callwarden-test-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  path_ = (std::filesystem::temp_directory_path() / name).string();
}

TemporaryFile::~TemporaryFile() { std::remove(path_.c_str()); }

Subject::Subject(Implementation which) : implementation(which) {
  if (which == Implementation::kReference) {
    store = std::make_unique<ReferenceStore>(&clock);
    return;
  }
  store = std::make_unique<MemoryCounterStore>(
      callwarden::MemoryCounterStoreOptions{.capacity_keys = kCapacity, .clock = &clock, .secret = {}});
  if (which == Implementation::kRestored) {  // from a snapshot that is not empty
    REQUIRE(Take(Calendar(Window::Week(), 7, "before")).status == callwarden::ReserveStatus::kAdmitted);
    REQUIRE(Take(Gcra(Window::Week(), 7, 7, "before")).status == callwarden::ReserveStatus::kAdmitted);
    RoundTrip();
    REQUIRE(Used(Calendar(Window::Week(), 7, "before")) == 1);
  }
}

ReserveResult Subject::Take(const LimitSpec& spec, uint64_t weight) {
  CounterKey key = store->Key(spec, {});
  const LimitRequest request{&spec, &key, weight};
  Reservation reservation;
  return store->Reserve({&request, 1}, clock.Now(), reservation);
}

uint64_t Subject::Used(const LimitSpec& spec) {
  CounterKey key = store->Key(spec, {});
  const auto peek = store->Peek({&spec, &key, 1}, clock.Now());
  REQUIRE(peek.ok);
  return peek.used;
}

void Subject::RoundTrip() {
  if (implementation == Implementation::kReference) return;
  const TemporaryFile file;
  const auto& old = static_cast<const MemoryCounterStore&>(*store);
  REQUIRE(old.Save(file.path()).ok());
  auto restored = std::make_unique<MemoryCounterStore>(
      callwarden::MemoryCounterStoreOptions{.capacity_keys = kCapacity, .clock = &clock, .secret = {}});
  REQUIRE(restored->Restore(file.path()).ok());
  store = std::move(restored);
}

LimitSpec Calendar(Window window, uint64_t max, std::string_view identity) {
  const auto spec = LimitSpec::Create({.window = window, .max = max, .burst = {}, .identity = identity});
  REQUIRE(spec.has_value());
  return *spec;
}

LimitSpec Gcra(Window window, uint64_t max, std::optional<uint64_t> burst, std::string_view identity) {
  const auto spec = LimitSpec::Create(
      {.kind = LimitKind::kGcra, .window = window, .max = max, .burst = burst, .identity = identity});
  REQUIRE(spec.has_value());
  return *spec;
}

LimitSpec Inflight(uint64_t max, std::string_view identity) {
  const auto spec = LimitSpec::Create(
      {.kind = LimitKind::kInflight, .window = {}, .max = max, .burst = {}, .identity = identity});
  REQUIRE(spec.has_value());
  return *spec;
}

}  // namespace callwarden_test
