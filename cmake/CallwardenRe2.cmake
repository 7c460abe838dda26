# Finds an installed RE2, for the build and for the installed package config. A package config is taken first;
# Debian 12 and Ubuntu ship none, only the library, the headers and a pkg-config file.

# Defines re2::re2 in the caller's directory, and sets `found_in` to where it is; leaves both alone when there
# is none, or when CMAKE_DISABLE_FIND_PACKAGE_re2 is set.
function(callwarden_find_re2 found_in)
  if(CMAKE_DISABLE_FIND_PACKAGE_re2)
    return()
  endif()
  find_package(re2 QUIET CONFIG)
  if(TARGET re2::re2)
    set(${found_in} "${re2_DIR}" PARENT_SCOPE)
    return()
  endif()
  find_library(CALLWARDEN_RE2_LIBRARY re2)
  find_path(CALLWARDEN_RE2_INCLUDE_DIR re2/re2.h)
  mark_as_advanced(CALLWARDEN_RE2_LIBRARY CALLWARDEN_RE2_INCLUDE_DIR)
  if(CALLWARDEN_RE2_LIBRARY AND CALLWARDEN_RE2_INCLUDE_DIR)
    find_package(Threads REQUIRED)
    add_library(re2::re2 UNKNOWN IMPORTED)
    set_target_properties(re2::re2 PROPERTIES
      IMPORTED_LOCATION "${CALLWARDEN_RE2_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CALLWARDEN_RE2_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES Threads::Threads)
    set(${found_in} "${CALLWARDEN_RE2_LIBRARY}" PARENT_SCOPE)
  endif()
endfunction()
