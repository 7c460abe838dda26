#!/usr/bin/env bash
# run_pkg_config.sh <prefix> <compiler> <source> <work>: builds and runs the host with nothing but the compiler
# and what the installed pkg-config file says.
set -euo pipefail
prefix=$1
compiler=$2
source=$3
work=$4

pc=$(find "$prefix" -name callwarden.pc)
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$pc")
mkdir -p "$work"
# shellcheck disable=SC2046  # several flags
"$compiler" -std=c++20 $(pkg-config --cflags callwarden) "$source" $(pkg-config --libs callwarden) -o "$work/host"
LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")") "$work/host"
rm -r "$work"
