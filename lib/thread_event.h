#ifndef CALLWARDEN_LIB_THREAD_EVENT_H_
#define CALLWARDEN_LIB_THREAD_EVENT_H_

#include <cerrno>
#include <cstdint>

#include <pthread.h>
#include <time.h>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A mutex with two conditions, on the monotonic clock. std's would throw where these return errors that
/// cannot occur here.
///
/// Thread safety: any thread. A fork while a thread waits leaves the child's copy unusable: it must not be
/// touched there, nor destroyed.
class ThreadEvent {
 public:
  ThreadEvent() noexcept {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&mutex_, nullptr);
    for (pthread_cond_t& condition : conditions_) pthread_cond_init(&condition, &attributes);
    pthread_condattr_destroy(&attributes);
  }
  ThreadEvent(const ThreadEvent&) = delete;
  ThreadEvent& operator=(const ThreadEvent&) = delete;
  ~ThreadEvent() {
    for (pthread_cond_t& condition : conditions_) pthread_cond_destroy(&condition);
    pthread_mutex_destroy(&mutex_);
  }

  class Lock {
   public:
    explicit Lock(ThreadEvent& event) noexcept : event_(event) { pthread_mutex_lock(&event_.mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() { pthread_mutex_unlock(&event_.mutex_); }

   private:
    ThreadEvent& event_;
  };

  enum Condition : unsigned { kWork = 0, kDone = 1 };
  /// With the lock held.
  void Signal(Condition condition) noexcept { pthread_cond_broadcast(&conditions_[condition]); }
  void Wait(Condition condition) noexcept { pthread_cond_wait(&conditions_[condition], &mutex_); }
  /// Until `deadline_ns` on the monotonic clock; false when that has passed.
  bool WaitUntil(Condition condition, int64_t deadline_ns) noexcept {
    timespec deadline;
    deadline.tv_sec = static_cast<time_t>(deadline_ns / 1000000000);
    deadline.tv_nsec = static_cast<long>(deadline_ns % 1000000000);
    return pthread_cond_timedwait(&conditions_[condition], &mutex_, &deadline) != ETIMEDOUT;
  }

 private:
  pthread_mutex_t mutex_;
  pthread_cond_t conditions_[2];
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_THREAD_EVENT_H_
