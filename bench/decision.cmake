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
target_compile_definitions(decision_bench PRIVATE "CALLWARDEN_BENCH_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\"")
# W3 goes through the gate.
if(CALLWARDEN_BUILD_GATE)
  target_sources(decision_bench PRIVATE decision/line.cc)
  target_compile_definitions(decision_bench PRIVATE CALLWARDEN_BENCH_HAS_GATE)
endif()
