#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/approvals.h"

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::AppendCanonicalArguments;
using callwarden::ArgumentWriter;
using callwarden::DigestCall;
using callwarden_unit::Call;
using callwarden_unit::CallWith;
using callwarden_unit::Written;

// "refused" when it is.
std::string Form(const callwarden::ToolCall& call) {
  std::string out = "kept ";
  const bool ok = AppendCanonicalArguments(call, out);
  REQUIRE(out.substr(0, 5) == "kept ");
  if (!ok) {
    REQUIRE(out == "kept ");
    return "refused";
  }
  return out.substr(5);
}
std::string Form(std::string_view arguments) { return Form(Call(arguments)); }

// The form of one number in an object.
std::string NumberForm(std::string_view number) {
  const std::string form = Form("{\"n\":" + std::string(number) + "}");
  if (form == "refused") return form;
  REQUIRE(form.substr(0, 5) == "{\"n\":");
  return form.substr(5, form.size() - 6);
}
std::string DoubleForm(uint64_t bits) {
  const double value = std::bit_cast<double>(bits);
  const Written source([value](ArgumentWriter& w) {
    w.BeginObject();
    w.Name("n");
    w.Double(value);
    w.EndObject();
  });
  const std::string form = Form(CallWith(source));
  return form == "refused" ? form : form.substr(5, form.size() - 6);
}

TEST_CASE("Canonical arguments: the numbers of RFC 8785, appendix B") {
  // Those marked differ from the RFC, since integers below 2^64 are exact here.
  CHECK(DoubleForm(0x0000000000000000) == "0");
  CHECK(DoubleForm(0x8000000000000000) == "0");
  CHECK(DoubleForm(0x0000000000000001) == "5e-324");
  CHECK(DoubleForm(0x8000000000000001) == "-5e-324");
  CHECK(DoubleForm(0x7fefffffffffffff) == "1.7976931348623157e+308");
  CHECK(DoubleForm(0xffefffffffffffff) == "-1.7976931348623157e+308");
  CHECK(DoubleForm(0x4340000000000000) == "9007199254740992");
  CHECK(DoubleForm(0xc340000000000000) == "-9007199254740992");
  CHECK(DoubleForm(0x4430000000000000) == "295147905179352830000");
  CHECK(DoubleForm(0x7fffffffffffffff) == "refused");
  CHECK(DoubleForm(0x7ff0000000000000) == "refused");
  CHECK(DoubleForm(0x44b52d02c7e14af5) == "9.999999999999997e+22");
  CHECK(DoubleForm(0x44b52d02c7e14af6) == "1e+23");
  CHECK(DoubleForm(0x44b52d02c7e14af7) == "1.0000000000000001e+23");
  CHECK(DoubleForm(0x444b1ae4d6e2ef4e) == "999999999999999700000");
  CHECK(DoubleForm(0x444b1ae4d6e2ef4f) == "999999999999999900000");
  CHECK(DoubleForm(0x444b1ae4d6e2ef50) == "1e+21");
  CHECK(DoubleForm(0x3eb0c6f7a0b5ed8c) == "9.999999999999997e-7");
  CHECK(DoubleForm(0x3eb0c6f7a0b5ed8d) == "0.000001");
  CHECK(DoubleForm(0x41b3de4355555553) == "333333333.3333332");
  CHECK(DoubleForm(0x41b3de4355555554) == "333333333.33333325");
  CHECK(DoubleForm(0x41b3de4355555555) == "333333333.3333333");
  CHECK(DoubleForm(0x41b3de4355555556) == "333333333.3333334");
  CHECK(DoubleForm(0x41b3de4355555557) == "333333333.33333343");
  CHECK(DoubleForm(0xbecbf647612f3696) == "-0.0000033333333333333333");
  CHECK(DoubleForm(0x43143ff3c1cb0959) == "1424953923781206.2");
}

TEST_CASE("Canonical arguments: equal numbers have one form, others never") {
  CHECK(NumberForm("-0") == "0");
  CHECK(NumberForm("-0.0") == "0");
  CHECK(NumberForm("0e5") == "0");
  CHECK(NumberForm("1.0") == "1");
  CHECK(NumberForm("10e-1") == "1");
  CHECK(NumberForm("1e2") == "100");
  CHECK(NumberForm("0.1") == "0.1");
  CHECK(NumberForm("1E-1") == "0.1");
  CHECK(NumberForm("1e400") == "refused");
  CHECK(NumberForm("1e-400") == "0");
  // Around 2^53, where doubles begin to lack integers.
  CHECK(NumberForm("9007199254740991") == "9007199254740991");
  CHECK(NumberForm("9007199254740993") == "9007199254740993");
  CHECK(NumberForm("9007199254740993.0") == "9007199254740992");  // the double nearest to it
  // Doubles of integral value are the integer, not the RFC's shortest digits: those are another integer.
  CHECK(NumberForm("9223372036854775808") == "9223372036854775808");
  CHECK(NumberForm("9.223372036854775808e18") == "9223372036854775808");
  CHECK(NumberForm("9223372036854776000") == "9223372036854776000");
  CHECK(NumberForm("-9223372036854775808") == "-9223372036854775808");
  CHECK(NumberForm("-9.223372036854775808e18") == "-9223372036854775808");
  CHECK(NumberForm("18446744073709551615") == "18446744073709551615");
  CHECK(NumberForm("18446744073709551616") == "refused");
  CHECK(NumberForm("-9223372036854775809") == "refused");
  // From 2^64 on there are only doubles.
  CHECK(NumberForm("18446744073709551616.0") == "18446744073709552000");
  CHECK(NumberForm("1e20") == "100000000000000000000");
  CHECK(NumberForm("1e21") == "1e+21");
  CHECK(NumberForm("-1e19") == "-10000000000000000000");
}

TEST_CASE("Canonical arguments: names are sorted by UTF-16 code units, as in RFC 8785, section 3.2.3") {
  CHECK(Form(R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",)"
             R"("1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",)"
             R"("\u00f6":"Latin Small Letter O With Diaeresis"})") ==
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\","
        "\"\xC3\xB6\":\"Latin Small Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\","
        "\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\","
        "\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
  CHECK(Form(R"({"b":1,"":2,"a":3,"aa":4})") == R"({"":2,"a":3,"aa":4,"b":1})");
  // U+FFFF after U+10000, U+D7FF before.
  CHECK(Form("{\"\xEF\xBF\xBF\":1,\"\xF0\x90\x80\x80\":2,\"\xED\x9F\xBF\":3}") ==
        "{\"\xED\x9F\xBF\":3,\"\xF0\x90\x80\x80\":2,\"\xEF\xBF\xBF\":1}");
}

TEST_CASE("Canonical arguments: the examples of RFC 8785") {
  // Section 3.2.2.
  CHECK(Form(R"({
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
})") == "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
  CHECK(Form(R"({"a":"\b\t\n\f\r\u0000\u001f\u007f"})") == "{\"a\":\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7F\"}");
}

TEST_CASE("Canonical arguments: nested, in any order, with any spaces") {
  CHECK(Form(" { \"b\" : [ { \"d\" : { } , \"c\" : [ ] } , 2 ] , \"a\" : { \"z\" : 1 , \"y\" : null } } ") ==
        R"({"a":{"y":null,"z":1},"b":[{"c":[],"d":{}},2]})");
  CHECK(Form("{}") == "{}");
  callwarden::ToolCall absent = Call({});
  absent.arguments.reset();
  CHECK(Form(absent) == "{}");
}

TEST_CASE("Canonical arguments: what no policy reads is refused") {
  for (const std::string_view text :
       {"", " ", "null", "[]", "1", "\"a\"", "{", "{}{}", "{\"a\":1,}", "{\"a\":1,\"a\":1}",
        "{\"b\":1,\"a\":1,\"\\u0062\":1}", "{\"x\":{\"a\":1,\"a\":2}}", "{\"a\\u0000\":1}",
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\xFF\"}", "\xEF\xBB\xBF{}", "{\"a\":01}",
        "{\"a\":NaN}"}) {
    CAPTURE(text);
    CHECK(Form(text) == "refused");
    CHECK_FALSE(DigestCall(Call(text)).has_value());
  }
  const std::string deepest = "{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}";
  CHECK(Form(deepest) == deepest);
  CHECK(Form("{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}") == "refused");
  const std::string longest = "{\"a\":\"" + std::string((1 << 20) - 8, 'x') + "\"}";
  CHECK(Form(longest) == longest);
  CHECK(Form(longest + " ") == "refused");
  const Written source([](ArgumentWriter& w) { w.BeginObject(), w.EndObject(); });
  callwarden::ToolCall both = CallWith(source);
  both.arguments = "{}";
  CHECK(Form(both) == "refused");
}

TEST_CASE("Canonical arguments: a host's own value has the form of its text") {
  const Written source([](ArgumentWriter& w) {
    w.BeginObject();
    w.Name("z");
    w.BeginArray();
    w.Int64(-5);
    w.Uint64(UINT64_MAX);
    w.Double(1.0);
    w.Double(0.5);
    w.Boolean(true);
    w.Null();
    w.String("\xE2\x82\xAC\n");
    w.EndArray();
    w.Name("a");
    w.BeginObject();
    w.EndObject();
    w.EndObject();
  });
  const std::string form = "{\"a\":{},\"z\":[-5,18446744073709551615,1,0.5,true,null,\"\xE2\x82\xAC\\n\"]}";
  CHECK(Form(CallWith(source)) == form);
  CHECK(DigestCall(CallWith(source)) == DigestCall(Call(form)));

  using Write = Written::Function;
  const std::vector<std::pair<std::string, Write>> refused = {
      {"nothing", [](ArgumentWriter&) {}},
      {"a scalar", [](ArgumentWriter& w) { w.Null(); }},
      {"a string", [](ArgumentWriter& w) { w.String(""); }},
      {"a number", [](ArgumentWriter& w) { w.Int64(1); }},
      {"an array", [](ArgumentWriter& w) { w.BeginArray(), w.EndArray(); }},
      {"open", [](ArgumentWriter& w) { w.BeginObject(); }},
      {"twice", [](ArgumentWriter& w) { w.BeginObject(), w.EndObject(), w.BeginObject(), w.EndObject(); }},
      {"no name", [](ArgumentWriter& w) { w.BeginObject(), w.Null(), w.EndObject(); }},
      {"no value", [](ArgumentWriter& w) { w.BeginObject(), w.Name("a"), w.EndObject(); }},
      {"two names",
       [](ArgumentWriter& w) { w.BeginObject(), w.Name("a"), w.Name("b"), w.Null(), w.EndObject(); }},
      {"a name in an array",
       [](ArgumentWriter& w) {
         w.BeginObject(), w.Name("a"), w.BeginArray(), w.Name("b"), w.EndArray(), w.EndObject();
       }},
      {"crossed",
       [](ArgumentWriter& w) { w.BeginObject(), w.Name("a"), w.BeginArray(), w.EndObject(), w.EndArray(); }},
      {"duplicates",
       [](ArgumentWriter& w) {
         w.BeginObject(), w.Name("a"), w.Null(), w.Name("a"), w.Null(), w.EndObject();
       }},
      {"not UTF-8", [](ArgumentWriter& w) { w.BeginObject(), w.Name("a"), w.String("\xFF"), w.EndObject(); }},
      {"a name not UTF-8",
       [](ArgumentWriter& w) { w.BeginObject(), w.Name("\xFF"), w.Null(), w.EndObject(); }},
      {"unsupported",
       [](ArgumentWriter& w) { w.BeginObject(), w.Name("a"), w.Unsupported(), w.EndObject(); }},
      {"a name too long",
       [](ArgumentWriter& w) {
         w.BeginObject(), w.Name(std::string((1 << 20) + 1, 'a')), w.Null(), w.EndObject();
       }},
  };
  for (const auto& [what, write] : refused) {
    CAPTURE(what);
    const Written bad(write);
    CHECK(Form(CallWith(bad)) == "refused");
  }
  // What a refused walk is told afterwards changes nothing.
  const Written late([](ArgumentWriter& w) {
    CHECK(w.BeginObject());
    CHECK_FALSE(w.BeginObject());
    CHECK_FALSE(w.Name("a"));
    CHECK_FALSE(w.String("a"));
    CHECK_FALSE(w.EndObject());
    CHECK_FALSE(w.EndArray());
    CHECK_FALSE(w.BeginArray());
  });
  CHECK(Form(CallWith(late)) == "refused");
}

TEST_CASE("The digest of a call is of its grant, session, tool and canonical arguments") {
  callwarden::ToolCall call = Call(R"({"b":1,"a":2})");
  const auto digest = DigestCall(call);
  REQUIRE(digest.has_value());
  CHECK(DigestCall(Call(R"({ "a" : 2.0, "b" : 1e0 })")) == digest);
  CHECK(DigestCall(Call(R"({"a":2})")) != digest);
  callwarden::ToolCall other = call;
  other.tool = "u";
  CHECK(DigestCall(other) != digest);
  other = call;
  other.grant = "g1s";  // no part runs into the next
  other.session = "1";
  CHECK(DigestCall(other) != digest);
  other = call;
  other.context = {};
  other.approval = "id";
  other.approved = true;
  CHECK(DigestCall(other) == digest);
}

TEST_CASE("The digest of a call is the SHA-256 that its description gives") {
  // printf '\2\0\0\0\0\0\0\0g1\2\0\0\0\0\0\0\0s1\1\0\0\0\0\0\0\0t\7\0\0\0\0\0\0\0{"a":1}' | sha256sum
  static constexpr char kHex[] = "0123456789abcdef";
  const auto digest = DigestCall(Call(R"({"a":1})"));
  REQUIRE(digest.has_value());
  std::string hex;
  for (const uint8_t byte : *digest) {
    hex += kHex[byte >> 4];
    hex += kHex[byte & 15];
  }
  CHECK(hex == "c1947d00333c83c240706ce3979629c924a665b081a66e9f19e1983e4b2bbcb6");
}

}  // namespace
