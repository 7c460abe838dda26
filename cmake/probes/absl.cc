// Uses Abseil as the library does; linked at configure time, see CallwardenDependencies.cmake.
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

int main() {
  absl::flat_hash_map<std::string, uint64_t> map;
  map["a"] = 1;
  absl::flat_hash_set<uint64_t> set = {map["a"]};
  const absl::Status status = absl::InvalidArgumentError("a");
  absl::TimeZone zone;
  const bool loaded = absl::LoadTimeZone("UTC", &zone);
  const absl::CivilMonth month(absl::ToCivilSecond(absl::FromUnixSeconds(0), zone));
  return loaded && !status.ok() && set.contains(1) && month.year() == 1970 ? 0 : 1;
}
