#!/bin/sh
# try.sh CALLWARDEN MOCK_SERVER: seven messages through the proxy. Fails when an answer is not what the README says.
here=$(cd "$(dirname "$0")" && pwd)
call() {
  printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n' "$1" "$2" "$3"
}
answers=$({
  printf '{"jsonrpc":"2.0","id":0,"method":"tools/list"}\n'
  call 1 get_file '{"file":"index.php"}'
  call 2 run_query '{"sql":"drop table users"}'
  call 3 delete_file '{"file":"index.php"}'
  call 4 delete_project '{}'
  call 5 charge_customer '{"amount":20,"currency":"usd"}'
  call 6 charge_customer '{"amount":2000,"currency":"usd"}'
} | "$1" proxy --policy "$here/policy.json" --grace 60 -- "$2" "$here/tools.json")
printf '%s\n' "$answers" | grep -v '"tools":'

status=0
expect() { # expect ID TEXT
  printf '%s\n' "$answers" | grep -F "\"id\":$1," | grep -qF -- "$2" || {
    echo "the answer to $1 was expected to have: $2" >&2
    status=1
  }
}
listed=$(printf '%s\n' "$answers" | grep -F '"tools":' | grep -o '"name"' | wc -l)
[ "$listed" -eq 49 ] || { echo "49 tools were expected on the list, not $listed" >&2; status=1; }
expect 1 'get_file would run'
expect 2 'One SELECT at a time'
expect 3 'approval_required'
expect 4 'Unknown tool: delete_project'
expect 5 'charge_customer would run'
expect 6 'Charges above 500 are not made by agents'
exit $status
