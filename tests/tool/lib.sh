# Shared by the tests of the tool; POSIX sh. Each test is run as
#   sh NAME.sh CALLWARDEN JSON_GET SOURCE_DIR
# in an empty folder of its own, and fails when any expectation did.
set -u
callwarden=$1
json_get=$2
source_dir=$3
data=$source_dir/tests/tool/data
failures=0
what=

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# run WORD...: runs a command without input; leaves ./out, ./err and $code.
run() {
  run_with /dev/null "$@"
}

# run_with FILE WORD...: the same with FILE as its input.
run_with() {
  input=$1
  shift
  what="$*"
  "$@" <"$input" >out 2>err
  code=$?
}

fail() {
  failures=$((failures + 1))
  {
    echo "FAILED: $1"
    echo "  after: $what" | cut -c 1-300
    echo "  exit code $code; stdout:"
    sed 's/^/    /' out
    echo "  stderr:"
    sed 's/^/    /' err
  } >&2
}

expect_code() { [ "$code" -eq "$1" ] || fail "exit code $1 was expected"; }
expect_no_out() { [ ! -s out ] || fail "nothing on stdout was expected"; }
expect_no_err() { [ ! -s err ] || fail "nothing on stderr was expected"; }
expect_out() { grep -qF -- "$1" out || fail "stdout was expected to contain: $1"; }
expect_err() { grep -qF -- "$1" err || fail "stderr was expected to contain: $1"; }
expect_out_line() { grep -qxF -- "$1" out || fail "stdout was expected to have the line: $1"; }
expect_not_in_out() { ! grep -qF -- "$1" out || fail "stdout was expected not to contain: $1"; }
expect_last_line() { [ "$(tail -n 1 out)" = "$1" ] || fail "the last line was expected to be: $1"; }

# One line on stderr that names the file or flag, and nothing else.
expect_one_line_error() {
  [ "$(wc -l <err)" -eq 1 ] || fail "one line on stderr was expected"
  case $(cat err) in
    "callwarden: error: "*"$1"*) ;;
    *) fail "an error naming $1 was expected" ;;
  esac
}

# expect_json POINTER VALUE [LINE]: what stdout (or its LINE-th line) holds there; strings as they are.
expect_json() {
  if [ $# -eq 3 ]; then sed -n "${3}p" out >json; else cp out json; fi
  value=$("$json_get" "$1" <json) || fail "JSON with a value at $1 was expected"
  [ "$value" = "$2" ] || fail "$1 was expected to be $2, not $value"
}

# expect_golden NAME: stdout is golden/NAME, byte for byte. With UPDATE_GOLDEN=1 it becomes that file instead;
# look at what changed before you commit it.
expect_golden() {
  [ -z "${UPDATE_GOLDEN-}" ] || cp out "$source_dir/tests/tool/golden/$1"
  diff -u "$source_dir/tests/tool/golden/$1" out >difference ||
    fail "stdout was expected to be golden/$1:
$(cat difference)"
}

finish() {
  [ "$failures" -eq 0 ] || echo "$failures failed" >&2
  [ "$failures" -eq 0 ]
  exit
}
