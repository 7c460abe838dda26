# shellcheck shell=bash
# Shared by the scripts of this folder; sourced, not run.

say() { printf '\n== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# install_packages <package>...: installs what is missing of these Debian or Ubuntu packages, with sudo when
# that is needed; one with a ? behind its name is left out where the system does not have it. Where there is no apt,
# prints what to install and goes on with what is there: CMake fetches the libraries that it does not find.
install_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    cat <<'TEXT'
This system has no apt, so nothing is installed. Needed: a C++20 compiler (GCC 12, Clang 14 or newer),
CMake 3.24 or newer, Ninja and OpenSSL 3; and of these libraries, with their development files, what you have (the rest
is downloaded while CMake configures): simdjson, Abseil, RE2, CLI11, nlohmann_json; for the tests also
Catch2, Google Benchmark and relacy.
TEXT
    return
  fi
  local missing=() package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "${package%\?}" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo "Everything that is needed is installed."
    return
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run this as root first: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq || die "apt-get update failed"
  local known=()
  for package in "${missing[@]}"; do
    if [ "$package" = "${package%\?}" ] || apt-cache show "${package%\?}" >/dev/null 2>&1; then
      known+=("${package%\?}")
    else
      echo "Going on without ${package%\?}, which this system does not have"
    fi
  done
  missing=("${known[@]}")
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  echo "Installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "could not install: ${missing[*]}"
}

# Stops with a sentence when CMake, Ninja or a compiler is missing or too old.
check_build_tools() {
  command -v cmake >/dev/null || die "cmake is not installed"
  command -v ninja >/dev/null || die "ninja is not installed"
  command -v c++ >/dev/null || command -v "${CXX:-c++}" >/dev/null || die "no C++ compiler is installed"
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9][0-9.]*\).*/\1/p')
  if [ "$(printf '3.24\n%s\n' "$version" | sort -V | head -n 1)" != 3.24 ]; then
    die "CMake 3.24 or newer is needed, this is $version; Debian 12, Ubuntu 24.04 or 'pip install cmake' have it"
  fi
}

# How many things to do at once.
job_count() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }

# What the library, the tool and the examples are built with.
# shellcheck disable=SC2034  # used by the scripts that source this
build_packages=(g++ cmake ninja-build libsimdjson-dev libabsl-dev libre2-dev libssl-dev libcli11-dev
  nlohmann-json3-dev)
# What the tests and benchmarks need besides.
# shellcheck disable=SC2034
test_packages=(catch2 'clang-14?' doxygen git libbenchmark-dev pkg-config python3-jsonschema relacy-dev
  'valgrind?')
# What the tests with real MCP clients need. Debian's npm is large, so it is asked for only where there is none.
# shellcheck disable=SC2034
e2e_packages=(nodejs npm)
