#include "call_flags.h"

#include <algorithm>
#include <utility>

#include "input_file.h"
#include "output.h"
#include "printable.h"
#include "raw_members.h"
#include "tool_error.h"
#include "utc_time.h"

namespace callwarden::tool {
namespace {

constexpr uint32_t kTimesMax = 100'000;

/// A JSON scalar as an attribute; nothing when it is null, an array or an object. Strings are put into
/// `keep`, since attributes borrow them.
std::optional<AttributeValue> ScalarAttribute(const Json& value, std::deque<std::string>& keep) {
  if (value.is_boolean()) return AttributeValue(value.get<bool>());
  if (value.is_number_unsigned()) return AttributeValue(value.get<uint64_t>());
  if (value.is_number_integer()) return AttributeValue(value.get<int64_t>());
  if (value.is_number_float()) return AttributeValue(value.get<double>());
  if (value.is_string()) return AttributeValue(std::string_view(keep.emplace_back(value.get<std::string>())));
  return std::nullopt;
}

/// `VALUE`, `@FILE` or `-`.
std::string ReadValue(const std::string& value) {
  if (value == "-") return ReadBytes("-", kArgumentsMaxBytes);
  if (value.starts_with('@')) return ReadBytes(value.substr(1), kArgumentsMaxBytes);
  return value;
}

}  // namespace

ToolCall CallInput::call() const {
  ToolCall call;
  call.tool = tool_;
  if (arguments_.has_value()) call.arguments = *arguments_;
  call.grant = grant_;
  call.session = session_;
  call.grant_attributes = grant_attributes_;
  call.context = context_;
  call.approved = approved_;
  return call;
}

Timestamp CallInput::time() const { return time_.has_value() ? *time_ : SystemClock().Now(); }

void CallInput::SetTime(const std::string& text, const std::string& what) {
  time_ = ParseUtcTime(text);
  if (!time_.has_value()) {
    throw ToolError(what + ": \"" + Printable(text) + "\" is not a time such as 2026-03-01T10:30:00Z");
  }
}

void CallInput::AddContext(const std::string& name_and_value) {
  AddPair(context_, name_and_value, "--context");
}

void CallInput::AddGrantAttribute(const std::string& name_and_value) {
  AddPair(grant_attributes_, name_and_value, "--grant-attribute");
}

void CallInput::AddPair(Attributes& attributes, const std::string& name_and_value, const std::string& flag) {
  const std::size_t equals = name_and_value.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ToolError(flag + ": \"" + Printable(name_and_value) + "\" is not of the form NAME=VALUE");
  }
  const std::string value = name_and_value.substr(equals + 1);
  const Json json = Json::parse(value, nullptr, /*allow_exceptions=*/false);
  std::optional<AttributeValue> attribute;
  if (!json.is_discarded()) attribute = ScalarAttribute(json, strings_);
  attributes.push_back({Keep(name_and_value.substr(0, equals)),
                        attribute.has_value() ? *attribute : AttributeValue(Keep(value))});
}

void CallInput::AddAttributes(Attributes& attributes, std::string_view json_object, const std::string& what) {
  for (const RawMember& member : RawMembers(json_object, what)) {
    const auto attribute = ScalarAttribute(Json::parse(member.value), strings_);
    if (!attribute.has_value()) {
      throw ToolError(what + ": \"" + Printable(member.name) + "\" is not a string, number or boolean");
    }
    attributes.push_back({Keep(member.name), *attribute});
  }
}

void CallInput::ReadJson(const std::string& text, const std::string& what) {
  std::vector<std::string> seen;
  for (const RawMember& member : RawMembers(text, what)) {
    const std::string& key = member.name;
    const std::string where = what + ": \"" + Printable(key) + "\"";
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) throw ToolError(where + " occurs twice");
    seen.push_back(key);
    const auto string = [&] {
      const Json value = Json::parse(member.value);
      if (!value.is_string()) throw ToolError(where + " is not a string");
      return value.get<std::string>();
    };
    if (key == "tool") {
      set_tool(string());
    } else if (key == "arguments" || key == "arguments_text") {
      if (arguments_.has_value()) throw ToolError(what + " has both \"arguments\" and \"arguments_text\"");
      set_arguments(key == "arguments" ? std::string(member.value) : string());
    } else if (key == "grant") {
      set_grant(string());
    } else if (key == "session") {
      set_session(string());
    } else if (key == "context") {
      AddAttributes(context_, member.value, where);
    } else if (key == "grant_attributes") {
      AddAttributes(grant_attributes_, member.value, where);
    } else if (key == "at") {
      SetTime(string(), where);
    } else if (key == "approved") {
      if (member.value != "true" && member.value != "false") throw ToolError(where + " is not a boolean");
      set_approved(member.value == "true");
    } else {
      throw ToolError(where +
                      " is not a key of a call; known are tool, arguments, arguments_text, grant, session, "
                      "context, grant_attributes, at, approved");
    }
  }
  if (std::find(seen.begin(), seen.end(), "tool") == seen.end()) throw ToolError(what + " has no \"tool\"");
}

void CallFlags::AddTo(CLI::App& command) {
  command_ = &command;
  // One value per flag throughout: `--context a=1 b=2` must not swallow what comes after.
  const auto add = [&](const std::string& name, auto& value, const std::string& type,
                       const std::string& description) {
    return command.add_option(name, value, description)
        ->type_name(type)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  };
  const auto add_list = [&](const std::string& name, std::vector<std::string>& values,
                            const std::string& description) {
    return command.add_option(name, values, description)
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add("--policy", policy_, "FILE", "The policy; - is standard input")->required();
  add("--tool", tool_, "NAME", "The tool that is called");
  add("--arguments", arguments_, "JSON|@FILE|-",
      "Its arguments, judged exactly as given; absent if left out");
  add("--grant", grant_, "ID", "Id of the grant, \"default\" if left out; an empty one is none");
  add("--session", session_, "ID", "Id of the session; none if left out");
  add_list("--context", context_, "An attribute of the call; repeat for more");
  add_list("--grant-attribute", grant_attributes_, "An attribute of the grant; repeat for more");
  add("--at", at_, "TIME", "When, such as 2026-03-01T10:30:00Z; now if left out");
  command.add_flag("--approved", approved_, "A person has approved exactly this call");
  add("--call", call_, "JSON|@FILE|-",
      "The whole call as a JSON object, instead of all the flags from --tool on");
  add("--times", times_, "N", "Make the same call N times, all at that time")
      ->check(CLI::Range(1u, kTimesMax).description(""));
  add("--outcome", outcome_, "HOW", "How each admitted call ends; open: it stays in flight")
      ->check(CLI::IsMember({"ok", "error", "open"}));
  command.add_flag("--json", json_, "Print JSON instead");
}

std::optional<Outcome> CallFlags::outcome() const {
  if (outcome_ == "open") return std::nullopt;
  return outcome_ == "error" ? Outcome::kError : Outcome::kOk;
}

void CallFlags::ReadCall(CallInput& input) const {
  const auto given = [&](const char* name) { return command_->count(name) > 0; };
  if (!given("--call") && !given("--tool")) throw ToolError("no call given; use --tool or --call");
  for (const char* part : {"--tool", "--arguments", "--grant", "--session", "--context", "--grant-attribute",
                           "--at", "--approved"}) {
    if (given("--call") && given(part)) throw ToolError(std::string("--call excludes ") + part);
  }
  if (policy_ == "-" && (call_ == "-" || arguments_ == "-")) {
    throw ToolError("standard input can be read once only");
  }
  if (given("--call")) {
    input.ReadJson(ReadValue(call_), "--call");
    return;
  }
  input.set_tool(tool_);
  if (given("--arguments")) input.set_arguments(ReadValue(arguments_));
  if (given("--grant")) input.set_grant(grant_);
  input.set_session(session_);
  for (const std::string& pair : context_) input.AddContext(pair);
  for (const std::string& pair : grant_attributes_) input.AddGrantAttribute(pair);
  if (given("--at")) input.SetTime(at_, "--at");
  input.set_approved(approved_);
}

}  // namespace callwarden::tool
