# The tests of the gate and its parts.
if(NOT CALLWARDEN_BUILD_GATE)
  return()
endif()

callwarden_test(callwarden_gate_tests
  unit/file_watcher_test.cc
  unit/gate_approvals_test.cc
  unit/gate_test.cc
  unit/gate_threads_test.cc
  unit/grants_test.cc
  LABELS threads)
