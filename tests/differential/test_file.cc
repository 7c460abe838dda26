#include "tests/differential/test_file.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "tests/differential/formats.h"
#include "tests/differential/numbers.h"

namespace reference {
namespace {

constexpr Nanos kSecond = 1000000000;
constexpr Nanos kFirstTime = 1767225600 * kSecond;  // 2026-01-01T00:00:00Z

/// Thrown out of a file that is not of the form; never leaves this file.
struct BadFile {
  std::string why;
};

void OnlyKeys(const Value& object, std::initializer_list<std::string_view> keys) {
  if (!object.is_object()) throw BadFile{"not an object"};
  for (const Member& member : object.members) {
    bool known = false;
    for (const std::string_view key : keys) known = known || key == member.name;
    if (!known) throw BadFile{"unknown key " + member.name};
  }
}

Nanos ReadTime(const std::string& text) {
  if (!MatchesFormat("date-time", text) || text.back() != 'Z') throw BadFile{"bad time " + text};
  const auto number = [&](std::size_t at, std::size_t size) { return std::stoi(text.substr(at, size)); };
  const int year = number(0, 4);
  Int128 days = number(8, 2) - 1;
  for (int month = 1; month < number(5, 2); ++month) days += DaysInMonth(year, month);
  for (int y = 1970; y < year; ++y) days += DaysInMonth(y, 2) == 29 ? 366 : 365;
  for (int y = year; y < 1970; ++y) days -= DaysInMonth(y, 2) == 29 ? 366 : 365;
  Int128 seconds = days * 86400 + number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
  std::string fraction = text[19] == '.' ? text.substr(20, text.size() - 21) : "";
  if (fraction.size() > 9) throw BadFile{"more than nine digits of a second"};
  fraction.resize(9, '0');
  return static_cast<Nanos>(seconds * kSecond + std::stoi(fraction));
}

std::string WriteTime(Nanos at) {
  Nanos seconds = at / kSecond - (at % kSecond < 0 ? 1 : 0);
  const Nanos fraction = at - seconds * kSecond;
  Nanos days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
  seconds -= days * 86400;
  int year = 1970;
  const auto days_in = [](int y) { return DaysInMonth(y, 2) == 29 ? 366 : 365; };
  while (days < 0) days += days_in(--year);
  while (days >= days_in(year)) days -= days_in(year++);
  int month = 1;
  while (days >= DaysInMonth(year, month)) days -= DaysInMonth(year, month++);
  const auto padded = [](Nanos value, std::size_t size) {
    std::string digits = std::to_string(value);
    return std::string(size - std::min(size, digits.size()), '0') + digits;
  };
  std::string out = padded(year, 4) + "-" + padded(month, 2) + "-" + padded(days + 1, 2) + "T" +
                    padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" +
                    padded(seconds % 60, 2);
  if (fraction != 0) {
    out += "." + padded(fraction, 9);
    while (out.back() == '0') out.pop_back();
  }
  return out + "Z";
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string DecodeBase64(const std::string& text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const std::size_t digit = kBase64.find(c);
    if (digit == std::string_view::npos) throw BadFile{"bad base64"};
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xFFFFFF;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(static_cast<unsigned char>(bits >> count));
    }
  }
  return out;
}

std::string EncodeBase64(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = i; k < i + 3; ++k) {
      bits = bits << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? kBase64[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

std::vector<Attribute> ReadAttributes(const Value& object) {
  std::vector<Attribute> attributes;
  for (const Member& member : object.members) attributes.push_back(Attribute{member.name, member.value});
  return attributes;
}

void ReadOutcome(const Value& value, TestStep& step) {
  if (value.string == "open") {
    step.open = true;
  } else if (value.string == "error") {
    step.outcome = Outcome::kError;
  } else if (value.string == "lost") {
    step.outcome = Outcome::kLost;
  } else if (value.string == "not_sent") {
    step.outcome = Outcome::kNotSent;
  } else if (value.string != "ok") {
    throw BadFile{"bad outcome"};
  }
}

TestStep ReadStep(const Value& value, std::string_view text, Nanos previous) {
  TestStep step;
  step.at = previous;
  if (const Value* at = value.Find("at")) step.at = ReadTime(at->string);
  if (const Value* outcome = value.Find("outcome")) ReadOutcome(*outcome, step);
  if (const Value* complete = value.Find("complete")) {
    OnlyKeys(value, {"complete", "outcome", "at"});
    const std::optional<Int128> completed = AsInteger(*complete);
    if (!completed || *completed < 0) throw BadFile{"bad complete"};
    step.completes = true;
    step.completed = static_cast<std::size_t>(*completed);
    return step;
  }
  OnlyKeys(value, {"at", "tool", "arguments", "arguments_text", "arguments_base64", "grant", "session",
                   "grant_attributes", "context", "approved", "outcome", "expect"});
  const Value* tool = value.Find("tool");
  const Value* expect = value.Find("expect");
  if (tool == nullptr || expect == nullptr) throw BadFile{"a call without tool or expect"};
  OnlyKeys(*expect, {"effect", "reason", "rule", "message", "retry_after_ms", "would"});
  if (expect->Find("effect") == nullptr) throw BadFile{"an expect without effect"};
  step.expect = *expect;
  step.call.tool = tool->string;
  step.call.grant = "default";
  if (const Value* arguments = value.Find("arguments")) {
    step.call.arguments = std::string(text.substr(arguments->begin, arguments->end - arguments->begin));
  }
  if (const Value* arguments = value.Find("arguments_text")) step.call.arguments = arguments->string;
  if (const Value* arguments = value.Find("arguments_base64")) {
    step.call.arguments = DecodeBase64(arguments->string);
  }
  if (const Value* grant = value.Find("grant")) step.call.grant = grant->string;
  if (const Value* session = value.Find("session")) step.call.session = session->string;
  if (const Value* attributes = value.Find("grant_attributes")) {
    step.call.grant_attributes = ReadAttributes(*attributes);
  }
  if (const Value* context = value.Find("context")) step.call.context = ReadAttributes(*context);
  if (const Value* approved = value.Find("approved")) step.call.approved = approved->boolean;
  return step;
}

std::string ReadPolicyText(const Value& file, std::string_view text, const std::string& folder) {
  if (const Value* policy = file.Find("policy")) {
    return std::string(text.substr(policy->begin, policy->end - policy->begin));
  }
  if (const Value* policy_text = file.Find("policy_text")) return policy_text->string;
  const Value* name = file.Find("policy_file");
  if (name == nullptr) throw BadFile{"no policy"};
  std::ifstream stream(folder + "/" + name->string, std::ios::binary);
  if (!stream) throw BadFile{"cannot read " + name->string};
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

Value VerdictValue(const Verdict& verdict) {
  Value out = Value::Object();
  out.Add("effect", Value::String(verdict.effect));
  out.Add("reason", Value::String(verdict.reason));
  out.Add("rule", Value::String(verdict.rule));
  if (verdict.effect != "allow" && verdict.reason != "malformed_call") {
    out.Add("message", Value::String(verdict.message));
  }
  out.Add("retry_after_ms", verdict.retry_after_ms ? Value::Integer(*verdict.retry_after_ms) : Value());
  return out;
}

Value AttributesValue(const std::vector<Attribute>& attributes) {
  Value out = Value::Object();
  for (const Attribute& attribute : attributes) {
    if (out.Find(attribute.name) == nullptr) out.Add(attribute.name, attribute.value);
  }
  return out;
}

std::string OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kError:
      return "error";
    case Outcome::kLost:
      return "lost";
    case Outcome::kNotSent:
      return "not_sent";
  }
  return "";
}

/// The keys of a call but for `at` and `expect`.
void AddCall(const TestStep& step, Value& out) {
  const Call& call = step.call;
  out.Add("tool", Value::String(call.tool));
  if (call.arguments && IsUtf8(*call.arguments)) {
    out.Add("arguments_text", Value::String(*call.arguments));
  } else if (call.arguments) {
    out.Add("arguments_base64", Value::String(EncodeBase64(*call.arguments)));
  }
  out.Add("grant", Value::String(call.grant));
  if (!call.session.empty()) out.Add("session", Value::String(call.session));
  if (!call.grant_attributes.empty()) out.Add("grant_attributes", AttributesValue(call.grant_attributes));
  if (!call.context.empty()) out.Add("context", AttributesValue(call.context));
  if (call.approved) out.Add("approved", Value::Boolean(true));
  out.Add("outcome", Value::String(step.open ? "open" : OutcomeName(step.outcome)));
}

std::string Shown(const std::optional<int64_t>& ms) { return ms ? std::to_string(*ms) : "none"; }

}  // namespace

std::optional<TestFile> ReadTestFile(std::string_view text, const std::string& folder, std::string& error) {
  const ReadResult read = ReadLargeJson(text);
  if (!read.value) {
    error = read.error + " at byte " + std::to_string(read.offset);
    return std::nullopt;
  }
  try {
    TestFile file;
    OnlyKeys(*read.value, {"policy", "policy_text", "policy_file", "tests", "expect_diagnostics"});
    file.policy_text = ReadPolicyText(*read.value, text, folder);
    const Value* tests = read.value->Find("tests");
    if (tests == nullptr) return file;
    for (const Value& value : tests->items) {
      OnlyKeys(value, {"name", "calls"});
      PolicyTest test;
      if (const Value* name = value.Find("name")) test.name = name->string;
      const Value* calls = value.Find("calls");
      if (calls == nullptr) throw BadFile{"a test without calls"};
      Nanos at = kFirstTime;
      for (const Value& call : calls->items) {
        test.steps.push_back(ReadStep(call, text, at));
        at = test.steps.back().at;
      }
      file.tests.push_back(std::move(test));
    }
    return file;
  } catch (const BadFile& bad) {
    error = bad.why;
    return std::nullopt;
  }
}

std::string WriteTestFile(const std::string& policy_text, const PolicyTest& test) {
  std::optional<Policy> policy = ReadPolicy(policy_text);
  std::optional<Evaluator> evaluator;
  if (policy) evaluator.emplace(std::move(*policy));
  std::vector<std::optional<Result>> open(test.steps.size());
  std::vector<std::size_t> position(test.steps.size());  // of a step in the file
  std::vector<std::string> calls;
  for (std::size_t i = 0; i < test.steps.size(); ++i) {
    const TestStep& step = test.steps[i];
    Value out = Value::Object();
    out.Add("at", Value::String(WriteTime(step.at)));
    if (step.completes) {
      // A file must not complete what is not in flight.
      if (step.completed >= i || !open[step.completed]) continue;
      out.Add("complete", Value::Integer(static_cast<Int128>(position[step.completed])));
      out.Add("outcome", Value::String(OutcomeName(step.outcome)));
      evaluator->Complete(*open[step.completed], step.outcome, step.at);
      open[step.completed].reset();
    } else {
      AddCall(step, out);
      Value expect = Value::Object();
      if (evaluator) {
        Result result = evaluator->Decide(step.call, step.at);
        expect = VerdictValue(result.verdict);
        expect.Add("would", result.would ? VerdictValue(*result.would) : Value());
        if (result.verdict.allowed() && step.open) {
          open[i] = std::move(result);
        } else if (result.verdict.allowed()) {
          evaluator->Complete(result, step.outcome, step.at);
        }
      }
      out.Add("expect", std::move(expect));
    }
    position[i] = calls.size();
    calls.push_back(WriteJson(out));
  }
  std::string file = "{\n  \"policy_text\": " + WriteString(policy_text) +
                     ",\n  \"tests\": [\n    { \"name\": " + WriteString(test.name) + ",\n      \"calls\": [";
  for (std::size_t i = 0; i < calls.size(); ++i) file += (i == 0 ? "\n        " : ",\n        ") + calls[i];
  return file + "\n      ] }\n  ]\n}\n";
}

std::string Differs(const Value& expect, const Verdict& verdict, const std::optional<Verdict>& would) {
  std::string out;
  const auto compare = [&](std::string_view name, const std::string& got) {
    const Value* wanted = expect.Find(name);
    if (wanted != nullptr && wanted->string != got) {
      out += std::string(name) + ": expected " + wanted->string + ", got " + got + "\n";
    }
  };
  compare("effect", verdict.effect);
  compare("reason", verdict.reason);
  compare("rule", verdict.rule);
  if (verdict.reason != "malformed_call") compare("message", verdict.message);
  if (const Value* wanted = expect.Find("retry_after_ms")) {
    std::optional<int64_t> ms;
    if (!wanted->is_null()) ms = static_cast<int64_t>(AsInteger(*wanted).value_or(-1));
    if (ms != verdict.retry_after_ms) {
      out += "retry_after_ms: expected " + Shown(ms) + ", got " + Shown(verdict.retry_after_ms) + "\n";
    }
  }
  if (const Value* wanted = expect.Find("would")) {
    if (wanted->is_null() != !would) {
      out += wanted->is_null() ? "would: expected none\n" : "would: expected one, got none\n";
    } else if (would) {
      const std::string inner = Differs(*wanted, *would, std::nullopt);
      if (!inner.empty()) out += "would: " + inner;
    }
  }
  return out;
}

std::string RunOnReference(const Policy& policy, const PolicyTest& test) {
  Evaluator evaluator(policy);
  std::vector<std::optional<Result>> open(test.steps.size());
  std::string failures;
  for (std::size_t i = 0; i < test.steps.size(); ++i) {
    const TestStep& step = test.steps[i];
    const std::string where = "step " + std::to_string(i) + ": ";
    if (step.completes) {
      if (step.completed >= open.size() || !open[step.completed]) {
        failures += where + "completes what is not in flight\n";
        continue;
      }
      evaluator.Complete(*open[step.completed], step.outcome, step.at);
      open[step.completed].reset();
      continue;
    }
    Result result = evaluator.Decide(step.call, step.at);
    const std::string difference = Differs(step.expect, result.verdict, result.would);
    if (!difference.empty()) failures += where + difference;
    if (!result.verdict.allowed()) continue;
    if (step.open) {
      open[i] = std::move(result);
    } else {
      evaluator.Complete(result, step.outcome, step.at);
    }
  }
  return failures;
}

}  // namespace reference
