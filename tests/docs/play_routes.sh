#!/usr/bin/env bash
# play_routes.sh <document> <prefix> <source> <work>: follows the README's ways into a project. Its program and its
# CMakeLists.txt are written to files, and the commands of blocks that are marked `play` run: to the end with the
# package installed below <prefix> and with the sources in the tree. FetchContent and the build that is to be
# installed are configured; their whole builds are the tests consumer.fetch_content and consumer.install.
set -euo pipefail
document=$1
prefix=$2
source=$3
work=$4
answer='{"amount": "500"}: deny Denied by rule "args.amount-lte"'

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
CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL-$(nproc)}
LD_LIBRARY_PATH=$(dirname "$(dirname "$(find "$prefix" -name callwarden.pc)")")
export CMAKE_BUILD_PARALLEL_LEVEL LD_LIBRARY_PATH
ln -s "$prefix" "$HOME/.local"

# project <name>: a fresh folder with the program; the shell goes there.
project() {
  mkdir -p "$work/$1"
  cd "$work/$1"
  cp "$work/blocks/main.cc" .
}
# denies <commands>: they end well, and a call is denied on the way.
denies() {
  # shellcheck disable=SC1090  # the document's commands
  (set -e; . "$1") >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
  grep -qxF -- "$answer" "$work/out" || { cat "$work/out"; echo "$1 did not print: $answer"; exit 1; }
}
played=
for block in "$work"/blocks/*.*.*; do
  name=${block##*/}
  case $name in
    *.run.sh)
      if [ ! -e CMakeLists.txt ] || [ -e build ]; then project "$name"; fi
      denies "$block"
      ;;
    *.build.sh)
      cd "$work/add_subdirectory"
      denies "$block"
      cd "$work/fetch_content"
      (eval "$(head -n 1 "$block") -DFETCHCONTENT_SOURCE_DIR_CALLWARDEN='$source'")
      ;;
    *.install.sh)
      mkdir "$work/install"
      cd "$work/install"
      find "$source" -mindepth 1 -maxdepth 1 ! -name build -exec ln -s {} . \;
      (eval "$(sed '/^cmake --build/,$d' "$block")")
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
[ "$played" = ' add_subdirectory.cmake fetch_content.cmake build.sh install.sh find_package.cmake run.sh run.sh' ]
