# `explain`: everything that bears on one call.
. "$(dirname "$0")/lib.sh"

cp "$source_dir/examples/policies/payments.json" "$source_dir/examples/run_code_server/policy.json" .
cp "$data/explain.json" "$data/shadow.json" .
at=2026-03-01T10:30:18.25Z
secret='{"amount": 2000, "currency": "usd", "customer": "cus_secret"}'

run "$callwarden" explain --policy payments.json --tool charge --at $at --arguments "$secret"
expect_code 0
expect_no_err
expect_golden explain_charge.txt
expect_not_in_out cus_secret
run "$callwarden" explain --policy payments.json --tool charge --at $at --arguments "$secret" --show-values
expect_golden explain_charge_values.txt
expect_out cus_secret

# Every rule and limit of every entry that applies, wherever it stands.
run "$callwarden" explain --policy explain.json --tool db_write --at $at --session s1 \
  --arguments '{"rows": [1, "two", 3], "table": "users", "n": 5}' --context env=prod
expect_golden explain_entries.txt
for id in require/args.table-in require/args.rows\[*\]-gt deny_if/args.n-gt require_approval_if/0 limits/writes; do
  expect_out "/tools/db_write/$id"
done
expect_out '/tools/db_*/deny_if/context.env-neq'
expect_out '/all_tools/require/not_huge'
expect_out '/all_tools/limits/calls'

# What earlier calls have used up.
run "$callwarden" explain --policy policy.json --tool run_code --at $at --times 11
expect_golden explain_limit.txt
run "$callwarden" explain --policy policy.json --tool run_code --at $at --times 11 --json
expect_json /decision/effect deny
expect_json /decision/retry_after_ms 41750
expect_json /entries/0/limits/0/used 10
expect_json /entries/0/limits/0/fits false
run "$callwarden" explain --policy policy.json --tool run_code --at $at --times 10 --json
expect_json /decision/effect allow
expect_json /entries/0/limits/0/used 9
expect_json /entries/0/limits/0/fits true

# JSON.
run "$callwarden" explain --policy payments.json --tool charge --at $at --arguments "$secret" --json
expect_code 0
expect_json /tool charge
expect_json /at 2026-03-01T10:30:18.25Z
expect_json /decision/rule /tools/charge/deny_if/too_much
expect_json /listed true
expect_json /hidden false
expect_json /entries/0/id /tools/charge
expect_json /entries/0/match exact
expect_json /entries/0/rules/0/list require
expect_json /entries/0/rules/0/truth true
expect_json /entries/0/rules/0/objects false
expect_json /entries/0/rules/0/tests/0/path args.currency
expect_json /entries/0/rules/0/tests/0/expected '["usd","eur"]'
expect_json /entries/0/rules/0/tests/0/seen '[{"type":"string","size":3}]'
expect_json /entries/0/rules/2/objects true
expect_json /entries/0/limits/1/weight 200000
expect_not_in_out cus_secret
run "$callwarden" explain --policy payments.json --tool charge --at $at --arguments "$secret" --json --show-values
expect_json /entries/0/rules/2/tests/0/seen/0/value 2000

# Other ends: an approval that came along, a shadowed rule, a tool that is hidden, not listed or malformed.
run "$callwarden" explain --policy payments.json --tool refund --approved
expect_out "decision  allow"
expect_out "covered by the approval"
run "$callwarden" explain --policy shadow.json --tool t
expect_golden_without_time() {
  sed 's/^at        .*/at        .../' out >without_time && mv without_time out
  expect_golden "$1"
}
expect_golden_without_time explain_shadow.txt
run "$callwarden" explain --policy payments.json --tool internal_audit
expect_out "internal_audit, not listed, hidden"
expect_out "(hidden)"
run "$callwarden" explain --policy payments.json --tool charge --arguments '{"a": 1, "a": 2}'
expect_out "deny (malformed_call)"

# Explaining charges nothing and is no verdict of its own: the exit code is 0 whatever was decided.
run "$callwarden" explain --policy payments.json --tool refund
expect_code 0
expect_out "require_approval"
finish
