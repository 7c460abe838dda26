#include "lib/canonical.h"

#include <algorithm>
#include <charconv>

#include "lib/json_scanner.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

// The scanner's events, for the writer.
class ScanHandler {
 public:
  explicit ScanHandler(CanonicalWriter& writer) : writer_(writer) {}
  bool BeginObject(std::size_t) { return writer_.BeginObject(); }
  bool EndObject(std::size_t) { return writer_.EndObject(); }
  bool BeginArray(std::size_t) { return writer_.BeginArray(); }
  bool EndArray(std::size_t) { return writer_.EndArray(); }
  bool Name(std::string_view name, bool, std::size_t) { return writer_.Name(name); }
  bool String(std::string_view value, bool, std::size_t, std::size_t) { return writer_.String(value); }
  bool Number(const internal::Number* number, std::size_t, std::size_t) {
    return number == nullptr ? writer_.Refuse() : writer_.Number(*number);
  }
  bool Boolean(bool value, std::size_t, std::size_t) { return writer_.Boolean(value); }
  bool Null(std::size_t, std::size_t) { return writer_.Null(); }

 private:
  CanonicalWriter& writer_;
};

}  // namespace

bool Utf16Less(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < size; ++i) {
    const auto x = static_cast<unsigned char>(a[i]);
    const auto y = static_cast<unsigned char>(b[i]);
    if (x == y) continue;
    // UTF-8 sorts as code points do. UTF-16 differs in one thing: what takes a pair of surrogates (first byte
    // F0 and above) comes before U+E000 to U+FFFF (first byte EE or EF).
    const bool x_pair = x >= 0xF0;
    const bool y_pair = y >= 0xF0;
    if (x >= 0xEE && y >= 0xEE && x_pair != y_pair) return x_pair;
    return x < y;
  }
  return a.size() < b.size();
}

void AppendCanonicalNumber(Number number, std::string& out) {
  number = Canonical(number);
  char text[32];
  if (number.kind != Number::Kind::kDouble) {
    const auto end = number.kind == Number::Kind::kInt64
                         ? std::to_chars(text, text + sizeof(text), number.i).ptr
                         : std::to_chars(text, text + sizeof(text), number.u).ptr;
    out.append(text, end);
    return;
  }
  // The shortest digits that read back as this double, and of those the nearest: D.DDDe[+-]EE.
  const char* const end =
      std::to_chars(text, text + sizeof(text), number.d, std::chars_format::scientific).ptr;
  const char* p = text;
  if (*p == '-') out += *p++;
  char digits[17];
  std::size_t count = 0;
  for (; *p != 'e'; ++p) {
    if (*p != '.') digits[count++] = *p;
  }
  ++p;
  if (*p == '+') ++p;
  int exponent = 0;
  std::from_chars(p, end, exponent);
  // As ECMA-262, 6.1.6.1.20 (Number::toString): the point stands after `point` digits.
  const std::string_view all(digits, count);
  const int point = exponent + 1;
  const auto size = static_cast<int>(count);
  if (size <= point && point <= 21) {
    out.append(all).append(static_cast<std::size_t>(point - size), '0');
  } else if (0 < point && point <= 21) {
    out.append(all.substr(0, static_cast<std::size_t>(point))) += '.';
    out.append(all.substr(static_cast<std::size_t>(point)));
  } else if (-6 < point && point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(all);
  } else {
    out += digits[0];
    if (count > 1) (out += '.').append(all.substr(1));
    out += 'e';
    if (exponent > 0) out += '+';
    char exponent_text[8];
    out.append(exponent_text,
               std::to_chars(exponent_text, exponent_text + sizeof(exponent_text), exponent).ptr);
  }
}

void AppendJsonString(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // where the run that needs no escape begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, i - plain)) += '\\';
    plain = i + 1;
    constexpr std::string_view kFrom = "\"\\\b\f\n\r\t";
    constexpr std::string_view kTo = "\"\\bfnrt";
    if (const std::size_t at = kFrom.find(text[i]); at != std::string_view::npos) {
      out += kTo[at];
    } else {
      out.append("u00");
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  out.append(text.substr(plain)) += '"';
}

bool CanonicalWriter::Fits(std::size_t size) noexcept {
  if (size > checks_.size_max - size_) return Refuse();
  size_ += size;
  return true;
}

// Writes what stands between the value before and this one.
bool CanonicalWriter::BeginValue() {
  if (refused_) return false;
  if (frames_.empty()) return !seen_root_ || Refuse();
  Frame& frame = frames_.back();
  if (frame.object) {
    if (!named_) return Refuse();
    named_ = false;
  } else if (frame.count++ != 0) {
    out_ += ',';
  }
  return true;
}

bool CanonicalWriter::Begin(bool object) {
  if (!BeginValue()) return false;
  if ((frames_.empty() && !object) || frames_.size() >= checks_.depth_max) return Refuse();
  seen_root_ = true;
  out_ += object ? '{' : '[';
  frames_.push_back({.object = object, .begin = out_.size(), .members = members_.size()});
  return true;
}

bool CanonicalWriter::Name(std::string_view name) {
  if (refused_) return false;
  if (frames_.empty() || !frames_.back().object || named_ || name.find('\0') != std::string_view::npos) {
    return Refuse();
  }
  if (!Fits(name.size())) return false;
  Frame& frame = frames_.back();
  if (frame.count++ != 0) {
    Member& before = members_.back();
    before.end = out_.size();
    frame.sorted = frame.sorted && Utf16Less(before.name, name);
    out_ += ',';
  }
  members_.push_back({.name = name, .begin = out_.size()});
  AppendJsonString(name, out_);
  out_ += ':';
  named_ = true;
  return true;
}

bool CanonicalWriter::End(bool object) {
  if (refused_) return false;
  if (frames_.empty() || frames_.back().object != object || named_) return Refuse();
  const Frame frame = frames_.back();
  if (object && frame.count != 0) members_.back().end = out_.size();
  if (!frame.sorted && !Sort(frame)) return false;
  out_ += object ? '}' : ']';
  frames_.pop_back();
  members_.resize(frame.members);
  return true;
}

// Brings the members of an object that is ending into their order.
bool CanonicalWriter::Sort(const Frame& frame) {
  const auto begin = members_.begin() + static_cast<std::ptrdiff_t>(frame.members);
  std::sort(begin, members_.end(),
            [](const Member& a, const Member& b) { return Utf16Less(a.name, b.name); });
  const auto same = [](const Member& a, const Member& b) { return a.name == b.name; };
  if (std::adjacent_find(begin, members_.end(), same) != members_.end()) return Refuse();
  sorting_.clear();
  for (auto member = begin; member != members_.end(); ++member) {
    if (member != begin) sorting_ += ',';
    sorting_.append(out_, member->begin, member->end - member->begin);
  }
  out_.replace(frame.begin, std::string::npos, sorting_);
  return true;
}

bool CanonicalWriter::String(std::string_view value) {
  if (!BeginValue() || !Fits(value.size())) return false;
  if (frames_.empty()) return Refuse();
  AppendJsonString(value, out_);
  return true;
}

bool CanonicalWriter::Number(internal::Number value) {
  if (!BeginValue()) return false;
  if (frames_.empty()) return Refuse();
  AppendCanonicalNumber(value, out_);
  return true;
}

bool CanonicalWriter::Word(std::string_view word) {
  if (!BeginValue()) return false;
  if (frames_.empty()) return Refuse();
  out_.append(word);
  return true;
}

bool CanonicalWriter::Read(std::string_view text) {
  if (text.size() > checks_.size_max) return Refuse();
  ScanBuffers buffers;
  ScanHandler handler(*this);
  return JsonScanner<ScanHandler&>(text, buffers, handler).Scan().status == ScanResult::Status::kOk &&
         Finish();
}

}  // namespace internal
CALLWARDEN_NAMESPACE_END
