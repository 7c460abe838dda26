#!/usr/bin/env bash
# check_headers.sh <root> <compiler>: every public header compiles alone, without warnings, exceptions and RTTI,
# and is in the list of headers that lib/CMakeLists.txt installs. With exceptions and RTTI everybody else includes
# them. What headers may include is check_layers.sh's to say. Adaptors need their library and are compiled by
# their tests.
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
  if ! printf '#include "%s"\n' "$name" | "$compiler" -std=c++20 -fsyntax-only -Iinclude \
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fno-rtti -fno-exceptions -x c++ -; then
    echo "$header: does not compile alone"
    faults=$((faults + 1))
  fi
done < <(find include -name '*.h' | sort)

# Some platform headers define min and max as macros: ours must stand that, behind std headers that do.
headers=$(find include -name '*.h' ! -path '*/adaptors/*' | sort)
# shellcheck disable=SC2086
if ! {
  grep -hE '^#include <' $headers | sort -u
  echo '#define min(a, b) (((a) < (b)) ? (a) : (b))'
  echo '#define max(a, b) (((a) > (b)) ? (a) : (b))'
  for header in $headers; do echo "#include \"${header#include/}\""; done
} | "$compiler" -std=c++20 -fsyntax-only -Iinclude -x c++ -; then
  echo "headers: one does not stand macros named min and max"
  faults=$((faults + 1))
fi

echo "$count headers, $faults faults"
[ "$count" -gt 0 ] && [ "$faults" -eq 0 ]
