# `callwarden init -- COMMAND`: what it says to a server, and what becomes of each way in which servers fail. Run
# with the server of the proxy's test as a fourth argument.
. "$(dirname "$0")/lib.sh"

upstream=$4

# Answers the n-th request with the n-th line of a file, tabs in it as line ends. Logs what it gets.
cat >server.sh <<'SH'
n=0
while IFS= read -r line; do
  printf '%s\n' "$line" >>log
  case $line in
    *'"id":'*'"method":'*)
      n=$((n + 1))
      sed -n "${n}p" "$1" | tr '\t' '\n'
      ;;
  esac
done
echo '(end)' >>log
SH

# init FLAG... -- COMMAND...
init() {
  rm -f log policy.json tools.json
  run "$callwarden" init "$@"
}
# ask ANSWER...: an init of the server that gives these answers.
ask() {
  printf '%s\n' "$@" >answers
  init --output policy.json --save-tools tools.json -- sh server.sh answers
  what="answers: $*"
}
expect_log() {
  [ "$(sed 's/"version":"[0-9.]*"/"version":"V"/g' log)" = "$1" ] || fail "the server was expected to have seen: $1
it saw: $(cat log)"
}
# Nothing is written by an init that fails.
expect_failure() {
  expect_code 1
  expect_no_out
  expect_err "callwarden: error: $1"
  [ ! -e policy.json ] && [ ! -e tools.json ] || fail "no files were expected"
}
hello='{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}'
initialize='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"callwarden","version":"V"}}}'
initialized='{"jsonrpc":"2.0","method":"notifications/initialized"}'
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"callwarden","version":"V"},"io.modelcontextprotocol/clientCapabilities":{}}'

# The legacy era, with pages, notifications, answers to nothing and requests of the server in between.
ask "$hello" \
  '{"jsonrpc":"2.0","method":"notifications/message","params":{}}	{"jsonrpc":"2.0","id":"p","method":"ping"}	{"jsonrpc":"2.0","id":8,"method":"roots/list"}	{"jsonrpc":"2.0","id":2.0,"result":{}}	{"jsonrpc":"2.0","id":"2","result":{}}	{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"get_a","inputSchema":{"type":"object"}}],"nextCursor":"more"}}' \
  '{"jsonrpc":"2.0","id":3,"result":{"tools":[{"name":"delete_a"},{"name":"put_a"}]}}'
expect_code 0
expect_no_out
expect_log "$initialize
$initialized
{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}
{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}
{\"jsonrpc\":\"2.0\",\"id\":8,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}
{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\",\"params\":{\"cursor\":\"more\"}}
(end)"
cp err out
expect_golden init_server_reasons.txt
cp policy.json from_server.json
cp tools.json list.json

# The list that was kept gives the same policy, and fits it.
run "$callwarden" init --tools list.json
expect_code 0
diff from_server.json out >/dev/null || fail "the same policy was expected of the list that was kept"
run "$callwarden" check --strict --tools list.json from_server.json
expect_code 0

# The modern era, for a server that knows no initialize.
no_initialize='{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}'
ask "$no_initialize" \
  '{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","tools":[{"name":"get_a"}],"nextCursor":"c","ttlMs":1,"cacheScope":"private"}}' \
  '{"jsonrpc":"2.0","id":3,"result":{"resultType":"complete","tools":[{"name":"get_b"}],"ttlMs":1,"cacheScope":"private"}}'
expect_code 0
expect_log "$initialize
{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{$meta}}
{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\",\"params\":{\"cursor\":\"c\",$meta}}
(end)"
grep -q get_b policy.json || fail "the second page was expected in the policy"

# Without a program, nothing is to be asked.
init --output policy.json -- ./missing
expect_code 127
expect_no_out
expect_one_line_error './missing: cannot be started'
: >plain
init --output policy.json -- ./plain
expect_code 126
expect_one_line_error './plain: cannot be started'

# Servers that end, or say nothing.
init --output policy.json -- sh -c 'echo "no key" >&2; exit 3'
expect_failure 'the server ended with status 3 before it had answered "initialize"'
expect_err "no key"
init --output policy.json --timeout 0.3 -- sh -c 'cat >log'
expect_failure 'the server has not answered "initialize" within the 300 ms that it has; --timeout gives it more'
expect_log "$initialize"
[ "$(wc -l <err)" -eq 1 ] || fail "one line was expected on stderr"

# Ended from outside, with the server, and whatever the server makes of it.
for signal in INT TERM; do
  rm -f log policy.json tools.json
  "$callwarden" init --output policy.json -- sh -c 'trap "exit 0" INT TERM; echo begun >log; sleep 20 & wait' \
    >out 2>err </dev/null &
  pid=$!
  what="init, sent $signal"
  while [ ! -e log ]; do sleep 0.05; done
  kill -s "$signal" "$pid"
  wait "$pid"
  code=$?
  [ "$signal" = INT ] && expect_code 130 || expect_code 143
  expect_no_out
  expect_one_line_error "$([ "$signal" = INT ] && echo interrupted || echo terminated)"
  [ ! -e policy.json ] || fail "no policy was expected"
done

# Garbage.
init --output policy.json -- printf 'Welcome\033!\nand more\n'
expect_failure 'the server ended with status 0 before'
expect_err 'passed over: "Welcome\x1b!"'
[ "$(wc -l <err)" -eq 2 ] || fail "one line of it was expected to be told"
init --output policy.json -- sh -c 'yes "$(head -c 100000 /dev/zero | tr "\\0" x)"'
expect_failure 'the server wrote more than 16 MiB'
init --output policy.json -- head -c 12000000 /dev/zero
expect_failure 'the server '
ask "Server ready	$hello" '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"get_a"}]}}'
expect_code 0 # as clients take it
expect_err 'passed over: "Server ready"'
init --output policy.json --timeout 5 -- cat # it says what it is told
expect_failure 'the server '

# Answers that are none.
bad() {
  expected=$1
  shift
  ask "$@"
  expect_failure "$expected"
}
deep=$(printf '%0200d' 0 | tr 0 '[')$(printf '%0200d' 0 | tr 0 ']')
bad 'the server answered "initialize" with a revision of MCP that this program does not know, "1999-01-01"' \
  '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"1999-01-01","capabilities":{"tools":{}}}}'
bad 'the server has no tools: its capabilities do not name them' \
  '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"prompts":{}}}}'
for answer in '{"id":1,"result":{}}' '{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","id":1,"result":[]}' \
  '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}'; do
  bad 'the server answered "initialize" with something that is no response of JSON-RPC 2.0' "$answer"
done
bad 'the server answered "tools/list" with error -32603: "ouch"' "$hello" \
  '{"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"ouch"}}'
bad 'the server answered "tools/list" with error -32022: "older ones only"; and "initialize" with error -32601: "Method' \
  "$no_initialize" '{"jsonrpc":"2.0","id":2,"error":{"code":-32022,"message":"older ones only"}}'
bad 'the server answered "tools/list" with a result that is not "complete"' "$no_initialize" \
  '{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}'
bad 'the server answered "tools/list" with a result without "tools"' "$hello" '{"jsonrpc":"2.0","id":2,"result":{"Tools":[]}}'
bad 'the server answered "tools/list" with a "nextCursor" that is no string' "$hello" \
  '{"jsonrpc":"2.0","id":2,"result":{"tools":[],"nextCursor":2}}'
expect_usage_error() {
  expect_code 2
  expect_no_out
  expect_one_line_error "$1"
  [ ! -e policy.json ] && [ ! -e tools.json ] || fail "no files were expected"
}
ask "$hello" '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"a"},{"name":"a"}]}}'
expect_usage_error "the server's list: two tools are called \"a\""
ask "$hello" '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"title":"a"}]}}'
expect_usage_error "the server's list: tool 0 of the list has no name"
printf '%s\n' 'read -r line && echo "$1" && read -r line && read -r line && echo "$2"' >twice.sh
for line in '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"get_a","name":"delete_a"}]}}' \
  "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"a\",\"inputSchema\":$deep}]}}" '{"not":"an answer"}'; do
  init --output policy.json -- sh twice.sh "$hello" "$line"
  expect_failure 'the server ended with status 0 before it had answered "tools/list"'
done
init --output policy.json -- sh twice.sh "$hello" '{"tools":[],"tools":[{"name":"a"}]}'
expect_err 'is no message of MCP, which is passed over: "{"tools":[],"tools"'

# A list without an end.
bad 'the server'"'"'s list of tools has no end: the cursor "c" came twice' "$hello" \
  '{"jsonrpc":"2.0","id":2,"result":{"tools":[],"nextCursor":"c"}}' \
  '{"jsonrpc":"2.0","id":3,"result":{"tools":[],"nextCursor":"c"}}'
cat >endless.sh <<SH
read -r line
echo '$hello'
read -r line
n=1
while read -r line; do
  n=\$((n + 1))
  echo '{"jsonrpc":"2.0","id":'\$n',"result":{"tools":[],"nextCursor":"'\$n'"}}'
done
SH
init --output policy.json -- sh endless.sh
expect_failure "the server's list of tools has more than 1000 pages"

# A server that does not end by itself is ended, and its list counts.
init --output policy.json -- "$upstream" --log log --ignore-eof --ignore-term
expect_code 0
grep -q '"echo"' policy.json || fail "the server's tools were expected in the policy"

# Flags.
printf '{"tools":[]}' >empty.json
usage() {
  expected=$1
  shift
  rm -f log
  run "$callwarden" init "$@"
  expect_code 2
  expect_no_out
  expect_one_line_error "$expected"
  [ ! -e log ] || fail "no server was expected to be started"
}
usage '-- COMMAND'
usage 'exclude each other' --tools empty.json -- sh server.sh answers
usage '--save-tools' --tools empty.json --save-tools x.json
usage 'the command is empty' -- ''
usage 'one file' --output x.json --save-tools x.json -- sh server.sh answers
usage '--timeout' --timeout 0 -- sh server.sh answers
usage 'empty.json: exists already' --output empty.json -- sh server.sh answers
usage 'empty.json: exists already' --save-tools empty.json -- sh server.sh answers
ask "$hello" '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"get_a"}]}}'
init --output policy.json --save-tools missing/tools.json -- sh server.sh answers
expect_usage_error 'missing/tools.json: '
init --output policy.json --save-tools tools.json -- sh server.sh answers
run "$callwarden" init --force --json --output policy.json --save-tools tools.json -- sh server.sh answers
expect_code 0
expect_json /tools/0/name get_a

finish
