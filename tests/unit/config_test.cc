#include "callwarden/config.h"

#include <string>
#include <string_view>
#include <type_traits>

#include "callwarden/callwarden.h"

#include "tests/catch.h"

// The inline namespace is part of every symbol's name; users never write it.
static_assert(std::is_same_v<callwarden::Decision, callwarden::v0::Decision>);

TEST_CASE("the macros and CMake agree on the version", "[config]") {
  const std::string version = std::to_string(CALLWARDEN_VERSION_MAJOR) + '.' +
                              std::to_string(CALLWARDEN_VERSION_MINOR) + '.' +
                              std::to_string(CALLWARDEN_VERSION_PATCH);
  CHECK(version == CALLWARDEN_TESTED_VERSION);
}
