#ifndef CALLWARDEN_LIB_AUDIT_WRITER_H_
#define CALLWARDEN_LIB_AUDIT_WRITER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <pthread.h>

#include "callwarden/audit.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"

#include "lib/audit_chain.h"
#include "lib/audit_files.h"
#include "lib/audit_format.h"
#include "lib/audit_queue.h"
#include "lib/audit_text.h"
#include "lib/thread_event.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// The thread that empties the queue into the files.
///
/// A batch is formatted from the queue, written, and only then given back to the queue, so that a write that
/// failed is done again from the records themselves, in another file if need be.
///
/// Thread safety: what is public may be called from any thread, but for Stop, which ends it.
class AuditWriter {
 public:
  /// `options` and `queue` must outlive it.
  AuditWriter(const JsonlAuditOptions& options, AuditQueue& queue);
  AuditWriter(const AuditWriter&) = delete;  // a thread has its address
  AuditWriter& operator=(const AuditWriter&) = delete;
  ~AuditWriter() { Stop(); }

  /// Starts the thread, and returns when it has tried to open the log.
  void Start();
  /// Writes what is queued, as far as it can be, and ends the thread.
  void Stop() noexcept;

  /// Whether records are taken: the log is open and works.
  bool works() const noexcept { return works_.load(std::memory_order_acquire); }
  /// Sequence number of ticket 0; fixed once works() was true.
  uint64_t base() const noexcept { return base_.load(std::memory_order_relaxed); }

  /// To be called after a record was committed.
  void Committed(bool half_full) noexcept {
    const Waits waits = waits_.load(std::memory_order_seq_cst);
    if (waits == Waits::kNo || (waits == Waits::kNap && !half_full)) [[likely]]
      return;
    Wake();
  }
  void Wake() noexcept;
  void CountDropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
  void CountRefused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }
  void CountBlocked() noexcept { blocked_.fetch_add(1, std::memory_order_relaxed); }

  bool Flush(std::chrono::milliseconds timeout);
  JsonlAuditStats Stats() const noexcept;
  AuditLogEnd End();

 private:
  enum class Waits : uint32_t {
    kNo = 0,
    kNap,    ///< for a flush interval; a queue that is half full is worth a word
    kSleep,  ///< until there is something; every record is worth a word
  };
  enum class Batch : uint8_t { kNothing, kSome, kFull, kFailed };

  static void* Main(void* self) noexcept;
  void Run();
  bool OpenLog(Timestamp now);
  bool NeedsFile(Timestamp now) const noexcept;
  Batch WriteBatch();
  bool FormatNews(Timestamp now, ChainEnd& end);
  void SyncIfDue(bool now_in_any_case);
  void Count(int error) noexcept;
  bool Fail(int error) noexcept;
  void Rest(Batch last) noexcept;
  Timestamp Now() const noexcept;

  /// A batch is written when it has this many bytes: a system call for some hundred records, from memory that
  /// is still in the cache.
  static constexpr std::size_t kBatchSize = std::size_t{128} << 10;

  const JsonlAuditOptions& options_;
  AuditQueue& queue_;
  ThreadEvent event_;
  pthread_t thread_{};
  bool running_ = false;

  // Of the thread alone.
  AuditFiles files_;
  AuditFormatter formatter_;
  AuditOut out_;
  AuditQueue::Cursor cursor_;
  ChainEnd end_;
  AuditFiles::Found found_;
  bool opened_ = false;
  bool start_due_ = false;      // the file's `start` line is not written yet
  bool recovered_due_ = false;  // nor the `recovered` line
  bool unsynced_ = false;
  bool sync_failed_ = false;
  std::size_t batch_size_ = kBatchSize;
  Timestamp begun_{};  // when the file was begun
  int64_t synced_ns_ = 0;
  int64_t idle_ns_ = 0;  // since when there was nothing to write; 0: there was
  uint64_t told_dropped_ = 0;
  uint64_t told_refused_ = 0;

  // Under the lock.
  bool started_ = false;
  bool signalled_ = false;
  bool stopping_ = false;
  uint64_t flush_wanted_ = 0;  // tickets
  uint64_t flushed_ = 0;
  AuditLogEnd log_end_;

  // Read by deciding threads.
  alignas(64) std::atomic<bool> works_{false};
  std::atomic<Waits> waits_{Waits::kNo};
  std::atomic<uint64_t> base_{1};

  alignas(64) std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> blocked_{0};
  alignas(64) std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> errors_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> begun_files_{0};
  std::atomic<int> last_error_{0};
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_WRITER_H_
