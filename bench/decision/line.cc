// W3: the call of W2 as a JSON-RPC line through an MCP session and its gate, beside simdjson's DOM parse of
// the same line. mcp_bench has messages a second, answers included.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "callwarden/gate.h"
#include "callwarden/mcp.h"

#include "bench/charge_policy.h"
#include "bench/decision/workloads.h"

namespace bench {
namespace {

constexpr std::string_view kArguments =
    R"({"amount":4200,"currency":"usd","customer":"cus_N4Qk2v9XbTqL","description":"Invoice 2026-0042, )"
    R"(hosting for March","metadata":{"order":"A-1009","retry":false}})";

std::string Line(std::size_t id, std::string_view arguments) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(1000 + id) +
         R"(,"method":"tools/call","params":{"name":"charge","arguments":)" + std::string(arguments) + "}}";
}

struct Checks {
  callwarden::GateOptions options{.policy = Compile(kChargePolicy)};
  callwarden::Gate gate{options};
};

// Calls stay open until Settle, which the harness calls while no clock runs.
class Lines {
 public:
  static constexpr std::size_t kOpenMax = 40;

  Lines() {
    for (std::size_t i = 0; i < kOpenMax; ++i) lines_.push_back(Line(i, kArguments));
    tickets_.reserve(kOpenMax);
    options_.gate = &checks_.gate;
    options_.grant = "g";
    options_.session = "s";
    session_ = std::make_unique<callwarden::mcp::Session>(options_);
  }
  /// Whether the server is to see the line, as it is.
  bool Forwards(std::string_view line) {
    const callwarden::mcp::Output output = session_->FromClient(line);
    if (output.to_server.size() != 1 || output.to_server[0].bytes.data() != line.data()) return false;
    tickets_.push_back(output.to_server[0].ticket);
    return true;
  }
  bool Next() { return Forwards(lines_[tickets_.size() % kOpenMax]); }
  void Settle() {
    for (const uint64_t ticket : tickets_) benchmark::DoNotOptimize(session_->NotSent(ticket).events.data());
    tickets_.clear();
  }

 private:
  Checks checks_;
  callwarden::mcp::SessionOptions options_;
  std::unique_ptr<callwarden::mcp::Session> session_;
  std::vector<std::string> lines_;
  std::vector<uint64_t> tickets_;
};

struct Session {
  static constexpr std::size_t kOpenMax = Lines::kOpenMax;
  bool operator()() const { return lines->Next(); }
  void Settle() const { lines->Settle(); }
  std::shared_ptr<Lines> lines;
};

struct Dom {
  simdjson::padded_string line{Line(0, kArguments)};
  simdjson::dom::parser parser;
};

}  // namespace

void AddLine(std::vector<Budget>& budgets) {
  Add("W3/dom", "simdjson's DOM parse of the line", [] {
    auto dom = std::make_shared<Dom>();
    return [dom] {
      simdjson::dom::element document;
      return dom->parser.parse(dom->line).get(document) == simdjson::SUCCESS && document.is_object();
    };
  });
  Add("W3/gate", "the line's arguments through the gate alone", [] {
    auto checks = std::make_shared<Checks>();
    return [checks] {
      const callwarden::Decision decision =
          checks->gate.Check({.tool = "charge", .arguments = kArguments, .grant = "g", .session = "s"});
      return decision.allowed();
    };
  });
  Add("W3/line", "a tools/call line through an MCP session, up to what is forwarded", [] {
    auto lines = std::make_shared<Lines>();
    Expect(!lines->Forwards(Line(0, R"({"amount":50001,"currency":"usd","customer":"cus_9"})")),
           "a line with an amount too large");
    Expect(!lines->Forwards(Line(0, R"({"amount":1,"amount":2,"currency":"usd","customer":"cus_9"})")),
           "a line with a repeated name");
    return Session{lines};
  });
  budgets.push_back({"W3 line / DOM parse",
                     "a JSON-RPC line through a session",
                     Budget::Kind::kAtMost,
                     {"W3/line"},
                     "W3/dom",
                     1.5});
}

}  // namespace bench
