#!/usr/bin/env bash
# instructions_self_test.sh <instructions.sh> <decision_bench>: proves that the check finds what it is for, on counts
# that are kept, and then changed.
set -euo pipefail

check=$1
program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# wants <case> <exit code> <regex of the output> <word>...: runs the check on $work/kept; leaves its $output.
wants() {
  local name=$1 wanted=$2 regex=$3 status=0
  shift 3
  output=$(bash "$check" --baseline "$work/kept" "$@" 2>&1) || status=$?
  if [ "$status" -ne "$wanted" ] || ! grep -qE -- "$regex" <<<"$output"; then
    printf '%s: wanted exit %s and /%s/, got exit %s and:\n%s\n' "$name" "$wanted" "$regex" "$status" "$output"
    failed=$((failed + 1))
  fi
}
command -v valgrind >/dev/null || { echo "Skipped: valgrind is not installed."; exit 77; }
echo "another build W1/seed 1" >"$work/kept"
wants "a build that is not known" 77 'Skipped: .*no counts of this build' "$program"
wants "keeping counts" 0 'Kept in' --update "$program"
grep -qx "another build W1/seed 1" "$work/kept" || { echo "another build's counts were lost"; failed=1; }
cp "$work/kept" "$work/counted"
awk '$(NF - 1) == "W2/charge" { next } $(NF - 1) == "W1/seed" { $NF = int($NF * 0.95) } { print }' "$work/counted" >"$work/kept"
wants "W1 takes 5 % more" 1 'FAILED: W1/seed takes more' "$program"
grep -q 'FAILED: nothing is kept of W2/charge' <<<"$output" || { echo "a missing workload was not told"; failed=1; }
awk '$(NF - 1) == "W3/line" { $NF = int($NF * 1.06) } { print }' "$work/counted" >"$work/kept"
wants "W3 takes 6 % less" 0 'W3/line is faster; renew the baseline' "$program"
wants "a program that is not there" 2 'no program' "$work/missing"
wants "an unknown flag" 2 'Usage:' --updat
[ "$failed" -eq 0 ]
