#ifndef CALLWARDEN_LIB_NAME_MAP_H_
#define CALLWARDEN_LIB_NAME_MAP_H_

#include <cstddef>
#include <functional>
#include <string_view>

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Hashes names for Abseil's maps, whose own string_view may be another type than std's.
struct NameHash {
  std::size_t operator()(std::string_view name) const noexcept {
    return absl::Hash<absl::string_view>{}(absl::string_view(name.data(), name.size()));
  }
};
template <class Value>
using NameMap = absl::flat_hash_map<std::string_view, Value, NameHash, std::equal_to<std::string_view>>;

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_NAME_MAP_H_
