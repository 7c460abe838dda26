#ifndef CALLWARDEN_TOOLS_OUTPUT_FILE_H_
#define CALLWARDEN_TOOLS_OUTPUT_FILE_H_

#include <string>
#include <string_view>

namespace callwarden::tool {

/// Writes a file that is not there yet; with `replace` also one that is. Throws ToolError, naming the file,
/// when it exists or cannot be written; a half-written new file is removed.
void WriteNewFile(const std::string& path, std::string_view bytes, bool replace);
/// Throws the same ToolError when the file exists, for who would find out late.
void RefuseExisting(const std::string& path);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_OUTPUT_FILE_H_
