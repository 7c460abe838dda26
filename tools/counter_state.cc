#include "counter_state.h"

#include <cerrno>
#include <cstring>

#include "input_file.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

std::string Describe(const std::string& path, const SnapshotError& error) {
  std::string text = DisplayName(path) + ": " + error.message();
  if (error.system_error != 0) text += std::string(": ") + std::strerror(error.system_error);
  return text;
}

}  // namespace

void RestoreCounts(const std::string& path, MemoryCounterStore& store) {
  const SnapshotError error = store.Restore(path.c_str());
  if (error.ok() || (error.kind == SnapshotError::Kind::kFile && error.system_error == ENOENT)) return;
  throw ToolError(Describe(path, error) + "; to start with fresh counts, remove it");
}

std::string SaveCounts(const std::string& path, const MemoryCounterStore& store) {
  const SnapshotError error = store.Save(path.c_str());
  return error.ok() ? std::string() : Describe(path, error);
}

}  // namespace callwarden::tool
