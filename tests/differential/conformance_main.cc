// Runs policy test files on the reference alone, to show that the reference reads the language rightly before
// anything is compared with it. Files that expect diagnostics are passed over: the reference compiles
// nothing.
//
// Usage: reference_conformance FILE_OR_FOLDER...
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/differential/test_file.h"

namespace {

std::vector<std::filesystem::path> FilesIn(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path path = arguments[i];
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  for (const std::filesystem::path& path : FilesIn(argc, argv)) {
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    std::string error;
    const auto file = reference::ReadTestFile(text, path.parent_path().string(), error);
    if (!file) {
      std::printf("%s: %s\n", path.c_str(), error.c_str());
      ++failed;
      continue;
    }
    if (file->tests.empty()) continue;
    const auto policy = reference::ReadPolicy(file->policy_text);
    if (!policy) {
      std::printf("%s: the policy cannot be read\n", path.c_str());
      ++failed;
      continue;
    }
    for (const reference::PolicyTest& test : file->tests) {
      const std::string failures = reference::RunOnReference(*policy, test);
      if (failures.empty()) {
        ++passed;
      } else {
        ++failed;
        std::printf("%s: %s\n%s", path.c_str(), test.name.c_str(), failures.c_str());
      }
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
