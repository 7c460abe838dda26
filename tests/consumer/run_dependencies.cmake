# Shows where CallwardenDependencies takes libraries from, offline, with stand-ins for sources and packages:
# an existing target first, then a package, then sources; an error in one sentence when there is none. And that the
# whole project can be installed with fetched dependencies.
# cmake -DSOURCE_DIR=<project> -DWORK_DIR=<scratch> -DGENERATOR=<name> -DCXX=<compiler> -P run_dependencies.cmake
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE "${WORK_DIR}")
set(packages simdjson absl re2 CLI11 nlohmann_json Catch2 benchmark)
set(targets_simdjson simdjson::simdjson)
set(targets_absl absl::flat_hash_map absl::hash)
set(targets_re2 re2::re2)
set(targets_CLI11 CLI11::CLI11)
set(targets_nlohmann_json nlohmann_json::nlohmann_json)
set(targets_Catch2 Catch2::Catch2)
set(targets_benchmark benchmark::benchmark)
# Under which condition each of what the library links is installed with it, as the real ones have it.
set(install_simdjson TRUE)
set(install_absl ABSL_ENABLE_INSTALL)
set(install_re2 RE2_INSTALL)

# Sources that stand for each library: they build only as C++20, and static, whatever the parent asks for.
set(sources "${WORK_DIR}/sources")
foreach(package IN LISTS packages)
  string(TOUPPER ${package} upper)
  list(APPEND no_packages -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
  list(APPEND with_sources "-DFETCHCONTENT_SOURCE_DIR_${upper}=${sources}/${package}")
  set(lists "cmake_minimum_required(VERSION 3.5)\nproject(stand_in_${package} CXX)\n")
  foreach(target IN LISTS targets_${package})
    string(REPLACE "::" "_" name "${target}")
    string(APPEND lists "add_library(${name} stand_in.cc)\nadd_library(${target} ALIAS ${name})\n"
      "get_target_property(type ${name} TYPE)\nif(NOT type STREQUAL STATIC_LIBRARY)\n  message(FATAL_ERROR \"\${type}\")\nendif()\n")
    if(install_${package})
      string(APPEND lists "if(${install_${package}})\n  install(TARGETS ${name} EXPORT ${package})\nendif()\n")
    endif()
  endforeach()
  if(install_${package})
    string(APPEND lists "if(${install_${package}})\n  install(EXPORT ${package} DESTINATION lib)\nendif()\n")
  endif()
  file(WRITE "${sources}/${package}/CMakeLists.txt" "${lists}")
  file(WRITE "${sources}/${package}/stand_in.cc" "static_assert(__cplusplus >= 202002L);\nint ${package}_stand_in;\n")
endforeach()

# package(<prefix> <package> <version>): an installed package that stands for the library.
function(package prefix package version)
  set(dir "${WORK_DIR}/${prefix}/lib/cmake/${package}")
  set(config "")
  foreach(target IN LISTS targets_${package})
    string(APPEND config "add_library(${target} INTERFACE IMPORTED)\n")
  endforeach()
  file(WRITE "${dir}/${package}Config.cmake" "${config}")
  file(WRITE "${dir}/${package}ConfigVersion.cmake" "set(PACKAGE_VERSION ${version})\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n")
endfunction()

# wants(<case> <ok or error> <regex of the output> <argument of cmake>...)
set(project "${CMAKE_CURRENT_LIST_DIR}/dependencies")
function(wants case outcome regex)
  execute_process(COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${project}"
      -B "${WORK_DIR}/${case}" "-DCMAKE_CXX_COMPILER=${CXX}" "-DCALLWARDEN_SOURCE_DIR=${SOURCE_DIR}" ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " flat "${output}")
  if((outcome STREQUAL "ok" AND NOT result EQUAL 0) OR (outcome STREQUAL "error" AND result EQUAL 0)
      OR NOT flat MATCHES "${regex}")
    message(FATAL_ERROR "${case}: wanted ${outcome} and \"${regex}\", got ${result} and\n${output}")
  endif()
  message(STATUS "${case}: as wanted")
endfunction()

wants(sources ok "re2: built from [^ ]*/sources/re2.*benchmark: built from [^ ]*/sources/benchmark.*everything is there"
  ${no_packages} ${with_sources} -DCALLWARDEN_FETCH_DEPS=ON -DBUILD_SHARED_LIBS=ON)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/sources" COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)

wants(off error "callwarden: simdjson was not found and CALLWARDEN_FETCH_DEPS is OFF; install its development package, or turn fetching on"
  ${no_packages} -DCALLWARDEN_FETCH_DEPS=OFF)

# The first one by package, although sources are at hand; the rest by sources.
package(good simdjson 3.1.0)
list(REMOVE_ITEM no_packages -DCMAKE_DISABLE_FIND_PACKAGE_simdjson=ON)
wants(package_first ok "simdjson: 3.1.0 found in [^ ]*/good/.*re2: built from .*everything is there"
  ${no_packages} ${with_sources} "-DCMAKE_PREFIX_PATH=${WORK_DIR}/good" -DCALLWARDEN_FETCH_DEPS=ON)
wants(off_second error "abseil was not found and CALLWARDEN_FETCH_DEPS is OFF"
  ${no_packages} "-DCMAKE_PREFIX_PATH=${WORK_DIR}/good" -DCALLWARDEN_FETCH_DEPS=OFF)
package(old simdjson 2.9.0)
wants(too_old error "callwarden needs simdjson 3.0 or newer, but 2.9.0 was found in [^ ]*/old/"
  ${no_packages} ${with_sources} "-DCMAKE_PREFIX_PATH=${WORK_DIR}/old" -DCALLWARDEN_FETCH_DEPS=ON)

# A package that is there but does not link: this one has targets and no library.
package(broken simdjson 3.1.0)
package(broken absl 20220623)
list(REMOVE_ITEM no_packages -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON)
wants(broken error "the absl found in [^ ]*/broken/[^ ]* does not compile and link as C\\+\\+20"
  ${no_packages} ${with_sources} "-DCMAKE_PREFIX_PATH=${WORK_DIR}/broken" -DCALLWARDEN_FETCH_DEPS=ON)

# A parent's own targets come before the packages, and must be C++20.
wants(existing ok "absl::flat_hash_map that exists already.*re2: the target re2::re2 that exists already.*everything is there"
  ${no_packages} ${with_sources} "-DCMAKE_PREFIX_PATH=${WORK_DIR}/good" -DPARENT_STANDARD=20 -DCALLWARDEN_FETCH_DEPS=ON)
wants(existing_cxx17 error "absl_flat_hash_map of the parent project is not built as C\\+\\+20"
  ${no_packages} -DPARENT_STANDARD=17 -DCALLWARDEN_FETCH_DEPS=OFF)
wants(parent_cxx17 error "callwarden needs C\\+\\+20, but CMAKE_CXX_STANDARD is 17"
  ${no_packages} -DCMAKE_CXX_STANDARD=17 -DCALLWARDEN_FETCH_DEPS=OFF)

# A static library that is installed refers to what it links, so that must be installed too.
set(project "${SOURCE_DIR}")
set(library_only -DCALLWARDEN_BUILD_TESTS=OFF -DCALLWARDEN_BUILD_TOOLS=OFF -DCALLWARDEN_BUILD_EXAMPLES=OFF
  -DCALLWARDEN_BUILD_BENCHMARKS=OFF)
list(APPEND no_packages -DCMAKE_DISABLE_FIND_PACKAGE_simdjson=ON -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON)
wants(install ok "Build files have been written"
  ${library_only} ${no_packages} ${with_sources} -DCALLWARDEN_FETCH_DEPS=ON -DCALLWARDEN_INSTALL=ON)

# libcrypto is never fetched, and only the gate needs it.
list(APPEND library_only ${no_packages} ${with_sources} -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON)
wants(no_crypto error "OpenSSL's libcrypto 3.0 or newer was not found; install its development package"
  ${library_only} -DCALLWARDEN_FETCH_DEPS=ON)
wants(no_gate ok "Build files have been written"
  ${library_only} -DCALLWARDEN_FETCH_DEPS=ON -DCALLWARDEN_BUILD_GATE=OFF)

# The pin of simdjson is of a release whose CMake target does not switch development checks on.
file(READ "${SOURCE_DIR}/cmake/CallwardenDependencies.cmake" pins)
if(NOT pins MATCHES "simdjson/archive/refs/tags/v([0-9.]+)\\.tar" OR CMAKE_MATCH_1 VERSION_LESS 4.6.8)
  message(FATAL_ERROR "simdjson is pinned to \"${CMAKE_MATCH_1}\"; 4.6.8 is the first without development checks")
endif()
file(REMOVE_RECURSE "${WORK_DIR}")
