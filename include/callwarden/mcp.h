#ifndef CALLWARDEN_MCP_H_
#define CALLWARDEN_MCP_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "callwarden/approvals.h"
#include "callwarden/attribute.h"
#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/decision.h"
#include "callwarden/gate.h"

/// The Model Context Protocol, without a transport: bytes of messages in, bytes of messages out.
///
/// Hosts that relay messages (a proxy, a Streamable HTTP front) use Session, and LineReader for stdio. Hosts
/// that dispatch calls themselves ask their Gate, and answer refusals with DenialResult and its neighbours.
CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {

/// The shape of answers. Never changes a decision.
enum class Era : uint8_t {
  kLegacy = 0,  ///< revisions up to 2025-11-25, with `initialize`
  kModern,      ///< 2026-07-28 and later: stateless, results carry `resultType`
};

/// How a call of a hidden tool is answered: as the host itself answers a tool that does not exist.
enum class HiddenStyle : uint8_t {
  kError = 0,    ///< error -32602 `Unknown tool: NAME`
  kErrorSdkV2,   ///< error -32602 `Tool NAME not found`, as servers on the TypeScript SDK 2.x
  kResultSdkV1,  ///< isError text `MCP error -32602: Tool NAME not found`, as servers on the SDK 1.x
};

/// How refusals are written. Borrows its texts.
struct ReplyOptions {
  HiddenStyle hidden = HiddenStyle::kError;
  /// Whether tools that the policy does not list (not_listed), and names that could be confused with one that
  /// it lists, are answered like hidden ones; a session then leaves them out of `tools/list` as well. Off:
  /// they are listed, and the caller reads that the policy does not permit them.
  bool unlisted_as_unknown = false;
  /// Put before the text of every refusal, for scripts that match on one. UTF-8, at most 64 bytes of it are
  /// used.
  std::string_view text_prefix = {};
};

/// The `result` object that tells a model of a refusal: isError, one text, and `_meta` with
/// `dev.callwarden/decision`. The order of members is fixed, so equal decisions give equal bytes. Holds no
/// argument values; at most about 8 KiB, of which the text is at most 2 KiB. For an allowed decision, which
/// is nothing to refuse, it says internal_error.
///
/// Thread safety of this and the following: may be called from any thread. Allocation: the string.
[[nodiscard]] CALLWARDEN_EXPORT std::string DenialResult(const Decision& decision, Era era,
                                                         const ReplyOptions& options = {});
/// Whether the answer is to be that of a tool that does not exist, instead of DenialResult.
[[nodiscard]] CALLWARDEN_EXPORT bool AnswersAsUnknown(const Decision& decision,
                                                      const ReplyOptions& options = {}) noexcept;
/// The whole answer to a refused call, without a newline: an error or a result that says that the tool does
/// not exist, or DenialResult. `id` is the request's id as JSON text, copied as it is; `tool` is the tool's
/// name as the client sent it, any bytes.
[[nodiscard]] CALLWARDEN_EXPORT std::string DenialMessage(std::string_view id, std::string_view tool,
                                                          const Decision& decision, Era era,
                                                          const ReplyOptions& options = {});
/// An error answer, without a newline. `id` as above; empty: the member is left out. `message` is any bytes.
[[nodiscard]] CALLWARDEN_EXPORT std::string ErrorMessage(std::string_view id, int code,
                                                         std::string_view message);

/// What an HTTP host adds to the answer.
struct HttpAnswer {
  int status = 200;
  /// For a `Retry-After` header; whole seconds, rounded up, at least 1.
  std::optional<std::chrono::seconds> retry_after;
};
/// 429 with the wait for a decision that a limit refused and that waiting helps; else 200, since a refusal is
/// an answer that the model is to read.
[[nodiscard]] CALLWARDEN_EXPORT HttpAnswer HttpAnswerTo(const Decision& decision) noexcept;

/// How approvals reach people.
enum class ApprovalMode : uint8_t {
  /// The client may ask its user (elicitation), and approvals given elsewhere count as well.
  kAny = 0,
  /// Only approvals given elsewhere count, through the approval store: what a client answers is no proof that
  /// a person did. Where there is an `approval_url`, clients are sent there.
  kOutOfBandOnly,
  /// As kAny, but a client of the modern era that cannot ask is told so (error -32021).
  kInBandOnly,
};

struct SessionOptions {
  /// Decides. Must outlive the session. Null: every call is refused (internal_error).
  Gate* gate = nullptr;
  /// Who calls, by the host's word; see ToolCall. Kept as copies.
  std::string grant;
  std::string session;
  /// Borrowed for the life of the session.
  std::span<const Attribute> grant_attributes = {};
  std::span<const Attribute> context = {};

  /// How refusals are written; the prefix is borrowed for the life of the session.
  ReplyOptions replies;

  /// Longest message. 10 MiB is what the TypeScript SDK's stdio buffer holds.
  std::size_t message_size_max_bytes = std::size_t{10} << 20;
  /// Deepest nesting of a message; `arguments` have a bound of their own in the policy. At most 512.
  uint32_t depth_max = 128;
  /// Most requests that wait for an answer of the server or of an approver, and most elements of a batch.
  std::size_t in_flight_max = 4096;
  /// Whether a raw carriage return or line feed inside a message is refused. Some readers of lines split
  /// there, and would see other messages than were judged. Off only where what is forwarded is never put on a
  /// line: HTTP bodies to an HTTP server.
  bool messages_are_lines = true;

  ApprovalMode approvals = ApprovalMode::kAny;
  /// Where people approve; `{id}` in it stands for the approval id. For clients that can open URLs. Empty:
  /// no such place.
  std::string approval_url;
  /// Makes and checks `requestState` of the modern era. Must outlive the session. Null: a modern client gets
  /// an approval id to be approved elsewhere.
  const ApprovalTokens* tokens = nullptr;
  /// How long such a state can be answered. The store's own time runs as well.
  std::chrono::seconds token_life = std::chrono::minutes(15);
  /// How long a call of a legacy client is held while its user is asked. Clients give up after 60 s.
  std::chrono::milliseconds hold_time = std::chrono::seconds(50);
  /// How long a cancelled call waits for the server's answer before it is settled as lost.
  std::chrono::milliseconds cancel_grace = std::chrono::seconds(10);
  /// How long a request waits for the server's answer before the client is told that there is none; zero: as
  /// long as the connection lives.
  std::chrono::milliseconds request_timeout = std::chrono::milliseconds::zero();
};

/// What a session did, for the host's log.
enum class EventKind : uint8_t {
  kCallAllowed = 0,   ///< a call was forwarded; has a decision
  kCallRefused,       ///< a call was answered here; has a decision unless it was refused before one was made
  kApprovalAsked,     ///< a call waits for an approval; has a decision
  kApprovalAnswered,  ///< an approval came back, and a decision was made with it
  kMessageRefused,    ///< a message of the client broke the protocol; not forwarded
  kMessageDropped,    ///< a message of the client that nothing may answer; not forwarded
  kServerDropped,     ///< a message of the server that is none, or answers no open request; not forwarded
  kServerRefused,     ///< an answer of the server that could not be read; the client got an error instead
  kToolsFiltered,     ///< a list of tools was rewritten
  kSettled,           ///< an admitted call ended; has an outcome and its decision
  kConnectionLost,    ///< the server is gone
};
/// "call_allowed", "call_refused", ...
CALLWARDEN_EXPORT std::string_view Name(EventKind kind) noexcept;

/// One line for the host's log. Borrowed, like all of an Output.
struct Event {
  EventKind kind = EventKind::kMessageDropped;
  /// What happened, in a few fixed words; holds nothing that came over the wire.
  std::string_view text;
  /// The request's id as JSON text, and the tool's name; hostile bytes (quote them before they are printed),
  /// empty where there is none.
  std::string_view id;
  std::string_view tool;
  /// The decision; null where none was made.
  const Decision* decision = nullptr;
  /// For kSettled.
  Outcome outcome = Outcome::kOk;
};

/// A message for the server.
struct ToServer {
  /// One message without a newline: a view of the very input bytes, unless a call was rewritten or held.
  std::string_view bytes;
  /// Names the message to Session::NotSent; 0 for one that nobody waits for.
  uint64_t ticket = 0;
};

/// What is to be done about one input, in this order: send everything, log the events. Borrowed from the
/// session and from the input; all of it dies with the next call of any member of the session.
struct Output {
  std::span<const ToServer> to_server;
  /// Messages without newlines, each valid UTF-8 and on one line.
  std::span<const std::string_view> to_client;
  std::span<const Event> events;
};

/// What an HTTP host answers a POST with whose body gave this output: 400 for a body that broke the protocol,
/// 429 with the wait for a rate limit, 202 when there is nothing to say, else 200. Meaningless when something
/// goes to the server: then the server's answer counts.
[[nodiscard]] CALLWARDEN_EXPORT HttpAnswer HttpAnswerTo(const Output& output) noexcept;

/// Stands between one client and one server, and decides on every call before the server sees it.
///
/// What is forwarded is forwarded byte for byte; what cannot be read exactly is not forwarded. One session a
/// connection: it keeps which requests are open, since answers are matched to them, and settles the charges
/// of admitted calls when their answers come. Has no threads, no transport, and no clock but its gate's.
///
/// Thread safety: one thread at a time. Ownership: move-free; borrows what its options say. Destroying it
/// settles open calls as lost. Allocation: none in the steady state for messages that are forwarded
/// untouched, calls included, once buffers have grown to the largest message and the most open requests seen.
/// An open call costs about 5 KiB. Out of memory is handled as the host's operator new does. Errors: never
/// throws. Any bytes are an input. Complexity: linear in the message.
class CALLWARDEN_EXPORT Session {
 public:
  explicit Session(SessionOptions options);
  Session(const Session&) = delete;  // open requests belong to one connection
  Session& operator=(const Session&) = delete;
  ~Session();

  /// One message of the client, without its newline. The bytes must live as long as the output.
  [[nodiscard]] Output FromClient(std::string_view message);
  /// One message of the server, likewise.
  [[nodiscard]] Output FromServer(std::string_view message);
  /// A message that was longer than LineReader's bound, and skipped.
  [[nodiscard]] Output TooLongFromClient();
  [[nodiscard]] Output TooLongFromServer();

  /// No byte of this message reached the server: charges are given back, and the client is told. Anything but
  /// a ticket of a request that is still open does nothing. A message of which some bytes were written is a
  /// matter for ConnectionLost.
  [[nodiscard]] Output NotSent(uint64_t ticket);
  /// The server is gone (it ended, or closed its output): every open request is answered with an error, once,
  /// and admitted calls are settled as lost. Requests that come after it are answered the same way, and
  /// nothing goes to the server any more.
  [[nodiscard]] Output ConnectionLost();
  /// Does what is due at the gate's time: ends approvals that were held too long, and calls that were
  /// cancelled or that wait too long. To be called at or after next_deadline().
  [[nodiscard]] Output Tick();
  /// When Tick has something to do; absent: not before another message came. May be too early, never too
  /// late.
  std::optional<Timestamp> next_deadline() const noexcept;

  /// The gate's policies were swapped: tells the client that the list of tools changed, if it did and the
  /// client may be told.
  [[nodiscard]] Output PolicyChanged(const SwapReport& report);

  /// Requests that wait for an answer, held ones included.
  std::size_t in_flight() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Cuts a stream of bytes into lines, as MCP's stdio transport has them: `\n` ends a line, one `\r` right
/// before it is not part of it, empty lines do not count, and what follows the last `\n` is no line.
///
///   reader.Add(bytes_just_read);
///   while (std::optional<LineReader::Line> line = reader.Next()) ...
///
/// Thread safety: one thread at a time. Ownership: owns the beginning of a line that is not complete yet.
/// Allocation: only for lines that come in several pieces, and at most `line_max_bytes` + 1. A line that is
/// longer is skipped without being kept. Complexity: linear.
class CALLWARDEN_EXPORT LineReader {
 public:
  explicit LineReader(std::size_t line_max_bytes = std::size_t{10} << 20) noexcept;

  struct Line {
    /// Without its ending. Dies with the next call of Next or Add; empty when `too_long`.
    std::string_view bytes;
    bool too_long = false;
  };
  /// Gives more bytes, which must live until Next has returned nothing. Nothing may be left of the last ones.
  void Add(std::string_view bytes) noexcept;
  /// The next line; nothing when more bytes are needed.
  [[nodiscard]] std::optional<Line> Next();
  /// Whether a line has begun that has no end yet, once Next has returned nothing; at the end of the stream
  /// it is thrown away.
  bool unfinished() const noexcept { return skipping_ || (!given_ && !kept_.empty()); }

 private:
  std::size_t line_max_bytes_;
  std::string_view input_;
  std::string kept_;       // the line's bytes of earlier pieces
  bool given_ = false;     // the last line was made of kept_
  bool skipping_ = false;  // the line is too long already
};

}  // namespace mcp
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_MCP_H_
