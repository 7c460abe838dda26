#!/usr/bin/env bash
# build.sh <prefix> <compiler> <work>: a stranger's build with nothing but the compiler and what the installed
# pkg-config file says, with --static and without.
set -euo pipefail
prefix=$1
compiler=$2
work=$3
here=$(cd "$(dirname "$0")" && pwd)

pc=$(find "$prefix" -name callwarden.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
mkdir -p "$work"
# shellcheck disable=SC2046  # several flags
"$compiler" -std=c++20 -c "$here/../host.cc" -o "$work/host.o" $(pkg-config --cflags callwarden)
for how in '' --static; do
  # shellcheck disable=SC2046,SC2086  # several flags, or none
  "$compiler" "$work/host.o" $(pkg-config $how --libs callwarden) -o "$work/host"
  LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") "$work/host"
done
rm -r "$work"
