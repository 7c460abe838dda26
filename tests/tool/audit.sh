# `audit`: verify, tail and stats, on a log that is made here.
#   sh audit.sh CALLWARDEN JSON_GET SOURCE_DIR MAKE_AUDIT_LOG
. "$(dirname "$0")/lib.sh"
make_audit_log=$4
sample=$data/audit/audit-00000001-20260301T103000Z.jsonl

# The sample that documents show is what the sink writes. With UPDATE_GOLDEN=1 it becomes that.
mkdir log
run "$make_audit_log" log "$data/audit_policy.json"
expect_code 0
last_hash=$(cat out)
log=log/$(basename "$sample")
[ -z "${UPDATE_GOLDEN-}" ] || cp "$log" "$sample"
cmp -s "$log" "$sample" || fail "the sink was expected to write tests/tool/data/audit, byte for byte"

# verify
run "$callwarden" audit verify log
expect_code 0
expect_no_err
expect_out_line "ok 15 records in 1 file"
expect_out_line "numbers 1 to 15"
expect_out_line "last hash $last_hash"
run "$callwarden" audit verify "$log" --json
expect_json /ok true
expect_json /records 15
expect_json /from_beginning true
expect_json /error null
run_with "$log" "$callwarden" audit verify - --expect-last "$last_hash" --expect-count 15
expect_code 0
run "$callwarden" audit verify log --expect-count 17
expect_code 1
expect_out "bad 17 records expected, 15 found"
head -n 15 "$log" >cut.jsonl
run "$callwarden" audit verify cut.jsonl
expect_code 0
run "$callwarden" audit verify cut.jsonl --expect-last "$last_hash"
expect_code 1
expect_out "cut off"
sed '8s/run_code/run_cpde/' "$log" >changed.jsonl
run "$callwarden" audit verify changed.jsonl
expect_code 1
expect_out_line "bad changed.jsonl:8: the line (number 7) was changed"
run "$callwarden" audit verify changed.jsonl --json
expect_code 1
expect_json /error/line 8
expect_json /error/seq 7
expect_json /lines 7
sed '7d' "$log" >removed.jsonl
run "$callwarden" audit verify removed.jsonl
expect_code 1
expect_out "bad removed.jsonl:7: the line (number 7) does not follow the line before it"
sed '1,3d' "$log" >later.jsonl
run "$callwarden" audit verify later.jsonl
expect_code 0
expect_out "the log begins before these files"
printf '%064d\n' 0 >key
run "$callwarden" audit verify log --chain-key-file key
expect_code 1
expect_out "was chained without a key, and one is given"
echo 12 >key
run "$callwarden" audit verify log --chain-key-file key
expect_code 2
expect_one_line_error "key: a key is 64 hexadecimal digits"
run "$callwarden" audit verify missing.jsonl
expect_code 2
expect_one_line_error "missing.jsonl"
mkdir empty
run "$callwarden" audit verify empty
expect_code 2
expect_one_line_error "empty"

# tail
run "$callwarden" audit tail log
expect_code 0
expect_no_err
expect_golden audit_tail.txt
run "$callwarden" audit tail log -n 100 --completions --decision deny
[ "$(wc -l <out)" -eq 5 ] || fail "five denials were expected"
run "$callwarden" audit tail log --grant "build bot" --tool run_code -n 2
[ "$(wc -l <out)" -eq 2 ] || fail "two lines were expected"
run "$callwarden" audit tail log --json -n 1
[ "$(cat out)" = "$(tail -n 1 "$log" | grep decision)" ] || fail "the last decision as it stands was expected"
printf 'no json\n' | cat - "$log" >mixed.jsonl
run "$callwarden" audit tail mixed.jsonl -n 1
expect_one_line_error "mixed.jsonl:1: not a line of an audit log"

# tail -f goes on, into the next file too.
"$callwarden" audit tail -f log -n 0 --json >followed 2>/dev/null &
follower=$!
sleep 1
sed -n 2p "$log" >>"$log"
sed -n 4p "$log" >log/audit-00000002-20260301T103100Z.jsonl
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
  [ "$(wc -l <followed)" -lt 2 ] || break
  sleep 1
done
kill "$follower"
what="audit tail -f"
[ "$(wc -l <followed)" -eq 2 ] || fail "the two lines that were added were expected"
rm log/audit-00000002-20260301T103100Z.jsonl
cp "$sample" "$log"

# stats
run "$callwarden" audit stats log
expect_code 0
expect_no_err
expect_golden audit_stats.txt
run "$callwarden" audit stats log --json
expect_json /decisions 10
expect_json /effects/allow 5
expect_json /would/deny 1
expect_json /limits/0/used 3
expect_json /limits/0/refused 2
expect_json /latency_ns/max 343
run "$callwarden" audit stats log --grant agent-2 --json
expect_json /decisions 5
run "$callwarden" audit stats mixed.jsonl --json
expect_code 1
expect_json /bad_lines 1

# replay, of the log and of plain calls
run "$callwarden" replay --policy "$data/audit_policy.json" log
expect_code 0
expect_no_err
expect_out_line "10 calls: 5 allow, 5 deny"
expect_out_line "0 changed, 0 with another reason or rule"
run "$callwarden" replay --policy "$data/audit_policy_new.json" --against "$data/audit_policy.json" log
expect_golden replay_log.txt
run "$callwarden" replay --policy "$data/audit_policy_new.json" log --quiet
expect_out "3 changed"
run "$callwarden" replay --policy "$data/audit_policy_new.json" --against "$data/audit_policy.json" --json \
  "$data/recorded_calls.jsonl"
expect_code 0
expect_json /line 3 1
expect_json /before/effect allow 1
expect_json /after/reason limit_exceeded 1
expect_json /line 4 2
expect_json /line 5 3
expect_json /after/effect allow 3
expect_json /calls 6 4
expect_json /changed 3 4
run "$callwarden" replay --policy "$data/audit_policy_new.json" "$data/recorded_calls.jsonl"
expect_out_line "6 calls: 4 allow, 2 deny"
[ "$(wc -l <out)" -eq 1 ] || fail "nothing to compare with was expected"
grep -v arguments_text "$log" | head -n 1 >without.jsonl
sed -n 2p "$log" | sed 's/,"arguments_text":"[^}]*}"//' >>without.jsonl
run "$callwarden" replay --policy "$data/audit_policy.json" without.jsonl
expect_out "left out 1 call without recorded arguments"
for bad in '{"tool":3}' '{"tool":"t"' 'x' '{"tool":"t","at":"noon"}' '{"tool":"t"} {}' '{"tool":"t","context":{"a":[]}}'; do
  printf '{"tool":"t"}\n%s\n' "$bad" >bad.jsonl
  run "$callwarden" replay --policy "$data/audit_policy.json" bad.jsonl
  expect_code 2
  expect_one_line_error "bad.jsonl:2: "
done
run "$callwarden" replay --policy "$data/mistakes.json" log
expect_code 1

finish
