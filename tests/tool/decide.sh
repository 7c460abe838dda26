# `decide`: one call as a host would ask it.
. "$(dirname "$0")/lib.sh"

cp "$source_dir/examples/run_code_server/policy.json" seed.json
cp "$source_dir/examples/policies/payments.json" .
cp "$data/attributes.json" "$data/exact.json" "$data/settle.json" "$data/shadow.json" .
at=2026-03-01T10:30:18.25Z

# Exit codes and the four lines.
run "$callwarden" decide --policy seed.json --tool run_code
expect_code 0
expect_no_err
expect_out_line allow
run "$callwarden" decide --policy seed.json --tool other
expect_code 3
expect_golden decide_not_listed.txt
run "$callwarden" decide --policy payments.json --tool refund
expect_code 4
expect_golden decide_approval.txt
run "$callwarden" decide --policy payments.json --tool refund --approved
expect_code 0

# Limits show when the call is repeated; the last call gives the exit code.
run "$callwarden" decide --policy seed.json --tool run_code --times 12 --at $at
expect_code 3
expect_golden decide_seed.txt
run "$callwarden" decide --policy seed.json --tool run_code --times 10 --at $at
expect_code 0
run "$callwarden" decide --policy seed.json --tool run_code --times 11 --at $at --json
expect_code 3
[ "$(wc -l <out)" -eq 11 ] || fail "one line of JSON a call was expected"
expect_json /call 10 10
expect_json /effect allow 10
expect_json /rule "" 10
expect_json /retry_after_ms null 10
expect_json /call 11 11
expect_json /effect deny 11
expect_json /reason limit_exceeded 11
expect_json /rule /tools/run_code/limits/run_code_rate 11
expect_json /message 'Limit "run_code_rate" reached: 10 per minute. Retry in 42 s.' 11
expect_json /retry_after_ms 41750 11
expect_json /would null 11
run "$callwarden" decide --policy seed.json --tool run_code --json
expect_json "" '{"effect":"allow","reason":"allowed","rule":"","message":"","retry_after_ms":null,"would":null}'

# The limit of the seed policy needs a grant: "default" unless one is given, and empty is none.
run "$callwarden" decide --policy seed.json --tool run_code --grant "" --json
expect_code 3
expect_json /reason missing_scope

# The call as JSON, from the flag, a file and standard input.
call='{"tool": "charge", "at": "2026-03-01T00:00:00Z", "grant": "g",
  "arguments": {"amount": 5, "currency": "usd", "customer": "cus_1"}}'
run "$callwarden" decide --policy payments.json --call "$call"
expect_code 0
printf '%s' "$call" >call.json
run "$callwarden" decide --policy payments.json --call @call.json
expect_code 0
run_with call.json "$callwarden" decide --policy payments.json --call -
expect_code 0
run_with seed.json "$callwarden" decide --policy - --tool run_code
expect_code 0
run "$callwarden" decide --policy payments.json --call '{"tool": "refund", "approved": true}'
expect_code 0
run "$callwarden" decide --policy seed.json --call '{"tool": "run_code", "grant": ""}'
expect_code 3

# Arguments are judged exactly as they are written: nothing is parsed and printed again on the way.
exact() {
  run "$callwarden" decide --policy exact.json --tool exact --arguments "$1" --json
  expect_json /reason "$2"
  run "$callwarden" decide --policy exact.json --call "{\"arguments\" : $1 , \"tool\":\"exact\"}" --json
  expect_json /reason "$2"
  printf '%s' "$1" >arguments.json
  run "$callwarden" decide --policy exact.json --tool exact --arguments @arguments.json --json
  expect_json /reason "$2"
  run_with arguments.json "$callwarden" decide --policy exact.json --tool exact --arguments - --json
  expect_json /reason "$2"
}
exact '{"n": 9007199254740993}' allowed
exact '{"n": 9007199254740992}' requirement_failed
exact '{"n": 9007199254740993.0}' requirement_failed
exact '{"n": 9007199254740993, "n": 9007199254740993}' malformed_call
exact '{"n": 9007199254740993, "s": "} ]\\\" , "}' allowed
exact '{"n": 9007199254740993, "a": [{"b": [[], {}]}, "]"]}' allowed
exact '{"n": 18446744073709551616}' malformed_call
exact '[]' malformed_call
exact null malformed_call
run "$callwarden" decide --policy exact.json --tool exact --arguments "" --json
expect_json /reason malformed_call
run "$callwarden" decide --policy exact.json --call '{"tool": "exact", "arguments_text": ""}' --json
expect_json /reason malformed_call
run "$callwarden" decide --policy exact.json --tool open --json
expect_json /reason allowed

# Attributes are typed as JSON reads them, else strings.
attribute() {
  run "$callwarden" decide --policy attributes.json --tool "$1" --context "v=$2" --json
  expect_json /reason "$3"
  run "$callwarden" decide --policy attributes.json --tool "grant_$1" --grant-attribute "v=$2" --json
  expect_json /reason "$3"
}
attribute number 5 allowed
attribute number 5.0 allowed
attribute number '"5"' requirement_failed
attribute string '"5"' allowed
attribute string 5 requirement_failed
attribute boolean true allowed
attribute boolean '"true"' requirement_failed
attribute boolean True requirement_failed
attribute text prod=1 allowed
attribute text '"prod=1"' allowed
attribute null null allowed
run "$callwarden" decide --policy attributes.json --context v=5 --tool number --context w=6
expect_code 0
run "$callwarden" decide --policy attributes.json --call '{"tool": "number", "context": {"v": 5e0}}'
expect_code 0
run "$callwarden" decide --policy attributes.json --call '{"tool": "grant_string", "grant_attributes": {"v": "5"}}'
expect_code 0

# How a call ends settles its charges.
run "$callwarden" decide --policy settle.json --tool refunded --times 3 --at $at
expect_code 3
run "$callwarden" decide --policy settle.json --tool refunded --times 3 --at $at --outcome error
expect_code 0
run "$callwarden" decide --policy settle.json --tool one_at_a_time --times 3
expect_code 0
run "$callwarden" decide --policy settle.json --tool one_at_a_time --times 2 --outcome open
expect_code 3
expect_out 'one_at_a_time/limits/running'

# Shadow.
run "$callwarden" decide --policy shadow.json --tool t
expect_code 0
expect_golden decide_shadow.txt
run "$callwarden" decide --policy shadow.json --tool t --json
expect_json /effect allow
expect_json /would/effect deny
expect_json /would/rule /tools/t/deny_if/watched

# What a call carries cannot drive the reader's terminal.
run "$callwarden" decide --policy seed.json --tool "$(printf 'a\033[31m')"
expect_code 3
! grep -q "$(printf '\033')" out || fail "no escape character was expected"
finish
