# Whole decisions on the workloads that they are judged by, each beside its floor; run.sh runs it.
callwarden_benchmark(decision_bench
  decision/arguments.cc
  decision/catalogue.cc
  decision/harness.cc
  decision/main.cc
  decision/report.cc
  decision/rules.cc
  decision/seed.cc
  decision/threads.cc
)
target_link_libraries(decision_bench PRIVATE
  simdjson::simdjson absl::flat_hash_map absl::synchronization Threads::Threads)
