#!/usr/bin/env bash
# check_paths.sh <root>: no file of the project names a folder of somebody's machine: a home folder, or where
# this very checkout lies. Looks at what git tracks, or without git all files outside build/.
set -euo pipefail

root=$(realpath "$1")
cd "$root"
if command -v git >/dev/null && git rev-parse --is-inside-work-tree >/dev/null 2>&1 && [ "$(git rev-parse --show-toplevel)" = "$root" ]; then
  list() { git ls-files -z; }
else
  list() { find . \( -path ./build -o -path ./.git \) -prune -o -type f -print0; }
fi

# A home folder: the first folder's name, then a user's (root has none below it). Written so that these lines
# do not match themselves.
patterns=('/(home|Users)/[A-Za-z0-9._-]+/' '(^|[^A-Za-z0-9._-])/roo[t]/' '[A-Za-z]:\\+Users\\+')
arguments=()
for pattern in "${patterns[@]}"; do arguments+=(-e "$pattern"); done
# The checkout itself, unless its path is so short that it could be a word of anybody's.
case $root in
  /*/*) arguments+=(-e "$(printf '%s' "$root" | sed 's/[][\.*^$+?(){}|]/\\&/g')([^A-Za-z0-9._-]|\$)") ;;
esac

# 0: found; 123 by xargs: grep found nothing in some batch.
if found=$(list | xargs -0 grep -HInE "${arguments[@]}" -- 2>/dev/null) || [ -n "$found" ]; then
  printf '%s\n' "$found"
  echo "a path of somebody's machine is in the files above"
  exit 1
fi
echo "$(list | tr -cd '\0' | wc -c) files, 0 faults"
