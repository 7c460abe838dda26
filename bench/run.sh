#!/bin/sh
# Builds the release preset's decision_bench and runs it: one table of what a decision costs, one of ratios beside
# their budgets. Ends with 1 when a budget is missed, with 2 when a verdict is wrong or something cannot be run.
#
# Usage: bench/run.sh [--json FILE] [--compare BASE.json] [--benchmark_filter=REGEX]
set -eu
cd "$(dirname "$0")/.."
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release >&2 || exit 2
fi
cmake --build --preset release --target decision_bench >&2 || exit 2
exec build/release/bin/decision_bench "$@"
