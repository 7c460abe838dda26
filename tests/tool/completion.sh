# The manual page and completion of shells know every command and flag that --help does. What a shell makes of its
# script is tried where that shell is there.
. "$(dirname "$0")/lib.sh"

run "$callwarden" man-page
expect_code 0
expect_no_err
cp out callwarden.1
for shell in bash zsh fish; do
  run "$callwarden" completion $shell
  expect_code 0
  expect_no_err
  cp out completion.$shell
done
run "$callwarden" completion tcsh
expect_code 2
run "$callwarden" completion
expect_code 2

# The commands that `$1` has by its help, one a line, and its flags.
commands_of() { "$callwarden" $1 --help | sed -n '/^Subcommands:/,/^[^ S]/s/^  \([a-z][a-z-]*\) .*/\1/p'; }
flags_of() { "$callwarden" $1 --help | grep -oE '^  (-[a-zA-Z],)?--[a-z-]+' | tr -d ' ' | tr ',' '\n'; }
commands_of '' >commands
for command in $(cat commands); do
  for below in $(commands_of "$command"); do echo "$command $below"; done
done >below
cat below >>commands
[ "$(wc -l <commands)" -ge 7 ] || fail "more commands were expected"
! grep -q man-page commands || fail "man-page was expected to be hidden"

# bash_completes WORD...: what bash offers for the last word, in ./offered.
cat >complete.bash <<'SH'
. ./completion.bash
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_callwarden
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
complete -p callwarden >&2
SH
bash_completes() {
  run bash complete.bash callwarden "$@"
  expect_code 0
  [ "$(cat err)" = "complete -F _callwarden callwarden" ] || fail "bash was expected to have nothing to say"
}

has_bash=$(command -v bash)
has_fish=$(fish -N -c "command -v fish" 2>/dev/null) # older ones know no -N
[ -n "$has_bash" ] && bash_completes ''
while read -r command; do
  name=${command##* }
  parent=${command%"$name"}
  if [ -n "$has_bash" ]; then
    bash_completes $parent ''
    expect_out_line "$name"
  fi
  title=".SS \"callwarden $(printf '%s' "$command" | sed 's/-/\\-/g')\"" \
    awk '/^\.S[SH]/ { inside = $0 == ENVIRON["title"] } inside' callwarden.1 >section
  [ -s section ] || fail "the manual page was expected to have a section on $command"
  [ -z "$has_bash" ] || bash_completes $command -
  cp out offered
  [ -z "$has_fish" ] || XDG_DATA_HOME=. XDG_CONFIG_HOME=. fish -N -c "source completion.fish; complete -C 'callwarden $command -'" |
    cut -f 1 >offered_by_fish
  flags_of "$command" >flags
  [ -s flags ] || fail "$command was expected to have flags"
  while read -r flag; do
    grep -qF -- "\\fB$(printf '%s' "$flag" | sed 's/-/\\-/g')\\fR" section || fail "$flag was expected in the manual page on $command"
    [ -z "$has_bash" ] || grep -qxF -- "$flag" offered || fail "bash was expected to complete $command $flag"
    # fish offers the longest name of a flag alone
    [ -z "$has_fish" ] || case $flag in --*) grep -qxF -- "$flag" offered_by_fish || fail "fish was expected to complete $command $flag" ;; esac
    grep -qF -- "$flag" completion.zsh || fail "$flag was expected in the script for zsh"
  done <flags
done <commands
flags_of '' >flags
while read -r flag; do
  grep -qF -- "\\fB$(printf '%s' "$flag" | sed 's/-/\\-/g')\\fR" callwarden.1 || fail "$flag was expected in the manual page"
done <flags

# What values can be.
mkdir folder
: >'folder/a file'
: >fox.json
if [ -n "$has_bash" ]; then
  bash_completes d
  expect_out_line decide
  expect_not_in_out init
  bash_completes decide --outcome ''
  expect_out_line open
  bash_completes decide --outcome = o
  expect_out_line open
  expect_out_line ok
  expect_not_in_out error
  bash_completes completion f
  expect_out_line fish
  bash_completes decide --tool fo
  expect_no_out
  for words in "check fo" "check --strict fo" "check --tools fo" "check --tools = fo" "decide --policy fo" \
    "test fox.json fo"; do
    bash_completes $words
    expect_out_line fox.json
    expect_out_line folder
  done
  bash_completes check "folder/a"
  expect_out_line "folder/a file"
  bash_completes check --tools ""
  expect_out_line fox.json
  if grep -q '^proxy$' commands; then
    bash_completes audit tail --decision require
    expect_out_line require_approval
    for command in proxy init; do
      bash_completes $command -- prin
      expect_out_line printf
      bash_completes $command -- cat fo
      expect_out_line fox.json
    done
  fi
fi
if [ -n "$has_fish" ]; then
  for case in "d:decide" "decide --outcome o:open" "completion f:fish" "check fo:fox.json" "check --tools fo:fox.json"; do
    run fish -N -c "source completion.fish; complete -C 'callwarden ${case%%:*}' | cut -f 1"
    expect_out_line "${case#*:}"
  done
fi

# Readers of the scripts and of the page have no complaint.
for shell in bash zsh fish; do
  command -v $shell >/dev/null || continue
  run $shell -n completion.$shell
  expect_code 0
  expect_no_err
done
if command -v groff >/dev/null; then
  run groff -man -ww -z callwarden.1
  expect_code 0
  expect_no_err
fi
if command -v mandoc >/dev/null; then
  run mandoc -T lint -W warning callwarden.1
  # It has none, so that the same sources give the same page.
  grep -v 'WARNING: missing date' out >complaints
  [ ! -s complaints ] || fail "no complaints of mandoc were expected"
fi
finish
