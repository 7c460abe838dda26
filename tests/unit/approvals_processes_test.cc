// One approvals file and several processes, some of which end at a bad time.

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callwarden/approvals.h"

#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::ApprovalError;
using callwarden::ApprovalState;
using callwarden::ApprovalStatus;
using callwarden::ApprovalStore;
using callwarden::ApprovalStoreOptions;
using callwarden::CallDigest;
using callwarden::DigestCall;
using callwarden::Verdict;
using callwarden_unit::Call;
using Kind = ApprovalError::Kind;

struct Fixture {
  ApprovalStoreOptions Options() const {
    ApprovalStoreOptions options;
    options.path = file;
    options.live_max = 1'000'000;
    return options;
  }
  static std::string Arguments(int i) { return "{\"a\":" + std::to_string(i) + "}"; }
  static CallDigest Digest(int i) { return *DigestCall(Call(Arguments(i))); }

  callwarden_test::TemporaryFolder folder;
  std::string file = folder / "approvals.jsonl";
};

// Runs in a child, which tells by its exit code; it must not return to the test framework.
pid_t Start(const std::function<int()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  return child;
}

int Wait(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

int ExitCode(pid_t child) {
  const int status = Wait(child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE_METHOD(Fixture, "Of two processes that present one approval at once, one call is admitted") {
  constexpr int kRounds = 2000;
  std::vector<std::string> ids;
  {
    ApprovalStore store(Options());
    for (int i = 0; i < kRounds; ++i) {
      ids.push_back(store.Request(Call(Arguments(i)), Verdict()).id);
      REQUIRE(store.Approve(ids.back(), "ada").ok());
    }
  }
  std::vector<pid_t> children;
  for (const char* name : {"one", "two"}) {
    children.push_back(Start([&, name] {
      std::ofstream admitted(folder / name);
      ApprovalStore store(Options());
      for (int i = 0; i < kRounds; ++i) {
        const std::string& id = ids[static_cast<std::size_t>(i)];
        const ApprovalStatus status = store.Present(id, Digest(i));
        if (status == ApprovalStatus::kReady && store.Consume(id)) admitted << i << '\n';
        if (status != ApprovalStatus::kReady && status != ApprovalStatus::kUsed) return 1;
      }
      return 0;
    }));
  }
  for (const pid_t child : children) CHECK(ExitCode(child) == 0);
  std::vector<int> times(kRounds);
  for (const char* name : {"one", "two"}) {
    std::ifstream in(folder / name);
    for (int i = 0; in >> i;) ++times[static_cast<std::size_t>(i)];
  }
  CHECK(times == std::vector<int>(kRounds, 1));
}

TEST_CASE_METHOD(Fixture, "A process that is killed while it writes leaves a file that opens") {
  // What the child was told is written down, it tells the parent through a pipe; all of that must be found.
  for (int round = 0; round < 10; ++round) {
    CAPTURE(round);
    ::unlink(file.c_str());
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = Start([&] {
      ::close(ends[0]);
      ApprovalStore store(Options());
      for (int i = 0;; ++i) {
        const std::string id = store.Request(Call(Arguments(i)), Verdict()).id;
        if (!store.Approve(id, "ada").ok()) return 1;
        if (i % 2 == 0) {
          if (store.Present(id, Digest(i)) != ApprovalStatus::kReady || !store.Consume(id)) return 1;
        }
        if (::write(ends[1], id.data(), 24) != 24) return 1;
      }
    });
    ::close(ends[1]);
    std::vector<std::string> told;
    std::string id(24, ' ');
    const std::size_t enough = 20 + 37 * static_cast<std::size_t>(round);
    while (told.size() < enough && ::read(ends[0], id.data(), 24) == 24) told.push_back(id);
    REQUIRE(::kill(child, SIGKILL) == 0);
    while (::read(ends[0], id.data(), 24) == 24) told.push_back(id);
    ::close(ends[0]);
    CHECK(WIFSIGNALED(Wait(child)));
    REQUIRE(told.size() >= enough);

    ApprovalStore store(Options());
    REQUIRE(store.status().ok());
    for (std::size_t i = 0; i < told.size(); ++i) {
      const ApprovalStatus status = store.Present(told[i], Digest(static_cast<int>(i)));
      // Those that were used long ago may be forgotten already.
      CHECK(status == (i % 2 == 1 ? ApprovalStatus::kReady : ApprovalStatus::kUsed));
    }
    CHECK(store.List(false).size() <= told.size() + 1);
  }
}

TEST_CASE_METHOD(Fixture, "A full disk gives and uses no approval, and does no harm to the file") {
  const pid_t child = Start([&] {
    ::signal(SIGXFSZ, SIG_IGN);  // so that writing fails with EFBIG, as it does with ENOSPC
    ApprovalStore store(Options());
    const std::string approved = store.Request(Call(Arguments(0)), Verdict()).id;
    const std::string pending = store.Request(Call(Arguments(1)), Verdict()).id;
    if (!store.Approve(approved, "ada").ok()) return 1;
    if (store.Present(approved, Digest(0)) != ApprovalStatus::kReady) return 2;
    const auto size = std::filesystem::file_size(file);
    // Each write then has room for a part of a line.
    for (const std::uintmax_t room : {0, 1, 20}) {
      const rlimit limit{static_cast<rlim_t>(size + room), RLIM_INFINITY};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 3;
      const auto asked = store.Request(Call(Arguments(2)), Verdict());
      if (asked.error.kind != Kind::kFile || asked.error.system_error != EFBIG || !asked.id.empty()) return 4;
      if (store.status().kind != Kind::kFile) return 5;
      if (store.Approve(pending, "ada").kind != Kind::kFile) return 6;
      if (store.Find(pending)->state != ApprovalState::kPending) return 7;
      if (store.Consume(approved)) return 8;  // the call must not run
      if (std::filesystem::file_size(file) != size) return 9;
      if (store.Present(approved, Digest(0)) != ApprovalStatus::kReady) return 10;
    }
    const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 11;
    if (!store.Consume(approved)) return 12;
    if (store.Request(Call(Arguments(2)), Verdict()).id.empty() || !store.status().ok()) return 13;
    return 0;
  });
  CHECK(ExitCode(child) == 0);
  ApprovalStore store(Options());
  CHECK(store.status().ok());
  CHECK(store.List(true).size() == 2);
}

TEST_CASE_METHOD(Fixture, "A file and a folder of another user are refused") {
  if (::geteuid() != 0) return;  // only root can become another
  constexpr uid_t kNobody = 65534;
  { ApprovalStore store(Options()); }
  const auto as_nobody = [&](Kind kind, int error) {
    return ExitCode(Start([&] {
      if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) return 1;
      const ApprovalStore store(Options());
      const ApprovalError status = store.status();
      return status.kind == kind && status.system_error == error ? 0 : 2;
    }));
  };
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  CHECK(as_nobody(Kind::kFile, EACCES) == 0);  // root's, 0600
  ::unlink(file.c_str());
  CHECK(as_nobody(Kind::kFile, EACCES) == 0);  // nothing there, in root's folder
  REQUIRE(::chown(folder.path().c_str(), kNobody, kNobody) == 0);
  CHECK(as_nobody(Kind::kNone, 0) == 0);
  CHECK(ApprovalStore(Options()).status().ok());  // root may
  REQUIRE(::chown(file.c_str(), 1, kNobody) == 0);
  REQUIRE(::chmod(file.c_str(), 0660) == 0);
  CHECK(as_nobody(Kind::kUnsafe, 0) == 0);  // a third one's, who lets the group write
}

TEST_CASE_METHOD(Fixture, "A process that keeps the lock does not stop others for ever") {
  ApprovalStore store(Options());
  const std::string id = store.Request(Call(Arguments(0)), Verdict()).id;
  REQUIRE(store.Approve(id, "ada").ok());
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE(::flock(fd, LOCK_EX) == 0);
  CHECK(store.Present(id, Digest(0)) == ApprovalStatus::kFailed);
  CHECK(store.status().kind == Kind::kFile);
  CHECK(store.status().system_error == ETIMEDOUT);
  REQUIRE(::flock(fd, LOCK_UN) == 0);
  CHECK(store.Present(id, Digest(0)) == ApprovalStatus::kReady);
  CHECK(store.Consume(id));
  ::close(fd);
}

}  // namespace
