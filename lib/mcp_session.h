#ifndef CALLWARDEN_LIB_MCP_SESSION_H_
#define CALLWARDEN_LIB_MCP_SESSION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/config.h"
#include "callwarden/mcp.h"

#include "lib/mcp_envelope.h"
#include "lib/mcp_json.h"
#include "lib/mcp_pending.h"
#include "lib/mcp_reply.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {

/// What a session is made of. One file a subject: mcp_session.cc has what concerns both sides, mcp_client.cc
/// reads the client, mcp_approval.cc asks people, mcp_server.cc reads the server.
struct Session::Impl {
  using Code = internal::Code;
  using Envelope = internal::Envelope;
  using MessageId = internal::MessageId;
  using Override = internal::Override;
  using Pending = internal::Pending;
  using RawValue = internal::RawValue;

  /// A revision by its date, such as 20251125; 0: none was negotiated, or it is none.
  static constexpr uint32_t kBatches = 20250326;
  static constexpr uint32_t kElicitation = 20250618;
  static constexpr uint32_t kModes = 20251125;

  /// A call that is being answered.
  struct Call {
    const Envelope* envelope = nullptr;
    std::string_view bytes;         ///< of the message, as it would be forwarded
    std::string_view approval;      ///< id of an approval that comes with it
    std::string_view continuation;  ///< of an approved call that goes on
    bool approved = false;          ///< a person approved it, and nobody keeps approvals
    Pending* held = nullptr;        ///< the entry that it was held in
  };

  explicit Impl(SessionOptions session_options);

  // mcp_session.cc
  void Begin() noexcept;
  Output Finish();
  std::string& NewText();
  void ToClient(std::string_view bytes) { to_client.push_back(bytes); }
  void Log(EventKind kind, std::string_view text, std::string_view id = {}, std::string_view tool = {},
           const Decision* decision = nullptr, Outcome outcome = Outcome::kOk) {
    events.push_back({kind, text, id, tool, decision, outcome});
  }
  void ReplyError(std::string_view id, Code code, std::string_view message);
  void Settle(Pending& entry, Outcome outcome, std::string_view text);
  void GiveUp(Pending& entry, std::string_view message);
  void SetDeadline(Pending& entry, std::chrono::milliseconds wait);
  Timestamp Now() const noexcept;
  bool MayFitALine(std::string_view message) const noexcept;
  void Tick();
  void ConnectionLost();
  void PolicyChanged();
  /// `"id":null` or nothing, as the revision wants an id that could not be read.
  std::string_view NoId() const noexcept { return no_null_ids ? std::string_view() : "null"; }

  // mcp_client.cc
  void FromClient(std::string_view message);
  void ReadBatch(std::string_view message);
  void ReadOne(std::string_view message);
  void Refuse(const Envelope& envelope, Code code, std::string_view text);
  void RefuseUnread(Code code, std::string_view text);
  void RefuseFailed(internal::JsonCursor::Failure failure);
  bool CheckRoot(const Envelope& envelope, bool below_fault);
  internal::JsonCursor::Failure ReadArguments(std::string_view arguments) noexcept;
  void KeepName(Envelope& envelope);
  void HandleRequest(const Envelope& envelope, std::string_view message);
  void HandleCall(const Envelope& envelope, std::string_view message);
  void HandleNotification(const Envelope& envelope, std::string_view message);
  void HandleResponse(const Envelope& envelope, std::string_view message);
  void Forward(const Envelope& envelope, std::string_view message, Pending::Kind kind);
  ToolCall MakeCall(const Call& call) const noexcept;
  void Decide(const Call& call);
  void Admit(const Call& call, std::unique_ptr<Decision> decision);
  void Deny(const Call& call, std::unique_ptr<Decision> decision, Override reason, std::string_view text);

  // mcp_approval.cc
  enum class Channel : uint8_t { kNone, kState, kStateUrl, kHold, kUrlError, kCapabilityError };
  Channel ChannelOf(const Envelope& envelope, const Decision& decision) const noexcept;
  void Ask(const Call& call, std::unique_ptr<Decision> decision);
  void AskByState(const Call& call, std::unique_ptr<Decision> decision, bool url);
  void AskByUrlError(const Call& call, std::unique_ptr<Decision> decision);
  void AppendUrlParams(std::string& out, const Call& call, const Decision& decision) const;
  void AskByHolding(const Call& call, std::unique_ptr<Decision> decision);
  void HandleRetry(const Envelope& envelope, std::string_view message, std::string state_text);
  bool Rewrite(const Envelope& original, std::string_view message, std::string_view state,
               bool keep_responses, std::string& rewritten, Envelope& envelope);
  enum class Answer : uint8_t { kMissing, kAccepted, kDeclined, kNotAccepted };
  Answer ReadAnswer(RawValue answer);
  void HandleMinted(const Envelope& envelope);
  void EndHold(Pending& entry);
  void Resume(Pending& entry, std::string_view approval);
  void DenyHeld(Pending& entry, Override reason, std::string_view text);
  void Withdraw(const Pending& entry);
  bool MayGoOn(const Envelope& envelope, std::string_view continuation, std::string_view approval_id);
  bool WrapState(const Pending& entry, const Envelope& envelope, std::string_view message);

  // mcp_server.cc
  void FromServer(std::string_view message);
  void ReadServerBatch(std::string_view message);
  void ReadFromServer(std::string_view message);
  void HandleAnswer(const Envelope& envelope, std::string_view message);
  void AnswerToCall(Pending& entry, const Envelope& envelope, std::string_view message);
  void AnswerToList(Pending& entry, const Envelope& envelope, std::string_view message);
  bool SortTools(std::string_view tools, bool& hides);
  void AnswerToInitialize(Pending& entry, const Envelope& envelope, std::string_view message);
  void RefuseAnswer(Pending& entry, std::string_view text);

  SessionOptions options;
  std::string minted_prefix;  ///< of our questions' ids, quotes not included
  uint64_t minted_count = 0;

  // What is known of the client and the server.
  uint32_t revision = 0;
  internal::Capabilities capabilities;  ///< of a legacy client
  bool list_changed = false;            ///< the server declared it
  bool no_null_ids = false;
  bool lost = false;
  internal::PendingTable pending;
  std::optional<Timestamp> deadline;  ///< nothing is due before it

  // The output that is being made, and memory for it.
  std::vector<ToServer> to_server;
  std::vector<std::string_view> to_client;
  std::vector<Event> events;
  std::deque<std::string> texts;
  std::size_t texts_used = 0;

  // `cursor` reads messages; its texts live as long as the output. `inner` looks into parts of them.
  // `again` reads messages once more that were kept or rewritten.
  internal::JsonCursor cursor, inner, again;
  std::vector<std::string_view> elements;
};

}  // namespace mcp
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MCP_SESSION_H_
