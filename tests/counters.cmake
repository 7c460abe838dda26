# The tests of the counter store and the clocks.
callwarden_test(counter_store_test
  unit/memory_counter_store_test.cc
  LABELS threads)
