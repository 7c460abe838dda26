# The tests of the counter store and the clocks.

add_library(callwarden_counter_testing STATIC contract/reference_store.cc contract/stores.cc)
target_link_libraries(callwarden_counter_testing
  PUBLIC callwarden::callwarden callwarden_catch_main
  PRIVATE $<BUILD_INTERFACE:callwarden_warnings>)

callwarden_test(counter_store_test
  unit/clock_test.cc
  unit/counter_store_test.cc
  unit/counter_threads_test.cc
  unit/memory_counter_store_test.cc
  unit/snapshot_test.cc
  LABELS threads
  LIBRARIES callwarden_counter_testing)
# With a copy of the hash, which a shared library does not show.
callwarden_test(counter_hash_test internal/hash_test.cc "${PROJECT_SOURCE_DIR}/lib/siphash.cc")
callwarden_test(counter_allocation_test unit/counter_allocation_test.cc LIBRARIES callwarden_counter_testing)
callwarden_test(counter_contract_test
  contract/counter_store_contract_test.cc
  contract/random_history_test.cc
  LIBRARIES callwarden_counter_testing)
callwarden_test(counter_linearizability_test
  linearizability/checker.cc
  linearizability/linearizability_test.cc
  LABELS threads
  LIBRARIES callwarden_counter_testing)

# Models of the core on relacy's atomics, and mistakes that they must find. Not under sanitizers: relacy runs its
# threads on stacks of its own.
find_path(CALLWARDEN_RELACY_INCLUDE_DIR relacy/relacy.hpp)
if(CALLWARDEN_RELACY_INCLUDE_DIR AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  function(callwarden_model_settings name)
    target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}")
    target_include_directories(${name} SYSTEM PRIVATE "${CALLWARDEN_RELACY_INCLUDE_DIR}")
    target_link_libraries(${name} PRIVATE callwarden::callwarden)
    target_compile_options(${name} PRIVATE -O1 -g0)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  endfunction()

  add_executable(counter_models model/counter_models.cc)
  callwarden_model_settings(counter_models)
  foreach(model one_word roll late_refund two_limits reuse reuse_twice stale_denial gauges floors insert smooth)
    add_test(NAME counter_model_${model} COMMAND counter_models ${model})
    set_tests_properties(counter_model_${model} PROPERTIES LABELS model TIMEOUT 300)
  endforeach()

  include(model/mutants.cmake)
  add_executable(counter_mutant_two_words model/counter_models.cc)
  target_compile_definitions(counter_mutant_two_words PRIVATE CALLWARDEN_MUTANT_MODEL=TwoWords)
  callwarden_model_settings(counter_mutant_two_words)
  add_test(NAME counter_mutant_two_words COMMAND counter_mutant_two_words)
  set_tests_properties(counter_mutant_two_words PROPERTIES LABELS model TIMEOUT 300)
endif()
