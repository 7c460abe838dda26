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
  /// The root of one entry's paths, and where its slots begin.
  struct Layer {
    const PathTrie::Node* root = nullptr;
    uint32_t slot_base = 0;
  };
  struct Options {
    uint32_t depth_max = 64;
    std::size_t size_max = 0;  ///< of all names and strings together
    bool refuse_case_variants = true;
    bool refuse_nul_strings = true;
    /// A repeated name is refused where it stands. Else it may be refused later, up to the end of its object.
    bool refuse_repeated_at_once = true;
  };

  /// Takes no event until Start. For an ArgumentWriter whose events go elsewhere.
  void Close() noexcept { done_ = true; }
  /// Whether nothing further can change the outcome, so that events are ignored.
  bool done() const noexcept { return done_; }

  /// Begins a call with `slot_count` absent slots. False: no memory. The options are to be set before the
  /// first event.
  bool Start(std::span<const Layer> layers, uint32_t slot_count) noexcept;
  Options& options() noexcept { return options_; }

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

  // The same events from a source that balances them itself, begins with an object and ends behind it, and
  // whose names and strings cannot be too long. `may_hold_nul`: false where no U+0000 can be.
  bool OpenObject() noexcept { return OpenContainer(true); }
  bool CloseObject() noexcept { return CloseContainer(); }
  bool OpenArray() noexcept { return OpenContainer(false); }
  bool CloseArray() noexcept { return CloseContainer(); }
  bool AddName(const char* data, uint32_t size, uint64_t head, bool may_hold_nul) noexcept;
  bool AddString(std::string_view value, bool may_hold_nul) noexcept;
  /// A number, a boolean or a value that is one of them or absent.
  template <class Source>
  bool AddScalar(const Source& source) noexcept;
  bool AddNull() noexcept { return AddScalar(SlotValue::Type::kAbsent); }

  /// To be asked after the last event: refuses what is not exactly one object.
  void Finish() noexcept {
    if (!AtRoot() || !seen_root_) Refuse(Refusal::kUnbalanced);
  }

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
    bool read = false;  ///< something reads in it; else it is only checked, and what follows here is not kept
    bool items = false;     ///< an array whose items `contains` looks at
    bool settles = false;   ///< something is to be done at its end for what reads in it
    uint32_t frontier = 0;  ///< its part of frontier_
    uint32_t names = 0;     ///< its part of names_
    uint32_t count = 0;     ///< members or items so far
    uint32_t serial = 0;    ///< tells objects apart, of all calls
    uint64_t marks = 0;     ///< a bit for each name so far: a name whose bit is not set is new
    uint64_t like = 0;      ///< name_marks of all that reads in it
  };
  // A place in a trie that the current value, or an open container, stands at.
  struct Place {
    static constexpr uint32_t kNone = 0xFFFFFFFFu;
    const PathTrie::Node* node = nullptr;
    uint32_t slot_base = 0;
    uint32_t value = kNone;  ///< the container's own value, for its size and items
    bool in_list = false;    ///< below a `[*]`

    void Stand(const PathTrie::Node* at, uint32_t base, bool below_wildcard) noexcept {
      node = at;
      slot_base = base;
      value = kNone;
      in_list = below_wildcard;
    }
  };
  // A place in the table of names. What it holds may be from an object that is closed, even from a call that
  // is over: only a name of the object in question, equal byte for byte, counts.
  struct HashEntry {
    static constexpr uint32_t kEmpty = 0xFFFFFFFFu;
    uint32_t tag = kEmpty;   ///< the hash's upper half
    uint32_t name = kEmpty;  ///< index in names_
  };
  static constexpr uint32_t kNamesLinearMax = 16;
  static constexpr uint32_t kNamesBatch = 16;

  bool Fits(std::size_t size) noexcept;
  bool MayComeNow() noexcept;
  bool MayEndNow(bool object) noexcept;
  bool BeginItem() noexcept;
  void EndValue() noexcept { frontier_.truncate(targets_); }
  // Whether no container is open. The frame below all is no container's: it stands for the place of the root.
  bool AtRoot() const noexcept { return frames_.size() == 1; }
  bool OpenContainer(bool object) noexcept;
  bool OpenMember(bool object) noexcept;
  void OpenPlace(Place& place, bool object) noexcept;
  bool PushFrame(bool object, bool read, bool items) noexcept;
  bool CloseContainer() noexcept;
  void CloseRead(const Frame& frame) noexcept;
  bool IsDuplicateOfFew(Frame& frame) noexcept;
  bool CheckDuplicateOfMany(const Frame& frame) noexcept;
  bool CheckRest(const Frame& frame) noexcept;
  bool CheckBatch(const Frame& frame, uint32_t begin, uint32_t end) noexcept;
  bool CheckDuplicate(uint32_t name, uint64_t hash, const Frame& frame) noexcept;
  void AddHashed(uint32_t name, uint64_t hash) noexcept;
  // Each object has its own key, so that names which many objects share do not gather in one place.
  uint64_t KeyOf(const Frame& frame) const noexcept { return hash_key_ + frame.serial * 0x9E3779B97F4A7C15u; }
  bool RebuildHash() noexcept;
  bool FindPlace(const NameView& name, const Frame& frame) noexcept;
  bool FindPlaces(const NameView& name, const Frame& frame) noexcept;
  bool CheckCase(const NameView& name, const Frame& frame, bool found) noexcept;
  bool CheckNul(std::string_view value) noexcept;
  template <class Source>
  bool AddItem(const Source& source, bool may_hold_nul) noexcept;
  template <class Source>
  bool Store(const Source& source) noexcept;
  bool StoreWidely(SlotValue value) noexcept;
  bool PushPlace(const PathTrie::Node* node, uint32_t slot_base, bool in_list) noexcept;
  uint32_t Put(const Place& place, uint32_t slot, const SlotValue& value) noexcept;
  uint32_t Append(uint32_t head, const SlotValue& value) noexcept;
  void AppendItem(const SlotValue& item) noexcept;
  void PutBelow(const Place& place, const PathTrie::Node& node, SlotValue::Type type) noexcept;
  void PutRange(const Place& place, uint32_t begin, uint32_t end, SlotValue::Type type) noexcept;
  void PutRange(const Place& place, const PathTrie::Node& node, SlotValue::Type type) noexcept {
    PutRange(place, node.slots_begin, node.slots_end, type);
  }
  bool RefuseSoft(bool enforced, bool all, Refusal refusal) noexcept;

  Options options_;
  Refusal refused_ = Refusal::kNone;
  Refusal refused_enforced_ = Refusal::kNone;
  bool done_ = false;  // nothing further can change the outcome
  bool seen_root_ = false;
  bool named_ = false;    // a name has come and its value has not
  uint32_t targets_ = 0;  // where the current value's places begin in frontier_
  uint32_t serial_ = 0;
  std::size_t size_ = 0;
  ScratchVector<SlotValue> values_;  // the slots, then the values of lists and arrays
  ScratchVector<Frame> frames_;
  Frame* top_ = nullptr;  // the last of them
  ScratchVector<Place> frontier_;
  ScratchVector<NameView> names_;
  ScratchVector<HashEntry> hash_;  // names of objects with more than kNamesLinearMax members
  std::size_t hashed_ = 0;         // places that are not empty
  uint64_t hash_key_ = 0;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_SLOT_FILLER_H_
