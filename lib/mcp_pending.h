#ifndef CALLWARDEN_LIB_MCP_PENDING_H_
#define CALLWARDEN_LIB_MCP_PENDING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/config.h"
#include "callwarden/decision.h"
#include "callwarden/mcp.h"

#include "lib/mcp_envelope.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace mcp {
namespace internal {

/// A request that waits for an answer.
struct Pending {
  enum class Kind : uint8_t {
    kOther = 0,
    kCall,  ///< forwarded; has a decision
    kHeld,  ///< a call that waits for an approval here; the server has not seen it
    kList,  ///< tools/list
    kInitialize,
    kListen,  ///< subscriptions/listen
  };
  Kind kind = Kind::kOther;
  Era era = Era::kLegacy;
  bool id_is_string = false;
  int64_t id_integer = 0;
  std::string id_text;                 ///< what a string id says
  std::string id_raw;                  ///< as written
  std::string tool;                    ///< kCall, kHeld
  std::unique_ptr<Decision> decision;  ///< kCall, kHeld
  bool cancelled = false;              ///< the client does not wait any more
  bool answered = false;               ///< the client has its answer; what the server still says is swallowed
  bool hears_tools = false;            ///< kListen: wants to know when the list of tools changes
  bool has_deadline = false;
  Timestamp deadline{};
  Capabilities capabilities;  ///< kInitialize: what the client said
  /// kHeld, and approved calls of the modern era: the request as it was, or is to be, forwarded.
  std::string line;
  std::string minted;  ///< kHeld: the id of our question to the client

  // The table's.
  uint32_t next = 0;
  uint32_t index = 0;
  uint32_t generation = 1;
  bool live = false;
};

/// The requests that wait, found by id (type and value). Entries and their decisions are pooled: entries that
/// were removed keep what they hold until Recycle, so that what was said about them stays readable.
///
/// Allocation: grows to the most requests that ever waited.
class PendingTable {
 public:
  PendingTable();
  PendingTable(const PendingTable&) = delete;  // entries have addresses
  PendingTable& operator=(const PendingTable&) = delete;

  Pending* Find(const MessageId& id) noexcept;
  /// A new entry under a legal id that is not in the table.
  Pending& Add(const MessageId& id, Pending::Kind kind);
  /// Takes an entry out. It stays readable until Recycle.
  void Remove(Pending& entry) noexcept;
  /// Makes removed entries and retired decisions free for use again.
  void Recycle() noexcept;

  /// A decision from the pool, and back to it: what is retired stays readable until Recycle.
  std::unique_ptr<Decision> NewDecision();
  void Retire(std::unique_ptr<Decision> decision) { retired_.push_back(std::move(decision)); }

  std::size_t size() const noexcept { return size_; }
  static uint64_t TicketOf(const Pending& entry) noexcept {
    return uint64_t{entry.generation} << 32 | (entry.index + 1);
  }
  Pending* FindTicket(uint64_t ticket) noexcept;

  /// Every waiting entry; `visit` may remove the one that it is given.
  template <class Visit>
  void ForEach(Visit visit) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i]->live) visit(*entries_[i]);
    }
  }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  std::size_t BucketOf(bool is_string, int64_t integer, std::string_view text) const noexcept;
  void Grow();

  uint64_t key_;
  std::vector<uint32_t> buckets_;
  std::vector<std::unique_ptr<Pending>> entries_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> removed_;
  std::vector<std::unique_ptr<Decision>> decisions_;  // free ones
  std::vector<std::unique_ptr<Decision>> retired_;
  std::size_t size_ = 0;
};

}  // namespace internal
}  // namespace mcp
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_MCP_PENDING_H_
