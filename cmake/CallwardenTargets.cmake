# What every target of the project has in common. Nothing here touches a global flag.

add_library(callwarden_warnings INTERFACE)
target_compile_options(callwarden_warnings INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow>
  $<$<AND:$<BOOL:${CALLWARDEN_WARNINGS_AS_ERRORS}>,$<CXX_COMPILER_ID:GNU,Clang,AppleClang>>:-Werror>)

# callwarden_executable(<name> <source>...): a program of the project, in <build>/bin.
function(callwarden_executable name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE callwarden::callwarden $<BUILD_INTERFACE:callwarden_warnings>)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()
