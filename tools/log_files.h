#ifndef CALLWARDEN_TOOLS_LOG_FILES_H_
#define CALLWARDEN_TOOLS_LOG_FILES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callwarden::tool {

/// The files that are named, with each folder replaced by the .jsonl files in it, by name, which is the order
/// of a log. Throws ToolError, naming what cannot be listed and a folder without any.
std::vector<std::string> LogFiles(const std::vector<std::string>& named);

/// Bytes of the files together, as far as they have a size.
uint64_t TotalSize(const std::vector<std::string>& files);

/// Reads a file of lines piece by piece; `-` is standard input. Can be asked again after the end of the file,
/// for what was added meanwhile.
class LineFile {
 public:
  /// Throws ToolError when the file cannot be opened.
  explicit LineFile(const std::string& path);
  LineFile(const LineFile&) = delete;  // owns a descriptor
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile();

  /// The file's next bytes, a view until the next call; empty at its end. Throws ToolError.
  std::string_view NextBytes();
  /// The file's next line, without its line feed, a view until the next call; nothing at the end. A last line
  /// without a line feed is held back, see Rest. Throws ToolError, also for a line over 256 MiB.
  std::optional<std::string_view> NextLine();
  /// What stands after the last line feed.
  std::string_view Rest() const { return std::string_view(buffer_).substr(begin_); }
  /// Lines read.
  uint64_t line() const { return line_; }
  uint64_t bytes() const { return bytes_; }

 private:
  bool Fill();

  const std::string path_;
  int file_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what has not been handed out
  std::size_t scanned_ = 0;  // no line feed before this
  uint64_t line_ = 0;
  uint64_t bytes_ = 0;
};

/// Reads 32 bytes, written as 64 hexadecimal digits, from a file: a key does not belong on a command line,
/// which others can see. Throws ToolError.
std::vector<uint8_t> ReadKeyFile(const std::string& path);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_LOG_FILES_H_
