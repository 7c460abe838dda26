# The MCP layer beside simdjson's DOM parse of the same lines.
if(CALLWARDEN_BUILD_GATE)
  callwarden_benchmark(mcp_bench mcp_bench.cc)
  target_link_libraries(mcp_bench PRIVATE simdjson::simdjson)
endif()
