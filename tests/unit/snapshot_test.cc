#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "callwarden/memory_counter_store.h"

#include "catch.h"
#include "contract/stores.h"

using callwarden::AttributeValue;
using callwarden::CounterKey;
using callwarden::LimitRequest;
using callwarden::LimitSpec;
using callwarden::ManualClock;
using callwarden::MemoryCounterStore;
using callwarden::MemoryCounterStoreOptions;
using callwarden::Reservation;
using callwarden::ReserveStatus;
using callwarden::SnapshotError;
using callwarden::Window;
using std::chrono::seconds;
using Kind = SnapshotError::Kind;
using namespace callwarden_test;

namespace {

ReserveStatus Take(MemoryCounterStore& store, const LimitSpec& spec, int scope, callwarden::Timestamp now) {
  const AttributeValue value(scope);
  CounterKey key = store.Key(spec, {&value, 1});
  const LimitRequest request{&spec, &key, 1};
  Reservation reservation;
  return store.Reserve({&request, 1}, now, reservation).status;
}

std::string ReadAll(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAll(const char* path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// A store with a few counts, and its snapshot.
struct Saved {
  Saved() : Saved(MemoryCounterStoreOptions{.capacity_keys = 64, .clock = nullptr, .secret = {}}) {}
  explicit Saved(MemoryCounterStoreOptions options) : store(With(options, clock)) {
    for (int i = 0; i < 3; ++i) {
      REQUIRE(Take(store, minute, i, kNoon) == ReserveStatus::kAdmitted);
      REQUIRE(Take(store, day, i, kNoon) == ReserveStatus::kAdmitted);
      REQUIRE(Take(store, smooth, i, kNoon) == ReserveStatus::kAdmitted);
    }
    REQUIRE(store.Save(file.path()).ok());
  }
  static MemoryCounterStoreOptions With(MemoryCounterStoreOptions options, const callwarden::Clock& clock) {
    options.clock = &clock;
    return options;
  }
  ManualClock clock{kNoon};
  MemoryCounterStore store;
  TemporaryFile file;
  LimitSpec minute = Calendar(Window::Seconds(60), 1), day = Calendar(Window::Seconds(86400), 1),
            smooth = Gcra(Window::Seconds(3600), 1);
};

Kind RestoreInto(MemoryCounterStore& store, const char* path) {
  const SnapshotError error = store.Restore(path);
  CHECK(error.ok() == (error.kind == Kind::kNone));
  CHECK(std::string(error.message()).size() > 5);
  if (!error.ok()) CHECK(store.stats().keys == 0);
  return error.kind;
}

}  // namespace

TEST_CASE("a restored store goes on where the saved one was") {
  Saved saved;
  MemoryCounterStore store({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
  REQUIRE(RestoreInto(store, saved.file.path()) == Kind::kNone);
  CHECK(store.stats().keys == 9);
  for (int i = 0; i < 3; ++i) {
    CHECK(Take(store, saved.minute, i, kNoon) == ReserveStatus::kOverLimit);
    CHECK(Take(store, saved.day, i, kNoon) == ReserveStatus::kOverLimit);
    CHECK(Take(store, saved.smooth, i, kNoon) == ReserveStatus::kOverLimit);
  }
  CHECK(Take(store, saved.day, 3, kNoon) == ReserveStatus::kAdmitted);
}

TEST_CASE("what is over is left out, and a clock that is behind the snapshot does not revive it") {
  Saved saved;
  saved.clock.Advance(seconds(60));
  MemoryCounterStore store({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
  REQUIRE(RestoreInto(store, saved.file.path()) == Kind::kNone);
  CHECK(store.stats().keys == 6);
  CHECK(Take(store, saved.minute, 0, kNoon) == ReserveStatus::kAdmitted);  // in the window of the restore
  CHECK(Take(store, saved.minute, 0, kNoon + seconds(60)) == ReserveStatus::kOverLimit);
}

TEST_CASE("calls in flight are not saved") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 64, .clock = &clock, .secret = {}});
  const LimitSpec calls = Inflight(1);
  CounterKey key = store.Key(calls, {});
  const LimitRequest request{&calls, &key, 1};
  Reservation running;
  REQUIRE(store.Reserve({&request, 1}, kNoon, running).status == ReserveStatus::kAdmitted);
  const TemporaryFile file;
  REQUIRE(store.Save(file.path()).ok());
  MemoryCounterStore restored({.capacity_keys = 64, .clock = &clock, .secret = {}});
  REQUIRE(RestoreInto(restored, file.path()) == Kind::kNone);
  CHECK(restored.stats().keys == 0);
}

TEST_CASE("thousands of counts go into several blocks") {
  ManualClock clock(kNoon);
  MemoryCounterStore store({.capacity_keys = 4000, .clock = &clock, .secret = {}});
  const LimitSpec day = Calendar(Window::Seconds(86400), 1);
  for (int i = 0; i < 2000; ++i) REQUIRE(Take(store, day, i, kNoon) == ReserveStatus::kAdmitted);
  const TemporaryFile file;
  REQUIRE(store.Save(file.path()).ok());
  MemoryCounterStore restored({.capacity_keys = 4000, .clock = &clock, .secret = {}});
  REQUIRE(RestoreInto(restored, file.path()) == Kind::kNone);
  CHECK(restored.stats().keys == 2000);
  for (int i = 0; i < 2000; ++i) {
    if (Take(restored, day, i, kNoon) != ReserveStatus::kOverLimit) FAIL("count " << i << " is gone");
  }
  MemoryCounterStore small({.capacity_keys = 100, .clock = &clock, .secret = {}});
  CHECK(RestoreInto(small, file.path()) == Kind::kTooSmall);
  CHECK(Take(small, day, 0, kNoon) == ReserveStatus::kAdmitted);  // empty, and in order
}

TEST_CASE("a file changed in any byte, or cut anywhere, is refused") {
  Saved saved;
  const std::string good = ReadAll(saved.file.path());
  REQUIRE(good.size() > 400);
  const TemporaryFile bad;
  for (std::size_t i = 0; i < good.size(); ++i) {
    CAPTURE(i);
    for (const char flip : {'\x01', '\x80'}) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      WriteAll(bad.path(), bytes);
      MemoryCounterStore store({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
      REQUIRE(RestoreInto(store, bad.path()) == (i < 8 ? Kind::kForeign : Kind::kDamaged));
    }
    WriteAll(bad.path(), good.substr(0, i));
    MemoryCounterStore store({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
    REQUIRE(RestoreInto(store, bad.path()) == (i < 8 ? Kind::kForeign : Kind::kDamaged));
  }
  WriteAll(bad.path(), good + "x");
  MemoryCounterStore store({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
  CHECK(RestoreInto(store, bad.path()) == Kind::kDamaged);
}

TEST_CASE("a file that is not there, not ours, or not for this store is refused") {
  Saved saved;
  const TemporaryFile other;
  MemoryCounterStore store({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
  const SnapshotError missing = store.Restore(other.path());
  CHECK(missing.kind == Kind::kFile);
  CHECK(missing.system_error == ENOENT);
  CHECK(store.Restore(nullptr).kind == Kind::kFile);
  WriteAll(other.path(), "{\"version\": \"1\"}");
  CHECK(RestoreInto(store, other.path()) == Kind::kForeign);
  WriteAll(other.path(), "");
  CHECK(RestoreInto(store, other.path()) == Kind::kForeign);

  CHECK(saved.store.Restore(saved.file.path()).kind == Kind::kNotEmpty);
  MemoryCounterStore none({.capacity_keys = 0, .clock = nullptr, .secret = {}});
  CHECK(none.Restore(saved.file.path()).kind == Kind::kUnavailable);
  CHECK(none.Save(other.path()).kind == Kind::kUnavailable);
}

TEST_CASE("the secret is kept out of the file when the host has given it, and must then match") {
  const std::array<uint64_t, 2> secret{0x1122334455667788, 0x99aabbccddeeff00};
  Saved saved({.capacity_keys = 64, .clock = nullptr, .secret = secret});
  const std::string bytes = ReadAll(saved.file.path());
  CHECK(bytes.find(std::string("\x88\x77\x66\x55\x44\x33\x22\x11", 8)) == std::string::npos);

  MemoryCounterStore same({.capacity_keys = 64, .clock = &saved.clock, .secret = secret});
  CHECK(RestoreInto(same, saved.file.path()) == Kind::kNone);
  CHECK(Take(same, saved.day, 0, kNoon) == ReserveStatus::kOverLimit);
  MemoryCounterStore random({.capacity_keys = 64, .clock = &saved.clock, .secret = {}});
  CHECK(RestoreInto(random, saved.file.path()) == Kind::kSecret);
  MemoryCounterStore other(
      {.capacity_keys = 64, .clock = &saved.clock, .secret = std::array<uint64_t, 2>{1, 2}});
  CHECK(RestoreInto(other, saved.file.path()) == Kind::kSecret);

  Saved drawn;
  MemoryCounterStore given({.capacity_keys = 64, .clock = &drawn.clock, .secret = secret});
  CHECK(RestoreInto(given, drawn.file.path()) == Kind::kSecret);
}

TEST_CASE("saving replaces the file whole, for its owner only, and leaves nothing else behind") {
  Saved saved;
  const std::string first = ReadAll(saved.file.path());
  REQUIRE(Take(saved.store, saved.day, 7, kNoon) == ReserveStatus::kAdmitted);
  REQUIRE(saved.store.Save(saved.file.path()).ok());
  CHECK(ReadAll(saved.file.path()).size() == first.size() + 40);
  struct stat status {};
  REQUIRE(stat(saved.file.path(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  CHECK(saved.store.Save("").kind == Kind::kFile);
  CHECK(saved.store.Save(nullptr).kind == Kind::kFile);
  CHECK(saved.store.Save(std::string(10000, 'x').c_str()).system_error == ENAMETOOLONG);
  const std::string nowhere = std::string(saved.file.path()) + "/no/such/folder";
  CHECK(saved.store.Save(nowhere.c_str()).kind == Kind::kFile);
}
