#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <pthread.h>
#include <time.h>

#include "callwarden/approvals.h"
#include "callwarden/audit.h"

#include "lib/audit_pack.h"
#include "lib/audit_queue.h"
#include "lib/audit_writer.h"
#include "lib/monotonic.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using internal::ArgumentsState;
using internal::AuditQueue;
using internal::AuditWriter;
using internal::DecisionPacker;
using internal::PackedRecord;
using internal::PackedWriter;

// Counts the forks that made this process, as far as sinks existed before. A child sees a number that none of
// its parent's sinks has.
std::atomic<uint32_t> forks{0};
std::atomic<bool> forks_counted{false};

void CountForks() noexcept {
  if (forks_counted.exchange(true, std::memory_order_relaxed)) return;
  pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
}

struct PackedArguments {
  ArgumentsState state = ArgumentsState::kAbsent;
  std::string_view bytes;
};

// Text is packed as it is. What a host has parsed lives until the record is taken, so it is written down
// here, into memory that the thread keeps.
PackedArguments ArgumentsOf(const ToolCall* call) noexcept {
  if (call == nullptr) return {};
  if (call->parsed_arguments == nullptr) {
    if (!call->arguments.has_value()) return {};
    return {ArgumentsState::kText, *call->arguments};
  }
  thread_local std::string canonical;
  canonical.clear();
  if (!AppendCanonicalArguments(*call, canonical)) return {ArgumentsState::kMalformed, {}};
  return {ArgumentsState::kCanonical, canonical};
}

}  // namespace

struct JsonlAuditSink::Impl {
  explicit Impl(JsonlAuditOptions given)
      : options(std::move(given)), queue(options.queue_size_bytes), writer(options, queue) {}

  bool IsForked() const noexcept { return forks.load(std::memory_order_relaxed) != forks_at_start; }
  bool Takes() const noexcept { return writer.works() && !IsForked(); }
  AuditQueue::Place ClaimWaiting(std::size_t size) noexcept;
  AuditQueue::Place Claim(std::size_t size) noexcept {
    AuditQueue::Place place = queue.Claim(size);
    if (place.data == nullptr) [[unlikely]] {
      if (options.when_full == AuditFull::kBlock) place = ClaimWaiting(size);
      if (place.data == nullptr) writer.CountDropped();
    }
    return place;
  }

  JsonlAuditOptions options;
  AuditQueue queue;
  AuditWriter writer;
  uint32_t forks_at_start = 0;
};

// Waits by sleeping: the writer must not have to tell deciding threads of each record that it has written.
AuditQueue::Place JsonlAuditSink::Impl::ClaimWaiting(std::size_t size) noexcept {
  constexpr int64_t kSleepNs = 50'000;
  writer.CountBlocked();
  const int64_t deadline_ns = internal::MonotonicNs() +
                              std::chrono::duration_cast<std::chrono::nanoseconds>(options.block_max).count();
  for (;;) {
    writer.Wake();
    const timespec pause{.tv_sec = 0, .tv_nsec = kSleepNs};
    nanosleep(&pause, nullptr);
    const AuditQueue::Place place = queue.Claim(size);
    if (place.data != nullptr || !writer.works() || internal::MonotonicNs() >= deadline_ns) return place;
  }
}

JsonlAuditSink::JsonlAuditSink(JsonlAuditOptions options) : impl_(new Impl(std::move(options))) {
  CountForks();
  impl_->forks_at_start = forks.load(std::memory_order_relaxed);
  if (impl_->queue.ok()) impl_->writer.Start();
}

JsonlAuditSink::~JsonlAuditSink() {
  // The writer is a thread of the parent, and locks may be in any state: nothing here is this process's.
  if (impl_->IsForked()) static_cast<void>(impl_.release());
}

AuditReceipt JsonlAuditSink::Record(const AuditRecord& record) noexcept {
  if (!impl_->Takes()) {
    impl_->writer.CountRefused();
    return {};
  }
  const PackedArguments arguments = ArgumentsOf(record.call);
  const DecisionPacker packer(record, arguments.state, arguments.bytes, impl_->options.record_arguments,
                              impl_->queue.record_size_max());
  const AuditQueue::Place place = impl_->Claim(packer.size());
  if (place.data == nullptr) return {};
  packer.Pack(place.data);
  impl_->queue.Commit(place);
  impl_->writer.Committed(place.half_full);
  return {.recorded = true, .sequence = impl_->writer.base() + place.ticket};
}

void JsonlAuditSink::Complete(const AuditCompletion& completion) noexcept {
  if (!impl_->Takes()) {
    impl_->writer.CountRefused();
    return;
  }
  PackedRecord packed;
  packed.size = sizeof(PackedRecord);
  packed.kind = PackedRecord::Kind::kCompletion;
  packed.at_ns = completion.at.time_since_epoch().count();
  packed.number = completion.sequence;
  packed.outcome = completion.outcome;
  packed.took_ns = completion.duration.count();
  const AuditQueue::Place place = impl_->Claim(sizeof(PackedRecord));
  if (place.data == nullptr) return;
  PackedWriter(place.data).Put(packed);
  impl_->queue.Commit(place);
  impl_->writer.Committed(place.half_full);
}

bool JsonlAuditSink::Flush(std::chrono::milliseconds timeout) {
  return !impl_->IsForked() && impl_->writer.Flush(timeout);
}

JsonlAuditStats JsonlAuditSink::stats() const noexcept { return impl_->writer.Stats(); }

AuditLogEnd JsonlAuditSink::end() const { return impl_->IsForked() ? AuditLogEnd() : impl_->writer.End(); }

CALLWARDEN_NAMESPACE_END
