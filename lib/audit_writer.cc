#include "lib/audit_writer.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include <signal.h>

#include "lib/monotonic.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

/// After so long without a record the thread no longer wakes up by itself.
constexpr int64_t kIdleNs = 1'000'000'000;

int64_t Nanoseconds(std::chrono::milliseconds time) noexcept {
  constexpr int64_t kDayMs = 86'400'000;
  return std::clamp<int64_t>(time.count(), 1, kDayMs) * 1'000'000;
}

}  // namespace

AuditWriter::AuditWriter(const JsonlAuditOptions& options, AuditQueue& queue)
    : options_(options), queue_(queue), files_(options.directory, options.name), formatter_(options) {}

void AuditWriter::Start() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // for the thread to inherit
  const int error = pthread_create(&thread_, nullptr, Main, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    Fail(error);
    return;
  }
  running_ = true;
  const ThreadEvent::Lock lock(event_);
  while (!started_) event_.Wait(ThreadEvent::kDone);
}

void AuditWriter::Stop() noexcept {
  if (!running_) return;
  {
    const ThreadEvent::Lock lock(event_);
    stopping_ = true;
    signalled_ = true;
    event_.Signal(ThreadEvent::kWork);
  }
  pthread_join(thread_, nullptr);
  running_ = false;
}

void AuditWriter::Wake() noexcept {
  if (waits_.exchange(Waits::kNo, std::memory_order_seq_cst) == Waits::kNo) return;
  const ThreadEvent::Lock lock(event_);
  signalled_ = true;
  event_.Signal(ThreadEvent::kWork);
}

void* AuditWriter::Main(void* self) noexcept {
  static_cast<AuditWriter*>(self)->Run();
  return nullptr;
}

void AuditWriter::Run() {
  Batch last = WriteBatch();  // opens the log and writes its first line, so that works() means that both do
  {
    const ThreadEvent::Lock lock(event_);
    started_ = true;
    event_.Signal(ThreadEvent::kDone);
  }
  for (;; last = WriteBatch()) {
    bool stopping = false;
    bool flush = false;
    uint64_t wanted = 0;
    {
      const ThreadEvent::Lock lock(event_);
      stopping = stopping_;
      wanted = flush_wanted_;
      flush = wanted > flushed_ && cursor_.ticket >= wanted && last != Batch::kFailed;
    }
    const bool ends =
        stopping && last != Batch::kFull && (last == Batch::kFailed || !queue_.HasClaims(cursor_));
    SyncIfDue(options_.sync == AuditSync::kEveryBatch || flush || ends);
    if (flush && !unsynced_) {
      const ThreadEvent::Lock lock(event_);
      flushed_ = cursor_.ticket;
      event_.Signal(ThreadEvent::kDone);
    }
    if (ends) return;
    if (last != Batch::kFull) Rest(last);
  }
}

bool AuditWriter::OpenLog(Timestamp now) {
  const int error = files_.Open(options_.rotate_size_bytes, found_);
  if (error != 0) return Fail(error);
  opened_ = true;
  end_ = found_.end;
  begun_ = found_.begun;
  recovered_due_ = found_.cut_bytes > 0 || !found_.damaged.empty();
  base_.store(end_.next, std::memory_order_relaxed);
  if (!files_.is_open()) {
    if (const int begin_error = files_.Begin(now); begin_error != 0) return Fail(begin_error);
    begun_ = now;
  }
  start_due_ = true;
  begun_files_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Timestamp AuditWriter::Now() const noexcept {
  return options_.clock != nullptr
             ? options_.clock->Now()
             : std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

void AuditWriter::Count(int error) noexcept {
  if (error == 0) return;
  last_error_.store(error, std::memory_order_relaxed);
  errors_.fetch_add(1, std::memory_order_relaxed);
}

bool AuditWriter::Fail(int error) noexcept {
  works_.store(false, std::memory_order_release);
  Count(error);
  return false;
}

bool AuditWriter::NeedsFile(Timestamp now) const noexcept {
  if (!files_.is_open() || files_.Displaced()) return true;
  // A file is ended by what would be written next, so that none is begun for nothing.
  if (files_.size() == 0 || !queue_.HasClaims(cursor_)) return false;
  if (options_.rotate_size_bytes != 0 && files_.size() >= options_.rotate_size_bytes) return true;
  return options_.rotate_interval.count() > 0 && now - begun_ >= options_.rotate_interval;
}

AuditWriter::Batch AuditWriter::WriteBatch() {
  const Timestamp now = Now();
  if (!opened_ && !OpenLog(now)) return Batch::kFailed;
  if (NeedsFile(now)) {
    const bool had_file = files_.is_open() && !files_.Displaced();
    if (had_file && options_.sync != AuditSync::kNever) SyncIfDue(/*now_in_any_case=*/true);
    const int error = files_.Begin(now);
    if (error == 0) {
      begun_ = now;
      start_due_ = true;
      begun_files_.fetch_add(1, std::memory_order_relaxed);
      if (options_.sync != AuditSync::kNever) Count(files_.SyncDirectory());
    } else if (!had_file) {
      Fail(error);
      return Batch::kFailed;
    } else {  // the file before is good still; it grows, and the next batch tries again
      Count(error);
    }
  }
  out_.Clear();
  ChainEnd end = end_;
  AuditQueue::Cursor cursor = cursor_;
  const uint64_t dropped = dropped_.load(std::memory_order_relaxed);
  const uint64_t refused = refused_.load(std::memory_order_relaxed);
  const bool gap = dropped != told_dropped_ || refused != told_refused_;
  // A gap is told after what the queue held: that was taken before the queue was full.
  bool formatted = FormatNews(now, end);
  while (formatted && out_.size() < batch_size_) {
    const std::byte* const record = queue_.Peek(cursor);
    if (record == nullptr) break;
    formatted = formatter_.Record(record, end, out_);
    if (formatted) queue_.Advance(cursor, PackedReader(record).Get<PackedRecord>().size);
  }
  if (formatted && gap) {
    formatted = formatter_.Gap(now, dropped - told_dropped_, refused - told_refused_, end, out_);
  }
  if (!formatted) {
    Fail(ENOMEM);
    return Batch::kFailed;
  }
  if (out_.size() == 0) {
    if (!sync_failed_) works_.store(true, std::memory_order_release);
    return Batch::kNothing;
  }
  if (const int error = files_.Append(out_.text()); error != 0) {
    // A disk that is full may have room again, for less at first; any other trouble may be that of this file.
    batch_size_ = std::max<std::size_t>(batch_size_ / 2, 1);
    if (error != ENOSPC && error != EDQUOT && files_.size() > 0) files_.Close();
    Fail(error);
    return Batch::kFailed;
  }
  end_ = end;
  start_due_ = false;
  recovered_due_ = false;
  unsynced_ = true;
  told_dropped_ = dropped;
  told_refused_ = refused;
  written_.fetch_add(cursor.ticket - cursor_.ticket, std::memory_order_relaxed);
  bytes_.fetch_add(out_.size(), std::memory_order_relaxed);
  const bool full = out_.size() >= batch_size_;
  batch_size_ = std::min(batch_size_ * 2, kBatchSize);
  cursor_ = cursor;
  {
    const ThreadEvent::Lock lock(event_);
    log_end_.sequence = end_.next - 1;
    log_end_.hash.assign(end_.hash.begin(), end_.hash.end());
  }
  queue_.Release(cursor_);
  if (!sync_failed_) works_.store(true, std::memory_order_release);
  return full ? Batch::kFull : Batch::kSome;
}

bool AuditWriter::FormatNews(Timestamp now, ChainEnd& end) {
  if (recovered_due_) {
    const bool damaged = !found_.damaged.empty();
    if (!formatter_.Recovered(now, damaged ? found_.damaged : found_.torn_file, found_.cut_bytes, damaged,
                              end, out_)) {
      return false;
    }
  }
  return !start_due_ || formatter_.Start(now, end, out_);
}

void AuditWriter::SyncIfDue(bool now_in_any_case) {
  if (!unsynced_) return;
  if (options_.sync == AuditSync::kNever) {
    unsynced_ = false;
    return;
  }
  const int64_t now_ns = MonotonicNs();
  if (!now_in_any_case && now_ns - synced_ns_ < Nanoseconds(options_.sync_interval)) return;
  synced_ns_ = now_ns;
  const int error = files_.Sync();
  sync_failed_ = error != 0;
  unsynced_ = sync_failed_;
  if (sync_failed_) Fail(error);
}

void AuditWriter::Rest(Batch last) noexcept {
  const int64_t now_ns = MonotonicNs();
  if (last != Batch::kNothing) idle_ns_ = now_ns;
  const bool failing = last == Batch::kFailed || !works_.load(std::memory_order_relaxed);
  const bool sleep = !failing && !unsynced_ && now_ns - idle_ns_ >= kIdleNs;
  waits_.store(sleep ? Waits::kSleep : Waits::kNap, std::memory_order_seq_cst);
  // Whoever claims from here on sees that the thread sleeps; see AuditQueue::HasClaims.
  if (!sleep || !queue_.HasClaims(cursor_)) {
    const int64_t nap_ns = Nanoseconds(failing ? options_.retry_interval : options_.flush_interval);
    const ThreadEvent::Lock lock(event_);
    while (!signalled_ && !stopping_) {
      if (sleep) {
        event_.Wait(ThreadEvent::kWork);
      } else if (!event_.WaitUntil(ThreadEvent::kWork, now_ns + nap_ns)) {
        break;
      }
    }
    signalled_ = false;
  }
  waits_.store(Waits::kNo, std::memory_order_relaxed);
}

bool AuditWriter::Flush(std::chrono::milliseconds timeout) {
  const int64_t deadline_ns = MonotonicNs() + Nanoseconds(timeout);
  const uint64_t wanted = queue_.Tickets();
  const ThreadEvent::Lock lock(event_);
  if (!running_) return false;
  flush_wanted_ = std::max(flush_wanted_, wanted);
  signalled_ = true;
  event_.Signal(ThreadEvent::kWork);
  while (flushed_ < wanted) {
    if (!event_.WaitUntil(ThreadEvent::kDone, deadline_ns)) return flushed_ >= wanted;
  }
  return true;
}

JsonlAuditStats AuditWriter::Stats() const noexcept {
  JsonlAuditStats stats;
  stats.written = written_.load(std::memory_order_relaxed);
  stats.dropped = dropped_.load(std::memory_order_relaxed);
  stats.refused = refused_.load(std::memory_order_relaxed);
  stats.blocked = blocked_.load(std::memory_order_relaxed);
  stats.errors = errors_.load(std::memory_order_relaxed);
  stats.bytes = bytes_.load(std::memory_order_relaxed);
  stats.files = begun_files_.load(std::memory_order_relaxed);
  stats.bad_paths = formatter_.bad_paths();
  stats.failing = !works();
  stats.last_error = last_error_.load(std::memory_order_relaxed);
  return stats;
}

AuditLogEnd AuditWriter::End() {
  const ThreadEvent::Lock lock(event_);
  return log_end_;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
