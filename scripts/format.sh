#!/usr/bin/env bash
# Formats the C++ files, or with --check prints where they are not formatted and fails. Uses clang-format 14,
# so that everybody gets the same; CLANG_FORMAT names another.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

mode=-i
case ${1-} in
  '') ;;
  --check) mode='--dry-run --Werror' ;;
  *)
    echo "usage: scripts/format.sh [--check]"
    [ "$1" = --help ] || [ "$1" = -h ] || exit 2
    exit 0
    ;;
esac

formatter=${CLANG_FORMAT:-}
if [ -z "$formatter" ]; then
  for candidate in clang-format-14 clang-format; do
    if command -v "$candidate" >/dev/null && "$candidate" --version | grep 'version 14\.' >/dev/null; then
      formatter=$candidate
      break
    fi
  done
fi
[ -n "$formatter" ] || die "clang-format 14 is not installed (Debian: apt-get install clang-format-14)"

# shellcheck disable=SC2086  # the mode is one or two words
git ls-files -z '*.h' '*.cc' | xargs -0 "$formatter" $mode
