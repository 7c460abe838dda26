# What the proxy adds to a call over stdio; see README.md.
callwarden_executable(proxy_bench proxy/proxy_bench.cc)
