#!/usr/bin/env bash
# Builds callwarden and the peers that it is measured beside, measures them in turns and prints one table.
# bench/README.md tells how to read it. Nothing is built outside build/; the peers come from their registries, at the
# versions of the lock files here. A peer whose tools are not installed is named as not measured.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: bench/peers/run.sh [--rounds N] [--json FILE] [--intercept PROGRAM]
  --rounds N           measure each N times in turn; 31 by default
  --json FILE          write the figures to FILE, too
  --intercept PROGRAM  measure PROGRAM, an Intercept proxy that is built already, as a proxy (W8)
Needs Python 3.9 and what callwarden is built with; cargo, go and node with npm for the peers of each.
USAGE
}

json=
rounds=31
intercept=
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --json | --rounds | --intercept)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      case $1 in
        --json) json=$2 ;;
        --rounds) rounds=$2 ;;
        --intercept) intercept=$2 ;;
      esac
      shift 2 ;;
    *) usage >&2; exit 2 ;;
  esac
done
# From here on paths are of the project's root.
case $json in '' | /*) ;; *) json=$PWD/$json ;; esac
case $intercept in */*) intercept=$(realpath -- "$intercept") ;; esac
cd "$(dirname "$0")/../.."

[ -f build/release/build.ninja ] || cmake --preset release >&2
cmake --build --preset release --target callwarden_peer callwarden_tool proxy_bench >&2
out=build/peers
mkdir -p "$out/node"
arguments=(--folder bench/peers --rounds "$rounds" --program "build/release/bin/callwarden_peer")

# add NAMES TOOL COMMAND BUILD...: builds and adds a program of peers, or names them as missing.
add() {
  local names=$1 tool=$2 command=$3
  shift 3
  if ! command -v "$tool" >/dev/null; then
    arguments+=(--missing "$names: there is no $tool")
  elif ! "$@" >&2; then
    arguments+=(--missing "$names: the build failed; its messages are above")
  else
    arguments+=(--program "$command")
  fi
}

build_node() {
  cp bench/peers/node/package.json bench/peers/node/package-lock.json bench/peers/node/main.mjs "$out/node" &&
    (cd "$out/node" && npm ci --no-audit --no-fund)
}

add 'cedar-policy, regorus, cel, governor' cargo "$out/rust/release/callwarden-peers" \
  cargo build --release --locked --manifest-path bench/peers/rust/Cargo.toml --target-dir "$out/rust"
add 'OPA, cel-go, casbin (Go), x/time/rate' go "$out/go/peers" \
  go -C bench/peers/go build -mod=readonly -o "$PWD/$out/go/peers" .
add 'casbin (npm)' npm "node --expose-gc $out/node/main.mjs" build_node
if [ -n "$intercept" ]; then
  arguments+=(--intercept "$intercept")
else
  arguments+=(--missing "Intercept: no program was given by --intercept")
fi
[ -z "$json" ] || arguments+=(--json "$json")

exec python3 bench/peers/compare.py "${arguments[@]}" \
  --proxy-bench build/release/bin/proxy_bench --callwarden-tool build/release/bin/callwarden
