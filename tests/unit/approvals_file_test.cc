// The store's file: restarts, processes that share it, crashes, damage.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
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

using callwarden::Approval;
using callwarden::ApprovalError;
using callwarden::ApprovalState;
using callwarden::ApprovalStatus;
using callwarden::ApprovalStore;
using callwarden::ApprovalStoreOptions;
using callwarden::DigestCall;
using callwarden::ManualClock;
using callwarden::Verdict;
using callwarden_unit::Call;
using callwarden_unit::kNoon;
using Kind = ApprovalError::Kind;
using std::chrono::minutes;

constexpr std::string_view kHeader = "{\"callwarden_approvals\":1}\n";

class Folder : public callwarden_test::TemporaryFolder {
 public:
  std::string file() const { return *this / "approvals.jsonl"; }
};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, std::string_view bytes) {
  ::unlink(path.c_str());
  std::ofstream(path, std::ios::binary) << bytes;
  REQUIRE(::chmod(path.c_str(), S_IRUSR | S_IWUSR) == 0);
}

struct Fixture {
  ApprovalStoreOptions Options() const {
    ApprovalStoreOptions options;
    options.path = folder.file();
    options.clock = &clock;
    return options;
  }
  static std::string Arguments(int i) { return "{\"a\":" + std::to_string(i) + "}"; }
  static std::string Ask(ApprovalStore& store, int i) {
    const auto result = store.Request(Call(Arguments(i)), Verdict());
    CHECK(result.error.kind == Kind::kNone);
    return result.id;
  }
  static ApprovalStatus Present(ApprovalStore& store, std::string_view id, int i) {
    return store.Present(id, *DigestCall(Call(Arguments(i))));
  }

  Folder folder;
  ManualClock clock{kNoon};
};

TEST_CASE_METHOD(Fixture, "An approvals file survives a restart, single use included") {
  std::vector<std::string> ids;
  std::vector<Approval> before;
  {
    ApprovalStore store(Options());
    REQUIRE(store.status().ok());
    for (int i = 0; i < 6; ++i) ids.push_back(Ask(store, i));
    for (int i = 1; i < 5; ++i)
      CHECK(store.Approve(ids[static_cast<std::size_t>(i)], "ada \"x\"\n", "note").ok());
    CHECK(Present(store, ids[2], 2) == ApprovalStatus::kReady);
    CHECK(store.Consume(ids[2]));
    CHECK(store.Deny(ids[3], "bob").ok());
    CHECK(Present(store, ids[4], 4) == ApprovalStatus::kReady);  // and ends without an answer
    clock.Advance(minutes(14));
    before = store.List(false);
  }
  struct stat file {};
  REQUIRE(::stat(folder.file().c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);

  ApprovalStore store(Options());
  REQUIRE(store.status().ok());
  const std::vector<Approval> after = store.List(false);
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    CAPTURE(i);
    CHECK(after[i].id == before[i].id);
    CHECK(after[i].state == before[i].state);
    CHECK(after[i].digest == before[i].digest);
    CHECK(after[i].tool == before[i].tool);
    CHECK(after[i].grant == before[i].grant);
    CHECK(after[i].session == before[i].session);
    CHECK(after[i].rule == before[i].rule);
    CHECK(after[i].message == before[i].message);
    CHECK(after[i].arguments == before[i].arguments);
    CHECK(after[i].requested_at == before[i].requested_at);
    CHECK(after[i].expires_at == before[i].expires_at);
    CHECK(after[i].answered_by == before[i].answered_by);
    CHECK(after[i].note == before[i].note);
    CHECK(after[i].answered_at == before[i].answered_at);
  }
  CHECK(Present(store, ids[0], 0) == ApprovalStatus::kPending);
  CHECK(Present(store, ids[1], 1) == ApprovalStatus::kReady);
  CHECK(Present(store, ids[2], 2) == ApprovalStatus::kUsed);
  CHECK(Present(store, ids[3], 3) == ApprovalStatus::kDenied);
  CHECK(Present(store, ids[4], 4) == ApprovalStatus::kReady);  // presented, not consumed
  // What has expired stays so when the next process's clock is behind.
  clock.Advance(minutes(1));
  CHECK(Present(store, ids[5], 5) == ApprovalStatus::kExpired);
  clock.Advance(-minutes(5));
  ApprovalStore later(Options());
  CHECK(Present(later, ids[5], 5) == ApprovalStatus::kExpired);
}

TEST_CASE_METHOD(Fixture, "Two stores share a file") {
  ApprovalStore gate(Options());
  ApprovalStoreOptions options = Options();
  options.time_to_live = minutes(1);  // the one that asks decides
  ApprovalStore person(options);
  const std::string id = Ask(gate, 1);
  const auto seen = person.Find(id);
  REQUIRE(seen.has_value());
  CHECK(seen->arguments == Arguments(1));
  clock.Advance(minutes(10));
  CHECK(person.Approve(id, "ada").ok());
  clock.Advance(minutes(10));
  CHECK(Present(gate, id, 1) == ApprovalStatus::kReady);
  // Both hold it; one may use it.
  CHECK(Present(person, id, 1) == ApprovalStatus::kReady);
  CHECK(person.Consume(id));
  CHECK_FALSE(gate.Consume(id));
  CHECK(Present(gate, id, 1) == ApprovalStatus::kUsed);
  // The same call asked by both is one approval.
  CHECK(Ask(gate, 2) == Ask(person, 2));
  CHECK(gate.status().ok());
  CHECK(person.status().ok());
}

TEST_CASE_METHOD(Fixture, "A file that has grown is rewritten, and every store goes on with the new one") {
  ApprovalStore one(Options());
  ApprovalStore two(Options());
  const std::string kept = Ask(one, -1);
  const std::string used = Ask(one, -2);
  REQUIRE(two.Approve(used, "ada").ok());
  REQUIRE(Present(two, used, -2) == ApprovalStatus::kReady);
  REQUIRE(two.Consume(used));
  std::uintmax_t largest = 0;
  for (int i = 0; i < 2000; ++i) {
    ApprovalStore& store = i % 2 == 0 ? one : two;
    const std::string id = Ask(store, i);
    REQUIRE(two.Deny(id, "ada").ok());
    if (i % 500 == 499) {
      clock.Advance(std::chrono::hours(25));
      static_cast<void>(one.Request(Call(Arguments(-1)), Verdict()));
    }
    largest = std::max(largest, std::filesystem::file_size(folder.file()));
  }
  CHECK(largest < 2'000'000);
  CHECK(std::filesystem::file_size(folder.file()) < largest / 2);
  CHECK(one.status().ok());
  CHECK(two.status().ok());
  CHECK_FALSE(std::filesystem::exists(folder.file() + ".new"));
  struct stat file {};
  REQUIRE(::stat(folder.file().c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  const ApprovalStore fresh(Options());
  const auto list = fresh.List(false);
  const auto same = one.List(false);
  REQUIRE(list.size() == same.size());
  for (std::size_t i = 0; i < list.size(); ++i) CHECK(list[i].id == same[i].id);
}

TEST_CASE_METHOD(Fixture, "A rewritten file keeps every state") {
  std::vector<std::string> ids;
  {
    ApprovalStore store(Options());
    for (int i = 0; i < 5; ++i) ids.push_back(Ask(store, i));
    for (const std::size_t i : {1u, 2u}) REQUIRE(store.Approve(ids[i], "ada", "n").ok());
    REQUIRE(Present(store, ids[2], 2) == ApprovalStatus::kReady);
    REQUIRE(store.Consume(ids[2]));
    REQUIRE(store.Deny(ids[3], "bob").ok());
    clock.Advance(minutes(14));
    // Answers, until the file is rewritten; each round leaves two lines and one approval.
    const auto inode = [&] {
      struct stat file {};
      REQUIRE(::stat(folder.file().c_str(), &file) == 0);
      return file.st_ino;
    };
    const auto first = inode();
    for (int i = 100; inode() == first; ++i) {
      REQUIRE(i < 1000);
      const std::string id = Ask(store, i);
      REQUIRE(store.Approve(id, "ada").ok());
      REQUIRE(Present(store, id, i) == ApprovalStatus::kReady);
      REQUIRE(store.Consume(id));
    }
  }
  ApprovalStore store(Options());
  REQUIRE(store.status().ok());
  CHECK(Present(store, ids[0], 0) == ApprovalStatus::kPending);
  CHECK(Present(store, ids[1], 1) == ApprovalStatus::kReady);
  CHECK(Present(store, ids[2], 2) == ApprovalStatus::kUsed);
  CHECK(Present(store, ids[3], 3) == ApprovalStatus::kDenied);
  CHECK(store.Find(ids[1])->answered_by == "ada");
  CHECK(store.Find(ids[4])->arguments == Arguments(4));
  clock.Advance(minutes(1));
  CHECK(Present(store, ids[4], 4) == ApprovalStatus::kExpired);
}

TEST_CASE_METHOD(Fixture, "A file that is not ours is refused and left as it is") {
  const std::string path = folder.file();
  const auto refused = [&](Kind kind) {
    ApprovalStore store(Options());
    CHECK(store.status().kind == kind);
    CHECK(store.Request(Call("{}"), Verdict()).error.kind == kind);
    CHECK(store.Approve("x", "ada").kind == kind);
    CHECK(store.Present("x", {}) == ApprovalStatus::kFailed);
    CHECK(store.List(false).empty());
    CHECK_FALSE(store.Find("x").has_value());
  };
  for (const std::string_view other :
       {"{\"version\":\"1\"}\n", "{\"callwarden_approvals\":2}\n", "\n", "{\"callwarden_approvals\":1}x"}) {
    WriteFile(path, other);
    refused(Kind::kForeign);
    CHECK(ReadFile(path) == other);
  }
  WriteFile(path, kHeader);
  REQUIRE(::chmod(path.c_str(), 0622) == 0);
  refused(Kind::kUnsafe);
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  CHECK(ApprovalStore(Options()).status().ok());

  const std::string target = path + ".target";
  REQUIRE(::rename(path.c_str(), target.c_str()) == 0);
  REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
  refused(Kind::kUnsafe);
  CHECK(ReadFile(target) == kHeader);
  ::unlink(path.c_str());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  refused(Kind::kUnsafe);
  ::unlink(path.c_str());
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  refused(Kind::kFile);
}

TEST_CASE_METHOD(Fixture, "A folder that is missing is an error until it is there") {
  ApprovalStoreOptions options = Options();
  options.path = folder / "later/approvals.jsonl";
  ApprovalStore store(options);
  CHECK(store.status().kind == Kind::kFile);
  CHECK(store.status().system_error == ENOENT);
  CHECK(store.Request(Call("{}"), Verdict()).error.kind == Kind::kFile);
  REQUIRE(::mkdir((folder / "later").c_str(), 0700) == 0);
  CHECK(store.Request(Call("{}"), Verdict()).error.ok());
  CHECK(store.status().ok());
}

TEST_CASE_METHOD(Fixture, "A folder that cannot be written is an error") {
  if (::geteuid() == 0)
    return;  // to whom nothing is forbidden; approvals_processes_test.cc has it as another user
  REQUIRE(::chmod(folder.path().c_str(), 0500) == 0);
  ApprovalStore store(Options());
  CHECK(store.status().kind == Kind::kFile);
  CHECK(store.status().system_error == EACCES);
  REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
}

// A file with something of everything, and what it holds.
struct Sample {
  std::string bytes;
  std::map<std::string, int> arguments;
};

Sample MakeSample(const Fixture& fixture) {
  Sample sample;
  ApprovalStore store(fixture.Options());
  for (int i = 0; i < 3; ++i) {
    const std::string id = Fixture::Ask(store, i);
    sample.arguments[id] = i;
    if (i >= 1) REQUIRE(store.Approve(id, "ada").ok());
    if (i == 2) {
      REQUIRE(Fixture::Present(store, id, i) == ApprovalStatus::kReady);
      REQUIRE(store.Consume(id));
    }
  }
  sample.bytes = ReadFile(fixture.folder.file());
  return sample;
}

// How many of the sample's calls a store of this file lets pass.
int Passing(const Fixture& fixture, const Sample& sample, Kind& kind) {
  ApprovalStore store(fixture.Options());
  kind = store.status().kind;
  int passing = 0;
  for (const auto& [id, number] : sample.arguments) {
    const bool ready = Fixture::Present(store, id, number) == ApprovalStatus::kReady;
    passing += ready ? 1 : 0;
  }
  return passing;
}

TEST_CASE_METHOD(Fixture, "A byte that was changed anywhere is found, and nothing is approved") {
  const Sample sample = MakeSample(*this);
  Kind kind = Kind::kNone;
  REQUIRE(Passing(*this, sample, kind) == 1);
  REQUIRE(kind == Kind::kNone);
  for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
    for (const int mask : {0x01, 0x20, 0x80, 0xFF, sample.bytes[at] ^ '\n', int{sample.bytes[at]}}) {
      std::string bytes = sample.bytes;
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
      if (bytes == sample.bytes) continue;
      CAPTURE(at, mask);
      WriteFile(folder.file(), bytes);
      if (at + 1 == bytes.size() && bytes[at] == '\0') {  // as where the disk lost the end of the last write
        CHECK(Passing(*this, sample, kind) == 1);
        CHECK(kind == Kind::kNone);
        CHECK(ReadFile(folder.file()) == sample.bytes);
        continue;
      }
      CHECK(Passing(*this, sample, kind) == 0);
      CHECK(kind == (at < kHeader.size() ? Kind::kForeign : Kind::kDamaged));
      CHECK(ReadFile(folder.file()) == bytes);
    }
  }
}

TEST_CASE_METHOD(Fixture, "A line that was removed, repeated or moved is found and named") {
  const Sample sample = MakeSample(*this);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < sample.bytes.size();) {
    const std::size_t end = sample.bytes.find('\n', begin) + 1;
    lines.push_back(sample.bytes.substr(begin, end - begin));
    begin = end;
  }
  REQUIRE(lines.size() == 7);
  const auto check = [&](const std::vector<std::string>& changed, uint64_t line) {
    std::string bytes;
    for (const std::string& text : changed) bytes += text;
    WriteFile(folder.file(), bytes);
    const ApprovalStore store(Options());
    CHECK(store.status().kind == Kind::kDamaged);
    CHECK(store.status().line == line);
  };
  for (std::size_t i = 1; i < lines.size(); ++i) {
    CAPTURE(i);
    std::vector<std::string> changed = lines;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    check(changed, i + 2);
    if (i + 1 == lines.size()) continue;  // a journal that is shorter is whole: docs/operations.md
    changed = lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    check(changed, i + 1);
    changed = lines;
    std::swap(changed[i], changed[i + 1]);
    check(changed, i + 1);
  }
  // A person who moves the damaged file away gets a new one, also for a store that is open.
  ApprovalStore store(Options());
  CHECK(store.status().kind == Kind::kDamaged);
  REQUIRE(::rename(folder.file().c_str(), (folder.file() + ".bad").c_str()) == 0);
  CHECK(Ask(store, 1).size() == 24);
  CHECK(store.status().ok());
}

TEST_CASE_METHOD(Fixture, "A file that was cut anywhere opens and holds what came before") {
  const Sample sample = MakeSample(*this);
  for (std::size_t size = 0; size <= sample.bytes.size(); ++size) {
    for (const bool zeros : {false, true}) {
      CAPTURE(size, zeros);
      std::string bytes = sample.bytes.substr(0, size);
      // Where a disk has lost what was written, it may read zeros.
      if (zeros) bytes.append(sample.bytes.size() - size, '\0');
      WriteFile(folder.file(), bytes);
      Kind kind = Kind::kNone;
      const int passing = Passing(*this, sample, kind);
      if (zeros && size < kHeader.size()) {
        CHECK(kind == Kind::kForeign);
        continue;
      }
      const bool fed = size == 0 || bytes[size - 1] == '\n';
      const bool whole_but_fed = size < sample.bytes.size() && sample.bytes[size] == '\n';
      CHECK(kind == Kind::kNone);
      // The header, then: asked, asked, approved, asked, approved, used.
      const auto lines = std::count(bytes.begin(), bytes.end(), '\n') + (!fed && whole_but_fed ? 1 : 0);
      CHECK(passing == (lines < 4 ? 0 : lines == 6 ? 2 : 1));
      // Adding to it works.
      ApprovalStore store(Options());
      CHECK(Ask(store, 9).size() == 24);
      CHECK(ApprovalStore(Options()).status().ok());
    }
  }
}

}  // namespace
