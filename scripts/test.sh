#!/usr/bin/env bash
# Builds and runs the whole test suite: everything once (preset dev), again under AddressSanitizer and
# UndefinedBehaviorSanitizer, the threaded tests under ThreadSanitizer, and a host without RTTI and exceptions.
# Ends with "N passed, N failed" over all of them; exit 0 only when nothing failed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

usage() {
  cat <<'TEXT'
usage: scripts/test.sh [--quick] [--preset NAME]... [--no-install]
  --quick         only the preset dev
  --preset NAME   only this preset (dev, release, asan-ubsan, tsan, no-rtti-no-exceptions); may be repeated
  --no-install    install nothing
TEXT
}

presets=()
install=yes
while [ $# -gt 0 ]; do
  case $1 in
    --quick) presets+=(dev) ;;
    --preset)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      presets+=("$2")
      shift
      ;;
    --no-install) install=no ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
if [ ${#presets[@]} -eq 0 ]; then presets=(dev asan-ubsan tsan no-rtti-no-exceptions); fi

if [ "$install" = yes ]; then
  say "Installing what is missing"
  install_packages "${build_packages[@]}" "${test_packages[@]}"
  if ! command -v npm >/dev/null; then
    (install_packages "${e2e_packages[@]}") || echo "Without npm the tests with real MCP clients are skipped."
  fi
fi
check_build_tools

passed=0
failed=0
jobs=$(job_count)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for preset in "${presets[@]}"; do
  say "$preset: building (${SECONDS} s so far)"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" --parallel "$jobs"; }; then
    echo "$preset: the build failed, which counts as one failure"
    failed=$((failed + 1))
    continue
  fi

  say "$preset: testing (${SECONDS} s so far)"
  status=0
  ctest --preset "$preset" --parallel "$jobs" | tee "$log" || status=$?
  # 100% tests passed, 0 tests failed out of 8
  summary=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log")
  preset_failed=${summary% *}
  preset_total=${summary#* }
  if [ -z "$summary" ]; then
    echo "$preset: no test ran, which counts as one failure"
    failed=$((failed + 1))
    continue
  fi
  if [ "$status" -ne 0 ] && [ "$preset_failed" -eq 0 ]; then
    echo "$preset: ctest ended with exit code $status, which counts as one failure"
    preset_failed=1
    preset_total=$((preset_total + 1))
  fi
  passed=$((passed + preset_total - preset_failed))
  failed=$((failed + preset_failed))
done

say "${presets[*]}: ${SECONDS} s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
