#!/usr/bin/env bash
# compile_cost.sh [COMPILER]: what including callwarden's umbrella header costs a host's file, best of 7, beside an
# empty file, the standard headers that it includes alone, and <iostream> for scale. Goal: at most 0.5 s with g++ 12.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${1:-g++}
rounds=7

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
: >"$work/empty.cc"
echo '#include <iostream>' >"$work/iostream.cc"
echo '#include "callwarden/callwarden.h"' >"$work/umbrella.cc"
# The standard headers that the umbrella reaches: those of all public headers that the compiler names.
"$compiler" -std=c++20 -Iinclude -MM "$work/umbrella.cc" | tr ' ' '\n' | grep '^include/' |
  xargs grep -hE '^#include <' | sort -u >"$work/std.cc"

# The user time of one compilation, in milliseconds: others on the machine show in it least of all.
TIMEFORMAT=%U
compile_ms() {
  local seconds
  seconds=$({ time "$compiler" -std=c++20 -O2 -Iinclude -c "$work/$1.cc" -o "$work/out.o" 2>"$work/errors"; } 2>&1) ||
    { cat "$work/errors" >&2; exit 1; }
  awk -v s="$seconds" 'BEGIN { printf "%d\n", s * 1000 }'
}

"$compiler" --version | head -n 1
for _ in $(seq "$rounds"); do
  for file in empty std umbrella iostream; do printf '%s %s\n' "$file" "$(compile_ms "$file")"; done
done | sort -k1,1 -k2,2n | awk '
  $1 != last { best[$1] = $2; last = $1 }
  END {
    printf "empty file               %5d ms\n", best["empty"]
    printf "the std headers alone    %5d ms\n", best["std"]
    printf "callwarden/callwarden.h  %5d ms\n", best["umbrella"]
    printf "<iostream>               %5d ms\n", best["iostream"]
  }'
