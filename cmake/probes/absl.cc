// Uses Abseil as the library does; linked at configure time, see CallwardenDependencies.cmake.
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

int main() {
  absl::flat_hash_map<std::string, uint64_t> map;
  map["a"] = absl::Hash<absl::string_view>{}("a");
  return map.contains("a") ? 0 : 1;
}
