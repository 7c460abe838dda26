# Help, version, and what cannot be understood.
. "$(dirname "$0")/lib.sh"

for command in "" check decide test explain init bench completion; do
  run "$callwarden" $command --help
  expect_code 0
  expect_no_err
  expect_out "Usage: callwarden"
  expect_out "Example:"
  expect_out "Exit codes: 0"
  [ "$(awk 'length > 110' out | wc -l)" -eq 0 ] || fail "lines of at most 110 characters were expected"
done

version=$(sed -n 's/^#define CALLWARDEN_VERSION_[A-Z]* \([0-9]*\)$/\1/p' "$source_dir/include/callwarden/config.h" |
  paste -s -d . -)
run "$callwarden" --version
expect_code 0
expect_out_line "callwarden $version"

bad_usage() {
  expected=$1
  shift
  run "$callwarden" "$@"
  expect_code 2
  expect_no_out
  expect_one_line_error "$expected"
}
printf '{}' >empty.json
bad_usage "no command"
bad_usage '"bogus"' bogus
bad_usage '"--bogus"' check --bogus
bad_usage '"--bogus"' check empty.json --bogus
bad_usage policy check
bad_usage file test
bad_usage --policy decide --tool t
bad_usage --policy explain --tool t
bad_usage --tool decide --policy empty.json
bad_usage --tool decide --policy empty.json --tool
bad_usage --tool decide --policy empty.json --tool a --tool b
bad_usage '"extra"' decide --policy empty.json --tool t extra
bad_usage --times decide --policy empty.json --tool t --times 0
bad_usage --times decide --policy empty.json --tool t --times 100001
bad_usage --times decide --policy empty.json --tool t --times -1
bad_usage --times decide --policy empty.json --tool t --times many
bad_usage --outcome decide --policy empty.json --tool t --outcome fine
bad_usage --context decide --policy empty.json --tool t --context env
bad_usage --context decide --policy empty.json --tool t --context =prod
bad_usage --grant-attribute explain --policy empty.json --tool t --grant-attribute tier
for time in now 2026-03-01 2026-03-01T10:30:00 2026-03-01T10:30:00+01:00 2026-02-29T00:00:00Z \
  2026-13-01T00:00:00Z 2026-03-01T24:00:00Z 2026-03-01T10:60:00Z 2026-03-01T10:30:60Z 2026-03-01T10:30:00.Z \
  2026-03-01T10:30:00.1234567890Z 1969-12-31T23:59:59Z 2262-01-01T00:00:00Z "2026-03-01T10:30:00Z "; do
  bad_usage "\"$time\"" decide --policy empty.json --tool t --at "$time"
done

# The call as JSON.
bad_call() {
  bad_usage "$1" decide --policy empty.json --call "$2"
}
bad_call "--call is not JSON" '{'
bad_call "--call is not JSON" ''
bad_call "--call is not JSON" '{} {}'
bad_call "--call is not a JSON object" '[]'
bad_call '--call has no "tool"' '{}'
bad_call '"tool" is not a string' '{"tool": 1}'
bad_call '"tool" occurs twice' '{"tool": "a", "t\u006fol": "b"}'
bad_call '"tools" is not a key of a call' '{"tool": "a", "tools": "b"}'
bad_call '"expect" is not a key of a call' '{"tool": "a", "expect": {}}'
bad_call '"arguments" and "arguments_text"' '{"tool": "a", "arguments": {}, "arguments_text": "{}"}'
bad_call '"context" is not a JSON object' '{"tool": "a", "context": []}'
bad_call '"env" is not a string, number or boolean' '{"tool": "a", "context": {"env": null}}'
bad_call '"approved" is not a boolean' '{"tool": "a", "approved": "true"}'
bad_call '"yesterday"' '{"tool": "a", "at": "yesterday"}'
for flag in --tool --arguments --grant --session --context --grant-attribute --at; do
  bad_usage "excludes $flag" decide --policy empty.json --call '{"tool": "a"}' "$flag" x
done
bad_usage "excludes --approved" decide --policy empty.json --call '{"tool": "a"}' --approved

# Standard input is one file.
bad_usage "standard input" check - -
bad_usage "standard input" test - -
bad_usage "standard input" decide --policy - --call -
bad_usage "standard input" decide --policy - --tool t --arguments -

# A result that cannot be written is no result.
if [ -c /dev/full ]; then
  seed=$source_dir/examples/run_code_server/policy.json
  for command in "check $seed" "check --json $seed" "decide --policy $seed --tool run_code" \
    "explain --policy $seed --tool run_code" "test $source_dir/tests/conformance/seed.json"; do
    what="callwarden $command >/dev/full"
    "$callwarden" $command </dev/null >/dev/full 2>err
    code=$?
    : >out
    expect_code 2
    expect_one_line_error "standard output"
  done
fi
finish
