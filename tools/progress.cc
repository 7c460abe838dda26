#include "progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

#include "output.h"

namespace callwarden::tool {
namespace {

constexpr std::chrono::milliseconds kFirst{500};
constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

Progress::Progress(std::string what, uint64_t total)
    : what_(std::move(what)),
      total_(total),
      terminal_(isatty(fileno(stderr)) == 1),
      next_(std::chrono::steady_clock::now() + kFirst) {}

void Progress::Show(uint64_t done) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kInterval;
  shown_ = true;
  const std::string far = total_ == 0 ? std::to_string(done)
                                      : std::to_string(std::min<uint64_t>(done * 100 / total_, 100)) + " %";
  Err("\r\x1b[K" + what_ + ": " + far);
}

void Progress::Clear() {
  if (std::exchange(shown_, false)) Err("\r\x1b[K");
}

}  // namespace callwarden::tool
