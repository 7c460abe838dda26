#ifndef CALLWARDEN_TESTS_CATCH_H_
#define CALLWARDEN_TESTS_CATCH_H_

// The test framework, version 2 (Debian 12) or 3. Tests include this and use what both have: TEST_CASE,
// SECTION, the assertion macros, CAPTURE, INFO, GENERATE and `Approx`.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#endif  // CALLWARDEN_TESTS_CATCH_H_
