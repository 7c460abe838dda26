# Diagnostics look like a compiler's. Messages may improve in any release and are masked; places, codes, the
# lines shown and the carets may not.
. "$(dirname "$0")/lib.sh"

check() {
  run "$callwarden" check "$@"
  sed 's/: \(error\|warning\): .* \[\([a-z_]*\)\]$/: \1: ... [\2]/' err >masked
}
expect_masked() {
  cat >expected
  diff -u expected masked >difference || fail "other diagnostics were expected:
$(cat difference)"
}

cp "$data/mistakes.json" .
check mistakes.json
expect_code 1
expect_masked <<'END'
mistakes.json:7:34: error: ... [bad_value]
	{ "counter": "größe", "window": "minuets",	"max": 10 }
	                                ^
mistakes.json:11:3: error: ... [unknown_key]
  "hied": ["internal_*"]
  ^
END
expect_last_line "mistakes.json: 2 errors, 0 warnings"
expect_err 'did you mean "minute"? [bad_value]'
expect_err 'did you mean "hide"? [unknown_key]'

# Wide characters take two columns, combining ones none.
printf '{"日本e\314\201": @}' >wide.json
check wide.json
expect_code 1
printf 'wide.json:1:10: error: ... [invalid_json]\n{"日本e\314\201": @}\n          ^\n' | expect_masked

# The caret may stand behind the last character, and there may be no line to show.
printf '{"version": "1",' >cut.json
check cut.json
expect_masked <<'END'
cut.json:1:17: error: ... [invalid_json]
{"version": "1",
                ^
END
printf '{\n  "version": "1",\n' >cut.json
check cut.json
expect_code 1
[ "$(grep -c . err)" -eq 1 ] || fail "a message without an excerpt was expected"

# Lines with carriage returns are shown without them.
printf '{"version": "1",\r\n "default": "no"}\r\n' >crlf.json
check crlf.json
expect_masked <<'END'
crlf.json:2:13: error: ... [bad_value]
 "default": "no"}
            ^
END

# Of a long line only a stretch around the caret is shown.
printf '{"description": "%0200d", "default": "no", "version": "1", "tools": {"%0200d": {}}}' 0 0 >long.json
check long.json
expect_code 1
[ "$(sed -n 2p err | wc -c)" -le 130 ] || fail "a line of at most 130 characters was expected"
caret=$(sed -n '3s/\^$//p' err)
sed -n 2p err | cut -c $((${#caret} + 1))- >from_caret
case $(cat from_caret) in
  '"no", "version"'*) ;;
  *) fail "the caret was expected under \"no\"" ;;
esac

# What a terminal would act on is replaced in lines, messages and names.
printf '{"version": "1", "default": "deny", "\\u001b[31mred\\u202e": 1, "\342\200\256x": 2}' >escape.json
check escape.json
expect_code 1
! grep -q "$(printf '\033')" err || fail "no escape character was expected"
! grep -q "$(printf '\342\200\256')" err || fail "no character that reorders text was expected"

# Warnings do not fail a check unless asked to.
printf '{"version": "1", "default": "deny", "tools": {"a": {"limits": [{"counter": "c", "window": 60, "max": 0}]}}}' \
  >warning.json
check warning.json
expect_code 0
expect_err "[zero_max]"
expect_out_line "warning.json: ok (1 tool, 0 globs, 0 rules, 1 limit), 1 warning"
check --strict warning.json
expect_code 1

# JSON.
run "$callwarden" check --json mistakes.json warning.json
expect_code 1
expect_no_err
expect_json /ok false
expect_json /errors 2
expect_json /warnings 1
expect_json /files/0/file mistakes.json
expect_json /files/0/diagnostics/0/severity error
expect_json /files/0/diagnostics/0/code bad_value
expect_json /files/0/diagnostics/0/pointer /tools/run_code/limits/0/window
expect_json /files/0/diagnostics/0/line 7
expect_json /files/0/diagnostics/0/column 34
expect_json /files/0/diagnostics/0/hint 'did you mean "minute"?'
expect_json /files/0/shape null
expect_json /files/1/ok true
expect_json /files/1/diagnostics/0/code zero_max
expect_json /files/1/shape/limits 1

# The seed policy is clean.
run "$callwarden" check "$source_dir/examples/run_code_server/policy.json"
expect_code 0
expect_no_err

# Other commands say why they cannot use a policy.
for command in decide explain; do
  run "$callwarden" $command --policy mistakes.json --tool run_code
  expect_code 1
  expect_no_out
  expect_err "mistakes.json:7:34: error: "
done

# Colour on a terminal only, and not where NO_COLOR or TERM=dumb forbid it.
if command -v script >/dev/null && script -qec true /dev/null </dev/null >/dev/null 2>&1; then
  on_terminal() {
    what="$1 on a terminal"
    script -qec "$1" /dev/null </dev/null >out 2>err
    code=$?
  }
  escape_count() { tr -cd '\033' <out | wc -c; }
  on_terminal "env -u NO_COLOR TERM=xterm '$callwarden' check mistakes.json"
  expect_code 1
  [ "$(escape_count)" -gt 0 ] || fail "colour was expected"
  on_terminal "env NO_COLOR=1 TERM=xterm '$callwarden' check mistakes.json"
  [ "$(escape_count)" -eq 0 ] || fail "no colour was expected"
  on_terminal "env -u NO_COLOR TERM=dumb '$callwarden' check mistakes.json"
  [ "$(escape_count)" -eq 0 ] || fail "no colour was expected"
fi
run env -u NO_COLOR TERM=xterm "$callwarden" check mistakes.json
! grep -q "$(printf '\033')" err || fail "no colour was expected in a file"
finish
