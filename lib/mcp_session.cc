#include "lib/mcp_session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/random_bits.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace {

constexpr std::size_t kTextKeptMax = std::size_t{1} << 20;

std::string Hex(uint64_t bits) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(bits >> shift) & 15];
  return text;
}

}  // namespace

Session::Impl::Impl(SessionOptions session_options)
    : options(std::move(session_options)),
      minted_prefix("callwarden-" + Hex(callwarden::internal::RandomBits()) + "-") {
  constexpr uint32_t kDepthMax = 512;
  options.depth_max = std::min(options.depth_max, kDepthMax);
}

void Session::Impl::Begin() noexcept {
  pending.Recycle();
  to_server.clear();
  to_client.clear();
  events.clear();
  texts_used = 0;
}

Output Session::Impl::Finish() { return {to_server, to_client, events}; }

std::string& Session::Impl::NewText() {
  if (texts_used == texts.size()) texts.emplace_back();
  std::string& text = texts[texts_used++];
  if (text.capacity() > kTextKeptMax) std::string().swap(text);
  text.clear();
  return text;
}

Timestamp Session::Impl::Now() const noexcept {
  return options.gate == nullptr ? Timestamp{} : options.gate->clock().Now();
}

void Session::Impl::ReplyError(std::string_view id, Code code, std::string_view message) {
  std::string& text = NewText();
  internal::AppendError(text, id, code, message);
  ToClient(text);
}

void Session::Impl::SetDeadline(Pending& entry, std::chrono::milliseconds wait) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
  entry.has_deadline = true;
  entry.deadline = Now() + std::clamp(wait, std::chrono::milliseconds::zero(), kLongest);
  if (!deadline || entry.deadline < *deadline) deadline = entry.deadline;
}

void Session::Impl::Settle(Pending& entry, Outcome outcome, std::string_view text) {
  if (entry.kind != Pending::Kind::kCall) return;
  entry.decision->Complete(outcome);
  Log(EventKind::kSettled, text, entry.id_raw, entry.tool, entry.decision.get(), outcome);
}

// Tells a client that still waits that there will be no answer.
void Session::Impl::GiveUp(Pending& entry, std::string_view message) {
  if (!entry.cancelled && !entry.answered) ReplyError(entry.id_raw, Code::kInternalError, message);
  entry.answered = true;
}

bool Session::Impl::MayFitALine(std::string_view message) const noexcept {
  return !options.messages_are_lines || (std::memchr(message.data(), '\r', message.size()) == nullptr &&
                                         std::memchr(message.data(), '\n', message.size()) == nullptr);
}

void Session::Impl::Tick() {
  if (!deadline) return;
  const Timestamp now = Now();
  if (now < *deadline) return;
  deadline.reset();
  pending.ForEach([&](Pending& entry) {
    if (!entry.has_deadline) return;
    if (now < entry.deadline) {
      if (!deadline || entry.deadline < *deadline) deadline = entry.deadline;
      return;
    }
    entry.has_deadline = false;
    if (entry.kind == Pending::Kind::kHeld) {
      EndHold(entry);
      return;
    }
    Settle(entry, Outcome::kLost,
           entry.cancelled ? "cancelled, and no answer came" : "no answer came in time");
    GiveUp(entry, "The server did not answer in time");
    // A list that came later must not pass for the answer to another request of this id.
    if (entry.kind != Pending::Kind::kList) pending.Remove(entry);
  });
}

void Session::Impl::ConnectionLost() {
  if (lost) return;
  lost = true;
  deadline.reset();
  Log(EventKind::kConnectionLost, "the server is gone");
  pending.ForEach([&](Pending& entry) {
    if (entry.kind == Pending::Kind::kHeld) Withdraw(entry);
    Settle(entry, Outcome::kLost, "the server is gone");
    GiveUp(entry, "The server is gone");
    pending.Remove(entry);
  });
}

void Session::Impl::PolicyChanged() {
  if (lost) return;
  constexpr std::string_view kMethod = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"";
  if (list_changed) {
    std::string& text = NewText();
    text = kMethod;
    text += '}';
    ToClient(text);
  }
  pending.ForEach([&](const Pending& entry) {
    if (!entry.hears_tools || entry.cancelled) return;
    std::string& text = NewText();
    text = kMethod;
    text += ",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":";
    text += entry.id_raw;
    text += "}}}";
    ToClient(text);
  });
}

Session::Session(SessionOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Session::~Session() {
  impl_->Begin();
  impl_->pending.ForEach([](internal::Pending& entry) {
    if (entry.decision != nullptr) entry.decision->Complete(Outcome::kLost);
  });
}

Output Session::FromClient(std::string_view message) {
  impl_->Begin();
  impl_->FromClient(message);
  return impl_->Finish();
}

Output Session::FromServer(std::string_view message) {
  impl_->Begin();
  impl_->FromServer(message);
  return impl_->Finish();
}

Output Session::TooLongFromClient() {
  impl_->Begin();
  impl_->RefuseUnread(internal::Code::kInvalidRequest, "Invalid Request: the message is too long");
  return impl_->Finish();
}

Output Session::TooLongFromServer() {
  impl_->Begin();
  impl_->Log(EventKind::kServerDropped, "the message is too long");
  return impl_->Finish();
}

Output Session::NotSent(uint64_t ticket) {
  impl_->Begin();
  if (internal::Pending* entry = impl_->pending.FindTicket(ticket); entry != nullptr) {
    if (entry->kind != internal::Pending::Kind::kHeld) {
      impl_->Settle(*entry, Outcome::kNotSent, "not sent");
      impl_->GiveUp(*entry, "The server could not be reached");
      impl_->pending.Remove(*entry);
    }
  }
  return impl_->Finish();
}

Output Session::ConnectionLost() {
  impl_->Begin();
  impl_->ConnectionLost();
  return impl_->Finish();
}

Output Session::Tick() {
  impl_->Begin();
  impl_->Tick();
  return impl_->Finish();
}

std::optional<Timestamp> Session::next_deadline() const noexcept { return impl_->deadline; }

Output Session::PolicyChanged(const SwapReport& report) {
  impl_->Begin();
  if (report.visibility_changed || impl_->options.replies.unlisted_as_unknown) impl_->PolicyChanged();
  return impl_->Finish();
}

std::size_t Session::in_flight() const noexcept { return impl_->pending.size(); }

}  // namespace mcp
CALLWARDEN_NAMESPACE_END
