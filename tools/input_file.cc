#include "input_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "printable.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

[[noreturn]] void Fail(const std::string& path, const std::string& what) {
  throw ToolError(DisplayName(path) + ": " + what);
}

std::string SizeText(std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string BinaryText(std::string_view text, std::size_t offset) {
  char byte[8];
  std::snprintf(byte, sizeof byte, "0x%02x", static_cast<unsigned char>(text[offset]));
  return std::string("is not UTF-8 text: byte ") + byte + " at offset " + std::to_string(offset);
}

}  // namespace

std::string DisplayName(const std::string& path) { return path == "-" ? "<stdin>" : Printable(path); }

std::string ReadBytes(const std::string& path, std::size_t max_bytes) {
  errno = 0;
  const std::unique_ptr<std::FILE, CloseFile> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (file == nullptr) Fail(path, std::strerror(errno));
  std::string bytes;
  std::array<char, 65536> chunk;
  while (bytes.size() <= max_bytes) {
    const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get());
    bytes.append(chunk.data(), count);
    if (count < chunk.size()) {
      if (std::ferror(file.get()) != 0) Fail(path, std::strerror(errno));
      break;
    }
  }
  if (bytes.size() > max_bytes) Fail(path, "is larger than " + SizeText(max_bytes));
  return bytes;
}

std::string ReadText(const std::string& path) {
  std::string text = ReadBytes(path, kTextFileMaxBytes);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) Fail(path, "is empty");
  if (text.starts_with("\xEF\xBB\xBF")) {
    Fail(path, "begins with a byte order mark; save it as UTF-8 without one");
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) Fail(path, BinaryText(text, nul));
  if (const std::size_t bad = FindInvalidUtf8(text); bad != std::string_view::npos) {
    Fail(path, BinaryText(text, bad));
  }
  return text;
}

}  // namespace callwarden::tool
