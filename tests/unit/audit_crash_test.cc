// What a log is worth when its process is killed, when the disk is full, and after a fork. The processes that
// suffer are children of the test.

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callwarden/audit.h"

#include "tests/catch.h"
#include "tests/unit/audit_testing.h"

namespace {

using namespace callwarden;
using namespace callwarden::testing;

JsonlAuditOptions Options(const AuditFolder& folder) {
  JsonlAuditOptions options;
  options.directory = folder.path();
  options.flush_interval = std::chrono::milliseconds(1);
  options.retry_interval = std::chrono::milliseconds(1);
  return options;
}

int StatusOf(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

TEST_CASE("What was flushed outlives kill -9, and the log goes on", "[crash]") {
  const AuditFolder folder;
  uint64_t known = 0;
  for (int round = 0; round < 10; ++round) {
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe(pipe_ends.data()) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      JsonlAuditOptions options = Options(folder);
      options.rotate_size_bytes = 100000;
      JsonlAuditSink sink(options);
      for (uint64_t i = 0;; ++i) {
        const AuditReceipt receipt = sink.Record(SampleCall("t").record);
        if (!receipt.recorded) _exit(1);
        if (i % 50 != 49) continue;
        // What Flush has returned for is in the file; the parent is told, and kills at some time after.
        if (!sink.Flush() || write(pipe_ends[1], &receipt.sequence, 8) != 8) _exit(2);
      }
    }
    close(pipe_ends[1]);
    uint64_t flushed = 0;
    for (int i = 0; i <= round * 3; ++i) REQUIRE(read(pipe_ends[0], &flushed, 8) == 8);
    kill(child, SIGKILL);
    const int status = StatusOf(child);
    REQUIRE(WIFSIGNALED(status));
    while (read(pipe_ends[0], &known, 8) == 8) flushed = known;
    close(pipe_ends[0]);
    {
      JsonlAuditSink sink(Options(folder));
      const AuditReceipt receipt = sink.Record(SampleCall("after").record);
      REQUIRE(receipt.recorded);
      REQUIRE(receipt.sequence > flushed);
    }
    const AuditLogSummary summary = Verify(folder);
    REQUIRE(summary.ok());
    REQUIRE(summary.from_beginning);
    REQUIRE(summary.records == summary.last_sequence);
  }
}

TEST_CASE("A full disk loses nothing that was taken, and counts what was not", "[crash]") {
  const AuditFolder folder;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // A limit on the size of files stands for the disk. SIGXFSZ is left at its default, which would end the
    // process: the sink's thread must not get it.
    const rlimit small{.rlim_cur = 20000, .rlim_max = RLIM_INFINITY};
    const rlimit none{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    JsonlAuditOptions options = Options(folder);
    options.rotate_size_bytes = 0;
    JsonlAuditSink sink(options);
    if (!sink.Record(SampleCall("first").record).recorded || !sink.Flush()) _exit(1);
    if (setrlimit(RLIMIT_FSIZE, &small) != 0) _exit(2);
    const std::string tool(1000, 'x');
    uint64_t recorded = 1;
    // Each file takes some 15 lines, then the sink fails and begins the next.
    while (sink.stats().errors < 5) {
      if (sink.Record(SampleCall(tool).record).recorded) ++recorded;
    }
    if (setrlimit(RLIMIT_FSIZE, &none) != 0) _exit(3);
    while (!sink.Record(SampleCall("last").record).recorded) {
    }
    ++recorded;
    if (!sink.Flush()) _exit(4);
    const JsonlAuditStats stats = sink.stats();
    if (stats.last_error != EFBIG) _exit(5);
    if (stats.written != recorded) _exit(6);
    const AuditLogSummary summary = Verify(folder);
    if (!summary.ok() || summary.records != recorded) _exit(7);
    if (summary.records_missing != stats.refused + stats.dropped) _exit(8);
    _exit(0);
  }
  const int status = StatusOf(child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(Verify(folder).ok());
}

TEST_CASE("After a fork the child is refused, and the parent's log is whole", "[crash]") {
  const AuditFolder folder;
  {
    JsonlAuditSink sink(Options(folder));
    REQUIRE(sink.Record(SampleCall("before").record).recorded);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      {
        const AuditReceipt receipt = sink.Record(SampleCall("child").record);
        sink.Complete({});
        if (receipt.recorded || sink.Flush() || sink.stats().refused != 2) _exit(1);
      }
      sink.~JsonlAuditSink();  // as at the end of a process; must not wait for the parent's thread
      _exit(0);
    }
    const int status = StatusOf(child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    REQUIRE(sink.Record(SampleCall("after").record).recorded);
  }
  const AuditLogSummary summary = Verify(folder);
  CHECK(summary.ok());
  CHECK(summary.records == 2);
  for (const std::string& line : LinesOf(folder)) CHECK(line.find("\"child\"") == std::string::npos);
}

}  // namespace
