#ifndef CALLWARDEN_FILE_WATCHER_H_
#define CALLWARDEN_FILE_WATCHER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN

struct FileWatcherOptions {
  /// How long the files must be left alone before a change is told. Editors and deployments write in several
  /// steps; reading between them would read half a document.
  std::chrono::milliseconds settle = std::chrono::milliseconds(200);
  /// A change is told after this long at the latest, though the files are still being written.
  std::chrono::milliseconds settle_max = std::chrono::seconds(5);
  /// Ask the file system at this interval and do without inotify: for file systems that tell nothing, such as
  /// NFS. 0: inotify, and once a second where it cannot be had.
  std::chrono::milliseconds poll_interval = std::chrono::milliseconds(0);
};

/// Tells when files were replaced or rewritten, for hosts that reload policies and grants. Knows nothing of
/// what is in them.
///
/// What counts as a change is that a path leads to another file, or to one of another size or time of
/// modification; a file that comes or goes is one, too. The folders are watched, not the files, so that a
/// file that is replaced by a rename is still watched, and a path through symbolic links is watched at each
/// of its links, which is how Kubernetes swaps a mounted ConfigMap.
///
/// Thread safety: one thread at a time, but for Stop, which may be called from any.
/// Allocation: yes. Errors: nothing throws, prints or aborts.
class CALLWARDEN_EXPORT FileWatcher {
 public:
  /// Begins to watch; what is there now is not a change. Paths may not exist yet.
  explicit FileWatcher(std::vector<std::string> paths, FileWatcherOptions options = {});
  FileWatcher(const FileWatcher&) = delete;  // owns descriptors
  FileWatcher& operator=(const FileWatcher&) = delete;
  ~FileWatcher();

  /// False when the system gave no descriptors; Wait then returns false at once.
  [[nodiscard]] bool ok() const noexcept;
  /// Whether the system tells of changes; otherwise they are asked for at an interval.
  [[nodiscard]] bool uses_inotify() const noexcept;

  /// Waits for a change that has settled, at most `timeout`; true when there was one. A negative timeout
  /// waits until there is one, or until Stop, after which this returns false.
  [[nodiscard]] bool Wait(std::chrono::milliseconds timeout);
  /// Makes Wait return false, now and from now on.
  void Stop() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_FILE_WATCHER_H_
