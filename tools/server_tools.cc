#include "server_tools.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "child_process.h"
#include "printable.h"
#include "relay.h"
#include "signal_pipe.h"
#include "strict_json.h"
#include "version.h"

namespace callwarden::tool {
namespace {

// More than any server has to say; a list that needs more has no end.
constexpr std::size_t kBytesMax = std::size_t{16} << 20;
constexpr std::size_t kPagesMax = 1000;
constexpr std::size_t kQuoteMaxBytes = 200;
constexpr std::string_view kLegacyRevision = "2025-11-25";
constexpr auto kLegacyRevisions =
    std::to_array<std::string_view>({"2024-11-05", "2025-03-26", "2025-06-18", kLegacyRevision});
constexpr std::string_view kModernRevision = "2026-07-28";

/// A server's words, for a line on stderr.
std::string Quote(std::string_view text) {
  const bool cut = text.size() > kQuoteMaxBytes;
  return "\"" + Printable(text.substr(0, kQuoteMaxBytes)) + (cut ? "..." : "") + "\"";
}

Json ClientInfo() {
  Json info;
  info["name"] = "callwarden";
  info["version"] = Version();
  return info;
}

/// A member of an object; null when it has none.
const Json* Member(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : &*member;
}

std::string TextMember(const Json& object, const char* name) {
  const Json* const member = object.is_object() ? Member(object, name) : nullptr;
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

std::string ErrorText(const Json& error) {
  const Json* const code = error.is_object() ? Member(error, "code") : nullptr;
  return "error " + (code != nullptr && code->is_number_integer() ? code->dump() : "without a code") + ": " +
         Quote(TextMember(error, "message"));
}

/// The client of one server, which asks for one thing after the other.
class Lister final : public RelayHandler {
 public:
  Lister(Relay& relay, std::chrono::milliseconds timeout)
      : relay_(relay), timeout_(timeout), deadline_(std::chrono::steady_clock::now() + timeout) {
    Json params;
    params["protocolVersion"] = kLegacyRevision;
    params["capabilities"] = Json::object();
    params["clientInfo"] = ClientInfo();
    Ask("initialize", std::move(params));
  }

  /// Once the relay has run: what went wrong, given the server's exit status; empty when the list is whole.
  std::string Problem(int exit_status) const {
    if (!problem_.empty() || done_) return problem_;
    return "the server ended with status " + std::to_string(exit_status) + " before it had answered \"" +
           method_ + "\"";
  }
  Json TakeTools() { return std::move(tools_); }

  void OnClientLine(std::string_view) override {}
  void OnClientLineTooLong() override {}
  void OnServerLineTooLong() override { Fail(TooMuch()); }
  void OnServerGone() override { gone_ = true; }
  void OnHangup() override { Fail("interrupted by a hang-up"); }
  std::optional<Time> NextTime() override {
    return done_ || gone_ ? std::nullopt : std::optional<Time>(deadline_);
  }
  void OnTime(Time) override {
    Fail("the server has not answered \"" + method_ + "\" within the " + WaitText(timeout_) +
         " that it has; --timeout gives it more");
  }

  void OnServerLine(std::string_view line) override {
    if (done_) return;
    bytes_ += line.size() + 1;
    if (bytes_ > kBytesMax) return Fail(TooMuch());
    const StrictJson read = ReadStrictly(line);
    if (!read.problem.empty() || !read.value.is_object()) return PassOver(line);
    const Json* const id = Member(read.value, "id");
    if (read.value.contains("method")) {
      if (id != nullptr) Answer(*id, TextMember(read.value, "method"));
      return;
    }
    // Exactly ours, which 1.0 is not. What answers nothing that was asked is nobody's.
    if (id != nullptr && id->is_number_integer() && *id == Json(id_)) TakeResponse(read.value);
  }

 private:
  static std::string TooMuch() {
    return "the server wrote more than " + std::to_string(kBytesMax >> 20) +
           " MiB before its list of tools was whole";
  }

  void Ask(const char* method, Json params) {
    method_ = method;
    Json request;
    request["jsonrpc"] = "2.0";
    request["id"] = ++id_;
    request["method"] = method;
    if (!params.empty()) request["params"] = std::move(params);
    relay_.to_server().Add(request.dump());
  }

  void AskForPage(const Json* cursor) {
    Json params;
    if (cursor != nullptr) params["cursor"] = *cursor;
    if (modern_) {
      Json& meta = params["_meta"];
      meta["io.modelcontextprotocol/protocolVersion"] = kModernRevision;
      meta["io.modelcontextprotocol/clientInfo"] = ClientInfo();
      meta["io.modelcontextprotocol/clientCapabilities"] = Json::object();
    }
    Ask("tools/list", std::move(params));
  }

  /// Servers may ask, too. No capability was declared, so there is nothing but `ping` that they may ask for.
  void Answer(const Json& id, const std::string& method) {
    Json response;
    response["jsonrpc"] = "2.0";
    response["id"] = id;
    if (method == "ping") {
      response["result"] = Json::object();
    } else {
      response["error"]["code"] = -32601;
      response["error"]["message"] = "Method not found";
    }
    relay_.to_server().Add(response.dump());
  }

  /// As clients and the proxy do; it is told once, since it may be why nothing else comes.
  void PassOver(std::string_view line) {
    if (std::exchange(passed_over_, true)) return;
    Err("callwarden: the server wrote something that is no message of MCP, which is passed over: " +
        Quote(line) + "\n");
  }

  void TakeResponse(const Json& response) {
    const Json* const result = Member(response, "result");
    const Json* const error = Member(response, "error");
    if (TextMember(response, "jsonrpc") != "2.0" || (result == nullptr) == (error == nullptr) ||
        (result != nullptr && !result->is_object())) {
      return FailAnswer("something that is no response of JSON-RPC 2.0");
    }
    if (method_ == "initialize") {
      if (error != nullptr) {
        refusal_ = ErrorText(*error);
        modern_ = true;
        return AskForPage(nullptr);
      }
      return TakeInitialized(*result);
    }
    if (error != nullptr) return FailAnswer(ErrorText(*error));
    TakePage(*result);
  }

  void TakeInitialized(const Json& result) {
    const std::string revision = TextMember(result, "protocolVersion");
    if (std::find(kLegacyRevisions.begin(), kLegacyRevisions.end(), revision) == kLegacyRevisions.end()) {
      return FailAnswer("a revision of MCP that this program does not know, " + Quote(revision));
    }
    const Json* const capabilities = Member(result, "capabilities");
    if (capabilities == nullptr || !capabilities->is_object() || !capabilities->contains("tools")) {
      return Fail("the server has no tools: its capabilities do not name them");
    }
    Json notification;
    notification["jsonrpc"] = "2.0";
    notification["method"] = "notifications/initialized";
    relay_.to_server().Add(notification.dump());
    AskForPage(nullptr);
  }

  void TakePage(const Json& result) {
    if (modern_ && TextMember(result, "resultType") != "complete") {
      return FailAnswer("a result that is not \"complete\"");
    }
    const Json* const tools = Member(result, "tools");
    if (tools == nullptr || !tools->is_array()) return FailAnswer("a result without \"tools\"");
    for (const Json& tool : *tools) tools_["tools"].push_back(tool);
    const Json* const cursor = Member(result, "nextCursor");
    if (cursor == nullptr || cursor->is_null()) return End();
    if (!cursor->is_string()) return FailAnswer("a \"nextCursor\" that is no string");
    if (!cursors_.insert(cursor->get<std::string>()).second) {
      return Fail("the server's list of tools has no end: the cursor " + Quote(cursor->get<std::string>()) +
                  " came twice");
    }
    if (cursors_.size() >= kPagesMax) {
      return Fail("the server's list of tools has more than " + std::to_string(kPagesMax) + " pages");
    }
    AskForPage(cursor);
  }

  void FailAnswer(const std::string& with) {
    std::string text = "the server answered \"" + method_ + "\" with " + with;
    if (!refusal_.empty()) text += "; and \"initialize\" with " + refusal_;
    Fail(std::move(text));
  }

  void Fail(std::string problem) {
    if (done_) return;
    problem_ = std::move(problem);
    End();
  }

  void End() {
    done_ = true;
    relay_.EndInput();
  }

  Relay& relay_;
  std::chrono::milliseconds timeout_;
  Time deadline_;
  int id_ = 0;
  std::string method_;   // of the request with this id
  std::string refusal_;  // how `initialize` was refused
  bool modern_ = false;
  Json tools_ = {{"tools", Json::array()}};
  std::set<std::string> cursors_;
  std::size_t bytes_ = 0;
  bool passed_over_ = false;
  bool gone_ = false;
  bool done_ = false;  // well or not
  std::string problem_;
};

}  // namespace

ServerTools ListServerTools(const std::vector<std::string>& command, std::chrono::milliseconds timeout) {
  SignalPipe signals;
  ChildProcess server(command);
  if (server.start_error() != 0) return {{}, ReportCannotStart(command.front(), server.start_error())};
  RelayOptions options;
  options.client_in = -1;
  options.client_out = -1;
  // Nothing is asked of it any more, so there is little to wait for.
  options.grace = std::chrono::seconds(2);
  Relay relay(server, signals, options);
  Lister lister(relay, timeout);
  const int status = relay.Run(lister);
  if (const int signal = relay.stopped_by(); signal != 0) {
    constexpr int kExitSignal = 128;  // as shells say it
    ReportError(signal == SIGINT ? "interrupted" : "terminated");
    return {{}, kExitSignal + signal};
  }
  if (const std::string problem = lister.Problem(status); !problem.empty()) {
    ReportError(problem);
    return {{}, kExitProblems};
  }
  return {lister.TakeTools(), kExitOk};
}

}  // namespace callwarden::tool
