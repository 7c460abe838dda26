#include "log_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "input_file.h"
#include "tool_error.h"

namespace callwarden::tool {
namespace {

constexpr std::size_t kPieceSize = std::size_t{1} << 18;
constexpr std::size_t kLineMax = std::size_t{256} << 20;

}  // namespace

std::vector<std::string> LogFiles(const std::vector<std::string>& named) {
  std::vector<std::string> files;
  for (const std::string& path : named) {
    std::error_code error;
    if (path == "-" || !std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const std::size_t before = files.size();
    std::filesystem::directory_iterator entry(path, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      if (entry->path().extension() == ".jsonl") files.push_back(entry->path().string());
    }
    if (error) throw ToolError(DisplayName(path) + ": " + error.message());
    if (files.size() == before) throw ToolError(DisplayName(path) + ": no .jsonl file in this folder");
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  return files;
}

uint64_t TotalSize(const std::vector<std::string>& files) {
  uint64_t total = 0;
  for (const std::string& file : files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (!error) total += size;
  }
  return total;
}

LineFile::LineFile(const std::string& path)
    : path_(path), file_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) throw ToolError(DisplayName(path) + ": " + std::strerror(errno));
}

LineFile::~LineFile() {
  if (file_ != STDIN_FILENO) close(file_);
}

bool LineFile::Fill() {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  const std::size_t before = buffer_.size();
  if (before > kLineMax) {
    throw ToolError(DisplayName(path_) + ":" + std::to_string(line_ + 1) + ": the line is too long");
  }
  buffer_.resize(before + kPieceSize);
  ssize_t got = 0;
  do {
    got = read(file_, buffer_.data() + before, kPieceSize);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) throw ToolError(DisplayName(path_) + ": " + std::strerror(error));
  bytes_ += static_cast<uint64_t>(got);
  return got > 0;
}

std::string_view LineFile::NextBytes() {
  begin_ = scanned_ = buffer_.size();
  Fill();
  const std::string_view bytes = Rest();
  begin_ = scanned_ = buffer_.size();
  return bytes;
}

std::optional<std::string_view> LineFile::NextLine() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end != std::string::npos) {
      const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = scanned_ = end + 1;
      ++line_;
      return line;
    }
    scanned_ = buffer_.size();
    if (!Fill()) return std::nullopt;
  }
}

std::vector<uint8_t> ReadKeyFile(const std::string& path) {
  constexpr std::size_t kSize = 32;
  std::string text = ReadBytes(path, 1024);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  std::vector<uint8_t> key;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    for (const char c : {text[i], text[i + 1]}) {
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (digit == std::string_view::npos) throw ToolError(DisplayName(path) + ": no hexadecimal key");
      byte = byte * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
    }
    key.push_back(static_cast<uint8_t>(byte));
  }
  if (key.size() != kSize || text.size() != 2 * kSize) {
    throw ToolError(DisplayName(path) + ": a key is 64 hexadecimal digits");
  }
  return key;
}

}  // namespace callwarden::tool
