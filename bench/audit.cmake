# What a record costs the deciding thread, and what the writer keeps up with.
if(CALLWARDEN_BUILD_GATE)
  callwarden_benchmark(audit_bench audit_bench.cc)
endif()
