#ifndef CALLWARDEN_LIB_MUTEX_H_
#define CALLWARDEN_LIB_MUTEX_H_

#include <pthread.h>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A mutex that throws nothing: std::mutex::lock can, so a library without exceptions does without it.
/// Works with std::lock_guard.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;  // an identity
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex() { pthread_mutex_destroy(&mutex_); }
  void lock() noexcept { pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MUTEX_H_
