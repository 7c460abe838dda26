#include "lib/path.h"

#include <string>
#include <string_view>

#include "tests/catch.h"

namespace {

using callwarden::internal::ParsePath;
using callwarden::internal::Path;
using callwarden::internal::PathStep;

// A path's parts, each in a form of its own; `error: ...` for one that is none.
std::string Parse(std::string_view text) {
  Path path;
  std::string error;
  if (!ParsePath(text, path, error)) return "error: " + error;
  CHECK(error.empty());
  std::string out = path.root == Path::Root::kArguments ? "A" : path.root == Path::Root::kGrant ? "G" : "C";
  bool wildcard = false;
  for (const PathStep& step : path.steps) {
    switch (step.kind) {
      case PathStep::Kind::kName:
        out += "|n:" + step.name;
        break;
      case PathStep::Kind::kIndex:
        out += "|i:" + std::to_string(step.index);
        break;
      case PathStep::Kind::kWildcard:
        out += "|*";
        wildcard = true;
        break;
    }
  }
  CHECK(path.has_wildcard() == wildcard);
  return out;
}

}  // namespace

TEST_CASE("paths are read step by step", "[path]") {
  CHECK(Parse("args") == "A");
  CHECK(Parse("args.a") == "A|n:a");
  CHECK(Parse("args.a.b.c") == "A|n:a|n:b|n:c");
  CHECK(Parse("args.a[0]") == "A|n:a|i:0");
  CHECK(Parse("args.a[2147483647]") == "A|n:a|i:2147483647");
  CHECK(Parse("args.a[*].p[*][3]") == "A|n:a|*|n:p|*|i:3");
  CHECK(Parse(R"(args["odd.name"])") == "A|n:odd.name");
  CHECK(Parse(R"(args[""])") == "A|n:");
  CHECK(Parse(R"(args["a"]["b"].c)") == "A|n:a|n:b|n:c");
  CHECK(Parse(R"(args["]"])") == "A|n:]");
  CHECK(Parse(R"(args["\""])") == "A|n:\"");
  CHECK(Parse(R"(args["\\"])") == "A|n:\\");
  CHECK(Parse(R"(args["\\\""].x)") == "A|n:\\\"|n:x");
  CHECK(Parse(R"(args["\u00e9\ud83d\ude00"])") == "A|n:é😀");
  CHECK(Parse("args.é") == "A|n:é");
  CHECK(Parse("args.*") == "A|n:*");
  CHECK(Parse("args. ") == "A|n: ");
  CHECK(Parse("args.a-b c\"d") == "A|n:a-b c\"d");
  CHECK(Parse("args.args") == "A|n:args");
  CHECK(Parse("grant.id") == "G|n:id");
  CHECK(Parse("context.session") == "C|n:session");
  CHECK(Parse(R"(context["odd name"])") == "C|n:odd name");
}

TEST_CASE("what is no path says why", "[path]") {
  const std::string_view start = " does not begin with args, grant or context";
  for (const std::string_view text : {"", "arg", "argsx", "args x", "ARGS.a", " args.a", "grants.a",
                                      "contextual", "call.a", "a", "$.args", "args/a", "args]"}) {
    CAPTURE(text);
    CHECK(Parse(text) == "error: path \"" + std::string(text) + "\"" + std::string(start));
  }
  CHECK(Parse("args.") == R"(error: path "args." has an empty name)");
  CHECK(Parse("args..a") == R"(error: path "args..a" has an empty name)");
  CHECK(Parse("args.a.") == R"(error: path "args.a." has an empty name)");
  CHECK(Parse("args.[0]") == R"(error: path "args.[0]" has an empty name)");
  CHECK(Parse("args.a]") == R"(error: path "args.a]" has "]" where a step begins)");
  CHECK(Parse("args.a[0]b") == R"(error: path "args.a[0]b" has "b" where a step begins)");
  CHECK(Parse("args.a[") == R"(error: a path's brackets hold an index, [*] or a quoted name in "args.a[")");
  CHECK(Parse("args.a[]") == R"(error: a path's brackets hold an index, [*] or a quoted name in "args.a[]")");
  CHECK(Parse("args.a[-1]") ==
        R"(error: a path's brackets hold an index, [*] or a quoted name in "args.a[-1]")");
  CHECK(Parse("args.a[+1]") ==
        R"(error: a path's brackets hold an index, [*] or a quoted name in "args.a[+1]")");
  CHECK(Parse("args.a[b]") ==
        R"(error: a path's brackets hold an index, [*] or a quoted name in "args.a[b]")");
  CHECK(Parse("args.a['b']") ==
        R"(error: a path's brackets hold an index, [*] or a quoted name in "args.a['b']")");
  CHECK(Parse("args.a[01]") == R"(error: an index in a path has a leading zero in "args.a[01]")");
  CHECK(Parse("args.a[00]") == R"(error: an index in a path has a leading zero in "args.a[00]")");
  CHECK(Parse("args.a[2147483648]") ==
        R"(error: an index in a path is above 2147483647 in "args.a[2147483648]")");
  CHECK(Parse("args.a[99999999999999999999999]") ==
        R"(error: an index in a path is above 2147483647 in "args.a[99999999999999999999999]")");
  CHECK(Parse("args.a[0") == R"(error: a path's bracket is not closed in "args.a[0")");
  CHECK(Parse("args.a[0 ]") == R"(error: a path's bracket is not closed in "args.a[0 ]")");
  CHECK(Parse("args.a[*") == R"(error: a path's bracket is not closed in "args.a[*")");
  CHECK(Parse("args.a[**]") == R"(error: a path's bracket is not closed in "args.a[**]")");
  CHECK(Parse("args.a[1.0]") == R"(error: a path's bracket is not closed in "args.a[1.0]")");
  CHECK(Parse(R"(args["a")") == R"(error: a path's bracket is not closed in "args["a"")");
  CHECK(Parse(R"(args["a"x])") == R"(error: a path's bracket is not closed in "args["a"x]")");
  CHECK(Parse(R"(args["a)") == R"(error: a quoted name in a path has no end in "args["a")");
  CHECK(Parse(R"(args["a\"])") == R"(error: a quoted name in a path has no end in "args["a\"]")");
  CHECK(Parse(R"(args["a\)") == R"(error: a quoted name in a path has no end in "args["a\")");
  CHECK(Parse(R"(args["\x"])") == R"(error: a quoted name in a path is not a JSON string in "args["\x"]")");
  CHECK(Parse(R"(args["\ud800"])") ==
        R"(error: a quoted name in a path is not a JSON string in "args["\ud800"]")");
  CHECK(Parse("args[\"\n\"]") == R"(error: a quoted name in a path is not a JSON string in "args["\x0a"]")");
  CHECK(Parse("args[0]") == R"(error: path "args[0]" indexes args, which is an object)");
  CHECK(Parse("args[*].a") == R"(error: path "args[*].a" indexes args, which is an object)");
  for (const std::string_view text :
       {"grant", "context", "grant.a.b", "context.a[0]", "context.a[*]", "grant[0]", "context[*]"}) {
    CAPTURE(text);
    CHECK(Parse(text) == "error: path \"" + std::string(text) +
                             "\" must name exactly one attribute, such as context.tenant");
  }
}
