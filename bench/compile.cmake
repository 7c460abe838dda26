# How long policies take to compile, and how much memory they hold.
callwarden_benchmark(compile_bench compile_bench.cc)
