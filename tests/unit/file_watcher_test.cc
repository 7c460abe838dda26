#include "callwarden/file_watcher.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace {

namespace fs = std::filesystem;
using callwarden::FileWatcher;
using callwarden::FileWatcherOptions;
using callwarden_test::TemporaryFolder;
using std::chrono::milliseconds;

void Write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

// Long enough for a machine under load; a wait that succeeds ends at once.
constexpr milliseconds kSoon(20000);
// Short waits for what must not come: they can only miss a fault, not find one that is not there.
constexpr milliseconds kMoment(50);

FileWatcherOptions Quick(bool polls) {
  return {.settle = milliseconds(20),
          .settle_max = milliseconds(5000),
          .poll_interval = milliseconds(polls ? 10 : 0)};
}

}  // namespace

TEST_CASE("a watcher tells when a file is rewritten, replaced, removed or made") {
  const bool polls = GENERATE(false, true);
  CAPTURE(polls);
  const TemporaryFolder folder;
  const std::string file = folder / "policy.json";
  Write(file, "one");
  FileWatcher watcher({file}, Quick(polls));
  REQUIRE(watcher.ok());
  CHECK(watcher.uses_inotify() != polls);
  CHECK_FALSE(watcher.Wait(kMoment));

  Write(file, "one and two");
  CHECK(watcher.Wait(kSoon));
  CHECK_FALSE(watcher.Wait(kMoment));

  // As editors and deployments do, twice: the file that is watched is gone after the first.
  for (const char* text : {"three", "fourth"}) {
    Write(folder / "new", text);
    fs::rename(folder / "new", file);
    CHECK(watcher.Wait(kSoon));
    CHECK_FALSE(watcher.Wait(kMoment));
  }
  fs::remove(file);
  CHECK(watcher.Wait(kSoon));
  Write(file, "five");
  CHECK(watcher.Wait(kSoon));
  // Others in the folder are not ours.
  Write(folder / "other", "text");
  CHECK_FALSE(watcher.Wait(kMoment));
}

TEST_CASE("a watcher follows links, also those of folders") {
  // As Kubernetes mounts a ConfigMap: policy.json -> ..data/policy.json, ..data -> ..1
  const TemporaryFolder folder;
  for (const char* version : {"..1", "..2", "..3"}) {
    fs::create_directory(folder / version);
    Write(folder / version + "/policy.json", version);
  }
  fs::create_symlink("..1", folder / "..data");
  fs::create_symlink("..data/policy.json", folder / "policy.json");
  FileWatcher watcher({folder / "policy.json"}, Quick(false));
  for (const char* version : {"..2", "..3"}) {
    fs::create_symlink(version, folder / "..data_tmp");
    fs::rename(folder / "..data_tmp", folder / "..data");
    CHECK(watcher.Wait(kSoon));
  }
  fs::remove_all(folder / "..1");
  CHECK_FALSE(watcher.Wait(kMoment));
  Write(folder / "..3/policy.json", "rewritten in place");
  CHECK(watcher.Wait(kSoon));
}

TEST_CASE("a watcher waits for a folder that is not there yet") {
  const TemporaryFolder folder;
  FileWatcher watcher({folder / "a/b/policy.json"}, Quick(false));
  REQUIRE(watcher.ok());
  fs::create_directories(folder / "a/b");
  CHECK_FALSE(watcher.Wait(kMoment));
  Write(folder / "a/b/policy.json", "one");
  CHECK(watcher.Wait(kSoon));
}

TEST_CASE("changes close together are told once, when they have settled") {
  const TemporaryFolder folder;
  const std::string a = folder / "a";
  const std::string b = folder / "b";
  Write(a, "");
  Write(b, "");
  FileWatcher watcher({a, b}, {.settle = milliseconds(300), .settle_max = milliseconds(60000)});
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += "more";
    Write(i % 2 == 0 ? a : b, text);
    CHECK_FALSE(watcher.Wait(milliseconds(0)));  // it was just touched
  }
  CHECK(watcher.Wait(kSoon));
  CHECK_FALSE(watcher.Wait(milliseconds(0)));
}

TEST_CASE("files that never rest are told of all the same") {
  const TemporaryFolder folder;
  const std::string file = folder / "a";
  Write(file, "");
  FileWatcher watcher({file}, {.settle = milliseconds(600000), .settle_max = milliseconds(30)});
  Write(file, "x");
  CHECK(watcher.Wait(kSoon));
  CHECK_FALSE(watcher.Wait(kMoment));
}

TEST_CASE("a change that is taken back is none") {
  const TemporaryFolder folder;
  const std::string file = folder / "a";
  Write(file, "one");
  FileWatcher watcher({file}, {.settle = milliseconds(200)});
  fs::rename(file, folder / "b");
  CHECK_FALSE(watcher.Wait(milliseconds(0)));
  fs::rename(folder / "b", file);
  CHECK_FALSE(watcher.Wait(milliseconds(400)));
}

TEST_CASE("a watcher can be stopped from another thread, for good", "[threads]") {
  const TemporaryFolder folder;
  FileWatcher watcher({folder / "a"}, Quick(GENERATE(false, true)));
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(20));
    watcher.Stop();
  });
  CHECK_FALSE(watcher.Wait(milliseconds(-1)));
  stopper.join();
  Write(folder / "a", "x");
  CHECK_FALSE(watcher.Wait(milliseconds(-1)));
  watcher.Stop();
}
