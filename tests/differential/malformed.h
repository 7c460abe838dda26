#ifndef TESTS_DIFFERENTIAL_MALFORMED_H_
#define TESTS_DIFFERENTIAL_MALFORMED_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/evaluate.h"
#include "tests/differential/model.h"

namespace reference {

/// Whether the name has 1 to 128 bytes of [A-Za-z0-9_.:/-].
bool IsUsualToolName(std::string_view name);

/// A tool name or pattern with ASCII case folded and U+0020 trimmed on both sides.
std::string FoldToolName(std::string_view name);

/// An argument path that the policy reads.
struct ReadPathUse {
  const Path* path = nullptr;
  bool by_contains = false;
};

/// Whether an object on one of the paths has a member that differs only by case from one that is read there.
bool HasCaseVariant(const std::vector<ReadPathUse>& reads, const Roots& roots);

/// Whether a string at the end of one of the paths, or an element of an array that `contains` tests, holds
/// U+0000.
bool HasNulString(const std::vector<ReadPathUse>& reads, const Roots& roots);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_MALFORMED_H_
