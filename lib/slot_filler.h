#ifndef CALLWARDEN_LIB_SLOT_FILLER_H_
#define CALLWARDEN_LIB_SLOT_FILLER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "callwarden/arguments.h"
#include "callwarden/config.h"

#include "lib/path_trie.h"
#include "lib/scratch.h"
#include "lib/slot_value.h"
#include "lib/text.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// Why arguments are refused.
enum class Refusal : uint8_t {
  kNone = 0,
  kSyntax,
  kNotAnObject,
  kTooLarge,
  kTooDeep,
  kNumber,
  kInvalidUtf8,
  kDuplicateName,
  kNulName,
  kCaseVariant,
  kNulString,
  kUnbalanced,
  kUnsupported,
  kNoMemory,
};

/// Takes the events of one walk over arguments, checks what the language's section 6 asks of any document,
/// and fills the slots of the paths that are read. Knows paths, not rules, and no JSON library.
///
/// Kept per thread: its memory grows to the largest call seen and stays.
class SlotFiller {
 public:
  /// One entry's paths, and where its slots begin.
  struct Layer {
    const PathTrie* trie = nullptr;
    uint32_t slot_base = 0;
  };
  struct Options {
    uint32_t depth_max = 64;
    std::size_t size_max = 0;  ///< of all names and strings together
    bool refuse_case_variants = true;
    bool refuse_nul_strings = true;
    bool has_nul = true;  ///< false: no string can hold U+0000, do not look
  };

  /// Takes no event until Start. For an ArgumentWriter whose events go elsewhere.
  void Close() noexcept { done_ = true; }
  /// Whether nothing further can change the outcome, so that events are ignored.
  bool done() const noexcept { return done_; }

  /// Begins a call with `slot_count` absent slots. False: no memory.
  bool Start(std::span<const Layer> layers, uint32_t slot_count, const Options& options) noexcept;

  // The events. Each returns false once nothing further can change the outcome.
  bool BeginObject() noexcept;
  bool Name(const NameView& name) noexcept;
  bool EndObject() noexcept;
  bool BeginArray() noexcept;
  bool EndArray() noexcept;
  bool String(std::string_view value) noexcept;
  bool Scalar(const SlotValue& value) noexcept;
  bool Null() noexcept;
  /// Refuses the call for a reason that the source of the events has found.
  bool Refuse(Refusal refusal) noexcept {
    if (refused_ == Refusal::kNone) refused_ = refusal;
    if (refused_enforced_ == Refusal::kNone) refused_enforced_ = refusal;
    done_ = true;
    return false;
  }
  /// To be asked after the last event: refuses what is not exactly one object.
  void Finish() noexcept {
    if (frames_.size() != 0 || !seen_root_) Refuse(Refusal::kUnbalanced);
  }

  /// Whether the next event of an object is a member's name.
  bool AwaitsName() const noexcept { return !frames_.empty() && frames_.back().object && !named_; }

  /// The verdict for rules that are enforced, and for all rules, shadowed ones too.
  Refusal refused_enforced() const noexcept { return refused_enforced_; }
  Refusal refused() const noexcept { return refused_; }

  SlotValue* slots() noexcept { return values_.data(); }
  const SlotValue& value(uint32_t i) const noexcept { return values_[i]; }

  /// Walks a host's own value. The writer lives as long as the walk.
  void Walk(const ArgumentSource& source) noexcept;

 private:
  struct Frame {
    bool object = false;
    bool items = false;     ///< an array whose items `contains` looks at
    uint32_t frontier = 0;  ///< its part of frontier_
    uint32_t names = 0;     ///< its part of names_
    uint32_t count = 0;     ///< members or items so far
    uint32_t serial = 0;    ///< tells objects apart
  };
  // A place in a trie that the current value, or an open container, stands at.
  struct Place {
    uint32_t layer = 0;
    uint32_t node = 0;
    uint32_t value = SlotValue::kNone;  ///< the container's own value, for its size and items
    bool in_list = false;               ///< below a `[*]`
  };
  struct HashEntry {
    uint64_t hash = 0;
    uint32_t name = 0;    ///< index in names_
    uint32_t serial = 0;  ///< of the object; 0 is an empty place
  };
  static constexpr uint32_t kNamesLinearMax = 16;

  bool Fits(std::size_t size) noexcept;
  bool BeginValue() noexcept;
  bool BeginRoot() noexcept;
  bool BeginItem(uint32_t frontier, uint32_t item) noexcept;
  void EndValue() noexcept { frontier_.truncate(targets_); }
  bool BeginContainer(bool object) noexcept;
  bool EndContainer(bool object) noexcept;
  bool IsDuplicate(const Frame& frame) noexcept;
  bool IsDuplicateOfMany(const Frame& frame) noexcept;
  bool FindOrAddHashed(uint32_t name, uint32_t serial) noexcept;
  bool GrowHash() noexcept;
  bool CheckCase(const NameView& name, const Frame& frame, bool found) noexcept;
  bool CheckNul(std::string_view value, const Frame* frame) noexcept;
  bool Store(const SlotValue& value) noexcept;
  uint32_t Put(const Place& place, uint32_t slot, const SlotValue& value) noexcept;
  uint32_t Append(uint32_t head, const SlotValue& value) noexcept;
  void PutBelow(const Place& place, const PathTrie::Node& node, SlotValue::Type type) noexcept;
  void PutRange(const Place& place, uint32_t begin, uint32_t end, SlotValue::Type type) noexcept;
  bool RefuseSoft(bool enforced, bool all, Refusal refusal) noexcept;
  const PathTrie& TrieOf(const Place& place) const noexcept { return *layers_[place.layer].trie; }
  const PathTrie::Node& NodeOf(const Place& place) const noexcept { return TrieOf(place).nodes[place.node]; }

  std::span<const Layer> layers_;
  Options options_;
  Refusal refused_ = Refusal::kNone;
  Refusal refused_enforced_ = Refusal::kNone;
  bool done_ = false;  // nothing further can change the outcome
  bool seen_root_ = false;
  bool named_ = false;    // a name has come and its value has not
  uint32_t targets_ = 0;  // where the current value's places begin in frontier_
  uint32_t serial_ = 0;
  uint32_t serial_base_ = 0;  // serials of this call are above it
  std::size_t size_ = 0;
  ScratchVector<SlotValue> values_;  // the slots, then the values of lists and arrays
  ScratchVector<Frame> frames_;
  ScratchVector<Place> frontier_;
  ScratchVector<NameView> names_;
  ScratchVector<HashEntry> hash_;  // names of objects with more than kNamesLinearMax members
  uint32_t hashed_ = 0;
  uint64_t hash_key_ = 0;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_FILLER_H_
