#ifndef TESTS_DIFFERENTIAL_MODEL_H_
#define TESTS_DIFFERENTIAL_MODEL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/json.h"

namespace re2 {
class RE2;
}

namespace reference {

/// A policy document as plain structs. The document must be valid: what section 10 would report as an error
/// is not looked for here.

struct Step {
  enum class Kind { kName, kIndex, kEach };
  Kind kind = Kind::kName;
  std::string name;
  Int128 index = 0;
};

struct Path {
  enum class Root { kArgs, kGrant, kContext };
  Root root = Root::kArgs;
  std::vector<Step> steps;
  std::string text;  // as written
};

struct Condition {
  enum class Kind { kTest, kAll, kAny, kNot };
  Kind kind = Kind::kTest;
  // of a test
  Path path;
  std::string op;
  Value value;
  std::shared_ptr<const re2::RE2> regex;
  // of a combinator
  std::vector<Condition> children;
};

struct Rule {
  std::string k;  // with its #n
  std::string id;
  std::vector<Condition> conditions;
  std::optional<std::string> text;  // on_deny or reason
  bool shadow = false;
};

struct Window {
  enum class Kind { kNone, kSeconds, kWeek, kMonth };
  Kind kind = Kind::kNone;
  Int128 seconds = 0;
};

struct Limit {
  enum class Algorithm { kCalendar, kGcra, kInflight };
  std::string counter;
  std::string id;
  Window window;
  Int128 max = 0;
  std::vector<std::string> scopes;  // "grant", "session", "context.ATTR"; none for global; as written
  std::optional<Path> amount_path;
  Value amount;         // the constant where there is no path
  int unit_digits = 0;  // the unit is 10^-unit_digits
  Algorithm algorithm = Algorithm::kCalendar;
  Int128 burst = 0;
  bool refund_on_error = false;
  std::optional<std::string> on_deny;
  bool shadow = false;
};

struct Entry {
  enum class Action { kAllow, kDeny, kRequireApproval };
  std::string key;  // of `tools`
  std::string id;   // "/tools/KEY" or "/all_tools"
  Action action = Action::kAllow;
  std::optional<std::string> reason;
  std::vector<Rule> require;
  std::vector<Rule> deny_if;
  std::vector<Rule> require_approval_if;
  std::vector<Limit> limits;  // with that of `rate_limit`, last
};

struct Policy {
  bool shadow = false;
  bool default_allow = false;
  std::vector<std::string> hide;
  std::vector<Entry> tools;
  std::optional<Entry> all_tools;
};

/// Reads a valid document. Nothing when it is so far from valid that reading it makes no sense.
std::optional<Policy> ReadPolicy(std::string_view text);

/// Reads a valid path.
std::optional<Path> ReadPath(const std::string& text);

bool IsGlob(std::string_view pattern);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_MODEL_H_
