#include "lib/hazard.h"

#include <new>

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// Every record there is. Only ever grows, to the most threads that read at one time.
constinit std::atomic<HazardRecord*> records{nullptr};

constinit thread_local HazardRecord* thread_record = nullptr;
constinit thread_local bool thread_ended = false;

// Gives the record back when the thread ends.
struct Returner {
  ~Returner() {
    HazardRecord* const record = thread_record;
    thread_record = nullptr;
    thread_ended = true;  // thread-local objects that die later may still read
    if (record != nullptr) record->taken.store(false, std::memory_order_release);
  }
};

HazardRecord* TakeRecord() noexcept {
  HazardRecord* head = records.load(std::memory_order_acquire);
  for (HazardRecord* record = head; record != nullptr; record = record->next) {
    bool taken = false;
    if (!record->taken.load(std::memory_order_relaxed) &&
        record->taken.compare_exchange_strong(taken, true, std::memory_order_acquire)) {
      return record;
    }
  }
  auto* const record = new (std::nothrow) HazardRecord;
  if (record == nullptr) return nullptr;
  do {
    record->next = head;
    record->number = head == nullptr ? 0 : head->number + 1;
  } while (!records.compare_exchange_weak(head, record, std::memory_order_seq_cst));
  return record;
}

[[gnu::noinline]] HazardRecord* FirstRead() noexcept {
  if (thread_ended) return nullptr;
  static thread_local Returner returner;
  static_cast<void>(returner);  // its construction registers its destruction
  return thread_record = TakeRecord();
}

}  // namespace

HazardRecord* ThreadHazards() noexcept {
  HazardRecord* const record = thread_record;
  return record != nullptr ? record : FirstRead();
}

bool IsHeld(const void* object) noexcept {
  for (const HazardRecord* record = records.load(std::memory_order_seq_cst); record != nullptr;
       record = record->next) {
    for (const std::atomic<const void*>& held : record->held) {
      if (held.load(std::memory_order_seq_cst) == object) return true;
    }
  }
  return false;
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
