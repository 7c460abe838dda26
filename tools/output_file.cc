#include "output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "input_file.h"
#include "tool_error.h"

namespace callwarden::tool {

void WriteNewFile(const std::string& path, std::string_view bytes, bool replace) {
  errno = 0;
  std::FILE* const file = std::fopen(path.c_str(), replace ? "wb" : "wbx");
  if (file == nullptr) {
    if (errno == EEXIST) throw ToolError(DisplayName(path) + ": exists already; --force replaces it");
    throw ToolError(DisplayName(path) + ": " + std::strerror(errno));
  }
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  int error = written ? 0 : errno;
  if (std::fclose(file) != 0 && error == 0) error = errno;
  if (error == 0) return;
  if (!replace) std::remove(path.c_str());
  throw ToolError(DisplayName(path) + ": " + std::strerror(error));
}

}  // namespace callwarden::tool
