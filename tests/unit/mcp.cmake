# The MCP layer, one file a subject.
callwarden_test(callwarden_mcp_test
  mcp_approval_test.cc
  mcp_attack_test.cc
  mcp_inbound_test.cc
  mcp_lines_test.cc
  mcp_order_test.cc
  mcp_list_test.cc
  mcp_reply_test.cc
  mcp_settle_test.cc
)

# By itself, since it replaces operator new.
callwarden_test(callwarden_mcp_allocation_test mcp_allocation_test.cc)
