# `test`: policy test files.
. "$(dirname "$0")/lib.sh"

payments=$source_dir/examples/policies/payments_test.json
run "$callwarden" test "$payments"
expect_code 0
expect_no_err
expect_last_line "5 passed, 0 failed"
run "$callwarden" test --verbose "$payments"
expect_out "pass $payments: a small charge runs"

# The language's conformance data are such files.
run "$callwarden" test "$source_dir"/tests/conformance/*.json
expect_code 0
case $(tail -n 1 out) in
  *" passed, 0 failed") ;;
  *) fail "all of the conformance data were expected to pass" ;;
esac

# A failure shows what was expected and what came.
cp "$source_dir/examples/run_code_server/policy.json" .
cat >fails.json <<'END'
{
  "policy_file": "policy.json",
  "tests": [
    { "name": "fine", "calls": [ { "tool": "run_code", "expect": { "effect": "allow" } } ] },
    { "name": "wrong", "calls": [
      { "tool": "run_code", "expect": { "effect": "allow" } },
      { "tool": "run_code", "expect": { "effect": "deny", "reason": "limit_exceeded" } } ] }
  ]
}
END
run "$callwarden" test fails.json
expect_code 1
expect_out_line "FAIL fails.json: wrong"
expect_out deny
expect_out allow
expect_last_line "1 passed, 1 failed"
run "$callwarden" test "$payments" fails.json
expect_code 1
expect_last_line "6 passed, 1 failed"
run "$callwarden" test --json "$payments" fails.json
expect_code 1
expect_json /passed 6
expect_json /failed 1
expect_json /files/0/failed 0
expect_json /files/0/tests/0/name "a small charge runs"
expect_json /files/0/tests/0/passed true
expect_json /files/0/tests/0/failure null
expect_json /files/1/file fails.json
expect_json /files/1/tests/1/passed false

# A policy file is found beside its test file, wherever the tool is run.
mkdir -p below
cp fails.json below/
run "$callwarden" test below/fails.json
expect_code 2
expect_err "below/policy.json: No such file"
expect_last_line "0 passed, 1 failed"
cp policy.json below/
cd below || exit 1
run_with /dev/null "$callwarden" test ../fails.json
mv out err ..
cd ..
expect_code 1
expect_last_line "1 passed, 1 failed"

# A policy with mistakes: its own lines are shown when it is a file.
cp "$data/mistakes.json" policy.json
run "$callwarden" test fails.json
expect_code 1
expect_err "policy.json:7:34: error: "
expect_err '"window": "minuets",'
echo '{"policy": {"version": "1", "default": "no"}, "tests": []}' >inline.json
run "$callwarden" test inline.json
expect_code 1
expect_err "inline.json (its policy)"

# What is no test file counts as one failed, and is said where.
echo '{"policy": {}, "test": []}' >unknown_key.json
run "$callwarden" test unknown_key.json
expect_code 1
expect_err "unknown_key.json:1:"
expect_last_line "0 passed, 1 failed"
echo 'tests' >not_json.json
run "$callwarden" test not_json.json
expect_code 1
expect_err "not_json.json:1:"
expect_last_line "0 passed, 1 failed"
run_with fails.json "$callwarden" test --json -
expect_json /files/0/file "<stdin>"
finish
