#include "callwarden/file_watcher.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <set>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/inotify.h>
#endif

CALLWARDEN_NAMESPACE_BEGIN
namespace {

using std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kLinksMax = 40;  // as many as Linux follows
constexpr milliseconds kPollIntervalWithoutInotify(1000);

// What a path leads to. Two that are equal are taken for the same file with the same text.
struct FileState {
  bool exists = false;
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_s = 0;
  int64_t modified_ns = 0;
  friend bool operator==(const FileState&, const FileState&) noexcept = default;
};
using Snapshot = std::vector<FileState>;

FileState StateOf(const std::string& path) noexcept {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) return {};
  return {true,
          static_cast<uint64_t>(found.st_dev),
          static_cast<uint64_t>(found.st_ino),
          static_cast<int64_t>(found.st_size),
          static_cast<int64_t>(found.st_mtim.tv_sec),
          static_cast<int64_t>(found.st_mtim.tv_nsec)};
}

Snapshot Look(const std::vector<std::string>& paths) {
  Snapshot snapshot;
  snapshot.reserve(paths.size());
  for (const std::string& path : paths) snapshot.push_back(StateOf(path));
  return snapshot;
}

// Puts the parts of a path before `parts`, empty ones and `.` left out.
void PutBefore(std::deque<std::string>& parts, std::string_view path) {
  std::vector<std::string> found;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (!part.empty() && part != ".") found.emplace_back(part);
  }
  parts.insert(parts.begin(), found.begin(), found.end());
}

bool ReadLink(const std::string& path, std::string& target) {
  std::array<char, 4096> buffer;
  const ssize_t size = readlink(path.c_str(), buffer.data(), buffer.size());
  if (size <= 0) return false;
  target.assign(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

// Adds the folders in which a change could lead the path elsewhere: that of the file, and that of every
// symbolic link on the way. Where the way ends early, the last folder there is.
void AddFolders(const std::string& path, std::set<std::string>& folders) {
  std::deque<std::string> parts;
  PutBefore(parts, path);
  std::string folder = path.starts_with('/') ? "/" : "./";
  int links = 0;
  while (!parts.empty()) {
    const std::string part = std::move(parts.front());
    parts.pop_front();
    const std::string here = folder + part;
    struct stat found;
    const bool exists = lstat(here.c_str(), &found) == 0;
    if (!exists || parts.empty() || S_ISLNK(found.st_mode)) folders.insert(folder);
    if (!exists) return;
    if (S_ISLNK(found.st_mode)) {
      std::string target;
      if (++links > kLinksMax || !ReadLink(here, target)) return;
      if (target.front() == '/') folder = "/";
      PutBefore(parts, target);
    } else {
      folder = here + "/";
    }
  }
}

}  // namespace

struct FileWatcher::Impl {
  Impl(std::vector<std::string> watched, FileWatcherOptions given)
      : paths(std::move(watched)), options(given) {
    options.settle = std::max(options.settle, milliseconds(0));
    std::array<int, 2> ends;
    if (pipe(ends.data()) != 0) return;
    for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
    stopped = ends[0];
    stop.store(ends[1]);
#if defined(__linux__)
    if (options.poll_interval <= milliseconds(0)) events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
#endif
    if (events < 0 && options.poll_interval <= milliseconds(0))
      options.poll_interval = kPollIntervalWithoutInotify;
    Arm();  // before the look, so that no change falls between
    told = Look(paths);
    pending = told;
  }
  ~Impl() {
    Stop();
    if (stopped >= 0) close(stopped);
    if (events >= 0) close(events);
  }

  // Makes the read end of the pipe report a hang-up.
  void Stop() noexcept {
    const int end = stop.exchange(-1);
    if (end >= 0) close(end);
  }

  // Watches the folders that matter now, and only those. A folder that was replaced is another one.
  void Arm() {
#if defined(__linux__)
    if (events < 0) return;
    constexpr uint32_t kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                               IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    std::set<std::string> folders;
    for (const std::string& path : paths) AddFolders(path, folders);
    std::set<int> now;
    for (const std::string& folder : folders) {
      const int watch = inotify_add_watch(events, folder.c_str(), kMask);
      if (watch >= 0) now.insert(watch);
    }
    for (const int watch : watches) {
      if (!now.contains(watch)) inotify_rm_watch(events, watch);
    }
    watches = std::move(now);
#endif
  }

  // Waits until something happens in the folders, or `until`; false when stopped.
  bool WaitForEvents(SteadyTime until, bool forever) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    constexpr milliseconds kLongest(60000);  // a look now and then costs nothing
    milliseconds timeout = forever ? kLongest : std::clamp(left, milliseconds(0), kLongest);
    if (events < 0) timeout = std::min(timeout, options.poll_interval);
    std::array<pollfd, 2> waits{{{stopped, POLLIN, 0}, {events, POLLIN, 0}}};  // poll passes over -1
    const int ready = poll(waits.data(), waits.size(), static_cast<int>(timeout.count()));
    if (stop.load() < 0 || (ready > 0 && waits[0].revents != 0)) return false;
    if (ready > 0 && waits[1].revents != 0) {
      alignas(8) std::array<char, 4096> ignored;  // what happened is told by a look at the files
      while (read(events, ignored.data(), ignored.size()) > 0) {
      }
    }
    return true;
  }

  bool Wait(milliseconds timeout) {
    if (stopped < 0) return false;
    const bool forever = timeout < milliseconds(0);
    const SteadyTime deadline = std::chrono::steady_clock::now() + (forever ? milliseconds(0) : timeout);
    for (;;) {
      Arm();
      Snapshot seen = Look(paths);
      const SteadyTime now = std::chrono::steady_clock::now();
      if (seen != pending) {
        if (pending == told) first_changed = now;
        last_changed = now;
        pending = std::move(seen);
      }
      SteadyTime until = deadline;
      const bool changed = pending != told;
      if (changed) {
        const SteadyTime settled =
            std::min(last_changed + options.settle, first_changed + options.settle_max);
        if (now >= settled) {
          told = pending;
          return true;
        }
        until = forever ? settled : std::min(deadline, settled);
      }
      if (!forever && now >= deadline) return false;
      if (!WaitForEvents(until, forever && !changed)) return false;
    }
  }

  std::vector<std::string> paths;
  FileWatcherOptions options;
  int events = -1;            // inotify's descriptor
  int stopped = -1;           // hangs up when Stop was called
  std::atomic<int> stop{-1};  // the other end
  std::set<int> watches;
  Snapshot told;               // what the host knows
  Snapshot pending;            // what was seen last
  SteadyTime first_changed{};  // when `pending` left `told`
  SteadyTime last_changed{};
};

FileWatcher::FileWatcher(std::vector<std::string> paths, FileWatcherOptions options)
    : impl_(std::make_unique<Impl>(std::move(paths), options)) {}
FileWatcher::~FileWatcher() = default;

bool FileWatcher::ok() const noexcept { return impl_->stopped >= 0; }
bool FileWatcher::uses_inotify() const noexcept { return impl_->events >= 0; }
bool FileWatcher::Wait(milliseconds timeout) { return impl_->Wait(timeout); }
void FileWatcher::Stop() noexcept { impl_->Stop(); }

CALLWARDEN_NAMESPACE_END
