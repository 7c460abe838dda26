# The example server under messages that no client of ours would send. $callwarden is the server here.
. "$(dirname "$0")/lib.sh"

tool=$4
policy=$source_dir/examples/run_code_server/policy.json

# serve LINE...: what the server answers, one line each.
serve() {
  printf '%s\n' "$@" >input
  run_with input "$callwarden" "$policy"
  what="messages: $*"
}
expect_lines() { [ "$(wc -l <out)" -eq "$1" ] || fail "$1 answers were expected"; }
expect_error() {
  serve "$2"
  expect_lines 1
  expect_json /error/code "$1"
  expect_code 0
}
call() {
  printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":%s}' "$1" "$2"
}
good='{"name":"run_code","arguments":{"file_uuid":"f","method_uuid":"m"}}'

serve '{"jsonrpc":"2.0","id":"a","method":"initialize","params":{}}' \
  '{"jsonrpc":"2.0","method":"notifications/initialized"}' \
  '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' '{"jsonrpc":"2.0","id":3,"method":"ping"}' "$(call 4 "$good")"
expect_lines 4
expect_json /id a 1
expect_json /result/protocolVersion 2025-06-18 1
expect_json /result/tools/0/name run_code 2
expect_json "" '{"jsonrpc":"2.0","id":3,"result":{}}' 3
expect_json /result/isError false 4
expect_json /result/content/0/text "Ran method m of file f: exit status 0" 4

# What the policy does not list is not there, whether the server has it or not.
for name in delete_file rm; do
  serve "$(call 7 '{"name":"'$name'","arguments":{"file_uuid":"f"}}')"
  expect_json "" '{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"Unknown tool: '$name'"}}'
done

# A denial, member for member.
printf '{"version": "1", "default": "allow", "tools": {"run_code": {"action": "deny", "reason": "Not today"}}}' >deny.json
allowing=$policy
policy=deny.json
serve "$(call 7 "$good")"
expect_json "" '{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"Denied by policy: Not today. Do not retry."}],"isError":true,"_meta":{"dev.callwarden/decision":{"decision":"deny","reason":"tool_denied","rule":"/tools/run_code/action","message":"Not today"}}}}'
# A tool that the policy allows and nobody has: the server's own answer.
serve "$(call 7 '{"name":"rm","arguments":{}}')"
expect_json /error/message "Unknown tool: rm"
policy=$allowing

# The limit holds whatever the call looks like, and a failed run counts.
eleven=
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do eleven="$eleven$(call $i '{"name":"run_code","arguments":{}}')
"; done
printf '%s' "$eleven" >input
while [ "$(date -u +%S)" -ge 55 ]; do sleep 1; done # all within one UTC minute
run_with input "$callwarden" "$policy"
[ "$(grep -c rate_limited out)" -eq 2 ] || fail "two calls were expected to be rate limited"
expect_json /result/_meta/dev.callwarden~1decision/rule /tools/run_code/limits/run_code_rate 12

# Without an id nothing runs and nothing is answered.
serve '{"jsonrpc":"2.0","method":"tools/call","params":'"$good"'}' '{"jsonrpc":"2.0","id":1,"method":"ping"}'
expect_lines 1
expect_json /id 1

# What is not one JSON-RPC request is refused whole, by the session.
expect_error -32700 '{'
expect_error -32700 "$(call 1 "$good")x"
expect_error -32700 "$(printf '\357\273\277')$(call 1 "$good")"
expect_error -32700 "$(printf '{"jsonrpc":"2.0","id":1,"method":"\377"}')"
expect_error -32600 '{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call","params":{}}'
expect_error -32602 "$(call 1 '{"name":"run_code","name":"run_code","arguments":{}}')"
expect_error -32600 "[$(call 1 "$good")]"
expect_error -32600 '{"id":1,"method":"ping"}'
expect_error -32600 '{"jsonrpc":2.0,"id":1,"method":"ping"}'
for id in null 1.5 '{}' true; do expect_error -32600 "$(call "$id" "$good")"; done
expect_error -32600 '{"jsonrpc":"2.0","id":1,"method":"tools/Call","params":'"$good"'}'
expect_error -32600 '{"jsonrpc":"2.0","id":1}'
expect_error -32601 '{"jsonrpc":"2.0","id":1,"method":"resources/list"}'
expect_error -32602 '{"jsonrpc":"2.0","id":1,"method":"tools/call"}'
expect_error -32602 "$(call 1 '[]')"
expect_error -32602 "$(call 1 '{}')"
expect_error -32602 "$(call 1 '{"name":1}')"
for arguments in null '[]' '"{}"' 1; do
  expect_error -32602 "$(call 1 '{"name":"run_code","arguments":'"$arguments"'}')"
done

# Arguments that the policy language calls malformed are denied, not run; deep nesting does not bring the server down.
deep=$(printf '%05000d' 0)
arrays=$(printf '%s' "$deep" | tr 0 '[')0$(printf '%s' "$deep" | tr 0 ']')
serve "$(call 1 '{"name":"run_code","arguments":{"file_uuid":"a","file_uuid":"b"}}')" \
  "$(call 2 '{"name":"run_code","arguments":{"x":'"$arrays"'}}')" "$(call 3 '{"name":"run_code","x":'"$arrays"'}')"
expect_code 0
expect_lines 3
expect_json /result/_meta/dev.callwarden~1decision/reason malformed_call 1
expect_json /error/code -32600 2
expect_json /error/code -32600 3
head -c 2000000 /dev/zero | tr '\000' '[' >input
printf '\n%s\n' "$(call 2 "$good")" >>input
run_with input "$callwarden" "$policy"
expect_code 0
expect_json /error/code -32600 1
expect_json /result/isError false 2

# A message beyond 10 MiB is skipped without being kept; the next one is served.
{ head -c 11000000 /dev/zero | tr '\000' ' '; printf '\n%s\n' "$(call 2 "$good")"; } >input
run_with input "$callwarden" "$policy"
expect_json /error/code -32600 1
expect_json /id 2 2

# A tail without a newline is no message; one carriage return before the newline is not part of it.
printf '%s' "$(call 1 "$good")" >input
run_with input "$callwarden" "$policy"
expect_no_out
printf '%s\r\n\n' "$(call 1 "$good")" >input
run_with input "$callwarden" "$policy"
expect_lines 1
expect_json /result/isError false

# An approval that a person gives elsewhere lets exactly that call run, once; all of it is in the audit log.
rm -f to from
mkfifo to from
"$callwarden" --approvals approvals.jsonl --audit audit "$source_dir/examples/run_code_server/approvals.json" <to >from 2>err &
pid=$!
exec 3>to 4<from
ask() {
  printf '%s\n' "$1" >&3
  what="$1"
  IFS= read -r answer <&4
  printf '%s\n' "$answer" >out
}
delete='{"name":"delete_file","arguments":{"file_uuid":"f"}}'
decision=/result/_meta/dev.callwarden~1decision
ask "$(call 1 "$delete")"
expect_json $decision/decision approval_required
id=$("$json_get" $decision/approvalId <out)
run "$tool" approvals list --file approvals.jsonl
expect_out "$id"
run "$tool" approvals approve --file approvals.jsonl "$id" --who ada
expect_code 0
ask "$(call 2 '{"name":"delete_file","arguments":{"file_uuid":"other"}}')"
expect_json $decision/decision approval_required
ask "$(call 3 "$delete")"
expect_json /result/content/0/text "Deleted file f"
ask "$(call 4 "$delete")"
expect_json $decision/decision approval_required
exec 3>&-
exec 4<&-
wait "$pid" || fail "exit status 0 was expected"
run "$tool" audit verify audit-*.jsonl
expect_code 0
run "$tool" audit stats --json audit-*.jsonl
expect_json /effects/allow 1
expect_json /effects/require_approval 3

# Without a policy it does not start, nor with a file that it cannot use.
printf 'not approvals' >damaged.jsonl
run "$callwarden" --approvals damaged.jsonl "$policy"
expect_code 2
expect_err "damaged.jsonl: "
run "$callwarden" --audit missing/audit "$policy"
expect_code 2
expect_err "missing/audit: "
run "$callwarden" --unknown "$policy"
expect_code 2
expect_err "usage: "
run "$callwarden"
expect_code 2
run "$callwarden" missing.json
expect_code 2
printf '{"version": "1", "default": "allow", "tool": {}}' >bad.json
run "$callwarden" bad.json
expect_code 2
expect_err "bad.json:1:38: error: "
finish
