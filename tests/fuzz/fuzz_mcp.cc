// A whole MCP session: each line of the input is a message, of the server when it begins with `<`, else of
// the client. What is forwarded is forwarded byte for byte, and is a call only if the policy, asked again
// about what an independent parser reads, allows it; what goes to the client is one line of UTF-8.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "callwarden/callwarden.h"
#include "callwarden/gate.h"
#include "callwarden/mcp.h"

#include "tests/fuzz/check.h"

namespace {

using nlohmann::json;

constexpr std::string_view kPolicy = R"({
  "version": "1", "default": "deny", "hide": ["s*"],
  "tools": {
    "a": {},
    "b": {"deny_if": [{"conditions": [{"path": "args.x", "op": "gt", "value": 1}]}]},
    "p": {"action": "require_approval"}
  }
})";

const std::shared_ptr<const callwarden::CompiledPolicy>& Policy() {
  static const auto* const policy = new std::shared_ptr<const callwarden::CompiledPolicy>(
      callwarden::CompiledPolicy::Compile(kPolicy).policy());
  FUZZ_CHECK(*policy != nullptr);
  return *policy;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
    if (size == 0 || text.size() - i < size) return false;
    uint32_t code = size == 1 ? lead : lead & (0x7Fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3F);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) || (size == 3 && code < 0x800) ||
        (size == 4 && code < 0x10000)) {
      return false;
    }
    i += size;
  }
  return true;
}

// `approved`: the client has said so, which this session takes for an approval.
void CheckForwarded(std::string_view message, bool approved) {
  FUZZ_CHECK(message.find('\n') == std::string_view::npos && message.find('\r') == std::string_view::npos);
  const json parsed = json::parse(message, nullptr, /*allow_exceptions=*/false);
  FUZZ_CHECK(parsed.is_object());
  const auto method = parsed.find("method");
  if (method == parsed.end() || *method != "tools/call") return;
  FUZZ_CHECK(parsed.contains("id") && (parsed["id"].is_string() || parsed["id"].is_number_integer()));
  const json& params = parsed.at("params");
  FUZZ_CHECK(params.at("name").is_string());
  const std::string name = params["name"];
  callwarden::ToolCall call;
  call.tool = name;
  std::string arguments;
  if (params.contains("arguments")) {
    FUZZ_CHECK(params["arguments"].is_object());
    arguments = params["arguments"].dump();
    call.arguments = arguments;
  }
  call.approved = approved;
  FUZZ_CHECK(Policy()->Decide(call, callwarden::fuzz::Counters(), callwarden::fuzz::kNow).allowed());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static callwarden::ManualClock* const clock = new callwarden::ManualClock(callwarden::fuzz::kNow);
  static callwarden::Gate* const gate = [] {
    callwarden::GateOptions options;
    options.policy = Policy();
    options.counters = &callwarden::fuzz::Counters();
    options.clock = clock;
    return new callwarden::Gate(options);
  }();
  callwarden::mcp::SessionOptions options;
  options.gate = gate;
  options.message_size_max_bytes = 4096;
  options.depth_max = 32;
  options.in_flight_max = 8;
  callwarden::mcp::Session session(options);
  std::set<std::string, std::less<>> seen;

  callwarden::mcp::LineReader reader(4096);
  reader.Add(input);
  while (const auto line = reader.Next()) {
    const bool from_server = line->bytes.starts_with('<');
    const std::string message(from_server ? line->bytes.substr(1) : line->bytes);
    callwarden::mcp::Output output;
    if (line->too_long) {
      output = session.TooLongFromClient();
    } else if (from_server) {
      output = session.FromServer(message);
      FUZZ_CHECK(output.to_server.empty());
    } else {
      seen.insert(message);
      output = session.FromClient(message);
    }
    for (const callwarden::mcp::ToServer& sent : output.to_server) {
      const bool inside = sent.bytes.data() >= message.data() &&
                          sent.bytes.data() + sent.bytes.size() <= message.data() + message.size();
      const bool held = !inside && seen.contains(sent.bytes);
      FUZZ_CHECK(inside || held);
      CheckForwarded(sent.bytes, held);
    }
    for (const std::string_view sent : output.to_client) {
      FUZZ_CHECK(!sent.empty() && sent.find('\n') == std::string_view::npos &&
                 sent.find('\r') == std::string_view::npos);
      FUZZ_CHECK(IsUtf8(sent));
    }
    FUZZ_CHECK(session.in_flight() <= options.in_flight_max);
  }
  clock->Advance(std::chrono::hours(1));
  for (const std::string_view sent : session.Tick().to_client) FUZZ_CHECK(IsUtf8(sent));
  (void)session.ConnectionLost();
  FUZZ_CHECK(session.in_flight() == 0);
  clock->Set(callwarden::fuzz::kNow);
  return 0;
}
