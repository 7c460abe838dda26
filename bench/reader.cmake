# Strict reading of arguments beside simdjson's DOM parse of the same bytes. It calls the reader itself, which a
# shared library does not show.
get_target_property(library_type callwarden TYPE)
if(library_type STREQUAL "STATIC_LIBRARY")
  callwarden_benchmark(reader_bench reader_bench.cc)
  target_link_libraries(reader_bench PRIVATE simdjson::simdjson absl::flat_hash_map absl::hash)
endif()
