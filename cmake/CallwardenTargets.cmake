# What every target of the project has in common. Nothing here touches a global flag.

# GCC's -Wmaybe-uninitialized and -Wrestrict depend on the optimiser, and GCC 12 is wrong on std::optional and on
# "a" + std::string (GCC bug 105651); Clang's analysis and the sanitizers find the real ones.
add_library(callwarden_warnings INTERFACE)
target_compile_options(callwarden_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict>
  $<$<AND:$<BOOL:${CALLWARDEN_WARNINGS_AS_ERRORS}>,$<CXX_COMPILER_ID:GNU,Clang,AppleClang>>:-Werror>)

# callwarden_executable(<name> <source>...): a program of the project, in <build>/bin.
function(callwarden_executable name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE callwarden::callwarden $<BUILD_INTERFACE:callwarden_warnings>)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()
