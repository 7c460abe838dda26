#ifndef CALLWARDEN_LIB_COMPLETION_LISTENER_H_
#define CALLWARDEN_LIB_COMPLETION_LISTENER_H_

#include <cstdint>

#include "callwarden/config.h"
#include "callwarden/decision.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Hears how an admitted call ended, once. A gate is one.
class CompletionListener {
 public:
  virtual void OnComplete(uint64_t sequence, int64_t decided_ns, Outcome outcome) noexcept = 0;

 protected:
  ~CompletionListener() = default;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_COMPLETION_LISTENER_H_
