#include "lib/mcp_envelope.h"

#include <array>
#include <cstring>
#include <initializer_list>

#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace internal {
namespace {

using callwarden::internal::ArgumentsAhead;
using callwarden::internal::EqualFolded;

constexpr std::string_view kVersionKey = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

// Whether a member's name is a known one, compared in place.
template <std::size_t size>
bool Is(std::string_view name, const char (&known)[size]) noexcept {
  return name.size() == size - 1 && std::memcmp(name.data(), known, size - 1) == 0;
}

using Names = std::initializer_list<std::string_view>;

bool IsVariantOfAny(std::string_view found, Names names) noexcept {
  for (const std::string_view name : names) {
    if (IsVariant(found, name)) return true;
  }
  return false;
}

bool SkipInto(JsonCursor& cursor, RawValue& value) noexcept {
  cursor.Peek();
  const std::size_t begin = cursor.position();
  if (!cursor.SkipValue()) return false;
  value.bytes = cursor.Since(begin);
  return true;
}

// Reads a value; what it says as well when it is a string.
bool ReadInto(JsonCursor& cursor, RawValue& value, JsonText& text) noexcept {
  if (cursor.Peek() != '"') return SkipInto(cursor, value);
  if (!cursor.ReadText(text)) return false;
  value.bytes = text.raw;
  return true;
}

// An integer as ids are written: no fraction, no exponent, not -0, within +-(2^53-1).
bool ReadIdInteger(std::string_view raw, int64_t& integer) noexcept {
  constexpr int64_t kMax = (int64_t{1} << 53) - 1;
  constexpr std::size_t kDigitsMax = 16;
  std::string_view digits = raw;
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > kDigitsMax) return false;
  int64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  if (value > kMax || (negative && value == 0)) return false;
  integer = negative ? -value : value;
  return true;
}

bool ReadIdInto(JsonCursor& cursor, MessageId& id) noexcept {
  RawValue value;
  JsonText text;
  if (!ReadInto(cursor, value, text)) return false;
  id = {};
  id.raw = value.bytes;
  if (value.IsString()) {
    id.kind = text.lone_surrogate ? MessageId::Kind::kIllegal : MessageId::Kind::kString;
    id.text = text.value;
  } else {
    id.kind = ReadIdInteger(value.bytes, id.integer) ? MessageId::Kind::kInteger : MessageId::Kind::kIllegal;
  }
  return true;
}

bool ReadMeta(JsonCursor& cursor, Envelope& envelope) noexcept {
  if (cursor.Peek() != '{') {
    envelope.meta_broken = true;
    return SkipInto(cursor, envelope.meta);
  }
  const std::size_t begin = cursor.position();
  if (!cursor.Enter()) return false;
  JsonText name;
  JsonCursor::Step step;
  while ((step = cursor.NextMember(name)) == JsonCursor::Step::kMember) {
    if (name.value == kVersionKey) {
      envelope.modern = true;
      if (cursor.Peek() != '"') envelope.meta_broken = true;
      if (!cursor.SkipValue()) return false;
    } else if (name.value == kCapabilitiesKey) {
      if (cursor.Peek() != '{') {
        envelope.meta_broken = true;
        if (!cursor.SkipValue()) return false;
      } else {
        envelope.has_capabilities = true;
        if (!ReadCapabilities(cursor, envelope.capabilities)) return false;
      }
    } else if (!cursor.SkipValue()) {
      return false;
    }
  }
  if (step == JsonCursor::Step::kFailed) return false;
  envelope.meta.bytes = cursor.Since(begin);
  return true;
}

// Stands before an object.
bool ReadArguments(JsonCursor& cursor, ArgumentsReading* reading, Envelope& envelope) noexcept {
  const std::size_t at = cursor.position();
  // Once a message, since each attempt may look at all of the rest.
  const bool first = !envelope.arguments.present();
  ArgumentsAhead ahead;
  if (reading != nullptr && first) ahead = reading->Read(envelope, cursor.text().substr(at));
  envelope.arguments_ahead = ahead.number;
  envelope.arguments_unread = ahead.number == 0;
  if (ahead.number != 0) {
    cursor.Pass(ahead.size);
  } else if (!cursor.SkipUnread()) {
    return false;
  }
  envelope.arguments.bytes = cursor.Since(at);
  return true;
}

bool ReadParams(JsonCursor& cursor, ArgumentsReading* reading, Envelope& envelope) noexcept {
  if (cursor.Peek() != '{') return SkipInto(cursor, envelope.params);
  const std::size_t begin = cursor.position();
  if (!cursor.Enter()) return false;
  JsonText name;
  JsonCursor::Step step;
  while ((step = cursor.NextMember(name)) == JsonCursor::Step::kMember) {
    const std::string_view key = name.value;
    bool ok = true;
    if (Is(key, "name")) {
      ok = ReadInto(cursor, envelope.name_value, envelope.name);
    } else if (Is(key, "arguments")) {
      ok = cursor.Peek() == '{' ? ReadArguments(cursor, reading, envelope)
                                : SkipInto(cursor, envelope.arguments);
    } else if (Is(key, "_meta")) {
      ok = ReadMeta(cursor, envelope);
    } else if (Is(key, "requestState")) {
      ok = SkipInto(cursor, envelope.request_state);
    } else if (Is(key, "inputResponses")) {
      ok = SkipInto(cursor, envelope.input_responses);
    } else if (Is(key, "requestId")) {
      ok = SkipInto(cursor, envelope.request_id);
    } else if (Is(key, "capabilities")) {
      ok = SkipInto(cursor, envelope.client_capabilities);
    } else if (Is(key, "notifications")) {
      ok = SkipInto(cursor, envelope.notifications);
    } else {
      envelope.params_variant |=
          IsVariantOfAny(key, {"name", "arguments", "_meta", "task", "inputResponses", "requestState"});
      ok = cursor.SkipValue();
    }
    if (!ok) return false;
  }
  if (step == JsonCursor::Step::kFailed) return false;
  envelope.params.bytes = cursor.Since(begin);
  return true;
}

// The members of a result that settlement, lists and sessions look at; their own insides by grammar only.
bool ReadResult(JsonCursor& cursor, Envelope& envelope) noexcept {
  if (cursor.Peek() != '{') return SkipInto(cursor, envelope.result);
  const std::size_t begin = cursor.position();
  if (!cursor.Enter()) return false;
  struct Known {
    std::string_view name;
    RawValue& value;
  };
  const std::array known{Known{"isError", envelope.is_error},
                         Known{"resultType", envelope.result_type},
                         Known{"task", envelope.task},
                         Known{"tools", envelope.tools},
                         Known{"cacheScope", envelope.cache_scope},
                         Known{"requestState", envelope.state},
                         Known{"protocolVersion", envelope.protocol_version},
                         Known{"capabilities", envelope.server_capabilities}};
  JsonText name;
  JsonCursor::Step step;
  while ((step = cursor.NextMember(name)) == JsonCursor::Step::kMember) {
    RawValue other;
    RawValue* value = &other;
    for (const Known& k : known) {
      if (name.value == k.name) value = &k.value;
    }
    if (value == &other) envelope.list_fault |= IsVariantOfAny(name.value, {"tools", "cacheScope"});
    envelope.result_fault |= value->present();
    if (!SkipInto(cursor, *value)) return false;
  }
  if (step == JsonCursor::Step::kFailed) return false;
  envelope.result.bytes = cursor.Since(begin);
  return true;
}

bool ReadRoot(JsonCursor& cursor, bool from_client, ArgumentsReading* reading, Envelope& envelope) noexcept {
  envelope.is_object = true;
  if (!cursor.Enter()) return false;
  JsonText name;
  JsonCursor::Step step;
  while ((step = cursor.NextMember(name)) == JsonCursor::Step::kMember) {
    const std::string_view key = name.value;
    bool ok = true;
    if (Is(key, "jsonrpc")) {
      RawValue value;
      JsonText text;
      ok = ReadInto(cursor, value, text);
      envelope.version_ok = value.IsString() && text.value == "2.0";
    } else if (Is(key, "id")) {
      envelope.id_doubtful |= envelope.id.kind != MessageId::Kind::kAbsent;
      ok = ReadIdInto(cursor, envelope.id);
    } else if (Is(key, "method")) {
      ok = ReadInto(cursor, envelope.method_value, envelope.method);
    } else if (Is(key, "params")) {
      cursor.set_strict(from_client);
      ok = from_client ? ReadParams(cursor, reading, envelope) : SkipInto(cursor, envelope.params);
    } else if (Is(key, "result")) {
      cursor.set_strict(from_client);
      ok = from_client ? SkipInto(cursor, envelope.result) : ReadResult(cursor, envelope);
    } else if (Is(key, "error")) {
      cursor.set_strict(from_client);
      ok = SkipInto(cursor, envelope.error);
    } else {
      envelope.id_doubtful |= IsVariant(key, "id");
      envelope.root_variant |= IsVariantOfAny(key, {"jsonrpc", "id", "method", "params", "result", "error"});
      ok = cursor.SkipValue();
    }
    cursor.set_strict(true);
    if (!ok) return false;
  }
  return step == JsonCursor::Step::kEnd && cursor.AtEnd();
}

bool Read(JsonCursor& cursor, std::string_view text, uint32_t depth_max, bool from_client,
          ArgumentsReading* reading, Envelope& envelope) noexcept {
  cursor.Start(text, depth_max, /*strict=*/true);
  if (cursor.Peek() == '{') return ReadRoot(cursor, from_client, reading, envelope);
  cursor.set_strict(from_client);
  return cursor.SkipValue() && cursor.AtEnd();
}

// What languages take for white space around a word, and control characters.
std::string_view Trim(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 20> kSpaces{
      "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
      "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
      "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\x8B",
      "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE3\x80\x80", "\xEF\xBB\xBF"};
  const auto is_space = [](char c) noexcept { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  for (bool again = true; again;) {
    again = false;
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    for (const std::string_view space : kSpaces) {
      if (text.starts_with(space)) {
        text.remove_prefix(space.size());
        again = true;
      }
      if (text.ends_with(space)) {
        text.remove_suffix(space.size());
        again = true;
      }
    }
  }
  return text;
}

}  // namespace

bool ReadFromClient(JsonCursor& cursor, std::string_view text, uint32_t depth_max, Envelope& envelope,
                    ArgumentsReading* reading) noexcept {
  return Read(cursor, text, depth_max, /*from_client=*/true, reading, envelope);
}

bool ReadFromServer(JsonCursor& cursor, std::string_view text, uint32_t depth_max,
                    Envelope& envelope) noexcept {
  return Read(cursor, text, depth_max, /*from_client=*/false, /*reading=*/nullptr, envelope);
}

MessageId ReadId(JsonCursor& cursor, std::string_view bytes) noexcept {
  MessageId id;
  cursor.Start(bytes, 1, /*strict=*/true);
  if (bytes.empty() || !ReadIdInto(cursor, id)) return {};
  return id;
}

bool ReadCapabilities(JsonCursor& cursor, Capabilities& capabilities) noexcept {
  JsonText name;
  JsonCursor::Step step;
  if (!cursor.Enter()) return false;
  while ((step = cursor.NextMember(name)) == JsonCursor::Step::kMember) {
    if (name.value != "elicitation" || cursor.Peek() != '{') {
      if (!cursor.SkipValue()) return false;
      continue;
    }
    capabilities.elicitation = true;
    if (!cursor.Enter()) return false;
    while ((step = cursor.NextMember(name)) == JsonCursor::Step::kMember) {
      const bool object = cursor.Peek() == '{';
      if (name.value == "form") capabilities.form = object;
      if (name.value == "url") capabilities.url = object;
      if (!cursor.SkipValue()) return false;
    }
    if (step == JsonCursor::Step::kFailed) return false;
    if (!capabilities.url) capabilities.form = true;
  }
  return step == JsonCursor::Step::kEnd;
}

RawValue FindMember(JsonCursor& cursor, std::string_view object, std::string_view name) noexcept {
  constexpr uint32_t kAnyDepth = 512;  // its depth was bounded when it was read
  RawValue found;
  if (!object.starts_with('{')) return found;
  cursor.Start(object, kAnyDepth, /*strict=*/false);
  JsonText key;
  if (!cursor.Enter()) return found;
  while (cursor.NextMember(key) == JsonCursor::Step::kMember) {
    RawValue value;
    if (!SkipInto(cursor, value)) return {};
    if (key.value == name) found = value;
  }
  return found;
}

bool SaysExactly(JsonCursor& cursor, RawValue value, std::string_view text) noexcept {
  JsonText read;
  cursor.Start(value.bytes, 1, /*strict=*/true);
  return value.IsString() && cursor.ReadText(read) && read.value == text;
}

bool IsVariant(std::string_view found, std::string_view name) noexcept {
  if (found == name) return false;
  return EqualFolded(found.substr(0, found.find('\0')), name);
}

bool IsNearMethod(std::string_view found, std::string_view method) noexcept {
  if (found == method || found.size() < method.size()) return false;
  const auto is_plain = [](char c) noexcept { return c > 0x20 && c < 0x7F; };
  const bool nothing_to_trim =
      is_plain(found.front()) && is_plain(found.back()) && found.find('\0') == std::string_view::npos;
  if (nothing_to_trim) return EqualFolded(found, method);
  return EqualFolded(Trim(found), method) || EqualFolded(Trim(found.substr(0, found.find('\0'))), method);
}

}  // namespace internal
}  // namespace mcp
CALLWARDEN_NAMESPACE_END
