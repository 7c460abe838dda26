#ifndef CALLWARDEN_LIB_PATH_H_
#define CALLWARDEN_LIB_PATH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"

#include "lib/path_trie.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// A path as a policy writes it: `args.a[0]["b"][*]`, `grant.NAME`, `context.NAME`.
struct Path {
  enum class Root : uint8_t { kArguments, kGrant, kContext };
  Root root = Root::kArguments;
  std::vector<PathStep> steps;

  bool has_wildcard() const noexcept;
  /// The attribute's name, for the roots kGrant and kContext.
  const std::string& attribute() const noexcept { return steps.front().name; }
};

/// Reads a path. False when `text` is none, with `error` saying why in a diagnostic's words.
bool ParsePath(std::string_view text, Path& path, std::string& error);

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_PATH_H_
