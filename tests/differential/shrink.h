#ifndef TESTS_DIFFERENTIAL_SHRINK_H_
#define TESTS_DIFFERENTIAL_SHRINK_H_

#include <functional>

#include "tests/differential/json.h"
#include "tests/differential/test_file.h"

namespace differential {

/// A policy and what is done with it.
struct Case {
  reference::Value policy;
  reference::Options options;
  reference::PolicyTest test;
};

/// Makes a case smaller as long as `still_differs` says so of the smaller one: steps, then parts of the
/// policy, then parts of the calls are left out, over and over, until nothing more can be.
Case Shrink(Case start, const std::function<bool(const Case&)>& still_differs);

}  // namespace differential

#endif  // TESTS_DIFFERENTIAL_SHRINK_H_
