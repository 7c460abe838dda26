# The host of host.cc, as a test of this build. In a build without RTTI and exceptions it shows that the
# library and such a host agree.
callwarden_executable(callwarden_bare_host "${CMAKE_CURRENT_LIST_DIR}/host.cc")
add_test(NAME consumer.bare_host COMMAND callwarden_bare_host)
