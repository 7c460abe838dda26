#!/usr/bin/env bash
# Builds callwarden on a bare machine and shows it at work: an MCP server with a tool that runs code, gated by
# a policy of ten runs a minute, and a client that calls it twelve times.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

if [ $# -gt 0 ]; then
  echo "usage: scripts/quickstart.sh    (installs what is missing, builds into build/release, runs the example)"
  [ "$1" = --help ] || [ "$1" = -h ] || exit 2
  exit 0
fi

say "1/3 Installing what is missing"
install_packages "${build_packages[@]}"
check_build_tools

say "2/3 Building the library, the tool and the examples into build/release"
cmake --preset release -DCALLWARDEN_BUILD_TESTS=OFF -DCALLWARDEN_BUILD_BENCHMARKS=OFF
cmake --build --preset release --parallel "$(job_count)"

say "3/3 Twelve calls to run_code under a policy that allows ten a minute"
build/release/bin/run_code_client build/release/bin/run_code_server

cat <<'TEXT'

The policy is examples/run_code_server/policy.json. Try the tool on it:
  build/release/bin/callwarden check examples/run_code_server/policy.json
  build/release/bin/callwarden --help
All tests: scripts/test.sh
TEXT
