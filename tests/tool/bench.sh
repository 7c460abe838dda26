# `bench`: the shape of what it prints, and what it refuses. Nothing here depends on how fast it is.
. "$(dirname "$0")/lib.sh"

bench() { run "$callwarden" bench --policy "$data/audit_policy.json" --seconds 0.02 "$@"; }

bench --calls "$data/recorded_calls.jsonl" --threads 2
expect_code 0
expect_no_err
for line in "6 calls" "  5  allow" "  1  deny (denied_by_rule)"; do expect_out_line "$line"; done
expect_out " decisions a second on 2 threads, "
expect_out "one decision, in ns: half within "
expect_out " 99.9 % within "
expect_out "two readings of a clock are in each of these: "
[ "$(wc -l <out)" -eq 7 ] || fail "seven lines were expected"

bench --calls "$data/recorded_calls.jsonl" --json
expect_code 0
expect_no_err
expect_json /calls 6
expect_json /not_recorded 0
expect_json /left_out 0
expect_json /verdicts/0/effect allow
expect_json /verdicts/0/reason allowed
expect_json /verdicts/0/calls 5
expect_json /verdicts/1/reason denied_by_rule
expect_json /verdicts/1/calls 1
expect_json /otherwise 0
expect_json /threads 1
for number in decisions decisions_per_second timed latency_ns/p50 latency_ns/p90 latency_ns/p99 latency_ns/p999 \
  latency_ns/max; do
  [ "$("$json_get" "/$number" <out)" -gt 0 ] || fail "$number above 0 was expected"
done
[ "$("$json_get" /clock_ns <out)" -ge 0 ] || fail "the clock's part was expected"

# A limit is charged and given back: of a hundred calls under a maximum of three none is refused.
i=0
while [ $i -lt 100 ]; do echo '{"tool":"run_code"}'; i=$((i + 1)); done >many.jsonl
bench --calls many.jsonl --json
expect_json /verdicts/0/calls 100
expect_json /otherwise 0

# A log's folder, standard input, several files, blank lines, a last line without an end.
bench --calls "$data/audit" --json
expect_json /calls 10
printf '\n{"tool":"run_code"}\n\n{"tool":"charge"}' >two.jsonl
run_with two.jsonl "$callwarden" bench --policy "$data/audit_policy.json" --seconds 0.01 --calls - --json
expect_json /calls 2
bench --calls two.jsonl "$data/recorded_calls.jsonl" --json
expect_json /calls 8
sed 's/"arguments[a-z_0-9]*":/"other":/' "$data"/audit/*.jsonl >without.jsonl
bench --calls without.jsonl
expect_code 2
expect_one_line_error "without.jsonl: no call to judge: the log was written without them"
bench --calls without.jsonl two.jsonl --json
expect_json /calls 2
[ "$("$json_get" /not_recorded <out)" -gt 0 ] || fail "calls without recorded arguments were expected"

# Tools that the policy does not know.
echo '{"tool":"no_such"}' >other.jsonl
bench --calls other.jsonl
expect_code 0
expect_out_line "note the policy lists none of the tools that are called"

# What cannot be measured is said before anything is, with file and line.
refused() {
  expected=$1
  shift
  bench "$@"
  expect_code 2
  expect_no_out
  expect_one_line_error "$expected"
}
: >empty.jsonl
refused "empty.jsonl: no call to judge" --calls empty.jsonl
refused "missing.jsonl: No such file" --calls missing.jsonl
printf '{"tool":"run_code"}\nnot json\n' >bad.jsonl
refused "bad.jsonl:2: not a JSON object" --calls bad.jsonl
printf '{"tool":"run_code"}\n\n{"grant":"g"}\n' >no_tool.jsonl
refused 'no_tool.jsonl:3: has no "tool"' --calls no_tool.jsonl
echo '{"tool":"run_code","context":{"env":null}}' >null.jsonl
refused 'null.jsonl:1: context: ' --calls null.jsonl
mkdir folder
refused "folder: no .jsonl file" --calls folder
for flags in "--threads 0" "--threads many" "--seconds 0" "--seconds -1" "--seconds soon" "--counts 0"; do
  # shellcheck disable=SC2086
  refused "${flags% *}" --calls two.jsonl $flags
done
refused --calls
run "$callwarden" bench --policy - --calls -
expect_code 2
expect_one_line_error "standard input"
run "$callwarden" bench --policy "$data/mistakes.json" --calls two.jsonl
expect_code 1
expect_no_out
expect_err 'unknown window "minuets"'
finish
