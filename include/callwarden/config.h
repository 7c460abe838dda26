#ifndef CALLWARDEN_CONFIG_H_
#define CALLWARDEN_CONFIG_H_

/// Version, export, namespace and attribute macros; nothing else. CMake reads the version from here.
/// No macro in a public header changes layout or behaviour.

#define CALLWARDEN_VERSION_MAJOR 0
#define CALLWARDEN_VERSION_MINOR 1
#define CALLWARDEN_VERSION_PATCH 0

/// The inline namespace's number is the ABI's: it changes when layout, vtables or inline behaviour
/// change, not with every release.
#define CALLWARDEN_NAMESPACE_BEGIN \
  namespace callwarden {           \
  inline namespace v0 {
#define CALLWARDEN_NAMESPACE_END \
  }                              \
  }

// What a shared library shows. CALLWARDEN_SHARED is set for users of the shared library by the CMake
// target, CALLWARDEN_BUILDING only while the library itself is built.
#if defined(_WIN32) && defined(CALLWARDEN_SHARED)
#if defined(CALLWARDEN_BUILDING)
#define CALLWARDEN_EXPORT __declspec(dllexport)
#else
#define CALLWARDEN_EXPORT __declspec(dllimport)
#endif
#elif defined(__GNUC__) || defined(__clang__)
#define CALLWARDEN_EXPORT __attribute__((visibility("default")))
#else
#define CALLWARDEN_EXPORT
#endif

/// Marks what a returned view or pointer lives in, for compilers that warn about it.
#if defined(__clang__)
#define CALLWARDEN_LIFETIME_BOUND [[clang::lifetimebound]]
#else
#define CALLWARDEN_LIFETIME_BOUND
#endif

#endif  // CALLWARDEN_CONFIG_H_
