# `callwarden init` and `callwarden check --tools`.
. "$(dirname "$0")/lib.sh"

# The policy goes to stdout, the reasons to stderr, both in the order of the list.
run "$callwarden" init --tools "$data/tools.json"
expect_code 0
expect_golden init_policy.json
cp err out
expect_golden init_reasons.txt
run "$callwarden" init --tools "$data/tools.json"
cp out policy.json
run "$callwarden" check --strict policy.json
expect_code 0
run "$callwarden" check --strict --tools "$data/tools.json" policy.json
expect_code 1 # the name that no policy can hold
expect_err '"weird name"'
[ "$(grep -c ': warning: ' err)" -eq 1 ] || fail "one warning was expected"

# What it decides is what the reasons say.
decide() { run "$callwarden" decide --policy policy.json "$@"; }
decide --tool get_order --arguments '{"id": "123e4567-e89b-12d3-a456-426614174000", "fields": ["total"]}'
expect_code 0
decide --tool get_order --arguments '{"id": "123e4567-e89b-12d3-a456-426614174000", "fields": ["owner"]}'
expect_code 3
decide --tool get_order --arguments '{}'
expect_code 3
expect_out 'args.id is not what the tool'
decide --tool update_order --arguments '{"id": "ord_abcdefgh", "status": "open", "note": null}'
expect_code 0
decide --tool update_order --arguments '{"id": "ord_abcdefgh", "status": "open", "address": {}}'
expect_code 3
decide --tool update_order --arguments '{"id": "ord_abcdefgh", "status": "open", "lines": [{"sku": "a"}, {"count": 1}]}'
expect_code 3
decide --tool update_order --arguments '{"id": "ord_abcdefgh", "status": "open", "odd.name": 10}'
expect_code 3
decide --tool run_report --times 11 --at 2026-03-01T10:30:00Z
expect_code 3
expect_out '/tools/run_report/limits/executions'
decide --tool refundPayment --arguments '{"amount": 4}'
expect_code 4
for tool in search_and_delete frobnicate; do
  decide --tool $tool
  expect_code 3
  expect_out '(hidden)'
done
decide --tool "weird name"
expect_code 3

# As one document; into a file, which is not replaced unasked.
run "$callwarden" init --tools "$data/tools.json" --json
expect_code 0
expect_no_err
expect_json /tools/3/class destructive
expect_json /tools/4/class financial
expect_json /policy/default deny
run "$callwarden" init --tools "$data/tools.json" --output new.json
expect_code 0
expect_no_out
diff policy.json new.json >/dev/null || fail "the same policy was expected in the file"
run "$callwarden" init --tools "$data/tools.json" --output new.json
expect_code 2
expect_err 'new.json: exists already'
run "$callwarden" init --tools "$data/tools.json" --output new.json --force
expect_code 0
run "$callwarden" init --tools "$data/tools.json" --output missing/new.json
expect_code 2
expect_err 'missing/new.json: '

# The forms that a list comes in.
printf '{"jsonrpc":"2.0","id":1,"result":{"serverInfo":{}}}\n{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a_get"}],"nextCursor":"p2"}}\n{"tools":[{"name":"b_get"}]}\n' >lines.json
run "$callwarden" init --tools lines.json --json
expect_json /tools/1/name b_get
printf '[{"name":"list_x"}]' >array.json
run_with array.json "$callwarden" init --tools -
expect_code 0
expect_err 'list_x'
printf '[]' >empty.json
run "$callwarden" init --tools empty.json
expect_code 0

# Mistakes.
bad() {
  printf '%s' "$1" >bad.json
  run "$callwarden" init --tools bad.json
  expect_code 2
  expect_no_out
  expect_one_line_error "$2"
}
bad '{"a": 1}' 'bad.json: no list of tools'
bad '[{"name": "a"}, {"name": "a"}]' 'bad.json: two tools are called "a"'
bad '{"tools": [{"name": "a"}], "nextCursor": "p2"}' 'bad.json: not the whole list: its last page has a "nextCursor"'
bad '{"jsonrpc": "2.0", "id": 2, "result": {"tools": [{"name": "a"}], "nextCursor": "p2"}}' 'bad.json: not the whole list'
bad '[{"name": ""}]' 'bad.json: tool 0 of the list has no name'
bad '[1]' 'bad.json: tool 0 of the list has no name'
bad '{"tools": [' 'bad.json: neither one JSON document'
bad '[{"name": "a", "name": "b"}]' 'bad.json: "name" twice in one object'
bad "[{\"name\": \"a\", \"inputSchema\": $(printf '%0200d' 0 | tr 0 '[')$(printf '%0200d' 0 | tr 0 ']')}]" 'bad.json: more than 128 levels'
run "$callwarden" init
expect_code 2
expect_one_line_error '--tools'

# A policy that does not fit its tools.
run "$callwarden" check --tools "$data/tools.json" "$data/tools_policy.json"
expect_code 0
sed "s|$data/||" err >out
expect_golden check_tools.txt
run "$callwarden" check --strict --tools "$data/tools.json" "$data/tools_policy.json"
expect_code 1
run "$callwarden" check --tools "$data/tools.json" --json "$data/tools_policy.json"
expect_json /warnings 10
run "$callwarden" check --tools missing.json "$data/tools_policy.json"
expect_code 2
expect_one_line_error missing.json

finish
