#ifndef TESTS_DIFFERENTIAL_GENERATE_VALUES_H_
#define TESTS_DIFFERENTIAL_GENERATE_VALUES_H_

#include <string>
#include <vector>

#include "tests/differential/json.h"
#include "tests/differential/random.h"

namespace differential {

/// What stands in a place of the arguments, most of the time.
enum class Shape {
  kNumber,
  kString,
  kBoolean,
  kFormatted,
  kScalars,
  kNumbers,
  kGrid,
  kObject,
  kInner,
  kItems,
  kAny
};

/// A path that the arguments, or the attributes of a call, often have, and what stands there. `fixed` paths
/// have no `[*]` and may be amounts.
struct KnownPath {
  std::string text;
  Shape shape;
  bool fixed;
};
const std::vector<KnownPath>& ArgumentPaths();
const std::vector<KnownPath>& AttributePaths();
/// A path of any steps under `args`, often one that leads nowhere.
KnownPath RandomPath(Random& random);

/// Scalars from pools small enough that a policy's value and a call's value often meet.
reference::Value RandomNumber(Random& random);
reference::Value RandomString(Random& random);
reference::Value RandomScalar(Random& random);
/// A string that is of one of the formats, or nearly.
reference::Value RandomFormatted(Random& random);
/// A value of that shape, now and then null or of another one.
reference::Value RandomValue(Random& random, Shape shape);

/// Arguments of a call, as an object.
reference::Value RandomArguments(Random& random);
/// JSON text that reads back as the value, spelled in one of many ways.
std::string Spell(Random& random, const reference::Value& value);
/// The text with something done to it that often makes it malformed.
std::string Damage(Random& random, std::string text);

}  // namespace differential

#endif  // TESTS_DIFFERENTIAL_GENERATE_VALUES_H_
