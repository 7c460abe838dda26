# Messages a second through the MCP layer.
if(CALLWARDEN_BUILD_GATE)
  callwarden_benchmark(mcp_bench mcp_bench.cc)
endif()
