// Counts what the MCP layer allocates for a message. By itself, since it replaces operator new.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "tests/unit/mcp.h"

namespace {

thread_local uint64_t allocations = 0;

void* Allocate(std::size_t size) {
  ++allocations;
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) std::abort();
  return p;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace {

using callwarden_unit::CallLine;
using callwarden_unit::Relay;

// Sends each request and its answer, and counts; the output is only looked at.
uint64_t Round(Relay& relay, const std::vector<std::string>& requests,
               const std::vector<std::string>& answers, std::size_t& forwarded) {
  const uint64_t before = allocations;
  for (const std::string& request : requests)
    forwarded += relay.session->FromClient(request).to_server.size();
  for (const std::string& answer : answers) forwarded += relay.session->FromServer(answer).to_client.size();
  return allocations - before;
}

}  // namespace

TEST_CASE("MCP: messages that pass allocate nothing in the steady state") {
  Relay relay({}, R"({"version": "1", "default": "allow", "tools": {"t": {
    "require": [{"conditions": [{"path": "args.amount", "op": "lte", "value": 50}]}],
    "limits": [{"counter": "c", "window": "second", "max": 1000000000}]}}})");
  std::vector<std::string> requests;
  std::vector<std::string> answers;
  for (int i = 0; i < 64; ++i) {
    const std::string id = "\"request-with-a-long-id-" + std::to_string(i) + "\"";
    requests.push_back(CallLine(std::to_string(i), "t", R"({"amount":7,"note":"caf\u00e9"})"));
    answers.push_back(R"({"jsonrpc":"2.0","id":)" + std::to_string(i) +
                      R"(,"result":{"content":[{"type":"text","text":"ok"}]}})");
    requests.push_back(R"({"jsonrpc":"2.0","id":)" + id +
                       R"(,"method":"resources/read","params":{"uri":"a","_meta":{"x":[1]}}})");
    answers.push_back(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"contents":[]}})");
  }
  requests.push_back(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}})");
  requests.push_back(R"({"jsonrpc":"2.0","id":"l","method":"tools/list"})");
  answers.push_back(R"({"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"t","inputSchema":{}}]}})");
  answers.push_back(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x"}})");
  std::size_t forwarded = 0;
  CHECK(Round(relay, requests, answers, forwarded) > 0);  // the meter works, and buffers grow
  Round(relay, requests, answers, forwarded);
  CHECK(Round(relay, requests, answers, forwarded) == 0);
  CHECK(forwarded == 3 * (requests.size() + answers.size()));
}
