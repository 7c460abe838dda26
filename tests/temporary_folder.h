#ifndef CALLWARDEN_TESTS_TEMPORARY_FOLDER_H_
#define CALLWARDEN_TESTS_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace callwarden_test {

/// A folder that nobody else uses, removed with all that is in it. Ends the process when none can be made,
/// since no test that wants one can go on.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "callwarden-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  /// The path of a file in it.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace callwarden_test

#endif  // CALLWARDEN_TESTS_TEMPORARY_FOLDER_H_
