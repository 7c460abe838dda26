#ifndef CALLWARDEN_TOOLS_COUNTER_STATE_H_
#define CALLWARDEN_TOOLS_COUNTER_STATE_H_

#include <string>

#include "callwarden/memory_counter_store.h"

namespace callwarden::tool {

/// Reads a snapshot of counts, if the file is there, into `store`, which must be empty.
/// Throws ToolError when it cannot be read: to go on would mean fresh limits for everybody.
void RestoreCounts(const std::string& path, MemoryCounterStore& store);

/// Writes the snapshot. Returns what went wrong, for people; empty when nothing did.
std::string SaveCounts(const std::string& path, const MemoryCounterStore& store);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_COUNTER_STATE_H_
