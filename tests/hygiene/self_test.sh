#!/usr/bin/env bash
# self_test.sh <check> <compiler>: proves that a check of this folder finds what it is for. Each case makes a
# small bad tree, runs the check on it, and wants it to fail and to name the fault; and a good one that passes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
check=$1
compiler=${2:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# put <file> <line>...: writes a file of the tree under test.
put() {
  mkdir -p "$work/tree/$(dirname "$1")"
  printf '%s\n' "${@:2}" >"$work/tree/$1"
}
fresh() { rm -rf "$work/tree" && mkdir -p "$work/tree"; }

# wants <case> <0 or 1> <regex of the output> <command>...
wants() {
  local name=$1 wanted=$2 regex=$3 output status=0
  shift 3
  output=$("$@" 2>&1) || status=$?
  if [ "$status" -ne "$wanted" ] || ! grep -qE -- "$regex" <<<"$output"; then
    echo "$name: wanted exit $wanted and /$regex/, got exit $status and:"
    printf "%s\n" "$output"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}

good_tree() {
  fresh
  put include/callwarden/a.h '#include <vector>' '#include "callwarden/b.h"'
  put include/callwarden/b.h '#include <cstdint>'
  put include/callwarden/callwarden.h '#include "callwarden/a.h"'
  put lib/a.cc '#include "callwarden/a.h"' '#include "lib/json.h"' '#include "absl/container/flat_hash_map.h"'
  put lib/json.h '#include <string_view>'
  put lib/json.cc '#include "lib/json.h"' '#include "simdjson.h"'
  put tests/unit/a_test.cc '#include "catch.h"' '#include "callwarden/a.h"'
  put tests/catch.h '#include <catch2/catch.hpp>'
}

layers() {
  # The real rules, but for those about files that these small trees do not have.
  grep -v '^never lib/\|^never include/.*counter_store\|^except' "$here/layers.txt" >"$work/rules"
  local run=(bash "$here/check_layers.sh" "$work/tree" "$work/rules")
  good_tree
  wants "a good tree" 0 '8 files, 0 faults' "${run[@]}"

  put include/callwarden/b.h '' '#include "simdjson.h"'
  wants "a library in a public header" 1 '^include/callwarden/b.h:2: include/ may not include simdjson.h' "${run[@]}"
  put include/callwarden/b.h '#include <unistd.h>'
  wants "a platform header in a public header" 1 'b.h:1: include/ may not include unistd.h \(posix\)' "${run[@]}"
  put include/callwarden/b.h '#  include "lib/json.h"'
  wants "include reaches into lib" 1 'b.h:1: include/ may not include lib/json.h \(lib\)' "${run[@]}"
  put include/callwarden/b.h '#include "callwarden/a.h"'
  wants "a cycle of two" 1 'a cycle: include/callwarden/a.h -> include/callwarden/b.h -> include/callwarden/a.h' "${run[@]}"
  put include/callwarden/b.h '#include "callwarden/b.h"'
  wants "a header that includes itself" 1 'a cycle: .*b.h -> include/callwarden/b.h' "${run[@]}"

  good_tree
  put tests/unit/a_test.cc '#include "lib/json.h"'
  wants "a test reaches into lib" 1 'a_test.cc:1: tests/ may not include lib/json.h' "${run[@]}"
  good_tree
  put tools/main.cc '#include "tests/catch.h"'
  wants "a tool uses tests" 1 'tools/main.cc:1: tools/ may not include tests/catch.h' "${run[@]}"
  good_tree
  put lib/b.cc '#include <simdjson.h>'
  wants "simdjson in two files" 1 'lib/json.cc:2: simdjson.h is included in lib/b.cc already' "${run[@]}"
  good_tree
  put lib/b.cc '#include "boost/x.hpp"'
  wants "a header that nobody knows" 1 'lib/b.cc:1: boost/x.hpp belongs to no group' "${run[@]}"

  good_tree
  put include/callwarden/adaptors/nlohmann.h '#include <nlohmann/json.hpp>' '#include "callwarden/a.h"'
  wants "an adaptor may have its library" 0 ' 0 faults' "${run[@]}"
  put include/callwarden/a.h '#include "callwarden/adaptors/nlohmann.h"'
  put include/callwarden/adaptors/nlohmann.h '#include <nlohmann/json.hpp>'
  wants "the umbrella brings an adaptor" 1 'callwarden.h -> include/callwarden/a.h -> .*adaptors/nlohmann.h: who uses an adaptor' "${run[@]}"

  # more_rules <line>...: the rules above and these.
  more_rules() { printf '%s\n' "$@" | cat "$work/rules" - >"$work/more_rules"; }
  run[3]=$work/more_rules
  good_tree
  more_rules 'never lib/a.* : simdjson.h lib/json* # a sees no JSON'
  wants "a forbidden edge" 1 'lib/a.cc:2: lib/a.cc -> lib/json.h: a sees no JSON' "${run[@]}"
  more_rules 'never lib/json.* : absl/* lib/a* # json sees no a'
  wants "a forbidden edge that is not there" 0 ' 0 faults' "${run[@]}"
  put lib/json.h '#include "lib/c.h"'
  put lib/c.h '' '#include "absl/time/time.h"'
  wants "a forbidden library, over two headers" 1 'lib/c.h:2: lib/json.cc -> lib/json.h -> lib/c.h -> absl/time/time.h: json sees no a' "${run[@]}"
  more_rules 'never lib/gone.* : lib/a* # of a file that was removed'
  wants "a rule for a file that is gone" 1 'a rule for lib/gone' "${run[@]}"
  good_tree
  put tests/unit/a_test.cc '#include "lib/json.h"'
  more_rules 'except tests/unit/a_* : lib/json.h # a case of this test'
  wants "an exception" 0 ' 0 faults' "${run[@]}"
  put tests/unit/a_test.cc '#include "lib/json.h"' '#include "lib/c.h"'
  put lib/c.h
  wants "an exception is for one header" 1 'a_test.cc:2: tests/ may not include lib/c.h' "${run[@]}"
  good_tree
  wants "an exception that is not needed" 1 'an exception for tests/unit/a_\*, which needs none' "${run[@]}"
  more_rules 'never lib/a.* lib/json*'
  wants "a rule in another form" 1 'not in the form' "${run[@]}"
  more_rules 'nevr lib/a.* : lib/json* # why'
  wants "a rule that is not understood" 1 'unknown line' "${run[@]}"
  fresh
  wants "nothing to check" 2 'no C\+\+ files' "${run[@]}"
}

headers() {
  local run=(bash "$here/check_headers.sh" "$work/tree" "$compiler")
  fresh
  # shellcheck disable=SC2016  # a CMake variable, as it is written there
  put lib/CMakeLists.txt '  ${PROJECT_SOURCE_DIR}/include/callwarden/a.h'
  put include/callwarden/a.h '#include <cstdint>' 'inline uint64_t F() { return 1; }'
  wants "a good header" 0 '1 headers, 0 faults' "${run[@]}"
  put include/callwarden/a.h 'inline std::string F() { return {}; }'
  wants "a header that leans on another" 1 'a.h: does not compile alone' "${run[@]}"
  put include/callwarden/a.h 'inline int F(long x) { return x; }'
  wants "a header that warns" 1 'a.h: does not compile alone' "${run[@]}"
  put include/callwarden/a.h 'inline void F() { throw 1; }'
  wants "a header that throws" 1 'exception handling disabled|cannot use .throw. with exceptions disabled' "${run[@]}"
  put include/callwarden/a.h
  put include/callwarden/b.h
  wants "a header that is not installed" 1 'callwarden/b.h: not in the header set' "${run[@]}"
}

symbols() {
  local run=(bash "$here/check_symbols.sh" "$here/symbols.txt")
  fresh
  # object <name> <source>...: compiles one as the library is, but for what the case is about.
  object() {
    printf '%s\n' "${@:2}" |
      "$compiler" -std=c++20 -O1 -DNDEBUG -fno-exceptions -fno-rtti -c -x c++ - -o "$work/$1.o"
  }
  object good '#include <string>' 'std::string F(std::string s) { s.append(100, 0); return s; }'
  wants "a good object" 0 ', 0 faults' "${run[@]}" "$work/good.o"
  object aborts '#include <cstdlib>' 'void F() { std::abort(); }'
  wants "abort" 1 '^aborts.o: abort: ends the process' "${run[@]}" "$work/good.o" "$work/aborts.o"
  object exits '#include <cstdlib>' 'void F() { std::exit(1); }'
  wants "exit" 1 '^exits.o: exit: ' "${run[@]}" "$work/exits.o"
  object prints '#include <cstdio>' 'void F(int x) { std::printf("%d", x); }'
  wants "printf" 1 '^prints.o: (__)?printf(_chk)?: prints' "${run[@]}" "$work/prints.o"
  object puts '#include <cstdio>' 'void F() { std::fputs("x", stderr); }'
  wants "stderr" 1 '^puts.o: stderr: prints' "${run[@]}" "$work/puts.o"
  object streams '#include <iostream>' 'void F() { std::cout << 1; }'
  wants "cout" 1 '^streams.o: std::cout: prints' "${run[@]}" "$work/streams.o"
  object asserts '#undef NDEBUG' '#include <cassert>' 'void F(int x) { assert(x); }'
  wants "an assertion" 1 '^asserts.o: __assert(_fail)?: an assertion' "${run[@]}" "$work/asserts.o"
  object optional '#include <optional>' 'int F(std::optional<int> x) { return x.value(); }'
  wants "optional::value" 1 '^optional.o: (abort|std::__throw_bad_optional_access)' "${run[@]}" "$work/optional.o"
  object function '#include <functional>' 'int F(const std::function<int()>& f) { return f(); }'
  wants "an empty std::function" 1 '^function.o: std::__throw_bad_function_call' "${run[@]}" "$work/function.o"
  object statics '#include <string>' 'std::string value("a long string that is allocated somewhere");'
  wants "a static with a destructor" 1 '^statics.o: __cxa_atexit: a static object' "${run[@]}" "$work/statics.o"
  object included '#include <iostream>' 'int F() { return 1; }' 'int G() { return std::ios_base::xalloc(); }'
  wants "nothing of ours but <iostream>" 0 ', 0 faults' "${run[@]}" "$work/included.o"
  object both '#include <iostream>' '#include <string>' \
    'std::string value("a long string that is allocated somewhere");'
  wants "a static beside the one of <iostream>" 1 '^both.o: __cxa_atexit: a static object' "${run[@]}" "$work/both.o"
  object environment '#include <cstdlib>' 'const char* F() { return std::getenv("X"); }'
  wants "the environment" 1 '^environment.o: getenv: ' "${run[@]}" "$work/environment.o"

  cat "$here/symbols.txt" - >"$work/rules" <<<'allow-in exits.o exit # a case of this test'
  wants "an exception for one object" 0 ' 0 faults' bash "$here/check_symbols.sh" "$work/rules" "$work/exits.o"
  wants "and for no other" 1 'abort: ' bash "$here/check_symbols.sh" "$work/rules" "$work/exits.o" "$work/aborts.o"
  cat "$here/symbols.txt" - >"$work/rules" <<<'allow exit'
  wants "an exception without a reason" 1 'no reason given' bash "$here/check_symbols.sh" "$work/rules" "$work/good.o"
  wants "no objects" 2 'no object files' "${run[@]}"
}

paths() {
  local run=(bash "$here/check_paths.sh" "$work/tree") slash=/ backslash=\\
  fresh
  put a.txt 'include/callwarden/a.h' '/usr/include' '/tmp/x' 'https://host/home' 'the root/ of it'
  wants "no path of a machine" 0 '1 files, 0 faults' "${run[@]}"
  put a.txt 'x' "see ${slash}home/somebody/project"
  wants "a home folder" 1 '^(\./)?a.txt:2:' "${run[@]}"
  put a.txt "${slash}Users/somebody/project"
  wants "a home folder on a Mac" 1 'a.txt:1:' "${run[@]}"
  put a.txt "cd ${slash}root/project"
  wants "the home folder of root" 1 'a.txt:1:' "${run[@]}"
  put a.txt "C:${backslash}Users${backslash}somebody"
  wants "a home folder on Windows" 1 'a.txt:1:' "${run[@]}"
  put a.txt "built in $work/tree/build"
  wants "the checkout itself" 1 'a.txt:1:' "${run[@]}"
  put a.txt 'clean'
  put build/a.txt "built in $work/tree/build"
  wants "build/ is nobody's" 0 ' 0 faults' "${run[@]}"
  if ! command -v git >/dev/null; then
    echo "no git here: two cases left out"
    return
  fi
  git -C "$work/tree" init -q
  git -C "$work/tree" add a.txt
  put b.txt "${slash}home/somebody/x"
  wants "with git, what it does not track does not count" 0 '1 files, 0 faults' "${run[@]}"
  git -C "$work/tree" add b.txt
  wants "with git, what it tracks does" 1 'b.txt:1:' "${run[@]}"
}

case $check in
  layers | headers | symbols | paths) "$check" ;;
  *)
    echo "self_test.sh: unknown check $check" >&2
    exit 2
    ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
