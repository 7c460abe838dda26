#!/usr/bin/env bash
# Counts the instructions of a decision under valgrind, which are the same however busy the machine is, and
# compares them with those that are kept. Ends with 1 when a workload takes more than the tolerance above what is
# kept, with 77 when nothing can be compared: no valgrind, or no counts of such a build; with 2 when
# something cannot be run.
#
# Usage: bench/instructions.sh [--update] [--baseline FILE] [PROGRAM]
#   --update         keep what is counted, in the place of what was kept of such a build
#   --baseline FILE  where counts are kept: bench/instructions.txt
#   PROGRAM          the decision_bench of a build: build/dev/bin/decision_bench
set -euo pipefail

workloads=(W1/seed W2/charge W3/line)
tolerance_percent=3
few=1000    # decisions of one run,
many=11000  # and of the other: the difference is without start and end

update=no
baseline=$(dirname "$0")/instructions.txt
program=$(dirname "$0")/../build/dev/bin/decision_bench
while [ $# -gt 0 ]; do
  case $1 in
    --update) update=yes ;;
    --baseline)
      [ $# -ge 2 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
      baseline=$2
      shift
      ;;
    -*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
    *) program=$1 ;;
  esac
  shift
done
if [ ! -x "$program" ]; then
  echo "instructions.sh: no program $program: build the target decision_bench" >&2
  exit 2
fi
if ! command -v valgrind >/dev/null; then
  echo "Skipped: valgrind is not installed."
  exit 77
fi

messages=$(mktemp)
trap 'rm -f "$messages"' EXIT

# count <workload> <times>: instructions of a whole run.
count() {
  local collected
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" --repeat "$1" "$2" >"$messages" 2>&1 ||
    { cat "$messages" >&2; return 2; }
  collected=$(sed -n 's/.*Collected : *\([0-9][0-9]*\).*/\1/p' "$messages")
  [ -n "$collected" ] || { cat "$messages" >&2; return 2; }
  echo "$collected"
}

# What code runs depends on the build, and on the processor that valgrind shows.
build=$(valgrind --tool=none -q "$program" --build) || exit 2
if [ "$update" = no ] && ! grep -qF -- "$build " "$baseline"; then
  echo "Skipped: $(basename "$baseline") has no counts of this build, \"$build\". It has those of"
  sed -n 's/^\([^#].*\) W[0-9].*/  \1/p' "$baseline" | sort -u
  echo "bench/instructions.sh --update adds it."
  exit 77
fi

printf '%s\n%-12s %8s %8s %8s\n' "Instructions a decision, $build:" workload kept now change
status=0
new=()
for workload in "${workloads[@]}"; do
  low=$(count "$workload" $few) || exit 2
  high=$(count "$workload" $many) || exit 2
  now=$(((high - low) / (many - few)))
  new+=("$build $workload $now")
  kept=$(sed -n "s|^$build $workload \([0-9][0-9]*\)\$|\1|p" "$baseline" 2>/dev/null || true)
  if [ -z "$kept" ]; then
    printf '%-12s %8s %8s\n' "$workload" - "$now"
    if [ "$update" = no ]; then
      echo "FAILED: nothing is kept of $workload: bench/instructions.sh --update"
      status=1
    fi
    continue
  fi
  printf '%-12s %8s %8s %8s\n' "$workload" "$kept" "$now" \
    "$(awk -v k="$kept" -v n="$now" 'BEGIN { printf "%+.1f%%", (n / k - 1) * 100 }')"
  if [ "$update" = yes ]; then continue; fi
  if [ $((now * 100)) -gt $((kept * (100 + tolerance_percent))) ]; then
    echo "FAILED: $workload takes more than $tolerance_percent % above what is kept. If it is worth that, say why in the"
    echo "commit that renews the baseline: bench/instructions.sh --update"
    status=1
  elif [ $((now * 100)) -lt $((kept * (100 - tolerance_percent))) ]; then
    echo "$workload is faster; renew the baseline, which would let it get slower again: bench/instructions.sh --update"
  fi
done

if [ "$update" = yes ]; then
  {
    echo "# Instructions a decision by build and workload. Written by bench/instructions.sh --update."
    { grep -v '^#' "$baseline" 2>/dev/null | grep -vF -- "$build " || true; printf '%s\n' "${new[@]}"; } | sort
  } >"$messages"
  cp "$messages" "$baseline"
  echo "Kept in $baseline"
fi
exit $status
