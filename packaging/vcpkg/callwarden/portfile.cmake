# An overlay port: it builds the tree that it lies in, whatever commit that is.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS feature_options
  FEATURES
    gate CALLWARDEN_BUILD_GATE
    tools CALLWARDEN_BUILD_TOOLS
)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${feature_options}
    -DCALLWARDEN_BUILD_BENCHMARKS=OFF
    -DCALLWARDEN_BUILD_EXAMPLES=OFF
    -DCALLWARDEN_BUILD_FUZZERS=OFF
    -DCALLWARDEN_BUILD_TESTS=OFF
    -DCALLWARDEN_FETCH_DEPS=OFF
    -DCALLWARDEN_INSTALL=ON
    -DCALLWARDEN_WARNINGS_AS_ERRORS=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/callwarden)
vcpkg_fixup_pkgconfig()
if("tools" IN_LIST FEATURES)
  vcpkg_copy_tools(TOOL_NAMES callwarden AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
