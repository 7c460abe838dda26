#ifndef CALLWARDEN_TOOLS_VERSION_H_
#define CALLWARDEN_TOOLS_VERSION_H_

#include <string>

#include "callwarden/config.h"

namespace callwarden::tool {

/// Such as `1.2.3`.
inline std::string Version() {
  return std::to_string(CALLWARDEN_VERSION_MAJOR) + "." + std::to_string(CALLWARDEN_VERSION_MINOR) + "." +
         std::to_string(CALLWARDEN_VERSION_PATCH);
}

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_VERSION_H_
