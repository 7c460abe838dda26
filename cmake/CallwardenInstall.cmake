# Install rules: the library, its headers, a package config and a pkg-config file, in two components:
# callwarden_runtime (the shared library and the programs) and callwarden_development (the rest).
include(CMakePackageConfigHelpers)

set(callwarden_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/callwarden")
install(TARGETS callwarden EXPORT callwardenTargets
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT callwarden_runtime
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT callwarden_runtime
    NAMELINK_COMPONENT callwarden_development
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT callwarden_development
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT callwarden_development
  FILE_SET adaptors DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT callwarden_development)
install(EXPORT callwardenTargets NAMESPACE callwarden:: DESTINATION "${callwarden_package_dir}"
  COMPONENT callwarden_development)

get_target_property(callwarden_type callwarden TYPE)
if(callwarden_type STREQUAL "STATIC_LIBRARY")
  set(callwarden_is_static TRUE)
else()
  set(callwarden_is_static FALSE)
endif()
set(callwarden_has_gate FALSE)
if(CALLWARDEN_BUILD_GATE)
  set(callwarden_has_gate TRUE)
endif()
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/callwardenConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/package/callwardenConfig.cmake" INSTALL_DESTINATION "${callwarden_package_dir}"
  NO_SET_AND_CHECK_MACRO)
# While the version is 0.x, a new minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/callwardenConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/package/callwardenConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/callwardenConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/CallwardenRe2.cmake"
  DESTINATION "${callwarden_package_dir}" COMPONENT callwarden_development)

# The pkg-config file finds its own prefix, so that an installed tree can be moved.
file(RELATIVE_PATH callwarden_pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
set(callwarden_pc_requires "simdjson absl_flat_hash_map absl_hash re2")
if(CALLWARDEN_BUILD_GATE)
  string(APPEND callwarden_pc_requires " libcrypto")
endif()
set(callwarden_pc_libs "-L\${libdir} -lcallwarden")
set(callwarden_pc_cflags "-I\${includedir}")
if(callwarden_is_static)
  # Not Requires.private: who links an archive always needs what it uses, with --static and without.
  set(callwarden_pc_requires_line "Requires: ${callwarden_pc_requires}")
else()
  # A shared library brings what it links; its users need none of it.
  set(callwarden_pc_requires_line "")
  string(APPEND callwarden_pc_cflags " -DCALLWARDEN_SHARED")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/callwarden.pc.in" "${PROJECT_BINARY_DIR}/package/callwarden.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/callwarden.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
  COMPONENT callwarden_development)

foreach(program callwarden_tool callwarden_cli)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT callwarden_runtime)
  endif()
endforeach()

# Where the program could be run, see tools/CMakeLists.txt.
if(TARGET callwarden_shell_files)
  set(callwarden_shell_dir "${PROJECT_BINARY_DIR}/tools/shell")
  install(FILES "${callwarden_shell_dir}/callwarden.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
    COMPONENT callwarden_runtime)
  foreach(shell "callwarden bash-completion/completions" "_callwarden zsh/site-functions"
      "callwarden.fish fish/vendor_completions.d")
    separate_arguments(shell)
    list(GET shell 0 name)
    list(GET shell 1 folder)
    install(FILES "${callwarden_shell_dir}/${name}" DESTINATION "${CMAKE_INSTALL_DATADIR}/${folder}"
      COMPONENT callwarden_runtime)
  endforeach()
endif()
