# callwarden's side of the comparison with its peers, built only by peers/run.sh.
callwarden_benchmark(callwarden_peer decision/harness.cc peers/callwarden.cc)
target_link_libraries(callwarden_peer PRIVATE nlohmann_json::nlohmann_json Threads::Threads)
set_target_properties(callwarden_peer PROPERTIES EXCLUDE_FROM_ALL ON)
