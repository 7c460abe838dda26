# The sessions that a document shows are what the tool prints: each block marked `console` is played, command by
# command (`$ ...`). The folder has the source tree's `examples` and `tests`, and every file that the document shows: a
# block below a line that is nothing but a name in backquotes. Each such file must be of use to a command or to
# another file. With UPDATE_GOLDEN=1 the document is brought up to date.
#   sh docs.sh CALLWARDEN JSON_GET SOURCE_DIR DOCUMENT
. "$(dirname "$0")/lib.sh"

document=$source_dir/$4
mkdir path shown
ln -s "$callwarden" path/callwarden
ln -s "$source_dir/examples" "$source_dir/tests" shown
PATH=$work/path:$PATH

awk -v folder=shown/ '
  /^`[A-Za-z0-9_.-]+`$/ { name = substr($0, 2, length($0) - 2); next }
  /^```/ && !inside { inside = 1; next }
  /^```/ { inside = 0; if (name != "") close(folder name); name = ""; next }
  inside && name != "" { print > (folder name); next }
  !inside && NF { name = "" }
' "$document"

inside=no
code=0
: >commands
while IFS= read -r line; do
  case $inside$line in
    no'```console') inside=yes ;;
    yes'```') inside=no ;;
    yes'$ '*)
      printf '%s\n' "$line"
      # `echo $?` shows what the command before it returned.
      (cd shown && sh -c "(exit $code); ${line#??}") 2>&1 </dev/null
      code=$?
      printf '%s\n' "$line" >>commands
      continue
      ;;
    yes*) continue ;;
  esac
  printf '%s\n' "$line"
done <"$document" >played.md

what="the sessions of $4"
: >out
: >err
[ -z "${UPDATE_GOLDEN-}" ] || cp played.md "$document"
[ -s commands ] || fail "commands were expected"
diff -u "$document" played.md >out || fail "the document was expected to show what is printed"
find shown -type f >files
while IFS= read -r file; do
  grep -qF -- "${file#shown/}" commands $(grep -vxF -- "$file" files) || fail "$file was expected to be of use"
done <files
finish
