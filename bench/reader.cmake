# Strict reading of arguments beside simdjson's DOM parse of the same bytes.
callwarden_benchmark(reader_bench reader_bench.cc)
target_link_libraries(reader_bench PRIVATE simdjson::simdjson)
