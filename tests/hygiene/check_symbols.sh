#!/usr/bin/env bash
# check_symbols.sh <rules> <object>...: no undefined symbol of the objects is one that the rules forbid.
# Prints each fault as object: symbol: why, and fails if there is one.
set -euo pipefail

rules=$1
shift
if [ $# -eq 0 ]; then
  echo "check_symbols.sh: no object files given" >&2
  exit 2
fi

# Prints an object's undefined symbols. <iostream>, which Abseil's headers include, puts one static object of its
# own, std::__ioinit, into each file; when that is the only one, its registration does not count.
undefined_symbols() {
  local object=$1 hidden='^$'
  if nm "$object" | grep '__ioinit$' >/dev/null && [ "$(objdump -r "$object" | grep -c '__cxa_atexit')" -eq 1 ]; then
    hidden='^__cxa_atexit$'
  fi
  nm -C -u "$object" | sed -nE 's|^ *[Uvw] (.*)$|\1|p' | grep -v "$hidden" | sed "s|^|$(basename "$object")\t|" || true
}

for object in "$@"; do
  undefined_symbols "$object"
done | awk -F '\t' '
  function trim(text) { sub(/^ +/, "", text); sub(/ +$/, "", text); return text }
  NR == FNR {
    if ($0 ~ /^(#.*)?$/) next
    line = $0
    why = ""
    if (match(line, / # /)) { why = trim(substr(line, RSTART + 3)); line = trim(substr(line, 1, RSTART)) }
    kind = line
    sub(/ .*/, "", kind)
    rest = trim(substr(line, length(kind) + 1))
    if (why == "") { print FILENAME ": no reason given: " $0; faults++ }
    if (kind == "forbid") { forbid[++forbids] = "^(" rest ")$"; forbid_why[forbids] = why }
    else if (kind == "allow") { allow[++allows] = "^(" rest ")$"; allow_object[allows] = "" }
    else if (kind == "allow-in") {
      object = rest
      sub(/ .*/, "", object)
      allow[++allows] = "^(" trim(substr(rest, length(object) + 1)) ")$"
      allow_object[allows] = object
    } else { print FILENAME ": unknown line: " $0; faults++ }
    next
  }
  {
    count++
    name = $2
    sub(/@.*/, "", name)
    gsub(/\[abi:[^]]*\]/, "", name)
    for (i = 1; i <= allows; i++)
      if (name ~ allow[i] && (allow_object[i] == "" || allow_object[i] == $1)) next
    for (i = 1; i <= forbids; i++)
      if (name ~ forbid[i]) { print $1 ": " name ": " forbid_why[i]; faults++; break }
  }
  END {
    printf "%d undefined symbols, %d faults\n", count, faults
    exit faults > 0 || count == 0
  }' "$rules" -
