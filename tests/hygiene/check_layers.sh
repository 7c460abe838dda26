#!/usr/bin/env bash
# check_layers.sh <root> [<rules>]: every #include of the project's C++ files keeps to layers.txt, and no file
# includes itself, over any number of steps. Prints each fault as file:line: what, and fails if there is one.
set -euo pipefail

root=$1
rules=$(realpath "${2:-$(dirname "$0")/layers.txt}")
cd "$root"

folders=$(awk '$1 == "folder" { split($2, part, "/"); print part[1] }' "$rules" | sort -u)
# shellcheck disable=SC2086  # folder names have no blanks
files=$(for folder in $folders; do
  if [ -d "$folder" ]; then find "$folder" \( -name '*.h' -o -name '*.cc' \) -type f; fi
done | sort)
if [ -z "$files" ]; then
  echo "check_layers.sh: no C++ files below $root" >&2
  exit 2
fi

# Awk reads the rules, then the list of files, then each include as file:line:text.
# shellcheck disable=SC2086
{
  sed 's/^/R /' "$rules"
  printf 'F %s\n' $files
  grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' $files | sed 's/^/I /' || true
} | awk '
  function regex(pattern) {  # a shell pattern as an anchored regular expression
    gsub(/[.+(){}|^$\[\]]/, "[&]", pattern)
    gsub(/\*/, ".*", pattern)
    gsub(/\?/, ".", pattern)
    return "^" pattern "$"
  }
  function fault(text) { print text; faults++ }
  function folder_of(file,   path) {  # the longest folder of the rules that holds the file
    path = file
    while (sub(/\/[^\/]*$/, "", path)) if (path in allowed) return path
    return ""
  }
  function resolve(file, name, quoted,   base, i) {  # the project file that the name means, or ""
    base = file
    sub(/[^\/]*$/, "", base)
    if (quoted && (base name) in known) return base name
    for (i = 1; i <= roots; i++) if ((place[i] name) in known) return place[i] name
    return ""
  }
  function group_of(name,   i) {
    for (i = 1; i <= groups; i++) if (name ~ group_regex[i]) return group_name[i]
    return ""
  }
  function is_excepted(file, header,   i, found) {
    for (i = 1; i <= excepts; i++)
      if (file ~ except_from[i] && header ~ except_to[i]) { except_used[i] = 1; found = 1 }
    return found
  }
  function visit(file, trail,   i) {  # finds cycles, depth first
    state[file] = 1
    for (i = 1; i <= edges[file]; i++) {
      if (state[edge[file, i]] == 1) fault(edge_at[file, i] ": a cycle: " trail " -> " edge[file, i])
      else if (!state[edge[file, i]]) visit(edge[file, i], trail " -> " edge[file, i])
    }
    state[file] = 2
  }
  function reach(file, rule, trail,   i) {  # finds what a "never" rule forbids, depth first
    reached[rule, file] = 1
    for (i = 1; i <= outsides[file]; i++)
      if (outside[file, i] ~ never_to[rule])
        fault(outside_at[file, i] ": " trail " -> " outside[file, i] ": " never_why[rule])
    for (i = 1; i <= edges[file]; i++) {
      if (edge[file, i] ~ never_to[rule])
        fault(edge_at[file, i] ": " trail " -> " edge[file, i] ": " never_why[rule])
      else if (!((rule, edge[file, i]) in reached)) reach(edge[file, i], rule, trail " -> " edge[file, i])
    }
  }
  BEGIN { roots = split(",include/,tests/", place, ",") }
  $1 == "R" && $2 == "group" {
    for (i = 4; i <= NF; i++) { group_name[++groups] = $3; group_regex[groups] = regex($i) }
  }
  $1 == "R" && $2 == "folder" {
    allowed[$3] = " "
    for (i = 5; i <= NF; i++) allowed[$3] = allowed[$3] $i " "
  }
  $1 == "R" && $2 == "once" { once_regex[++onces] = regex($3); once_text[onces] = $3; once_path[onces] = $4 }
  $1 == "R" && $2 == "never" {
    at = index($0, "#")
    if ($4 != ":" || !at) fault("layers.txt: not in the form of a never: " $0)
    never_from[++nevers] = regex($3)
    never_text[nevers] = $3
    never_why[nevers] = substr($0, at + 2)
    never_to[nevers] = ""
    for (i = 5; i <= NF && $i != "#"; i++)
      never_to[nevers] = never_to[nevers] (i > 5 ? "|" : "") regex($i)
  }
  $1 == "R" && $2 == "except" {
    if ($4 != ":" || !index($0, "#")) fault("layers.txt: not in the form of an except: " $0)
    except_from[++excepts] = regex($3)
    except_text[excepts] = $3
    except_to[excepts] = ""
    for (i = 5; i <= NF && $i != "#"; i++)
      except_to[excepts] = except_to[excepts] (i > 5 ? "|" : "") regex($i)
  }
  $1 == "R" && $2 !~ /^(#.*|group|folder|except|once|never)?$/ { fault("layers.txt: unknown line: " $0) }
  $1 == "F" { known[$2] = 1; file_list[++file_count] = $2 }
  $1 == "I" {
    line = substr($0, 3)
    match(line, /^[^:]*:[0-9]*:/)
    at = substr(line, 1, RLENGTH - 1)
    text = substr(line, RLENGTH + 1)
    file = at
    sub(/:[0-9]*$/, "", file)
    match(text, /[<"][^>"]*[>"]/)
    quoted = substr(text, RSTART, 1) == "\""
    name = substr(text, RSTART + 1, RLENGTH - 2)

    target = resolve(file, name, quoted)
    if (target != "") {
      group = folder_of(target)
      while (group ~ /\// && !index(allowed[folder_of(file)], " " group " ")) sub(/\/[^\/]*$/, "", group)
      edge[file, ++edges[file]] = target
      edge_at[file, edges[file]] = at
    } else {
      group = group_of(name)
      outside[file, ++outsides[file]] = name
      outside_at[file, outsides[file]] = at
      for (i = 1; i <= onces; i++) {
        if (name ~ once_regex[i] && index(file, once_path[i] "/") == 1 && once_file[i] != file) {
          if (once_file[i] == "") once_file[i] = file
          else fault(at ": " once_text[i] " is included in " once_file[i] " already; one file of " once_path[i] "/ may")
        }
      }
    }
    if (group == "") fault(at ": " name " belongs to no group or folder of layers.txt")
    else if (!index(allowed[folder_of(file)], " " group " ") && !is_excepted(file, target != "" ? target : name))
      fault(at ": " folder_of(file) "/ may not include " name " (" group ")")
  }
  END {
    for (i = 1; i <= file_count; i++) if (!state[file_list[i]]) visit(file_list[i], file_list[i])
    for (i = 1; i <= excepts; i++)
      if (!except_used[i]) fault("layers.txt: an exception for " except_text[i] ", which needs none any more")
    for (r = 1; r <= nevers; r++) {
      from = 0
      for (i = 1; i <= file_count; i++)
        if (file_list[i] ~ never_from[r]) { reach(file_list[i], r, file_list[i]); from++ }
      if (!from) fault("layers.txt: a rule for " never_text[r] ", which is no file any more")
    }
    printf "%d files, %d faults\n", file_count, faults
    exit faults > 0
  }'
