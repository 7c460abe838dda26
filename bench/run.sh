#!/bin/sh
# Builds the release preset's decision_bench and runs it: one table of what a decision costs, one of ratios beside
# their budgets. Ends with 1 when a budget is missed, with 2 when a verdict is wrong or something cannot be run.
#
# Usage: bench/run.sh [--plots] [--json FILE] [--compare BASE.json] [--benchmark_filter=REGEX]
#   --plots   also draws docs/images/*.svg from what is measured: for an idle machine and a clean tree
set -eu
cd "$(dirname "$0")/.."
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release >&2 || exit 2
fi
cmake --build --preset release --target decision_bench >&2 || exit 2
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
if [ "${1-}" != --plots ]; then
  exec build/release/bin/decision_bench --commit "$commit" "$@"
fi
shift
status=0
build/release/bin/decision_bench --commit "$commit" --json build/release/plots.json "$@" || status=$?
[ "$status" -le 1 ] || exit "$status"
python3 bench/plot.py build/release/plots.json docs/images || exit 2
exit "$status"
