#ifndef TESTS_DIFFERENTIAL_FORMATS_H_
#define TESTS_DIFFERENTIAL_FORMATS_H_

#include <string>
#include <string_view>

namespace reference {

/// Whether the whole text is of a format of section 5: "uuid", "email", "ipv4", "ipv6", "date", "date-time",
/// "hostname" or "uri".
bool MatchesFormat(std::string_view format, const std::string& text);

/// Whether `*`, and nothing else, stands for any run of bytes, also an empty one.
bool MatchesGlob(std::string_view pattern, std::string_view text);

/// Days in a month of the Gregorian calendar.
int DaysInMonth(int year, int month);

}  // namespace reference

#endif  // TESTS_DIFFERENTIAL_FORMATS_H_
