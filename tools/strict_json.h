#ifndef CALLWARDEN_TOOLS_STRICT_JSON_H_
#define CALLWARDEN_TOOLS_STRICT_JSON_H_

#include <string>
#include <string_view>

#include "output.h"

namespace callwarden::tool {

/// What reading a text came to: a value, or what is wrong with the text.
struct StrictJson {
  Json value;
  bool is_json = true;  ///< by its grammar; it may still be refused
  std::string problem;  ///< empty when there is a value
};

/// Reads JSON of others: refuses repeated names, which readers understand differently, and more than 128
/// levels, which functions that call themselves could not follow.
StrictJson ReadStrictly(std::string_view text);

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_STRICT_JSON_H_
