#!/usr/bin/env bash
# shared_library.sh <prefix> <major.minor>: the installed shared library has the name that the ABI rule asks for, and
# shows callwarden's interface and nothing of its internals or of what it is made of.
set -euo pipefail
prefix=$1
version=$2

library=$(find "$prefix" -name libcallwarden.so)
soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
if [ "$soname" != "libcallwarden.so.$version" ]; then
  echo "the soname is \"$soname\", not libcallwarden.so.$version"
  exit 1
fi
shown=$(nm -D --defined-only "$library" | cut -d ' ' -f 3- | c++filt)
for wanted in 'callwarden::v0::CompiledPolicy::Decide(' 'callwarden::v0::CompiledPolicy::Compile(' \
  'typeinfo for callwarden::v0::CounterStore' 'vtable for callwarden::v0::ArgumentSource'; do
  grep -qF "$wanted" <<<"$shown" || { echo "not shown: $wanted"; exit 1; }
done
# What std templates leave behind is weak and shared by every C++ library.
if grep -vE '^(typeinfo (name )?for |vtable for |(non-)?virtual thunk to )?callwarden::v0::(mcp::)?[A-Z]|^callwarden::v0::(mcp::)?Name\(|(^| )(std|__gnu_cxx)::' \
  <<<"$shown"; then
  echo "the symbols above should not be shown"
  exit 1
fi
