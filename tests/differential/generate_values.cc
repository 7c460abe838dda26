#include "tests/differential/generate_values.h"

#include <cmath>
#include <utility>

namespace differential {
namespace {

using reference::Int128;
using reference::Member;
using reference::Value;

Value RandomArray(Random& random, Shape element, std::size_t size_max) {
  Value array = Value::Array();
  for (std::size_t n = random.Below(size_max + 1); n > 0; --n)
    array.items.push_back(RandomValue(random, element));
  return array;
}

void Put(Random& random, Value& object, const char* name, Shape shape, int percent) {
  if (random.Percent(percent)) object.Add(name, RandomValue(random, shape));
}

Value RandomInner(Random& random) {
  Value object = Value::Object();
  Put(random, object, "x", Shape::kNumber, 75);
  Put(random, object, "y", Shape::kString, 75);
  Put(random, object, "x y", Shape::kString, 30);
  if (random.Percent(40)) {
    Value& inner = object.Add("z", Value::Object());
    Put(random, inner, "w", Shape::kNumber, 75);
  }
  return object;
}

Value RandomItem(Random& random) {
  Value object = Value::Object();
  Put(random, object, "price", Shape::kNumber, 85);
  Put(random, object, "id", Shape::kString, 60);
  Put(random, object, "tags", Shape::kScalars, 60);
  return object;
}

/// A name that differs from `name` by case, or is `name` when it has no letter.
std::string CaseVariant(Random& random, const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'a' && c <= 'z' && random.Percent(50)) {
      if (c == 's' && random.Percent(30)) {
        reference::AppendUtf8(out, 0x17F);
      } else if (c == 'k' && random.Percent(30)) {
        reference::AppendUtf8(out, 0x212A);
      } else {
        out += static_cast<char>(c - 'a' + 'A');
      }
    } else {
      out += c;
    }
  }
  return out;
}

/// Renames a member to a case variant of its name, or adds one, somewhere.
void AddCaseVariant(Random& random, Value& value) {
  for (Value& item : value.items) {
    if (random.Percent(60)) AddCaseVariant(random, item);
  }
  if (value.members.empty()) return;
  const std::size_t i = random.Below(value.members.size());
  if (random.Percent(50)) {
    AddCaseVariant(random, value.members[i].value);
    return;
  }
  const std::string name = CaseVariant(random, value.members[i].name);
  if (value.Find(name) != nullptr) return;
  if (random.Percent(50)) {
    value.members[i].name = name;
  } else {
    value.Add(name, RandomValue(random, Shape::kAny));
  }
}

void AppendSpace(Random& random, std::string& out) {
  if (random.OneIn(12)) out += random.Pick<const char*>({" ", "\n", "\t", "\r", "  "});
}

std::string SpellString(Random& random, const std::string& text) {
  static constexpr char kHex[] = "0123456789abcdefABCDEF";
  const auto unit = [&](uint32_t u) {
    std::string out = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
      const uint32_t digit = u >> shift & 15;
      out += digit >= 10 && random.Percent(50) ? kHex[digit + 6] : kHex[digit];
    }
    return out;
  };
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    // One code point at a time; the text is valid UTF-8.
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t code_point = size == 1 ? lead : lead & (0xFFu >> (size + 1));
    for (std::size_t k = 1; k < size; ++k) {
      code_point = code_point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    }
    const bool must = lead < 0x20 || lead == '"' || lead == '\\';
    if (lead == '/' && random.OneIn(8)) {
      out += "\\/";
    } else if (lead == '\n' && random.Percent(50)) {
      out += "\\n";
    } else if ((lead == '"' || lead == '\\') && random.Percent(70)) {
      out += '\\';
      out += text[i];
    } else if (must || random.OneIn(15)) {
      if (code_point >= 0x10000) {
        out += unit(0xD800 + ((code_point - 0x10000) >> 10));
        out += unit(0xDC00 + ((code_point - 0x10000) & 0x3FF));
      } else {
        out += unit(code_point);
      }
    } else {
      out += text.substr(i, size);
    }
    i += size;
  }
  return out + "\"";
}

std::string SpellReal(Random& random, double real) {
  std::string plain = reference::WriteReal(real);
  if (plain.find('e') == std::string::npos && random.OneIn(4))
    plain += random.Pick<const char*>({"0", "e0", "E+0", "e-0"});
  if (random.OneIn(6) && plain.ends_with(".0") && plain.size() < 18) {
    // 120.0 is 120e0 is 1200E-1; 0.0 is not 00E-1.
    plain.resize(plain.size() - 2);
    plain += real == 0 || random.Percent(50) ? "e0" : "0E-1";
  }
  return plain;
}

void SpellTo(Random& random, const Value& value, std::string& out) {
  AppendSpace(random, out);
  if (value.is_object()) {
    out += '{';
    bool first = true;
    for (const Member& member : value.members) {
      if (!first) out += ',';
      first = false;
      AppendSpace(random, out);
      out += SpellString(random, member.name);
      AppendSpace(random, out);
      out += ':';
      SpellTo(random, member.value, out);
    }
    AppendSpace(random, out);
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Value& item : value.items) {
      if (!first) out += ',';
      first = false;
      SpellTo(random, item, out);
    }
    AppendSpace(random, out);
    out += ']';
  } else if (value.is_string()) {
    out += SpellString(random, value.string);
  } else if (value.type == Value::Type::kReal) {
    out += SpellReal(random, value.real);
  } else if (value.is_integer() && value.integer == 0 && random.OneIn(10)) {
    out += "-0";
  } else {
    out += reference::WriteJson(value);
  }
  AppendSpace(random, out);
}

/// An object of many members, at times two of one name or one that differs by case from what policies read.
std::string Wide(Random& random) {
  std::vector<std::string> members;
  const std::size_t size = random.Pick<std::size_t>({3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 300});
  for (std::size_t i = 0; i < size; ++i) {
    members.push_back("\"m" + std::to_string(i * 7) + "\":" + std::to_string(i));
  }
  if (random.Percent(50))
    members[random.Below(size)] = "\"\\u006d" + std::to_string(random.Below(size) * 7) + "\":0";
  if (random.Percent(50)) members.push_back("\"n\":1");
  if (random.OneIn(6)) members.push_back("\"N\":1");
  random.Shuffle(members);
  std::string out = "{";
  for (const std::string& member : members) out += (out.size() > 1 ? "," : "") + member;
  out += "}";
  return random.Percent(50) ? out : "{\"o\":" + out + "}";
}

std::string Nested(std::size_t depth, bool objects) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += objects ? "{\"a\":" : "[";
  out += objects ? "1" : "";
  for (std::size_t i = 0; i < depth; ++i) out += objects ? "}" : "]";
  return out;
}

}  // namespace

const std::vector<KnownPath>& ArgumentPaths() {
  static const std::vector<KnownPath> paths = {
      {"args.n", Shape::kNumber, true},
      {"args.n", Shape::kNumber, true},
      {"args.m", Shape::kNumber, true},
      {"args[\"m\"]", Shape::kNumber, true},
      {"args.name", Shape::kString, true},
      {"args.name", Shape::kString, true},
      {"args.task", Shape::kString, true},
      {"args.on", Shape::kBoolean, true},
      {"args.when", Shape::kFormatted, true},
      {"args.o", Shape::kInner, true},
      {"args.o.x", Shape::kNumber, true},
      {"args.o.y", Shape::kString, true},
      {"args.o[\"x y\"]", Shape::kString, true},
      {"args.o.z.w", Shape::kNumber, true},
      {"args.o.x.deep", Shape::kNumber, true},
      {"args.items", Shape::kItems, true},
      {"args.items[*].price", Shape::kNumber, false},
      {"args.items[*].id", Shape::kString, false},
      {"args.items[*].tags[*]", Shape::kString, false},
      {"args.items[*].tags", Shape::kScalars, false},
      {"args.items[0].price", Shape::kNumber, true},
      {"args.items[0].ID", Shape::kString, true},
      {"args.items[0].Id.x", Shape::kString, true},
      {"args.items[1].id", Shape::kString, true},
      {"args.items[0].tags[*]", Shape::kString, false},
      {"args.items[*].tags[0]", Shape::kString, false},
      {"args.items[*]", Shape::kObject, false},
      {"args.list", Shape::kScalars, true},
      {"args.list[*]", Shape::kAny, false},
      {"args.list[1]", Shape::kAny, true},
      {"args.nums[*]", Shape::kNumber, false},
      {"args.nums[0]", Shape::kNumber, true},
      {"args.nums", Shape::kNumbers, true},
      {"args.grid[*][*]", Shape::kNumber, false},
      {"args.grid[1][0]", Shape::kNumber, true},
      {"args.grid[*]", Shape::kNumbers, false},
      {"args[\"odd.name\"]", Shape::kString, true},
      {"args[\"\"]", Shape::kNumber, true},
      {"args[\"t\\u0061sk\"]", Shape::kString, true},
      {"args.K", Shape::kNumber, true},
      {"args.k", Shape::kNumber, true},
      {"args", Shape::kObject, false},
      {"args.none", Shape::kNumber, true},
      {"args.größe", Shape::kNumber, true},
  };
  return paths;
}

const std::vector<KnownPath>& AttributePaths() {
  static const std::vector<KnownPath> paths = {
      {"grant.id", Shape::kString, false},         {"grant.tier", Shape::kString, false},
      {"grant.level", Shape::kNumber, false},      {"context.session", Shape::kString, false},
      {"context.env", Shape::kString, false},      {"context.n", Shape::kNumber, false},
      {"context.night", Shape::kBoolean, false},   {"context[\"odd name\"]", Shape::kString, false},
      {"context[\"env\"]", Shape::kString, false}, {"grant.none", Shape::kString, false},
  };
  return paths;
}

KnownPath RandomPath(Random& random) {
  std::string text = "args";
  for (std::size_t n = 1 + random.Below(4); n > 0; --n) {
    const bool first = text.size() == 4;
    const std::string step = random.Pick<std::string>(
        {".o",    ".items", ".n",      ".grid",  ".list", ".nums", ".x",  ".z",  ".w",  ".price",
         ".tags", ".id",    "[\"o\"]", "[\"\"]", "[0]",   "[1]",   "[*]", "[*]", "[*]", "[2]"});
    const bool names = step[0] == '.' || step[1] == '"';
    text += first && !names ? ".items" : step;
  }
  return KnownPath{text, random.Pick({Shape::kNumber, Shape::kString, Shape::kScalars, Shape::kAny}),
                   text.find('*') == std::string::npos};
}

Value RandomNumber(Random& random) {
  if (random.Percent(60)) {
    return random.Percent(75)
               ? Value::Integer(static_cast<Int128>(random.Below(8)) - (random.OneIn(4) ? 1 : 0))
               : Value::Real(static_cast<double>(random.Below(13)) / 2);
  }
  if (random.Percent(40)) {
    return Value::Real(random.Pick({0.1, 0.01, 0.07, 0.3, 0.99, 1.005, 2.5, 10.0, 1e2, -0.0, -0.5}));
  }
  const Int128 two53 = Int128{1} << 53;
  const Int128 two63 = Int128{1} << 63;
  if (random.Percent(50)) {
    return Value::Integer(random.Pick<Int128>({10, 100, 1000, 65535, 4294967294, 4294967295, 1099511627774,
                                               1099511627775, two53, two53 + 1, two53 - 1, two63 - 1, two63,
                                               2 * two63 - 1, -two63, -1, -two53 - 1}));
  }
  return Value::Real(random.Pick({0x1p53,
                                  0x1p53 + 2,
                                  0x1p63,
                                  -0x1p63,
                                  0x1p64,
                                  1.7976931348623157e308,
                                  5e-324,
                                  1e-300,
                                  1e22,
                                  1e23,
                                  1e-7,
                                  123456.789,
                                  0.1 + 0.2,
                                  9007199254740993.0,
                                  1e20,
                                  184467440737095516.15,
                                  18446744073709551615.0,
                                  -1e308,
                                  2.2250738585072014e-308,
                                  0.000001,
                                  0.0000001,
                                  4294967295.5}));
}

Value RandomString(Random& random) {
  if (random.OneIn(15)) return Value::String("v" + std::to_string(random.Below(60)));
  if (random.OneIn(80)) {
    std::string text(random.Pick<std::size_t>({15, 16, 31, 32, 63, 64, 200, 300}), 'a');
    if (random.Percent(50)) text.back() = 'b';
    if (random.OneIn(3)) text.insert(text.size() / 2, "\"\\é");
    return Value::String(text);
  }
  if (random.OneIn(60)) return Value::String(random.Pick({std::string("a\0b", 3), std::string("\0", 1)}));
  return Value::String(random.Pick<std::string>(
      {"",       "a",      "b",       "ab",         "abc",          "A",   "AB",     "prod", "dev", "main",
       "a/b",    "é",      "e\u0301", "\U0001F600", "aé\U0001F600", "x y", "rm -rf", "a.b",  "a*b", "1",
       "true",   "null",   "\n",      "a\n",        "\"",           "\\",  "a\tb",   "10",   "us",  "eu",
       "straße", "\u017F", "\uFFFF",  "aaaa"}));
}

Value RandomFormatted(Random& random) {
  std::string text = random.Pick<std::string>({"123e4567-e89b-12d3-a456-426614174000",
                                               "00000000-0000-0000-0000-00000000000F",
                                               "a@b",
                                               "first.last+tag@mail.example.org",
                                               "a@-b",
                                               "a@b.",
                                               "1.2.3.4",
                                               "255.255.255.255",
                                               "256.0.0.1",
                                               "01.2.3.4",
                                               "::",
                                               "::1",
                                               "1:2:3:4:5:6:7:8",
                                               "1::8",
                                               "::ffff:1.2.3.4",
                                               "1:2:3:4:5:6:1.2.3.4",
                                               "1::2::3",
                                               "1:2:3:4:5:6:7::",
                                               "::2:3:4:5:6:7:8",
                                               "fe80::1%eth0",
                                               "2024-02-29",
                                               "2023-02-29",
                                               "2000-02-29",
                                               "1900-02-29",
                                               "0000-01-01",
                                               "2026-12-31",
                                               "2026-13-01",
                                               "2026-01-01T00:00:00Z",
                                               "2026-01-01t23:59:60z",
                                               "2026-06-30T23:59:60Z",
                                               "2026-06-30T22:59:60-01:00",
                                               "2026-06-30T23:59:60+01:00",
                                               "2026-07-01T01:29:60+01:30",
                                               "2026-01-01T24:00:00Z",
                                               "2026-01-01T00:00:00.5+14:00",
                                               "2026-01-01T00:00:00.Z",
                                               "2026-01-01 00:00:00Z",
                                               "2026-01-01T00:00:00-00:00",
                                               "2026-01-01T00:00:00+24:00",
                                               "localhost",
                                               "a.b-c.d",
                                               "-a.b",
                                               "a..b",
                                               "a_b",
                                               "example.com.",
                                               "1.2.3",
                                               "http://a/b?c#d",
                                               "http://[::1]:80/",
                                               "urn:a:b",
                                               "a:",
                                               "a://",
                                               "http://a b",
                                               "mailto:x@y",
                                               "http://u:p@h:8080/p/a;x=1?q=%20#f",
                                               "http://[v1.a:b]/",
                                               "http://h:8a/",
                                               "1a:b",
                                               "a:%2",
                                               "a:#b#c",
                                               "file:///etc",
                                               "a:/b",
                                               "a:?",
                                               "http://[::1",
                                               "http://é/",
                                               "a:b[c]",
                                               "://x",
                                               "http://1.2.3.4:/",
                                               "http://a@b@c/",
                                               "x.y+z-1:a//b"});
  if (random.OneIn(5) && !text.empty()) {
    const std::size_t at = random.Below(text.size());
    if (random.Percent(50)) {
      text.erase(at, 1);
      if (!reference::IsUtf8(text)) return RandomString(random);
    } else {
      text.insert(0, 1, random.Pick({'1', 'a', ':', '.', '-', ' ', '\n', '%', '@', '/'}));
    }
  } else if (random.OneIn(12)) {
    // At the bounds of labels, local parts and names.
    const std::string label(random.Pick<std::size_t>({1, 62, 63, 64}), 'a');
    const std::string local(random.Pick<std::size_t>({1, 63, 64, 65}), 'b');
    std::string name = label;
    while (random.Percent(75)) name += "." + label;
    text = random.Percent(50) ? name : local + "@" + name;
  }
  return Value::String(text);
}

Value RandomScalar(Random& random) {
  if (random.Percent(45)) return RandomNumber(random);
  if (random.Percent(75)) return RandomString(random);
  return Value::Boolean(random.Percent(50));
}

Value RandomValue(Random& random, Shape shape) {
  if (random.OneIn(16)) return Value();
  if (random.OneIn(10)) {
    shape = random.Pick({Shape::kNumber, Shape::kString, Shape::kBoolean, Shape::kScalars, Shape::kNumbers,
                         Shape::kGrid, Shape::kInner, Shape::kItems});
  }
  switch (shape) {
    case Shape::kNumber:
      return RandomNumber(random);
    case Shape::kString:
      return RandomString(random);
    case Shape::kBoolean:
      return Value::Boolean(random.Percent(50));
    case Shape::kFormatted:
      return RandomFormatted(random);
    case Shape::kScalars:
      return RandomArray(random, random.Percent(60) ? Shape::kString : Shape::kAny, 3);
    case Shape::kNumbers:
      return RandomArray(random, Shape::kNumber, 3);
    case Shape::kGrid:
      return RandomArray(random, Shape::kNumbers, 3);
    case Shape::kObject:
      return RandomItem(random);
    case Shape::kInner:
      return RandomInner(random);
    case Shape::kItems:
      return RandomArray(random, Shape::kObject, 3);
    case Shape::kAny:
      return RandomScalar(random);
  }
  return Value();
}

Value RandomArguments(Random& random) {
  Value object = Value::Object();
  Put(random, object, "n", Shape::kNumber, 90);
  Put(random, object, "m", Shape::kNumber, 75);
  Put(random, object, "name", Shape::kString, 65);
  Put(random, object, "task", Shape::kString, 45);
  Put(random, object, "on", Shape::kBoolean, 45);
  Put(random, object, "when", Shape::kFormatted, 45);
  Put(random, object, "o", Shape::kInner, 60);
  Put(random, object, "items", Shape::kItems, 55);
  Put(random, object, "list", Shape::kScalars, 50);
  Put(random, object, "nums", Shape::kNumbers, 50);
  Put(random, object, "grid", Shape::kGrid, 35);
  Put(random, object, "odd.name", Shape::kString, 30);
  Put(random, object, "", Shape::kNumber, 25);
  Put(random, object, "K", Shape::kNumber, 4);
  Put(random, object, "k", Shape::kNumber, 4);
  Put(random, object, "größe", Shape::kNumber, 15);
  random.Shuffle(object.members);
  if (random.OneIn(14)) AddCaseVariant(random, object);
  return object;
}

std::string Spell(Random& random, const Value& value) {
  std::string out;
  SpellTo(random, value, out);
  return out;
}

std::string Damage(Random& random, std::string text) {
  static const std::vector<std::string> kBits = {"{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 "\"",
                                                 ",",
                                                 ":",
                                                 "\\",
                                                 "0",
                                                 "1",
                                                 " ",
                                                 "-",
                                                 ".",
                                                 "e",
                                                 "E",
                                                 "+",
                                                 "null",
                                                 "true",
                                                 "nul",
                                                 "\\u0000",
                                                 "\\ud800",
                                                 "\\udc00",
                                                 "\\ud83d\\ude00",
                                                 "\xFF",
                                                 "\xC0\xAF",
                                                 "\xED\xA0\x80",
                                                 "\xF4\x90\x80\x80",
                                                 "\xE2\x82",
                                                 "\xEF\xBB\xBF",
                                                 std::string("\0", 1),
                                                 "\x1F",
                                                 "\x7F",
                                                 "1e400",
                                                 "1e-400",
                                                 "18446744073709551616",
                                                 "-9223372036854775809",
                                                 "18446744073709551615",
                                                 "01",
                                                 "1.",
                                                 ".5",
                                                 "-",
                                                 "0x1",
                                                 "NaN",
                                                 "\"a\":1,",
                                                 "\"n\":1,",
                                                 "\"\\u006e\":2,",
                                                 "\"N\":3,",
                                                 "// x",
                                                 "\v",
                                                 "\xC2\xA0"};
  switch (random.Below(9)) {
    case 8:
      return Wide(random);
    case 0:
      return random.Pick<std::string>({"",
                                       " ",
                                       "null",
                                       "[]",
                                       "1",
                                       "\"a\"",
                                       "true",
                                       "{}{}",
                                       "{},",
                                       "{} x",
                                       "\xEF\xBB\xBF{}",
                                       "{",
                                       "{\"a\":1,}",
                                       "[{}]",
                                       "{\"a\" 1}",
                                       "{'a':1}",
                                       "{\"a\":1 \"b\":2}",
                                       std::string("{}\0", 3),
                                       std::string("\0{}", 3),
                                       "{}\n",
                                       "\n{}"});
    case 1: {
      const std::size_t depth = random.Pick<std::size_t>({62, 63, 64, 65, 200});
      return "{\"deep\":" + Nested(depth, random.Percent(50)) + "}";
    }
    case 2:
      if (!text.empty()) text.resize(random.Below(text.size()));
      return text;
    case 3:
      if (!text.empty()) text.erase(random.Below(text.size()), 1);
      return text;
    case 4: {
      if (text.empty()) return text;
      const std::size_t at = random.Below(text.size());
      const std::size_t size = std::min<std::size_t>(random.Below(12), text.size() - at);
      return text.insert(random.Below(text.size()), text.substr(at, size));
    }
    case 5:
      // Right after the brace that opens the object, so that it is another member or a duplicate.
      if (const std::size_t brace = text.find('{'); brace != std::string::npos) {
        text.insert(brace + 1,
                    random.Pick<std::string>({"\"a\":1,", "\"n\":1,", "\"\\u006e\":2,", "\"N\":3,",
                                              "\"name\":\"x\",", "\"o\":{\"x\":1,\"x\":2},",
                                              "\"a\\u0000\":1,", "\"b\":[{\"c\":1,\"\\u0063\":2}],"}));
      }
      return text;
    default:
      for (std::size_t n = 1 + random.Below(2); n > 0; --n)
        text.insert(random.Below(text.size() + 1), random.Pick(kBits));
      return text;
  }
}

}  // namespace differential
