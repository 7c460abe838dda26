// What comes from the server: answers are matched to the requests that wait for them, calls are settled,
// lists of tools are filtered, the rest passes.
#include <utility>

#include "lib/mcp_session.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace {

using internal::Envelope;
using internal::JsonCursor;
using internal::JsonText;
using internal::MessageId;
using internal::Pending;
using internal::RawValue;

// The date of a revision such as 2025-11-25 as a number; 0 for anything else.
uint32_t RevisionOf(std::string_view text) noexcept {
  constexpr std::string_view kForm = "dddd-dd-dd";
  if (text.size() != kForm.size()) return 0;
  uint32_t date = 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '-') {
      if (text[i] != '-') return 0;
    } else {
      if (text[i] < '0' || text[i] > '9') return 0;
      date = date * 10 + static_cast<uint32_t>(text[i] - '0');
    }
  }
  return date;
}

bool IsBoolean(const RawValue& value) noexcept { return value.bytes == "true" || value.bytes == "false"; }

// Whether what stands beside the id is an answer at all.
bool IsAnswer(const Envelope& envelope) noexcept {
  return envelope.version_ok && envelope.result.present() != envelope.error.present() &&
         (!envelope.error.present() || envelope.error.IsObject());
}

}  // namespace

void Session::Impl::FromServer(std::string_view message) {
  if (message.empty()) return;
  std::string_view wrong;
  if (lost) {
    wrong = "the server is gone";
  } else if (message.size() > options.message_size_max_bytes) {
    wrong = "the message is too long";
  } else if (!MayFitALine(message)) {
    wrong = "line break inside the message";
  }
  if (!wrong.empty()) {
    Log(EventKind::kServerDropped, wrong);
    return;
  }
  inner.Start(message, 1, /*strict=*/false);
  if (inner.Peek() == '[' && revision == kBatches) {
    ReadServerBatch(message);
  } else {
    ReadFromServer(message);
  }
}

void Session::Impl::ReadServerBatch(std::string_view message) {
  elements.clear();
  inner.Start(message, options.depth_max, /*strict=*/false);
  inner.Enter();
  JsonCursor::Step step;
  while ((step = inner.NextItem()) == JsonCursor::Step::kMember) {
    inner.Peek();
    const std::size_t begin = inner.position();
    if (!inner.SkipValue()) break;
    elements.push_back(inner.Since(begin));
  }
  if (step != JsonCursor::Step::kEnd || !inner.AtEnd()) {
    Log(EventKind::kServerDropped, "not JSON");
    return;
  }
  const std::vector<std::string_view> messages = std::move(elements);
  elements = {};
  for (const std::string_view element : messages) ReadFromServer(element);
}

void Session::Impl::ReadFromServer(std::string_view message) {
  Envelope envelope;
  if (!internal::ReadFromServer(cursor, message, options.depth_max, envelope)) {
    Log(EventKind::kServerDropped, "not JSON");
    return;
  }
  if (!envelope.is_object) {
    Log(EventKind::kServerDropped, "not a message");
    return;
  }
  if (!envelope.method_value.present()) {
    HandleAnswer(envelope, message);
    return;
  }
  // A request or a notification. Its id must not be taken for one of ours.
  const bool id_ok = envelope.id.kind == MessageId::Kind::kAbsent || envelope.id.legal();
  if (cursor.fault_at_root() || envelope.root_variant || !envelope.version_ok || !id_ok ||
      !envelope.method_value.IsString() || envelope.result.present() || envelope.error.present() ||
      envelope.id.text.starts_with(minted_prefix)) {
    Log(EventKind::kServerDropped, "not a message");
    return;
  }
  ToClient(message);
}

void Session::Impl::HandleAnswer(const Envelope& envelope, std::string_view message) {
  const bool exact = envelope.id.legal() && !envelope.id_doubtful;
  Pending* const entry = exact ? pending.Find(envelope.id) : nullptr;
  if (entry == nullptr || entry->kind == Pending::Kind::kHeld) {
    Log(EventKind::kServerDropped, "answers no request");
    return;
  }
  if (entry->answered) {
    Log(EventKind::kServerDropped, "the answer came too late");
    pending.Remove(*entry);
    return;
  }
  if (cursor.fault_at_root() || envelope.root_variant || !IsAnswer(envelope)) {
    RefuseAnswer(*entry, "The answer could not be read");
    return;
  }
  switch (entry->kind) {
    case Pending::Kind::kCall:
      AnswerToCall(*entry, envelope, message);
      return;
    case Pending::Kind::kList:
      AnswerToList(*entry, envelope, message);
      return;
    case Pending::Kind::kInitialize:
      AnswerToInitialize(*entry, envelope, message);
      return;
    case Pending::Kind::kOther:
    case Pending::Kind::kListen:
    case Pending::Kind::kHeld:
      break;
  }
  ToClient(message);
  pending.Remove(*entry);
}

// The client gets an error in the place of what could not be read.
void Session::Impl::RefuseAnswer(Pending& entry, std::string_view text) {
  Settle(entry, Outcome::kLost, "the answer could not be read");
  ReplyError(entry.id_raw, Code::kInternalError, text);
  Log(EventKind::kServerRefused, text, entry.id_raw, entry.tool);
  pending.Remove(entry);
}

void Session::Impl::AnswerToCall(Pending& entry, const Envelope& envelope, std::string_view message) {
  if (envelope.error.present()) {
    Settle(entry, Outcome::kError, "JSON-RPC error");
    ToClient(message);
    pending.Remove(entry);
    return;
  }
  const bool is_readable = envelope.result.IsObject() && !envelope.result_fault &&
                           (!envelope.is_error.present() || IsBoolean(envelope.is_error)) &&
                           (!envelope.result_type.present() || envelope.result_type.IsString());
  const bool asks_back = is_readable && internal::SaysExactly(inner, envelope.result_type, "input_required");
  if (!is_readable || (asks_back && envelope.state.present() && !envelope.state.IsString())) {
    RefuseAnswer(entry, "The answer could not be read");
    return;
  }
  bool wrapped = false;
  if (asks_back) {
    Settle(entry, Outcome::kOk, "input required");
    wrapped = WrapState(entry, envelope, message);
  } else if (envelope.is_error.bytes == "true") {
    Settle(entry, Outcome::kError, "tool error");
  } else {
    const bool task = envelope.task.present() || internal::SaysExactly(inner, envelope.result_type, "task");
    Settle(entry, Outcome::kOk, task ? "task accepted" : "result");
  }
  if (!wrapped) ToClient(message);
  pending.Remove(entry);
}

void Session::Impl::AnswerToInitialize(Pending& entry, const Envelope& envelope, std::string_view message) {
  if (envelope.result.present()) {
    if (!envelope.result.IsObject() || envelope.result_fault || !envelope.protocol_version.IsString()) {
      RefuseAnswer(entry, "The answer could not be read");
      return;
    }
    JsonText version;
    inner.Start(envelope.protocol_version.bytes, 1, /*strict=*/false);
    revision = inner.ReadText(version) ? RevisionOf(version.value) : 0;
    capabilities = entry.capabilities;
    no_null_ids = revision >= kModes;
    const RawValue tools = internal::FindMember(inner, envelope.server_capabilities.bytes, "tools");
    list_changed = internal::FindMember(inner, tools.bytes, "listChanged").bytes == "true";
  }
  ToClient(message);
  pending.Remove(entry);
}

// Sorts the tools of a list into those that stay, in `elements`, and those that the policy hides. False: the
// list cannot be read.
bool Session::Impl::SortTools(std::string_view tools, bool& hides) {
  elements.clear();
  hides = false;
  std::shared_ptr<const CompiledPolicy> policy;
  if (options.gate != nullptr) policy = options.gate->PolicyOf(options.grant);
  const bool hides_unlisted =
      policy != nullptr && options.replies.unlisted_as_unknown && policy->denies_unlisted();
  constexpr uint32_t kAnyDepth = 512;  // its depth was bounded when it was read
  inner.Start(tools, kAnyDepth, /*strict=*/false);
  if (!inner.Enter()) return false;
  JsonCursor::Step item;
  while ((item = inner.NextItem()) == JsonCursor::Step::kMember) {
    if (inner.Peek() != '{') return false;
    const std::size_t begin = inner.position();
    // A tool's own members may not be there twice; what is inside them concerns nobody here.
    inner.set_strict(true);
    if (!inner.Enter()) return false;
    inner.set_strict(false);
    bool named = false;
    bool hidden = false;
    JsonText key;
    JsonCursor::Step step;
    while ((step = inner.NextMember(key)) == JsonCursor::Step::kMember) {
      if (key.value == "name") {
        JsonText name;
        if (named || !inner.ReadText(name) || name.lone_surrogate) return false;
        named = true;
        hidden =
            policy == nullptr || policy->Hides(name.value) || (hides_unlisted && !policy->Lists(name.value));
      } else if (internal::IsVariant(key.value, "name") || !inner.SkipValue()) {
        return false;
      }
    }
    if (step != JsonCursor::Step::kEnd || !named) return false;
    if (hidden) {
      hides = true;
    } else {
      elements.push_back(inner.Since(begin));
    }
  }
  return item == JsonCursor::Step::kEnd && !inner.fault_at_root() && !inner.fault_below();
}

void Session::Impl::AnswerToList(Pending& entry, const Envelope& envelope, std::string_view message) {
  if (envelope.error.present()) {
    ToClient(message);
    pending.Remove(entry);
    return;
  }
  bool hides = false;
  if (!envelope.result.IsObject() || envelope.result_fault || envelope.list_fault ||
      envelope.tools.first() != '[' || !SortTools(envelope.tools.bytes, hides)) {
    RefuseAnswer(entry, "The list of tools could not be read");
    return;
  }
  constexpr std::string_view kPrivate = "\"private\"";
  // What a gate calls uniform is what policies hide; what they do not list may differ all the same.
  const bool personal = hides || options.replies.unlisted_as_unknown || options.gate == nullptr ||
                        !options.gate->uniform_visibility();
  const bool scoped = entry.era == Era::kModern && personal && envelope.cache_scope.bytes != kPrivate;
  if (!hides && !scoped) {
    ToClient(message);
    pending.Remove(entry);
    return;
  }

  // The parts that change, by their places in the message.
  struct Part {
    std::size_t begin;
    std::size_t end;
    bool tools;
  };
  const auto place = [&](std::string_view bytes) {
    return static_cast<std::size_t>(bytes.data() - message.data());
  };
  Part parts[2];
  std::size_t count = 0;
  if (hides) {
    const std::size_t begin = place(envelope.tools.bytes);
    parts[count++] = {begin, begin + envelope.tools.bytes.size(), true};
  }
  if (scoped) {
    const bool there = envelope.cache_scope.present();
    const std::size_t closing = place(envelope.result.bytes) + envelope.result.bytes.size() - 1;
    const std::size_t begin = there ? place(envelope.cache_scope.bytes) : closing;
    parts[count++] = {begin, begin + envelope.cache_scope.bytes.size(), false};
  }
  if (count == 2 && parts[1].begin < parts[0].begin) std::swap(parts[0], parts[1]);
  std::string& text = NewText();
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    text.append(message.substr(at, parts[i].begin - at));
    at = parts[i].end;
    if (!parts[i].tools) {
      if (!envelope.cache_scope.present()) text += ",\"cacheScope\":";
      text += kPrivate;
      continue;
    }
    text += '[';
    for (std::size_t e = 0; e < elements.size(); ++e) {
      if (e != 0) text += ',';
      text += elements[e];
    }
    text += ']';
  }
  text.append(message.substr(at));
  ToClient(text);
  Log(EventKind::kToolsFiltered, hides ? "tools left out" : "made private", entry.id_raw);
  pending.Remove(entry);
}

}  // namespace mcp
CALLWARDEN_NAMESPACE_END
