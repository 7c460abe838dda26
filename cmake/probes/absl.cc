// Uses Abseil as the library does; linked at configure time, see CallwardenDependencies.cmake.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace {

// Abseil's own string_view, where it has one, is hashed; std::string_view then is not.
struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return absl::Hash<absl::string_view>()(absl::string_view(text.data(), text.size()));
  }
};

struct Equal {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

}  // namespace

int main() {
  absl::flat_hash_map<std::string, uint64_t, Hash, Equal> map;
  map["a"] = 1;
  return map.contains(std::string_view("a")) ? 0 : 1;
}
