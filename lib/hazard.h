#ifndef CALLWARDEN_LIB_HAZARD_H_
#define CALLWARDEN_LIB_HAZARD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What one thread is reading now. Records live as long as the process; a thread takes one when it first
/// needs it and gives it back when it ends. One line each: a reader writes to no line that others write to.
///
/// Source: M. Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004.
struct alignas(64) HazardRecord {
  /// How deep reads may nest: a decision that a decision's callbacks make is the second.
  static constexpr uint32_t kDepthMax = 4;

  std::array<std::atomic<const void*>, kDepthMax> held{};
  std::atomic<bool> taken{true};
  uint32_t depth = 0;   ///< the owner's own: how many of `held` are in use
  uint32_t number = 0;  ///< counts records from 0
  HazardRecord* next = nullptr;
};

/// This thread's record; null when there is no memory for one, or when the thread is ending and has given it
/// back.
HazardRecord* ThreadHazards() noexcept;
/// Whether any thread reads `object`. To be asked after the last place that readers find it at has changed.
bool IsHeld(const void* object) noexcept;

/// Reads an object that another thread may replace and then free: while this lives, IsHeld(get()) is true.
/// Takes no lock, and writes to nothing that other threads write to.
///
/// Thread safety: belongs to one thread; destroyed in the reverse order of construction.
template <class T>
class HazardReader {
 public:
  explicit HazardReader(const std::atomic<const T*>& source) noexcept : record_(ThreadHazards()) {
    if (record_ == nullptr || record_->depth == HazardRecord::kDepthMax) [[unlikely]] {
      record_ = nullptr;
      return;
    }
    std::atomic<const void*>& held = record_->held[record_->depth++];
    const T* seen = source.load(std::memory_order_relaxed);
    for (;;) {
      // Either the thread that replaces the object sees this mark, or the second look sees the new object: of
      // two threads that each write one word and then read the other's, one reads what was written.
      held.store(seen, std::memory_order_seq_cst);
      object_ = source.load(std::memory_order_seq_cst);
      if (object_ == seen) return;
      seen = object_;
    }
  }
  HazardReader(const HazardReader&) = delete;  // a mark on this thread's record
  HazardReader& operator=(const HazardReader&) = delete;
  ~HazardReader() {
    if (record_ == nullptr) return;
    record_->held[--record_->depth].store(nullptr, std::memory_order_release);
  }

  /// Null when this thread can mark nothing more; the object must then be kept in another way.
  const T* get() const noexcept { return object_; }
  /// A small number that other threads reading now rarely have.
  uint32_t thread_number() const noexcept { return record_ == nullptr ? 0 : record_->number; }

 private:
  HazardRecord* record_;
  const T* object_ = nullptr;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_HAZARD_H_
