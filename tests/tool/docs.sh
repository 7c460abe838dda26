# The sessions that docs/tool.md shows are what the tool prints: each block marked `console` is played in the
# source tree's root, command by command (`$ ...`), and compared with the lines below each command.
. "$(dirname "$0")/lib.sh"

document=$source_dir/docs/tool.md
mkdir path
ln -s "$callwarden" path/callwarden
PATH=$work/path:$PATH
awk '/^```console$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$document" >sessions
[ -s sessions ] || fail "sessions were expected in docs/tool.md"

code=0
status=0
play() {
  [ -n "$command" ] || return 0
  what=$command
  # `echo $?` sees what the command before it returned.
  (cd "$source_dir" && sh -c "(exit $status); $command") >out 2>&1 </dev/null
  status=$?
  code=$status
  : >err
  diff -u expected out >difference || fail "docs/tool.md shows another output:
$(cat difference)"
}
command=
: >expected
while IFS= read -r line; do
  case $line in
    '$ '*)
      play
      command=${line#??}
      : >expected
      ;;
    *) printf '%s\n' "$line" >>expected ;;
  esac
done <sessions
play
finish
