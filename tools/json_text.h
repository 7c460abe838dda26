#ifndef CALLWARDEN_TOOLS_JSON_TEXT_H_
#define CALLWARDEN_TOOLS_JSON_TEXT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace callwarden::tool {

// Steps through text that is known to be JSON. Each returns the offset after what begins at `at`.
std::size_t SkipBlanks(std::string_view json, std::size_t at);
std::size_t SkipString(std::string_view json, std::size_t at);
std::size_t SkipValue(std::string_view json, std::size_t at);

/// Where a value begins in its document, and the name of the member that it is.
struct JsonPlace {
  std::size_t value = 0;
  std::optional<std::size_t> key;  ///< none for the root and for elements
};

/// Finds what a JSON Pointer points to, in text that is known to be JSON and without repeated names.
std::optional<JsonPlace> FindPlace(std::string_view json, std::string_view pointer);

/// One step of a JSON Pointer, escaped.
std::string PointerStep(std::string_view name);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_JSON_TEXT_H_
