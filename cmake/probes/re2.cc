// Uses RE2 as the library does; linked at configure time, see CallwardenDependencies.cmake.
#include "re2/re2.h"

#include <string>

int main() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(int64_t{8} << 20);
  const RE2 regex("a+", options);
  return regex.ok() && RE2::PartialMatch("baa", regex) ? 0 : 1;
}
