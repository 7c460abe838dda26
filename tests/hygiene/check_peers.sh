#!/usr/bin/env bash
# check_peers.sh <root>: the comparison with the peers tells how it is used, and pins every peer. It is not run here:
# that takes the peers' own tools.
set -euo pipefail
cd "$1/bench/peers"

./run.sh --help | grep '^usage: bench/peers/run.sh ' >/dev/null || { echo "run.sh --help prints no usage"; exit 1; }
status=0
./run.sh --unknown 2>/dev/null || status=$?
[ "$status" -eq 2 ] || { echo "run.sh takes an unknown option"; exit 1; }

# pinned <manifest> <lock file> <name and version, as the lock has them>...
pinned() {
  local lock=$2 line
  [ -f "$1" ] || { echo "there is no $1"; exit 1; }
  shift 2
  for line; do
    tr '\n' ' ' <"$lock" | grep -qF -- "$line" || { echo "$lock does not have $line"; exit 1; }
  done
}
# The exact versions that Cargo.toml asks for.
sed -n 's/^\([a-z-]*\) = "=\(.*\)"$/name = "\1" version = "\2"/p' rust/Cargo.toml | {
  mapfile -t crates
  [ "${#crates[@]}" -ge 4 ] || { echo "rust/Cargo.toml pins ${#crates[@]} crates"; exit 1; }
  pinned rust/Cargo.toml rust/Cargo.lock "${crates[@]}"
}
# Direct requirements alone: others have a comment.
sed -n 's/^\t\([^ ]* v[^ ]*\)$/\1 h1:/p' go/go.mod | {
  mapfile -t modules
  [ "${#modules[@]}" -ge 4 ] || { echo "go/go.mod pins ${#modules[@]} modules"; exit 1; }
  pinned go/go.mod go/go.sum "${modules[@]}"
}
sed -n 's/^ *"casbin": "\([0-9.]*\)".*/"node_modules\/casbin": {       "version": "\1"/p' node/package.json | {
  mapfile -t packages
  [ "${#packages[@]}" -eq 1 ] || { echo "node/package.json does not pin casbin"; exit 1; }
  pinned node/package.json node/package-lock.json "${packages[@]}"
}
echo "the peers are pinned"
