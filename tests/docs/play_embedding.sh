#!/usr/bin/env bash
# play_embedding.sh <document> <prefix> <source> <work>: follows docs/embedding.md. Its program and its CMakeLists.txt
# are written to files, and the commands of blocks that are marked `play` run: to the end with the package installed below
# <prefix>, as far as configuring with the sources, whose whole builds are tests of their own.
set -euo pipefail
document=$1
prefix=$2
source=$3
work=$4
answer='deny: Tool "delete_repo" is not permitted by policy'

rm -rf "$work"
mkdir -p "$work/blocks" "$work/home"
# Each fenced block to a file: main.cc the first of C++, NUMBER.MARK.LANGUAGE those that are marked.
awk -v out="$work/blocks/" '
  /^<!-- play: / { mark = $3; next }
  /^```/ && !inside { inside = 1; language = substr($0, 4); file = ""
    if (language == "cpp" && !programs++) file = out "main.cc"
    else if (mark != "") file = sprintf("%s%02d.%s.%s", out, ++blocks, mark, language)
    mark = ""; next }
  /^```/ { inside = 0; next }
  inside && file != "" { print > file }
' "$document"

export HOME=$work/home CMAKE_GENERATOR=${CMAKE_GENERATOR-Ninja}
ln -s "$prefix" "$HOME/.local"
LD_LIBRARY_PATH=$(dirname "$(dirname "$(find "$prefix" -name callwarden.pc)")")
export LD_LIBRARY_PATH

# project <name>: a fresh folder with the program; the shell goes there.
project() {
  mkdir -p "$work/$1"
  cd "$work/$1"
  cp "$work/blocks/main.cc" .
}
played=
for block in "$work"/blocks/*.*.*; do
  name=${block##*/}
  case $name in
    *.run.sh)
      if [ ! -e CMakeLists.txt ] || [ -e build ]; then project "$name"; fi
      # shellcheck disable=SC1090  # the document's commands
      last=$(set -e; . "$block" | tail -n 1)
      if [ "$last" != "$answer" ]; then
        echo "$name ended with \"$last\", not \"$answer\""
        exit 1
      fi
      ;;
    *.configure.sh)
      for kind in add_subdirectory fetch_content; do
        cd "$work/$kind"
        (set -e; eval "$(cat "$block") $([ $kind = add_subdirectory ] || echo "-DFETCHCONTENT_SOURCE_DIR_CALLWARDEN='$source'")")
      done
      ;;
    *.cmake)
      kind=${name#*.}
      project "${kind%.cmake}"
      cp "$block" CMakeLists.txt
      if [ "$kind" = add_subdirectory.cmake ]; then
        mkdir third_party
        ln -s "$source" third_party/callwarden
      fi
      ;;
  esac
  played="$played ${name#*.}"
done
cd /
rm -r "$work"
echo "played:$played"
[ "$played" = ' add_subdirectory.cmake fetch_content.cmake configure.sh find_package.cmake run.sh run.sh' ]
