# The tests of the counter store and the clocks.

add_library(callwarden_counter_testing STATIC contract/reference_store.cc contract/stores.cc)
target_link_libraries(callwarden_counter_testing
  PUBLIC callwarden::callwarden callwarden_catch_main
  PRIVATE $<BUILD_INTERFACE:callwarden_warnings>)

callwarden_test(counter_store_test
  unit/memory_counter_store_test.cc
  LABELS threads)
callwarden_test(counter_contract_test
  contract/counter_store_contract_test.cc
  contract/random_history_test.cc
  LIBRARIES callwarden_counter_testing)
