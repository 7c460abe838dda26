#ifndef CALLWARDEN_TOOLS_CALL_FLAGS_H_
#define CALLWARDEN_TOOLS_CALL_FLAGS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "callwarden/clock.h"
#include "callwarden/decision.h"
#include "callwarden/tool_call.h"

namespace callwarden::tool {

/// One call as the user described it, with the strings that ToolCall only borrows.
class CallInput {
 public:
  CallInput() = default;
  CallInput(const CallInput&) = delete;  // call() points into it
  CallInput& operator=(const CallInput&) = delete;

  /// The call; its views live as long as this object and as nothing is set.
  ToolCall call() const;
  /// The time that was given, else the system's time now.
  Timestamp time() const;

  void set_tool(std::string tool) { tool_ = std::move(tool); }
  void set_arguments(std::string arguments) { arguments_ = std::move(arguments); }
  void set_grant(std::string grant) { grant_ = std::move(grant); }
  void set_session(std::string session) { session_ = std::move(session); }
  void set_approved(bool approved) { approved_ = approved; }
  /// Reads a time; throws ToolError when it is not one. `what` names where it came from.
  void SetTime(const std::string& text, const std::string& what);
  /// Adds `NAME=VALUE`. VALUE is a number, a boolean or a string in quotes when it is one in JSON, and
  /// else a string as it stands.
  void AddContext(const std::string& name_and_value);
  void AddGrantAttribute(const std::string& name_and_value);
  /// Reads a call of the form that policy test files have. Throws ToolError.
  void ReadJson(const std::string& text, const std::string& what);

 private:
  using Attributes = std::vector<Attribute>;
  void AddPair(Attributes& attributes, const std::string& name_and_value, const std::string& flag);
  void AddAttributes(Attributes& attributes, std::string_view json_object, const std::string& what);
  std::string_view Keep(std::string text) { return strings_.emplace_back(std::move(text)); }

  std::string tool_;
  std::optional<std::string> arguments_;
  std::string grant_ = "default";  // as in policy test files
  std::string session_;
  bool approved_ = false;
  std::optional<Timestamp> time_;
  Attributes context_;
  Attributes grant_attributes_;
  std::deque<std::string> strings_;  // what the attributes borrow; never moves its elements
};

/// The flags that `decide` and `explain` share: a policy and one call under it.
class CallFlags {
 public:
  void AddTo(CLI::App& command);

  const std::string& policy() const { return policy_; }
  uint32_t times() const { return times_; }
  bool json() const { return json_; }
  /// What the host is to report after an admitted call; nothing for `open`, which leaves it in flight.
  std::optional<Outcome> outcome() const;
  /// Reads the call, from files and standard input where the flags say so. Throws ToolError.
  void ReadCall(CallInput& input) const;

 private:
  CLI::App* command_ = nullptr;
  std::string policy_;
  std::string call_;
  std::string tool_;
  std::string arguments_;
  std::string grant_;
  std::string session_;
  std::vector<std::string> context_;
  std::vector<std::string> grant_attributes_;
  std::string at_;
  std::string outcome_ = "ok";
  bool approved_ = false;
  bool json_ = false;
  uint32_t times_ = 1;
};

}  // namespace callwarden::tool

#endif  // CALLWARDEN_TOOLS_CALL_FLAGS_H_
