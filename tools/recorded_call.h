#ifndef CALLWARDEN_TOOLS_RECORDED_CALL_H_
#define CALLWARDEN_TOOLS_RECORDED_CALL_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callwarden/clock.h"
#include "callwarden/decision.h"
#include "callwarden/tool_call.h"

namespace callwarden::tool {

/// One line of a file of recorded calls: of an audit log with whole calls, or of the form that calls have in
/// policy test files. Read into the same object over and over, which keeps its memory.
class RecordedCall {
 public:
  enum class Kind {
    kCall,
    kCompletion,   ///< of the call with number sequence()
    kOther,        ///< a line of a log that is neither
    kNotRecorded,  ///< a call whose arguments the log does not hold
  };

  RecordedCall() = default;
  RecordedCall(const RecordedCall&) = delete;  // call() points into it
  RecordedCall& operator=(const RecordedCall&) = delete;

  /// Reads a line, which must outlive what is read from it. Throws ToolError, beginning with `what` and the
  /// line's number.
  Kind Read(std::string_view line, const std::string& what, uint64_t number);

  ToolCall call() const;
  /// The line's time; that of the call before when it has none.
  Timestamp time() const { return time_; }
  /// From a log: number of the decision, and what it was.
  uint64_t sequence() const { return sequence_; }
  std::string_view effect() const { return effect_; }
  std::string_view reason() const { return reason_; }
  Outcome outcome() const { return outcome_; }

 private:
  std::string_view Text(std::string_view value);
  void Attributes(std::string_view object, std::vector<Attribute>& attributes);
  void Member(std::string_view name, std::string_view value);

  std::string_view type_, tool_, grant_, session_, effect_, reason_;
  std::optional<std::string_view> arguments_;
  std::vector<Attribute> grant_attributes_, context_;
  bool approved_ = false;
  bool has_approval_ = false;
  bool has_size_ = false;  // a log tells args_size with every decision
  bool arguments_missing_ = false;
  uint64_t sequence_ = 0;
  uint64_t decision_ = 0;
  Outcome outcome_ = Outcome::kOk;
  Timestamp time_{std::chrono::seconds(1767225600)};  // 2026-01-01, as in policy test files
  std::deque<std::string> strings_;                   // what had to be unescaped; never moves its elements
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_RECORDED_CALL_H_
