# `callwarden grants`.
. "$(dirname "$0")/lib.sh"

cp "$source_dir/examples/policies/payments.json" policy.json
cat >grants.json <<'JSON'
{
  "version": "1",
  "grants": [
    { "id": "agent-1", "policy": "policy.json", "attributes": { "team": "blue" } },
    { "id": "agent-2", "disabled": true }
  ]
}
JSON
run "$callwarden" grants check grants.json
expect_code 0
expect_no_err
expect_out_line "grants.json: ok (2 grants, 1 disabled, 0 with a token)"
run_with grants.json "$callwarden" grants check -
expect_code 0

# Every mistake, each at its place; those of a policy at theirs.
printf '{"version": "1", "default": "no"}' >wrong.json
cat >bad.json <<'JSON'
{
  "version": "1",
  "grants": [
    { "id": "a", "polcy": "policy.json" },
    { "id": "a", "policy": "missing.json", "expires": "tomorrow" },
    { "id": "b", "policy": "wrong.json" }
  ]
}
JSON
run "$callwarden" grants check bad.json
expect_code 1
expect_err 'bad.json:4:18: error: unknown key "polcy"'
expect_err 'did you mean "policy"? [unknown_key]'
expect_err 'bad.json:5:55: error: '
expect_err 'bad.json:5:28: error: '
expect_err missing.json
expect_err 'wrong.json:1:29: error: '
expect_err 'bad.json:6:28: error: '
expect_last_line "bad.json: $(grep -c '^bad.json:.*: error: ' err) errors"
run "$callwarden" grants check nowhere.json
expect_code 2
expect_one_line_error nowhere.json

# A token is for one grant, its hash is what the document keeps, and no two are alike.
run "$callwarden" grants new-token agent-3
expect_code 0
expect_out 'token (shown once, for the agent): agent-3.'
hash=$(sed -n 's/.*"secret_hash": "\(sha256:[0-9a-f]\{32\}:[0-9a-f]\{64\}\)"$/\1/p' out)
[ -n "$hash" ] || fail "a hash of the secret was expected"
secret=$(sed -n 's/^token.*agent-3\.\([A-Za-z0-9_-]\{43\}\)$/\1/p' out)
[ -n "$secret" ] || fail "a secret of 256 bits was expected"
cp out first
run "$callwarden" grants new-token agent-3
! cmp -s first out || fail "another token was expected"
printf '{"version": "1", "grants": [{"id": "agent-3", "policy": "policy.json", "secret_hash": "%s"}]}' "$hash" >token.json
run "$callwarden" grants check token.json
expect_out_line "token.json: ok (1 grant, 0 disabled, 1 with a token)"
printf '%s\n' "$secret" >secret
run_with secret "$callwarden" grants hash-secret
expect_code 0
expect_out sha256:
expect_not_in_out "$secret"
[ "$(cat out)" != "$hash" ] || fail "another salt was expected"
run "$callwarden" grants hash-secret
expect_code 2
expect_one_line_error 'no secret'
run "$callwarden" grants new-token ''
expect_code 2
run "$callwarden" grants
expect_code 2

finish
