# The MCP layer, one file a subject.
callwarden_test(callwarden_mcp_test
  mcp_inbound_test.cc
  mcp_list_test.cc
  mcp_reply_test.cc
)
