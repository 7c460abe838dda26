#ifndef TESTS_DIFFERENTIAL_GENERATE_H_
#define TESTS_DIFFERENTIAL_GENERATE_H_

#include <cstdint>

#include "tests/differential/json.h"
#include "tests/differential/random.h"
#include "tests/differential/test_file.h"

namespace differential {

/// What a case is about most.
enum class Focus { kRules, kLimits, kNames, kArguments, kMixed };
Focus RandomFocus(Random& random);

/// Options, the default ones mostly.
reference::Options RandomOptions(Random& random);

/// A valid policy document.
reference::Value RandomPolicy(Random& random, Focus focus);

/// A valid rule for one of the lists of an entry, without a name.
reference::Value RandomRule(Random& random, reference::List list);

/// A valid limit.
reference::Value RandomLimit(Random& random);

/// Steps for a policy: calls of its tools and of names like theirs, at times that go over window edges and
/// now and then back, completed in several ways. Nothing is expected of them yet; `complete` steps may name
/// calls that will not be admitted.
reference::PolicyTest RandomTest(Random& random, const reference::Value& policy, Focus focus,
                                 std::size_t calls);

/// A call of one of the policy's tools, mostly.
reference::Call RandomCall(Random& random, const reference::Value& policy, Focus focus);

}  // namespace differential

#endif  // TESTS_DIFFERENTIAL_GENERATE_H_
