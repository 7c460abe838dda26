# The proxy as a client meets it: lines in, lines out, and a server that keeps a log of what reached it. Run with
# the server as a fourth argument.
. "$(dirname "$0")/lib.sh"

upstream=$4
unset NO_COLOR TERM

cat >allow.json <<'JSON'
{"version": "1", "default": "allow"}
JSON
cat >policy.json <<'JSON'
{
  "version": "1",
  "default": "deny",
  "hide": ["secret"],
  "tools": {
    "echo": {"deny_if": [{"name": "big", "conditions": [{"path": "args.n", "op": "gt", "value": 10}], "on_deny": "At most ten"}]},
    "fail": {"limits": [{"counter": "fails", "window": "day", "max": 2}]},
    "hold": {},
    "exit": {}, "die": {}, "raw": {}, "pid": {}, "spawn": {}, "big": {}
  }
}
JSON

# proxy LINE...: what comes back for these lines, with the policy, flags in $flags and the server's in $server.
flags=
server=
policy=policy.json
patient="--grace 600" # a slow machine is no reason to end a server that is still answering
proxy() {
  printf '%s\n' "$@" >input
  proxy_file input
  what="lines: $*"
}
proxy_file() {
  rm -f log
  run_with "$1" "$callwarden" proxy --policy "$policy" $patient $flags -- "$upstream" --log log $server
  # Answers come in the order of the server's and ours; tests look them up by id.
}
call() {
  printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s","arguments":%s}}' "$1" "$2" "${3:-"{}"}"
}
reply() { # reply ID: the line with that id, alone in ./line
  grep -F "\"id\":$1," out >line || fail "a reply with id $1 was expected"
  [ "$(wc -l <line)" -eq 1 ] || fail "one reply with id $1 was expected"
}
expect_reply() { # expect_reply ID POINTER VALUE
  reply "$1"
  value=$("$json_get" "$2" <line) || fail "the reply to $1 was expected to have $2"
  [ "$value" = "$3" ] || fail "$2 of the reply to $1 was expected to be $3, not $value"
}
expect_lines() { [ "$(wc -l <out)" -eq "$1" ] || fail "$1 lines were expected"; }
expect_log() { [ "$(cat log)" = "$1" ] || fail "the server was expected to have seen exactly: $1; it saw $(cat log)"; }
decision=/result/_meta/dev.callwarden~1decision

# What may pass passes as it is, and the server's end is the proxy's.
odd='{ "params" : {"arguments":{"x":"\u00e9", "n": 1.50}, "name":"ec\u0068o"} ,"method":"tools\/call","id":1,"jsonrpc":"2.0"}'
proxy "$odd" '{"jsonrpc":"2.0","method":"notifications/initialized"}' '{"jsonrpc":"2.0","id":"two","method":"ping"}'
expect_code 0
expect_no_err
expect_lines 2
expect_out_line '{"jsonrpc":"2.0","id":"two","result":{"method":"ping"}}'
expect_log "$odd
{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}
{\"jsonrpc\":\"2.0\",\"id\":\"two\",\"method\":\"ping\"}
(end)"

# What may not is answered here: the server never sees it.
proxy "$(call 1 echo '{"n":11}')" "$(call 2 unlisted)" "$(call 3 secret)" "$(call 4 echo '{"n":10}')"
expect_code 0
expect_lines 4
expect_reply 1 $decision '{"decision":"deny","reason":"denied_by_rule","rule":"/tools/echo/deny_if/big","message":"At most ten"}'
expect_reply 1 /result/isError true
expect_reply 2 $decision/reason not_listed
expect_reply 3 /error/code -32602
expect_reply 3 /error/message "Unknown tool: secret"
expect_reply 4 /result/content/0/text 'echo {"n":10}'
expect_log "$(call 4 echo '{"n":10}')
(end)"
expect_err '"echo" id 1: deny (denied_by_rule) /tools/echo/deny_if/big'
expect_err '"unlisted" id 2: deny (not_listed)'

# A list without the hidden tool; the others keep their bytes.
proxy '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
expect_not_in_out secret
expect_out '{"name":"echo","inputSchema":{"type":"object"}},{"name":"fail","inputSchema":{"type":"object"}}'

# A limit, and what it says of waiting. Failures keep their charge.
proxy "$(call 1 fail)" "$(call 2 fail)" "$(call 3 fail)"
expect_reply 1 /result/isError true
expect_reply 2 /result/content/0/text "fail {}"
expect_reply 3 $decision/decision rate_limited
expect_reply 3 $decision/rule /tools/fail/limits/fails
[ "$("$json_get" $decision/retryAfterMs <line)" -ge 1 ] || fail "a wait was expected"

# Framing: CRLF is a line's end, empty lines are nothing, an unfinished line at the end is discarded.
printf '%s\r\n\n\r\n%s' "$(call 1 echo)" "$(call 2 echo)" >input
proxy_file input
what="CRLF, empty lines and a tail"
expect_lines 1
expect_reply 1 /result/content/0/text "echo {}"
expect_log "$(call 1 echo)
(end)"

# A carriage return inside a line is refused whole.
printf '{"jsonrpc":"2.0","id":1,"method":"ping"\r,"x":%s}\n' "$(call 2 echo)" >input
proxy_file input
what="a carriage return inside a line"
expect_lines 1
expect_json /error/code -32600
expect_log "(end)"

# A line beyond 10 MiB is skipped, and nothing of it reaches the server; one of 10 MiB less one byte passes.
{ printf '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"'; head -c 10485760 /dev/zero | tr '\000' x
  printf '"}}\n%s\n' "$(call 2 echo)"; } >input
proxy_file input
what="a line that is too long"
expect_lines 2
expect_json /error/code -32600 1
expect_reply 2 /result/content/0/text "echo {}"
expect_log "$(call 2 echo)
(end)"
{ printf '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"'; head -c 10485700 /dev/zero | tr '\000' x
  printf '"}}\n'; } >input
proxy_file input
what="a line of almost 10 MiB"
expect_out_line '{"jsonrpc":"2.0","id":1,"result":{"method":"ping"}}'
head -n 1 log | cmp -s - input || fail "the line was expected to arrive as it was"

# Byte by byte is as good as any other way.
call 1 echo '{"n":3}' >input
printf '\n' >>input
rm -f log
dd if=input bs=1 2>/dev/null | "$callwarden" proxy --policy policy.json $patient -- "$upstream" --log log >out 2>err
code=$?
what="byte by byte"
expect_reply 1 /result/content/0/text 'echo {"n":3}'
expect_log "$(cat input)
(end)"

# The server's stderr is ours; stdout is MCP and nothing else, whatever the server prints there.
server="--say hello"
proxy "$(call 1 raw '{"lines":["some noise","{}","[1]","{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}","{\"jsonrpc\":\"2.0\",\"id\":1.0,\"result\":{}}","{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}","{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"second\":true}}"]}')"
expect_err hello
expect_lines 1
expect_out_line '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
server=

# The end of the server: its exit status is the proxy's, and what it left open is answered once.
proxy "$(call 1 hold)" '{"jsonrpc":"2.0","id":2,"method":"ping"}' "$(call 3 exit '{"status":7}')"
expect_code 7
expect_lines 3
expect_reply 1 /error/code -32603
expect_reply 3 /error/code -32603
expect_reply 2 /result/method ping
proxy "$(call 1 hold)" "$(call 2 die '{"signal":9}')"
expect_code 137
expect_lines 2
expect_reply 1 /error/code -32603
expect_reply 2 /error/code -32603

# A server that does not go when its input ends is told to, and then made to.
patient="--grace 0.2"
server=--ignore-eof
proxy
expect_code 143
server="--ignore-eof --ignore-term"
proxy
expect_code 137
patient="--grace 600"
server=

# Before anything runs: what cannot be started or read.
cannot() { # cannot CODE TEXT WORD...
  expected_code=$1
  text=$2
  shift 2
  run "$callwarden" proxy "$@"
  expect_code "$expected_code"
  expect_no_out
  expect_err "$text"
}
cannot 2 "COMMAND is required" --policy policy.json
cannot 2 "COMMAND is required" --policy policy.json --
cannot 2 "--policy is required" -- true
cannot 2 "missing.json" --policy missing.json -- true
cannot 2 "standard input is the client's" --policy - -- true
cannot 2 "--grace" --policy policy.json --grace -1 -- true
cannot 127 "no-such-program: cannot be started: No such file or directory" --policy policy.json -- no-such-program
cannot 126 "policy.json: cannot be started: Permission denied" --policy policy.json -- ./policy.json
printf '{"version": "1", "default": "allow", "tool": {}}' >bad.json
cannot 1 'bad.json:1:38: error: unknown key "tool"' --policy bad.json -- true
printf '{"version": "1", "grants": [{}]}' >bad_grants.json
cannot 1 'bad_grants.json:1:' --policy policy.json --grants bad_grants.json -- true
printf 'not counts' >damaged.state
cannot 2 'damaged.state: ' --policy policy.json --state damaged.state -- "$upstream" --log started
[ ! -e started ] || fail "the server was expected not to be started"
[ "$(cat damaged.state)" = "not counts" ] || fail "the state was expected to be left alone"

# Counts that are kept from run to run.
flags="--state counts.state"
proxy "$(call 1 fail)" "$(call 2 fail)"
expect_reply 2 /result/content/0/text "fail {}"
proxy "$(call 1 fail)"
expect_reply 1 $decision/decision rate_limited
flags=
proxy "$(call 1 fail)"
expect_reply 1 /result/content/0/text "fail {}"

# What is not listed is not there, if that is wished; hidden tools look as the server's own unknown ones.
flags=--hide-unlisted
proxy "$(call 1 unlisted)" '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' "$(call 3 echo)" "$(call 4 echo '{"n":11}')"
expect_reply 1 "" '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: unlisted"}}'
expect_not_in_out '"name":"unlisted"'
expect_reply 3 /result/content/0/text "echo {}"
expect_reply 4 $decision/reason denied_by_rule
grep -q unlisted log && fail "the server was expected not to hear of it"
for style in plain sdk-v1 sdk-v2; do
  case $style in
    plain) answer='"error":{"code":-32602,"message":"Unknown tool: secret"}' ;;
    sdk-v1) answer='"result":{"content":[{"type":"text","text":"MCP error -32602: Tool secret not found"}],"isError":true}' ;;
    sdk-v2) answer='"error":{"code":-32602,"message":"Tool secret not found"}' ;;
  esac
  flags="--unknown-tool $style"
  proxy "$(call 1 secret)" "$(call 2 unlisted)"
  expect_reply 1 "" "{\"jsonrpc\":\"2.0\",\"id\":1,$answer}"
  expect_reply 2 $decision/reason not_listed
  expect_log "(end)"
done
flags=
cannot 2 "--unknown-tool" --policy policy.json --unknown-tool other -- true
cannot 2 "needs --approvals" --policy policy.json --approve-out-of-band -- true

# Shadow refuses nothing and hides nothing, and says what it would have done.
flags=--shadow
proxy "$(call 1 echo '{"n":11}')" "$(call 2 secret)" '{"jsonrpc":"2.0","id":3,"method":"tools/list"}'
expect_reply 1 /result/content/0/text 'echo {"n":11}'
expect_reply 2 /result/content/0/text 'secret {}'
expect_out '"name":"secret"'
expect_err 'if nothing were shadowed: deny (denied_by_rule) /tools/echo/deny_if/big'
flags=

# A grant of its own: other limits, and counts apart.
cat >grants.json <<'JSON'
{"version": "1", "grants": [{"id": "ann", "policy": "allow.json"}, {"id": "old", "policy": "allow.json", "disabled": true}]}
JSON
flags="--grants grants.json --grant ann"
proxy "$(call 1 unlisted)"
expect_reply 1 /result/content/0/text 'unlisted {}'
flags="--grants grants.json --grant old"
proxy "$(call 1 unlisted)"
expect_reply 1 $decision/reason no_policy
flags="--grants grants.json --grant nobody"
proxy "$(call 1 unlisted)"
expect_reply 1 $decision/reason not_listed
flags=

# What follows talks while the proxy runs.
start() { # start FLAG...: the proxy in the background, on files 3 and 4; its process id in $pid
  rm -f to from
  mkfifo to from
  what="proxy $*"
  "$callwarden" proxy $patient "$@" <to >from 2>err &
  pid=$!
  exec 3>to 4<from
}
ask() { # ask LINE: sends it and waits for one line, which becomes ./out
  printf '%s\n' "$1" >&3
  what="$1"
  IFS= read -r answer <&4
  printf '%s\n' "$answer" >out
}
stop() {
  exec 3>&-
  cat <&4 >out
  exec 4<&-
  wait "$pid"
  code=$?
}
gone() { # gone PID: whether that process has ended, or does so soon
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    kill -0 "$1" 2>/dev/null || return 0
    grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null && return 0
    sleep 0.2
  done
  return 1
}

# SIGTERM and SIGINT reach the server, and nothing of it stays.
for signal in 15 2; do
  start --policy policy.json -- "$upstream" --log log
  ask "$(call 1 spawn)"
  grandchild=$("$json_get" /result/content/0/text <out)
  ask "$(call 2 pid)"
  child=$("$json_get" /result/content/0/text <out)
  kill -"$signal" "$pid"
  stop
  expect_code $((128 + signal))
  gone "$child" || fail "the server was expected to be gone"
  gone "$grandchild" || fail "what the server started was expected to be gone"
done

# Where the kernel can be asked for it, the server dies with a proxy that is killed.
if [ "$(uname)" = Linux ]; then
  start --policy policy.json -- "$upstream" --ignore-eof --ignore-term
  ask "$(call 1 pid)"
  child=$("$json_get" /result/content/0/text <out)
  kill -KILL "$pid"
  stop
  gone "$child" || fail "the server was expected to die with the proxy"
fi

# A policy that is edited comes into force; one with errors is refused, and the old one stays.
cp policy.json live.json
start --policy live.json -- "$upstream" --log log
ask "$(call 1 echo '{"n":5}')"
expect_json /result/content/0/text 'echo {"n":5}'
ask "$(call 2 fail)"
sed 's/"value": 10/"value": 3/' policy.json >live.json
kill -HUP "$pid"
# The signal and the line that follows are two things; until the first is seen the old policy answers.
until_reason() { # until_reason REASON LINE
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ask "$2"
    [ "$("$json_get" $decision/reason <out 2>/dev/null)" = "$1" ] && return
    sleep 0.2
  done
  fail "the reason $1 was expected"
}
until_reason denied_by_rule "$(call 3 echo '{"n":5}')"
expect_err "policies reloaded: revision 2"
printf '{"version": "1", "default": "allow", "tool": {}}' >live.json
kill -HUP "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  grep -qF 'stay in force' err && break
  sleep 0.2
done
expect_err 'live.json:1:38: error: unknown key "tool"'
expect_err "the policies that were in force stay in force"
ask "$(call 4 echo '{"n":5}')"
expect_json $decision/reason denied_by_rule
# Counts have outlived the reload: one failure before it, one now, and the third is one too many.
ask "$(call 5 fail)"
expect_json /result/content/0/text "fail {}"
ask "$(call 6 fail)"
expect_json $decision/reason limit_exceeded
stop
expect_code 0

# Approvals are answered from outside while the proxy runs: the call that was approved then runs, once, and another
# one does not. A restart keeps what was approved, for the same session. All of it is in the audit log.
printf '{"version": "1", "default": "deny", "tools": {"echo": {"action": "require_approval", "reason": "Ask Ada"}}}' >ask.json
start --policy ask.json --session s1 --approvals approvals.jsonl --audit audit -- "$upstream" --log log
ask "$(call 1 echo '{"n":1}')"
expect_json $decision/decision approval_required
id=$("$json_get" $decision/approvalId <out)
ask "$(call 2 echo '{"n":1}')"
expect_json $decision/approvalId "$id"
run "$callwarden" approvals approve --file approvals.jsonl "$id" --who ada
expect_code 0
ask "$(call 3 echo '{"n":2}')"
expect_json $decision/decision approval_required
other=$("$json_get" $decision/approvalId <out)
[ "$other" != "$id" ] || fail "another approval was expected for other arguments"
ask "$(call 4 echo '{"n":1}')"
expect_json /result/content/0/text 'echo {"n":1}'
ask "$(call 5 echo '{"n":1}')"
expect_json $decision/decision approval_required
run "$callwarden" approvals deny --file approvals.jsonl "$("$json_get" $decision/approvalId <out)" --who ada
expect_code 0
stop
expect_code 0
run "$callwarden" approvals approve --file approvals.jsonl "$other" --who ada
expect_code 0
start --policy ask.json --session s1 --approvals approvals.jsonl --audit audit -- "$upstream" --log log
ask "$(call 1 echo '{"n":2}')"
expect_json /result/content/0/text 'echo {"n":2}'
ask "$(call 2 echo '{"n":2}')"
expect_json $decision/decision approval_required
stop
run "$callwarden" audit verify audit-*.jsonl
expect_code 0
run "$callwarden" audit stats --json audit-*.jsonl
expect_json /effects/allow 2
expect_json /effects/require_approval 5
cat audit-*.jsonl >out
expect_out '"tool":"echo"'
expect_out '"args_names":["n"]'
expect_not_in_out '"n":1'
# Where approvals come from elsewhere only, the client is not asked, whatever it says that it can do, in either era;
# and what it says of its own accord approves nothing.
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{},"url":{}}}}'
start --policy ask.json --approvals elsewhere.jsonl --approve-out-of-band -- "$upstream" --log elsewhere.log
ask '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{}}}}}'
ask "$(call 1 echo '{"n":1}')"
expect_json $decision/decision approval_required
id=$("$json_get" $decision/approvalId <out)
ask '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"n":1},'"$meta"'}}'
expect_json /result/resultType complete
expect_json $decision/approvalId "$id"
ask '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"n":1},'"$meta"',"requestState":"cw1.x","inputResponses":{"callwarden":{"action":"accept","content":{"approve":true}}}}}'
expect_json $decision/approvalId "$id"
grep -q tools/call elsewhere.log && fail "the server was expected to see no call yet"
run "$callwarden" approvals approve --file elsewhere.jsonl "$id" --who ada
expect_code 0
ask "$(call 4 echo '{"n":1}')"
expect_json /result/content/0/text 'echo {"n":1}'
stop
printf 'x' >>approvals.jsonl
printf '\n' >>approvals.jsonl
run "$callwarden" proxy --policy ask.json --approvals approvals.jsonl -- "$upstream"
expect_code 2
expect_err approvals.jsonl

# A client that does not read holds the server up, not our memory: 100 MB are on their way.
if [ -r /proc/self/status ]; then
  start --policy policy.json -- "$upstream" --flood 100000
  printf '%s\n' "$(call 1 echo)" >&3
  sleep 1
  what="a client that does not read"
  high=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
  : >out
  [ "$high" -lt 400000 ] || fail "less memory than $high kB was expected"
  exec 3>&-
  grep -c notifications/message <&4 >out
  exec 4<&-
  wait "$pid"
  code=$?
  expect_code 0
  expect_out_line 100000
fi
finish
