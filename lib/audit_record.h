#ifndef CALLWARDEN_LIB_AUDIT_RECORD_H_
#define CALLWARDEN_LIB_AUDIT_RECORD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "callwarden/audit.h"
#include "callwarden/config.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {

/// What a record says of the call's arguments.
enum class ArgumentsState : uint8_t {
  kAbsent = 0,
  kText,       ///< as the caller wrote them
  kCanonical,  ///< canonical JSON, from an ArgumentSource
  kMalformed,  ///< from an ArgumentSource that wrote no object
  kLeftOut,    ///< more than the queue takes
};

/// The texts of a decision, in the order in which they are packed.
enum AuditText : std::size_t {
  kTextTool,
  kTextGrant,
  kTextGrantLabel,
  kTextSession,
  kTextPolicyDigest,
  kTextApproval,
  kTextRule,
  kTextMessage,
  kTextWouldRule,
  kTextWouldMessage,
  kTextCount,
};

/// A text in a record is at most this long; what is over is cut, and marked as cut.
inline constexpr std::size_t kAuditTextMax = 1024;

/// The fixed part of a packed record. After it come the texts, the limits (each a PackedLimit and its rule),
/// the arguments, and the attributes.
struct PackedRecord {
  uint32_t size = 0;  ///< of the whole
  enum class Kind : uint8_t { kDecision, kCompletion } kind = Kind::kDecision;
  Effect effect = Effect::kDeny;
  Reason reason = Reason::kInternalError;
  Outcome outcome = Outcome::kOk;
  bool has_would = false;
  Effect would_effect = Effect::kDeny;
  Reason would_reason = Reason::kInternalError;
  ArgumentsState arguments_state = ArgumentsState::kAbsent;
  bool approved = false;
  uint16_t limits = 0;
  int64_t at_ns = 0;
  int64_t took_ns = 0;          ///< latency, or duration
  int64_t retry_after_ms = 0;   ///< negative: none
  uint64_t number = 0;          ///< revision, or the decision's sequence number
  uint64_t arguments_size = 0;  ///< as the caller wrote them, also when left out
  uint32_t arguments_packed = 0;
  uint32_t grant_attributes = 0;  ///< how many are packed
  uint32_t context_attributes = 0;
  std::array<uint16_t, kTextCount> text_sizes{};  ///< with kTextCut
};
inline constexpr uint16_t kTextCut = 0x8000;

struct PackedLimit {
  uint64_t weight = 0;
  uint64_t used = 0;
  uint64_t max = 0;
  uint16_t rule_size = 0;  ///< with kTextCut
  bool shadow = false;
};

struct PackedAttribute {
  uint64_t value = 0;  ///< the bits of a number or boolean, the size of a string
  uint32_t name_size = 0;
  AttributeValue::Type type = AttributeValue::Type::kString;
};

/// Reads packed parts one after another.
class PackedReader {
 public:
  explicit PackedReader(const std::byte* at) noexcept : at_(reinterpret_cast<const char*>(at)) {}
  template <class T>
  T Get() noexcept {
    T value;
    std::memcpy(static_cast<void*>(&value), at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  std::string_view Bytes(std::size_t size) noexcept {
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }

 private:
  const char* at_;
};

/// Writes them; the place must be large enough.
class PackedWriter {
 public:
  explicit PackedWriter(std::byte* at) noexcept : at_(reinterpret_cast<char*>(at)) {}
  template <class T>
  void Put(const T& value) noexcept {
    std::memcpy(at_, static_cast<const void*>(&value), sizeof(T));
    at_ += sizeof(T);
  }
  void Bytes(std::string_view bytes) noexcept {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

 private:
  char* at_;
};

}  // namespace internal
CALLWARDEN_NAMESPACE_END

#endif  // CALLWARDEN_LIB_AUDIT_RECORD_H_
