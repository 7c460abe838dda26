# The sessions that docs/tool.md shows are what the tool prints: each block marked `console` is played in the
# source tree's root, command by command (`$ ...`). With UPDATE_GOLDEN=1 the document is brought up to date.
. "$(dirname "$0")/lib.sh"

document=$source_dir/docs/tool.md
mkdir path
ln -s "$callwarden" path/callwarden
PATH=$work/path:$PATH

inside=no
commands=0
code=0
while IFS= read -r line; do
  case $inside$line in
    no'```console') inside=yes ;;
    yes'```') inside=no ;;
    yes'$ '*)
      printf '%s\n' "$line"
      # `echo $?` shows what the command before it returned.
      (cd "$source_dir" && sh -c "(exit $code); ${line#??}") 2>&1 </dev/null
      code=$?
      commands=$((commands + 1))
      continue
      ;;
    yes*) continue ;;
  esac
  printf '%s\n' "$line"
done <"$document" >played.md

what="the sessions of docs/tool.md"
: >out
: >err
[ -z "${UPDATE_GOLDEN-}" ] || cp played.md "$document"
[ "$commands" -gt 0 ] || fail "commands were expected"
diff -u "$document" played.md >out || fail "the document was expected to show what is printed"
finish
