# Finds what callwarden links. For each library, in this order:
#
#   1. a target of that name which the parent project has defined,
#   2. find_package,
#   3. a pinned release through FetchContent, unless CALLWARDEN_FETCH_DEPS is OFF: then an error.
#
# Nothing is downloaded when 1 or 2 succeeds. One line is printed for each: which copy was taken.
# To leave out a copy that is installed: -DCMAKE_DISABLE_FIND_PACKAGE_<package>=ON.
# To take sources that are on disk already: -DFETCHCONTENT_SOURCE_DIR_<NAME>=<folder>, upper case.
#
# Targets found here are seen in this directory and below it, not in a parent project.

include_guard(DIRECTORY)
include(FetchContent)
include(CallwardenRe2)

# One standard for everything: an Abseil built as C++17 does not link with C++20 code that uses it.
if(DEFINED CMAKE_CXX_STANDARD AND CMAKE_CXX_STANDARD LESS 20)
  message(FATAL_ERROR "callwarden needs C++20, but CMAKE_CXX_STANDARD is ${CMAKE_CXX_STANDARD}; set it to 20 or leave it unset")
endif()

# Takes the pinned sources. A function, so that no setting of a dependency's build reaches anybody else.
function(callwarden_fetch name url sha256)
  # set() before option() wins in the dependency, whatever policies it asks for.
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
  set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)
  set(CMAKE_CXX_STANDARD 20)
  set(CMAKE_CXX_STANDARD_REQUIRED ON)
  # Fit for a shared callwarden, which carries them inside and shows none of their symbols.
  set(BUILD_SHARED_LIBS OFF)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(CMAKE_CXX_VISIBILITY_PRESET hidden)
  set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
  set(BUILD_TESTING OFF)
  set(CMAKE_VERIFY_INTERFACE_HEADER_SETS OFF)
  foreach(setting IN LISTS ARGN)
    string(REGEX MATCH "^([^=]+)=(.*)$" _ "${setting}")
    set(${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
  endforeach()
  # The URL_HASH is checked on download, so the time stamps inside an archive do not matter.
  FetchContent_Declare(${name} URL "${url}" URL_HASH "SHA256=${sha256}" DOWNLOAD_EXTRACT_TIMESTAMP OFF)
  FetchContent_MakeAvailable(${name})
endfunction()

# Compiles and links cmake/probes/<name>.cc, as C++20, with what find_package gave: version files do not tell
# whether a library was built for another standard.
function(callwarden_probe name where)
  if("${CALLWARDEN_PROBED_${name}}" STREQUAL "${where}")
    return()
  endif()
  try_compile(works "${CMAKE_CURRENT_BINARY_DIR}/probe_${name}" "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/probes/${name}.cc"
    LINK_LIBRARIES ${ARGN} CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON OUTPUT_VARIABLE output)
  set(failed TRUE)
  if(works)
    set(failed FALSE)
  endif()
  unset(works CACHE)  # what is kept is the variable below, with the place it is true of
  if(failed)
    message(STATUS "${output}")
    message(FATAL_ERROR "callwarden: the ${name} found in ${where} does not compile and link as C++20 (see above); install another, or set CMAKE_DISABLE_FIND_PACKAGE_${name}=ON to have it fetched")
  endif()
  set(CALLWARDEN_PROBED_${name} "${where}" CACHE INTERNAL "Where the ${name} was found that links as C++20")
endfunction()

# A target that the parent builds cannot be linked by a probe; what it says about its standard can be read.
function(callwarden_check_standard name target)
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    set(target ${aliased})
  endif()
  get_target_property(imported ${target} IMPORTED)
  if(imported)
    callwarden_probe(${name} "target ${target}" ${ARGN})
    return()
  endif()
  get_target_property(features ${target} INTERFACE_COMPILE_FEATURES)
  get_target_property(standard ${target} CXX_STANDARD)
  if(NOT features MATCHES "cxx_std_(20|23|26)" AND NOT standard GREATER_EQUAL 20)
    message(FATAL_ERROR "callwarden: the target ${target} of the parent project is not built as C++20; set CMAKE_CXX_STANDARD 20 (for Abseil also ABSL_PROPAGATE_CXX_STD ON) before adding it")
  endif()
endfunction()

# callwarden_dependency(<name> PACKAGE <package> TARGETS <target>... URL <url> SHA256 <hash>
#   [VERSION_MIN <version>] [PROBE] [SETTINGS <variable>=<value>...])
# Makes every target of TARGETS available; the first stands for the library in messages.
function(callwarden_dependency name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PROBE" "PACKAGE;URL;SHA256;VERSION_MIN" "TARGETS;SETTINGS")
  list(GET arg_TARGETS 0 target)
  if(TARGET ${target})
    if(arg_PROBE)
      callwarden_check_standard(${arg_PACKAGE} ${target} ${arg_TARGETS})
    endif()
    message(STATUS "callwarden: ${name}: the target ${target} that exists already")
    return()
  endif()

  if(name STREQUAL "re2")
    callwarden_find_re2(found_in)
    set(version "")
  else()
    # No version is asked for here: Abseil's version file accepts equality only, simdjson's one minor.
    find_package(${arg_PACKAGE} QUIET CONFIG)
    set(found_in "${${arg_PACKAGE}_DIR}")
    set(version "${${arg_PACKAGE}_VERSION}")
  endif()
  if(TARGET ${target})
    if(arg_VERSION_MIN AND version VERSION_LESS arg_VERSION_MIN)
      message(FATAL_ERROR "callwarden needs ${name} ${arg_VERSION_MIN} or newer, but ${version} was found in ${found_in}; install a newer one, or set CMAKE_DISABLE_FIND_PACKAGE_${arg_PACKAGE}=ON to have it fetched")
    endif()
    if(arg_PROBE)
      callwarden_probe(${arg_PACKAGE} "${found_in}" ${arg_TARGETS})
    endif()
    # Since 20230125 Abseil's containers have another layout under sanitizers than the installed library.
    if(name STREQUAL "abseil" AND CMAKE_CXX_FLAGS MATCHES "-fsanitize=" AND version VERSION_GREATER_EQUAL 20230125)
      message(WARNING "callwarden: the Abseil in ${found_in} was built without sanitizers; for reports to trust set CMAKE_DISABLE_FIND_PACKAGE_absl=ON and CMAKE_DISABLE_FIND_PACKAGE_re2=ON to build both with the same flags")
    endif()
    string(STRIP "${version} found in ${found_in}" what)
    message(STATUS "callwarden: ${name}: ${what}")
    return()
  endif()

  if(NOT CALLWARDEN_FETCH_DEPS)
    message(FATAL_ERROR "callwarden: ${name} was not found and CALLWARDEN_FETCH_DEPS is OFF; install its development package, or turn fetching on")
  endif()
  string(TOUPPER ${arg_PACKAGE} upper)
  if(FETCHCONTENT_SOURCE_DIR_${upper})
    message(STATUS "callwarden: ${name}: built from ${FETCHCONTENT_SOURCE_DIR_${upper}}")
  else()
    message(STATUS "callwarden: ${name}: not found; fetching ${arg_URL}")
  endif()
  callwarden_fetch(${arg_PACKAGE} "${arg_URL}" "${arg_SHA256}" ${arg_SETTINGS})
  foreach(target IN LISTS arg_TARGETS)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "callwarden: the sources of ${name} define no target ${target}")
    endif()
  endforeach()
endfunction()

# The pins. Each hash was published by at least two package collections independently: for abseil, re2, Catch2
# and benchmark Debian's source index and the Bazel central registry or Homebrew, for simdjson Homebrew and
# others, for CLI11 Conan's index and the Bazel central registry, for nlohmann_json many projects. They move
# together, with a full run of the tests on what was fetched.

# What the library links. From simdjson 4.3.0 to 4.6.7 the CMake target switches development checks on in
# release builds (simdjson issue 2834), so a pin must be 4.6.8 or newer.
macro(callwarden_library_dependencies)
  find_package(Threads REQUIRED)
  callwarden_dependency(simdjson PACKAGE simdjson VERSION_MIN 3.0 TARGETS simdjson::simdjson
    URL https://github.com/simdjson/simdjson/archive/refs/tags/v4.6.11.tar.gz
    SHA256 61d948fc24f0d793829ad658058e7597d064988a89b4607ea02e401a82df98ff
    SETTINGS SIMDJSON_DEVELOPER_MODE=OFF SIMDJSON_DEVELOPMENT_CHECKS=OFF)
  callwarden_dependency(abseil PACKAGE absl PROBE
    TARGETS absl::flat_hash_map absl::hash
    URL https://github.com/abseil/abseil-cpp/releases/download/20260526.0/abseil-cpp-20260526.0.tar.gz
    SHA256 6e1aee535473414164bf83e4ebc40240dec71a4701f8a642d906e95bea1aea0c
    SETTINGS ABSL_PROPAGATE_CXX_STD=ON ABSL_ENABLE_INSTALL=${CALLWARDEN_INSTALL} ABSL_BUILD_TESTING=OFF)
  callwarden_dependency(re2 PACKAGE re2 PROBE TARGETS re2::re2
    URL https://github.com/google/re2/releases/download/2025-11-05/re2-2025-11-05.tar.gz
    SHA256 87f6029d2f6de8aa023654240a03ada90e876ce9a4676e258dd01ea4c26ffd67
    SETTINGS RE2_BUILD_TESTING=OFF RE2_INSTALL=${CALLWARDEN_INSTALL})
endmacro()

# What the gate hashes and authenticates with. Never fetched: a copy of one's own is one that nobody updates.
macro(callwarden_crypto_dependency)
  if(NOT TARGET OpenSSL::Crypto)
    find_package(OpenSSL 3.0 QUIET COMPONENTS Crypto)
    if(NOT TARGET OpenSSL::Crypto)
      message(FATAL_ERROR "callwarden: OpenSSL's libcrypto 3.0 or newer was not found; install its development package (libssl-dev, openssl-devel), or leave the gate out with -DCALLWARDEN_BUILD_GATE=OFF")
    endif()
    message(STATUS "callwarden: libcrypto: ${OPENSSL_VERSION} found in ${OPENSSL_CRYPTO_LIBRARY}")
  endif()
endmacro()

# What reads the command line of tools and examples.
macro(callwarden_cli11_dependency)
  callwarden_dependency(CLI11 PACKAGE CLI11 TARGETS CLI11::CLI11
    URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.6.2.tar.gz
    SHA256 c6ea6b2e5608b3ea8617999bd5f47420c71b2ebdb8dc4767c1034d1da5785711
    SETTINGS CLI11_BUILD_TESTS=OFF CLI11_BUILD_EXAMPLES=OFF CLI11_BUILD_DOCS=OFF CLI11_INSTALL=OFF)
endmacro()

# What writes and reads JSON outside the library: tools, examples, tests.
macro(callwarden_nlohmann_json_dependency)
  callwarden_dependency(nlohmann_json PACKAGE nlohmann_json TARGETS nlohmann_json::nlohmann_json
    URL https://github.com/nlohmann/json/releases/download/v3.12.0/json.tar.xz
    SHA256 42f6e95cad6ec532fd372391373363b62a14af6d771056dbfc86160e6dfff7aa
    SETTINGS JSON_BuildTests=OFF JSON_Install=OFF)
endmacro()

macro(callwarden_catch2_dependency)
  callwarden_dependency(Catch2 PACKAGE Catch2 TARGETS Catch2::Catch2
    URL https://github.com/catchorg/Catch2/archive/refs/tags/v3.7.1.tar.gz
    SHA256 c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c
    SETTINGS CATCH_INSTALL_DOCS=OFF CATCH_INSTALL_EXTRAS=OFF)
endmacro()

macro(callwarden_benchmark_dependency)
  callwarden_dependency(benchmark PACKAGE benchmark TARGETS benchmark::benchmark
    URL https://github.com/google/benchmark/archive/refs/tags/v1.9.1.tar.gz
    SHA256 32131c08ee31eeff2c8968d7e874f3cb648034377dfc32a4c377fa8796d84981
    SETTINGS BENCHMARK_ENABLE_TESTING=OFF BENCHMARK_ENABLE_GTEST_TESTS=OFF BENCHMARK_ENABLE_INSTALL=OFF
      BENCHMARK_ENABLE_WERROR=OFF)
endmacro()

# relacy, the model checker, is headers only and has no package config. It is optional: without it the model
# tests are left out, which is printed.
macro(callwarden_relacy_dependency)
  if(NOT TARGET callwarden_relacy)
    find_path(CALLWARDEN_RELACY_INCLUDE_DIR relacy/relacy.hpp)
    mark_as_advanced(CALLWARDEN_RELACY_INCLUDE_DIR)
    if(CALLWARDEN_RELACY_INCLUDE_DIR)
      message(STATUS "callwarden: relacy: found in ${CALLWARDEN_RELACY_INCLUDE_DIR}")
      add_library(callwarden_relacy INTERFACE)
      target_include_directories(callwarden_relacy SYSTEM INTERFACE "${CALLWARDEN_RELACY_INCLUDE_DIR}")
    else()
      message(STATUS "callwarden: relacy: not found; the model checking tests are left out")
    endif()
  endif()
endmacro()
