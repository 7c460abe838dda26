# The gate beside bare decisions, swaps under load, and loading many grants.
if(CALLWARDEN_BUILD_GATE)
  callwarden_benchmark(gate_bench gate_bench.cc)
endif()
