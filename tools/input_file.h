#ifndef CALLWARDEN_TOOLS_INPUT_FILE_H_
#define CALLWARDEN_TOOLS_INPUT_FILE_H_

#include <cstddef>
#include <string>

namespace callwarden::tool {

/// Longest policy and test file: what the library takes for a policy by default.
inline constexpr std::size_t kTextFileMaxBytes = std::size_t{4} << 20;
/// Longest arguments that are read from a file. More than the library takes, so that the library is the
/// one to refuse them.
inline constexpr std::size_t kArgumentsMaxBytes = std::size_t{8} << 20;

/// A file's bytes; `-` is standard input, which can be read once.
/// Throws ToolError, naming the file, when it cannot be read or is longer than `max_bytes`.
std::string ReadBytes(const std::string& path, std::size_t max_bytes);

/// A text file: UTF-8 without a byte order mark, not blank, at most kTextFileMaxBytes.
/// Throws ToolError, naming the file and what is wrong with it.
std::string ReadText(const std::string& path);

/// How a file is called in messages: its path as given, made printable; `<stdin>` for `-`.
std::string DisplayName(const std::string& path);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_INPUT_FILE_H_
