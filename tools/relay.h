#ifndef CALLWARDEN_TOOLS_RELAY_H_
#define CALLWARDEN_TOOLS_RELAY_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "callwarden/mcp.h"

#include "child_process.h"
#include "output_buffer.h"
#include "signal_pipe.h"

namespace callwarden::tool {

/// What a relay asks about each line. Answers by adding lines to the relay's buffers.
class RelayHandler {
 public:
  using Time = std::chrono::steady_clock::time_point;

  RelayHandler() = default;
  RelayHandler(const RelayHandler&) = delete;  // relays keep pointers to it
  RelayHandler& operator=(const RelayHandler&) = delete;
  virtual ~RelayHandler() = default;

  /// A line from either side; a view until the call returns.
  virtual void OnClientLine(std::string_view line) = 0;
  virtual void OnServerLine(std::string_view line) = 0;
  /// A line was longer than RelayOptions::line_max_bytes, and has been skipped.
  virtual void OnClientLineTooLong() = 0;
  virtual void OnServerLineTooLong() = 0;
  /// No answer will come any more. Of `to_server`, what is not written never will be. Called once.
  virtual void OnServerGone() = 0;
  /// SIGHUP.
  virtual void OnHangup() = 0;
  /// When OnTime wants to be called next; empty for never. Asked before each wait.
  virtual std::optional<Time> NextTime() = 0;
  virtual void OnTime(Time now) = 0;
};

struct RelayOptions {
  int client_in = 0;  ///< -1, and client_out too: the handler itself is the client
  int client_out = 1;
  /// What SDK v1 and servers built on it take.
  std::size_t line_max_bytes = std::size_t{10} << 20;
  /// While more than this waits to be written to a side, nothing is read that could add to it.
  std::size_t pending_max_bytes = std::size_t{1} << 20;
  /// How long the server may take to answer and end after the end of its input, before it is sent SIGTERM.
  std::chrono::milliseconds grace = std::chrono::seconds(5);
  /// How long it may take after SIGTERM before it is killed. Clients send SIGTERM themselves, and kill us
  /// after two seconds more: this must be over by then.
  std::chrono::milliseconds term_grace = std::chrono::milliseconds(1500);
};

/// Carries lines between a client on two file descriptors and a server, on one thread, without ever waiting
/// for one of the two alone.
///
/// Thread safety: one thread. Ownership: borrows all it is given.
class Relay {
 public:
  Relay(ChildProcess& server, SignalPipe& signals, const RelayOptions& options);
  Relay(const Relay&) = delete;  // one reader of each stream
  Relay& operator=(const Relay&) = delete;

  OutputBuffer& to_client() { return to_client_; }
  OutputBuffer& to_server() { return to_server_; }

  /// Runs until the server has ended and what it said has been passed on. Returns its exit status, 128 and
  /// the signal's number when one ended it. The end of the client's input ends the server's; SIGINT and
  /// SIGTERM are handed on. A server that does not end in time is sent SIGTERM, then SIGKILL.
  int Run(RelayHandler& handler);
  /// The first SIGINT or SIGTERM that came; 0: none did.
  int stopped_by() const { return stopped_by_; }
  /// Reads no more of the client, and ends the server as after the end of its input.
  void EndInput();

 private:
  enum class Stopping { kNo, kInputEnded, kTerminated, kKilled };

  void Wait();
  void TakeSignals();
  std::string_view ReadSome(int fd);
  void ReadClient();
  std::size_t ReadServer();
  void FlushClient();
  void FlushServer();
  void LoseServer();
  void CheckDeadline(RelayHandler::Time now);
  int Finish();

  ChildProcess& server_;
  SignalPipe& signals_;
  RelayOptions options_;
  RelayHandler* handler_ = nullptr;
  OutputBuffer to_client_;
  OutputBuffer to_server_;
  mcp::LineReader from_client_;
  mcp::LineReader from_server_;
  std::vector<char> chunk_;
  bool client_speaks_ = true;  // its input has not ended, and is of use
  bool client_hears_ = true;
  bool server_gone_ = false;  // the handler knows
  bool server_ended_ = false;
  int stopped_by_ = 0;
  Stopping stopping_ = Stopping::kNo;
  RelayHandler::Time deadline_{};  // of this step of stopping
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_RELAY_H_
