# `approvals`: what waits for a person, and the answers.
. "$(dirname "$0")/lib.sh"
make_approvals=$4

# Ids, times and digests are others each time.
stable() {
  sed -E -e "$names" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' -e 's/[0-9a-f]{64}/DIGEST/g' out >stable_out
  mv stable_out out
}
begin() {
  rm -f approvals.jsonl
  "$make_approvals" approvals.jsonl >ids || fail "an approvals file was expected"
  refund=$(sed -n 1p ids)
  delete=$(sed -n 2p ids)
  used=$(sed -n 3p ids)
  denied=$(sed -n 4p ids)
  long=$(sed -n 5p ids)
  names="s/$refund/ID_OF_THE_REFUND________/;s/$delete/ID_OF_THE_DELETION______/;s/$used/ID_OF_THE_USED_ONE______/
s/$denied/ID_OF_THE_DENIED_ONE____/;s/$long/ID_OF_THE_LONG_ONE______/"
}
approvals() {
  command=$1
  shift
  run "$callwarden" approvals "$command" --file approvals.jsonl "$@"
}

begin
approvals list
expect_code 0
expect_no_err
stable
expect_golden approvals_list.txt
approvals list --all
stable
expect_golden approvals_list_all.txt
approvals list --json
expect_json /approvals/0/id "$refund"
expect_json /approvals/0/state pending
expect_json /approvals/0/answered_by null
expect_json /approvals/1/answered_by ada
expect_json /approvals/1/note "after the review"
expect_json /approvals/2/arguments_cut true

# Nothing that a call or a host says drives the terminal.
approvals show "$refund"
expect_code 0
[ "$(tr -d '\n' <out | grep -c '[[:cntrl:]]')" -eq 0 ] || fail "no control characters were expected"
stable
expect_golden approvals_show_refund.txt
approvals show "$denied"
[ "$(tr -d '\n' <out | grep -c '[[:cntrl:]]')" -eq 0 ] || fail "no control characters were expected"
stable
expect_golden approvals_show_denied.txt
approvals show "$long"
expect_out "The arguments are longer than this."
approvals show "$refund" --json
expect_json /tool refund
expect_json /session "$(printf 's-\033[2J')"
expect_json /arguments_cut false

# Answers.
approvals approve "$refund" --who kim --note 'as agreed'
expect_code 0
expect_no_err
expect_out_line "approved $refund, a call of refund, as kim"
approvals show "$refund"
expect_out "approved, 47 h left"
expect_out " by kim"
expect_out "note       as agreed"
approvals approve "$refund" --who kim
expect_code 1
expect_no_out
expect_one_line_error "is approved; only a pending one can be approved"
approvals deny "$refund" --who kim --json
expect_code 0
expect_json /state denied
expect_json /answered_by kim
expect_json /arguments ''
approvals deny "$refund"
expect_code 1
expect_one_line_error "is denied; only a pending or approved one can be denied"
approvals approve "$used"
expect_code 1
expect_one_line_error "is used"
approvals approve "$long"
expect_code 0
expect_out "approved $long, a call of write, as "
approvals show 0123
expect_code 1
expect_no_out
expect_one_line_error 'there is no approval "0123"'
approvals approve "$(printf '\033[2J')"
expect_code 1
expect_one_line_error 'there is no approval "\x1b[2J"'
approvals deny "$delete"
expect_code 0
approvals deny "$long"
expect_code 0
approvals list
expect_code 0
expect_out_line "no approvals wait"

# Files that cannot be used; none is made or changed.
run "$callwarden" approvals list --file missing.jsonl
expect_code 2
expect_no_out
expect_one_line_error "missing.jsonl"
[ ! -e missing.jsonl ] || fail "no file was expected"
printf '{"version": "1"}\n' >policy.json
chmod 600 policy.json
run "$callwarden" approvals approve --file policy.json "$refund"
expect_code 2
expect_one_line_error "not an approvals file"
[ "$(cat policy.json)" = '{"version": "1"}' ] || fail "the file was expected to stay as it was"
begin
chmod 666 approvals.jsonl
approvals list
expect_code 2
expect_one_line_error "only its owner"
chmod 600 approvals.jsonl
sed '3s/refund/refunk/;3s/deploy/deplox/;3s/delete/delate/' approvals.jsonl >damaged.jsonl
chmod 600 damaged.jsonl
run "$callwarden" approvals list --file damaged.jsonl
expect_code 2
expect_one_line_error "damaged, at line 3"
ln -s approvals.jsonl link.jsonl
run "$callwarden" approvals list --file link.jsonl
expect_code 2
expect_one_line_error link.jsonl

# Usage.
for command in "approvals" "approvals list" "approvals show --file approvals.jsonl" "approvals approve $refund" \
  "approvals bogus --file approvals.jsonl" "approvals list --file approvals.jsonl extra"; do
  run "$callwarden" $command
  expect_code 2
  expect_no_out
done
for command in list show approve deny; do
  run "$callwarden" approvals $command --help
  expect_code 0
  expect_out "--file"
done
finish
