# Files that are no policy: each is named in one line on stderr, and the exit code is 2.
. "$(dirname "$0")/lib.sh"

cp "$source_dir/examples/run_code_server/policy.json" good.json
mkdir directory.json
: >empty.json
printf ' \n\t\r\n' >blank.json
printf '\357\273\277' | cat - good.json >bom.json
{ cat good.json; printf '\000'; } >nul.json
printf '\211PNG\r\n\032\n' >binary.json
printf '{"version": "1", "default": "d\355\240\200ny"}' >surrogate.json
{ cat good.json; head -c 5242880 /dev/zero | tr '\000' ' '; } >large.json
ln -s nowhere dangling.json
escape=$(printf 'a\033[31m.json')

for file in missing.json directory.json empty.json blank.json bom.json nul.json binary.json surrogate.json \
  large.json dangling.json; do
  for command in check "check --json" "decide --tool t --policy" "decide --json --tool t --policy" \
    "explain --tool t --policy" test "test --json"; do
    run "$callwarden" $command "$file"
    expect_code 2
    expect_one_line_error "$file: "
    case $command in
      "check --json" | "test --json") expect_json /files/0/file "$file" ;;
      test) expect_last_line "0 passed, 1 failed" ;;
      *) expect_no_out ;;
    esac
  done
done

# What is wrong is said.
while read -r file reason; do
  run "$callwarden" check "$file"
  expect_err "$reason"
done <<'END'
missing.json No such file
directory.json Is a directory
empty.json is empty
blank.json is empty
bom.json byte order mark
nul.json byte 0x00 at offset
binary.json byte 0x89 at offset 0
surrogate.json byte 0xed at offset 30
large.json larger than 4 MiB
END

# A name cannot drive the reader's terminal.
run "$callwarden" check "$escape"
expect_code 2
expect_one_line_error 'a\x1b[31m.json'

# One bad file does not hide the others.
run "$callwarden" check missing.json good.json
expect_code 2
expect_one_line_error missing.json
expect_out "good.json: ok"

# Standard input, a pipe, and a text of exactly 4 MiB are read like any file.
run_with good.json "$callwarden" check -
expect_code 0
expect_out "<stdin>: ok"
size=$(wc -c <good.json)
{ cat good.json; head -c $((4194304 - size)) /dev/zero | tr '\000' ' '; } >exact.json
run "$callwarden" check exact.json
expect_code 0
printf ' ' >>exact.json
run "$callwarden" check exact.json
expect_code 2

# Arguments are no text file of ours: whatever bytes they are, the library judges them.
for file in bom.json nul.json binary.json empty.json large.json; do
  run "$callwarden" decide --policy good.json --tool run_code --arguments "@$file" --json
  expect_code 3
  expect_json /reason malformed_call
done
run "$callwarden" decide --policy good.json --tool run_code --arguments @missing.json
expect_code 2
expect_one_line_error missing.json
finish
