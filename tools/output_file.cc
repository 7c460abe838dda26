#include "output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "input_file.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

ToolError Exists(const std::string& path) {
  return ToolError(DisplayName(path) + ": exists already; --force replaces it");
}

}  // namespace

void WriteNewFile(const std::string& path, std::string_view bytes, bool replace) {
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), replace ? "wb" : "wbx");
  if (file == nullptr) {
    if (errno == EEXIST) throw Exists(path);
    throw ToolError(DisplayName(path) + ": " + std::strerror(errno));
  }
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  int error = written ? 0 : errno;
  if (std::fclose(file) != 0 && error == 0) error = errno;
  if (error == 0) return;
  if (!replace) std::remove(path.c_str());
  throw ToolError(DisplayName(path) + ": " + std::strerror(error));
}

void RefuseExisting(const std::string& path) {
  std::error_code error;  // what cannot be looked at is found out in time
  if (std::filesystem::exists(path, error)) throw Exists(path);
}

}  // namespace callwarden::tool
