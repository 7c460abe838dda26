# The counter store beside a bare exchange, a map under a mutex and a token bucket.
callwarden_benchmark(counter_store_bench counter_store_bench.cc)
target_link_libraries(counter_store_bench PRIVATE absl::flat_hash_map absl::synchronization)
