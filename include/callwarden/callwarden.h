#ifndef CALLWARDEN_CALLWARDEN_H_
#define CALLWARDEN_CALLWARDEN_H_

/// Everything a host needs to compile a policy and decide calls. Adaptors, policy tests and explanations
/// are included on their own.

#include "callwarden/arguments.h"
#include "callwarden/attribute.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/counter_store.h"
#include "callwarden/decision.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"
#include "callwarden/tool_call.h"

#endif  // CALLWARDEN_CALLWARDEN_H_
