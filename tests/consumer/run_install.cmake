# Installs a build tree and moves what was installed: a package must not remember where it was built.
# cmake -DBUILD_DIR=<build> -DPREFIX=<where to> -DSOURCE_DIR=<project> -P run_install.cmake
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE "${PREFIX}" "${PREFIX}.first")
foreach(component callwarden_development callwarden_runtime)
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${PREFIX}.first" --component ${component}
    COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endforeach()
file(RENAME "${PREFIX}.first" "${PREFIX}")

file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc")
if(NOT texts)
  message(FATAL_ERROR "no package files were installed")
endif()
foreach(file IN LISTS texts)
  file(READ "${file}" text)
  foreach(place "${SOURCE_DIR}" "${BUILD_DIR}" "${PREFIX}")
    string(FIND "${text}" "${place}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} names ${place}")
    endif()
  endforeach()
  # Flags of this build are this build's: sanitizers change the layout of what a host shares with its libraries.
  if(text MATCHES "INTERFACE_COMPILE_OPTIONS|INTERFACE_LINK_OPTIONS|sanitize|-Wall")
    message(FATAL_ERROR "${file} asks its users for \"${CMAKE_MATCH_0}\"")
  endif()
endforeach()

# What a program is used with comes with it; only builds for other systems go without, and these run no tests.
if(EXISTS "${PREFIX}/bin/callwarden")
  foreach(file man/man1/callwarden.1 bash-completion/completions/callwarden zsh/site-functions/_callwarden
      fish/vendor_completions.d/callwarden.fish)
    file(SIZE "${PREFIX}/share/${file}" size)
    if(size LESS 1000)
      message(FATAL_ERROR "share/${file} has ${size} bytes")
    endif()
  endforeach()
endif()
