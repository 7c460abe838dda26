#include "lib/formats.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

using callwarden::internal::Format;
using callwarden::internal::HasFormat;
using callwarden::internal::ParseFormat;

struct Cases {
  std::string_view name;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("formats have names", "[formats]") {
  Format format = Format::kUri;
  for (const std::string_view name :
       {"uuid", "email", "ipv4", "ipv6", "date", "date-time", "hostname", "uri"}) {
    CHECK(ParseFormat(name, format));
  }
  for (const std::string_view name : {"", "UUID", "url", "time", "ipv", "date_time", "uri "}) {
    CHECK_FALSE(ParseFormat(name, format));
  }
}

TEST_CASE("each format takes what it is and refuses its neighbours", "[formats]") {
  const std::string label63(63, 'a');
  const std::string hostname253 = Repeat(label63 + ".", 3) + std::string(61, 'a');
  const std::string local64(64, 'l');
  const std::vector<Cases> all{
      {"uuid",
       {"123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF"},
       {"", "123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}",
        "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-4266141740000",
        "123e4567-e89b-12d3-a456-42661417400g", "123e4567-e89b-12d3-a4564-26614174000",
        "123e4567_e89b_12d3_a456_426614174000"}},
      {"ipv4",
       {"0.0.0.0", "255.255.255.255", "1.2.3.4", "10.20.30.40"},
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "01.2.3.4", "1.2.3.04", "00.0.0.0", "1..2.3",
        "1.2.3.", ".1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.a", "0x1.2.3.4", "1.2.3.1000", "-1.2.3.4",
        "1.2.3.4\n"}},
      {"ipv6",
       {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8", "fe80::1",
        "ABCD:ef01:2345:6789:abcd:EF01:2345:6789", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4",
        "1:2:3:4:5::1.2.3.4"},
       {"",
        ":",
        ":::",
        "1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "12345::",
        "g::",
        "fe80::1%eth0",
        "[::1]",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "::1.2.3.256",
        "1.2.3.4::",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7",
        "1.2.3.4",
        "::1 "}},
      {"date",
       {"2026-03-01", "2024-02-29", "2000-02-29", "0000-01-01", "9999-12-31", "2026-04-30"},
       {"", "2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00", "2026-1-1",
        "2026-01-01T", "26-01-01", "2026/01/01", "2026-01-011", "+2026-01-01", " 2026-01-01"}},
      {"date-time",
       {"2026-03-01T10:30:00Z", "2026-03-01t10:30:00z", "2026-03-01T10:30:00.5Z",
        "2026-03-01T10:30:00.123456789012Z", "2026-03-01T10:30:00+00:00", "2026-03-01T10:30:00-23:59",
        "2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00", "2016-12-31T15:59:60.1-08:00",
        "2026-03-01T00:29:60+00:30"},
       {"", "2026-03-01", "2026-03-01T10:30:00", "2026-03-01 10:30:00Z", "2026-03-01T24:00:00Z",
        "2026-03-01T10:60:00Z", "2026-03-01T10:30:61Z", "2026-03-01T10:30:60Z", "2026-03-01T23:59:60+01:00",
        "2026-03-01T10:30:00.Z", "2026-03-01T10:30Z", "2026-03-01T10:30:00+24:00",
        "2026-03-01T10:30:00+00:60", "2026-03-01T10:30:00+0000", "2026-03-01T10:30:00ZZ",
        "2026-02-30T10:30:00Z", "2026-03-01T10:30:00,5Z"}},
      {"hostname",
       {"a", "example.com", "a-b.c", "1.2.3.4", "xn--nxasmq6b", label63, hostname253, "A.B", "0"},
       {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b", "a b", "é.com", label63 + "a",
        hostname253 + "a", "a.b-", "a/b"}},
      {"email",
       {"a@b", "a.b+c@example.com", "!#$%&'*+/=?^_`{|}~-@x.y", "..@x", local64 + "@x", "a@1.2.3.4",
        local64 + "@" + Repeat(label63 + ".", 2) + std::string(61, 'a')},  // 254 bytes
       {"", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a@b.", "a@-b", "a@b_c", local64 + "l@x", "é@x", "a@é",
        "\"a\"@b", "a@[1.2.3.4]", "a@b\n", local64 + "@" + Repeat(label63 + ".", 2) + std::string(62, 'a')}},
      {"uri",
       {"a:",
        "http://example.com",
        "http://example.com:80/a/b?c=d#e",
        "http://u:p@h/",
        "mailto:a@b",
        "urn:isbn:1",
        "a+b-c.1:x",
        "file:///etc/passwd",
        "http://[::1]:8080/",
        "http://[v1.x]/",
        "a:?",
        "a:#",
        "a://",
        "a:/b",
        "http://h:/",
        "http://%41/%7e",
        "a:b:c",
        "data:text/plain,x%20y",
        "http://h?q",
        "http://h#f?g"},
       {"",
        ":",
        "a",
        "/a/b",
        "//h/p",
        "1a:b",
        "-a:b",
        "a_b:c",
        "http://a b",
        "http://h/a b",
        "http://h/%4",
        "http://h/%zz",
        "http://é/",
        "a:[",
        "http://[::1",
        "http://[1.2.3.4]/",
        "http://h:8a/",
        "http://a@b@c/",
        "a:b#c#d",
        "a:\\b",
        "http://[::1]x/",
        "a:<b>",
        "a:\"",
        "http://h\n",
        "http://[v.x]/",
        "http://[v1.]/"}},
  };
  for (const Cases& cases : all) {
    Format format = Format::kUuid;
    CAPTURE(cases.name);
    REQUIRE(ParseFormat(cases.name, format));
    for (const std::string& text : cases.good) {
      CAPTURE(text);
      CHECK(HasFormat(format, text));
      CHECK_FALSE(HasFormat(format, text + '\0'));
      CHECK_FALSE(HasFormat(format, '\0' + text));
      CHECK_FALSE(HasFormat(format, ' ' + text));
      CHECK_FALSE(HasFormat(format, text + ' '));
    }
    for (const std::string& text : cases.bad) {
      CAPTURE(text);
      CHECK_FALSE(HasFormat(format, text));
    }
  }
}
