#!/usr/bin/env bash
# check_headers.sh <root> <compiler>: every public header compiles alone, without warnings, with and without
# exceptions and RTTI, and is in the list of headers that lib/CMakeLists.txt installs. What headers may
# include is check_layers.sh's to say. Adaptors need their library and are compiled by their tests.
set -euo pipefail

root=$1
compiler=$2
cd "$root"

faults=0
count=0
while IFS= read -r header; do
  count=$((count + 1))
  name=${header#include/}
  if ! grep -qF "/$header" lib/CMakeLists.txt; then
    echo "$header: not in the header set of lib/CMakeLists.txt, so it would not be installed"
    faults=$((faults + 1))
  fi
  case $name in callwarden/adaptors/*) continue ;; esac
  for flags in "-frtti" "-fno-rtti -fno-exceptions"; do
    # shellcheck disable=SC2086  # several flags
    if ! printf '#include "%s"\n' "$name" | "$compiler" -std=c++20 -fsyntax-only -Iinclude \
      -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror $flags -x c++ -; then
      echo "$header: does not compile alone with $flags"
      faults=$((faults + 1))
    fi
  done
done < <(find include -name '*.h' | sort)

echo "$count headers, $faults faults"
[ "$count" -gt 0 ] && [ "$faults" -eq 0 ]
