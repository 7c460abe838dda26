#!/bin/sh
# Real MCP clients and servers against callwarden. From a build folder `ctest -L e2e` runs all of it.
#
#   run.sh install FOLDER       installs the pinned packages and copies the suites; nothing if that is done already
#   run.sh SUITE FOLDER         runs SUITE.test.mjs there; CALLWARDEN, MCP_UPSTREAM, RUN_CODE_SERVER and SOURCE_DIR name
#                               the programs and the source tree
#
# Exit code 77 means skipped: there is no Node.js or npm, or the packages cannot be had.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
what=$1
folder=$2

skip() {
  echo "SKIPPED: the end-to-end tests with real MCP clients: $1"
  exit 77
}

# The packages bring a Node.js of their own for the usual systems: the Inspector needs 22.19.
find_node() {
  for candidate in "$folder"/node_modules/node-*/bin/node "$(command -v node || :)"; do
    if [ -x "$candidate" ] && "$candidate" -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

if [ "$what" = install ]; then
  command -v node >/dev/null || skip "node is not installed"
  command -v npm >/dev/null || skip "npm is not installed"
  mkdir -p "$folder"
  if ! cmp -s "$source/package-lock.json" "$folder/installed.json"; then
    rm -f "$folder/installed.json"
    cp "$source/package.json" "$source/package-lock.json" "$folder/"
    # No package's own scripts run: none is needed.
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier) ||
      skip "npm ci failed, see above"
    cp "$source/package-lock.json" "$folder/installed.json"
  fi
  cp "$source"/*.mjs "$folder/"
  exit
fi

[ -f "$folder/installed.json" ] || skip "the packages are not installed"
node=$(find_node)
[ -n "$node" ] || skip "Node.js 22.19 or newer is needed"
exec "$node" "$folder/$what.test.mjs"
