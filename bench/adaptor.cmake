# A host's parsed value through an adaptor beside the same value dumped and parsed again.
callwarden_benchmark(adaptor_bench adaptor_bench.cc)
target_link_libraries(adaptor_bench PRIVATE nlohmann_json::nlohmann_json)
