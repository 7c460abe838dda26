#include "callwarden/policy_test.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "callwarden/clock.h"
#include "callwarden/memory_counter_store.h"

#include "lib/diagnostics.h"
#include "lib/json_tree.h"
#include "lib/text.h"
#include "lib/utc_time.h"

CALLWARDEN_NAMESPACE_BEGIN
namespace internal {
namespace {

using Type = JsonValue::Type;

constexpr uint32_t kFileDepthMax = 512;

bool DecodeBase64(std::string_view text, std::string& bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    int padding = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      std::size_t value = 0;
      if (c == '=' && i + 4 == text.size() && j >= 2) {
        ++padding;
      } else {
        value = kAlphabet.find(c);
        if (value == std::string_view::npos || padding != 0) return false;
      }
      group = group << 6 | static_cast<uint32_t>(value);
    }
    for (int byte = 0; byte < 3 - padding; ++byte) bytes += static_cast<char>(group >> (16 - 8 * byte));
  }
  return true;
}

// What a call is expected to give. Members that are not set are not compared.
struct Expectation {
  std::string effect;
  std::optional<std::string> reason;
  std::optional<std::string> rule;
  std::optional<std::string> message;
  std::optional<std::optional<int64_t>> retry_after_ms;
  std::optional<std::unique_ptr<Expectation>> would;  // a null pointer: none
};

struct Step {
  bool is_call = true;
  std::optional<Timestamp> at;
  std::string outcome = "ok";
  std::size_t completes = 0;
  std::string tool;
  std::optional<std::string> arguments;
  std::string grant = "default";
  std::string session;
  std::vector<Attribute> grant_attributes;
  std::vector<Attribute> context;
  bool approved = false;
  Expectation expect;
};

struct TestPlan {
  std::string name;
  std::vector<Step> steps;
};

struct ExpectedDiagnostic {
  std::string severity;
  std::string code;
  std::string pointer;
  std::optional<uint64_t> line;
  std::optional<uint64_t> column;
};

// Reads the file's form. Whatever is wrong becomes a diagnostic; the first is the file's error.
class FileReader {
 public:
  FileReader(std::string_view text, const PolicyTestOptions& options) : text_(text), options_(options) {}

  bool Read();
  Diagnostic TakeError() { return diagnostics_.Take(text_).front(); }

  std::string policy;
  std::vector<TestPlan> tests;
  std::optional<std::vector<ExpectedDiagnostic>> expected_diagnostics;

 private:
  bool Ok() const { return diagnostics_.errors() == 0; }
  void Bad(const Where& where, const JsonValue& value, std::string message) {
    diagnostics_.Error("bad_value", where, value.begin, std::move(message));
  }
  std::string_view TextOf(const JsonValue& value) const {
    return text_.substr(value.begin, value.end - value.begin);
  }
  bool ReadString(const JsonValue* value, const Where& where, std::string_view what, std::string& out) {
    if (value == nullptr || !CheckType(*value, Type::kString, where, what, diagnostics_)) return false;
    out = value->string;
    return true;
  }
  void ReadOptional(const JsonValue* value, const Where& where, std::string_view what,
                    std::optional<std::string>& out) {
    std::string text;
    if (ReadString(value, where, what, text)) out = std::move(text);
  }
  void Require(const KnownKey& key, const JsonValue& object, const Where& where) {
    if (key.member == nullptr) {
      diagnostics_.Error("missing_key", where, object.begin, "there is no " + std::string(key.name));
    }
  }
  void ReadPolicy(const JsonValue& root, std::span<const KnownKey> keys);
  void ReadTest(const JsonValue& value, const Where& where);
  void ReadStep(const JsonValue& value, const Where& where, std::size_t position, Step& step);
  void ReadArguments(std::span<const KnownKey> keys, const JsonValue& object, const Where& where, Step& step);
  void ReadAttributes(const JsonValue* value, const Where& where, std::vector<Attribute>& attributes);
  void ReadExpectation(const JsonValue& value, const Where& where, Expectation& expect);
  void ReadExpectedDiagnostics(const JsonValue& value, const Where& where);

  std::string_view text_;
  const PolicyTestOptions& options_;
  Diagnostics diagnostics_;
  JsonTree tree_;  // attributes point into it
};

bool FileReader::Read() {
  const Where where;
  if (text_.size() > options_.file_size_max_bytes || text_.size() > UINT32_MAX) {
    diagnostics_.Error("bound_exceeded", where, 0,
                       "the file has more than " + std::to_string(options_.file_size_max_bytes) + " bytes");
    return false;
  }
  tree_ = ParseJsonTree(text_, kFileDepthMax);
  if (tree_.invalid_at) {
    diagnostics_.Error("invalid_json", where, *tree_.invalid_at, "the file is not JSON");
    return false;
  }
  const JsonValue& root = tree_.root;
  if (tree_.too_deep) {
    ReportTooDeep(root, where, diagnostics_);
    return false;
  }
  if (!CheckType(root, Type::kObject, where, "a policy test file", diagnostics_)) return false;
  std::array<KnownKey, 5> keys{
      {{"policy"}, {"policy_text"}, {"policy_file"}, {"tests"}, {"expect_diagnostics"}}};
  ReadMembers(root, where, keys, diagnostics_);
  ReadPolicy(root, keys);
  const JsonValue* tests_value = keys[3].value();
  const JsonValue* diagnostics_value = keys[4].value();
  if ((tests_value == nullptr) == (diagnostics_value == nullptr)) {
    diagnostics_.Error(tests_value == nullptr ? "missing_key" : "conflicting_keys", where, root.begin,
                       "the file needs either tests or expect_diagnostics");
  }
  if (tests_value != nullptr) {
    const Where at(where, "tests");
    if (CheckType(*tests_value, Type::kArray, at, "tests", diagnostics_)) {
      for (std::size_t i = 0; i < tests_value->items.size(); ++i)
        ReadTest(tests_value->items[i], Where(at, i));
    }
  }
  if (diagnostics_value != nullptr)
    ReadExpectedDiagnostics(*diagnostics_value, Where(where, "expect_diagnostics"));
  return Ok();
}

void FileReader::ReadPolicy(const JsonValue& root, std::span<const KnownKey> keys) {
  const Where where;
  const auto given =
      std::count_if(keys.begin(), keys.begin() + 3, [](const KnownKey& k) { return k.member != nullptr; });
  if (given != 1) {
    diagnostics_.Error(given == 0 ? "missing_key" : "conflicting_keys", where, root.begin,
                       "the file needs exactly one of policy, policy_text and policy_file");
    return;
  }
  if (const JsonValue* v = keys[0].value()) policy = TextOf(*v);
  if (const JsonValue* v = keys[1].value()) ReadString(v, Where(where, "policy_text"), "policy_text", policy);
  if (const JsonValue* v = keys[2].value()) {
    const Where at(where, "policy_file");
    std::string path;
    if (!ReadString(v, at, "policy_file", path)) return;
    std::optional<std::string> text;
    if (options_.read_policy_file) text = options_.read_policy_file(path);
    if (text) {
      policy = std::move(*text);
    } else {
      Bad(at, *v, "policy file " + Quoted(path) + " cannot be read");
    }
  }
}

void FileReader::ReadTest(const JsonValue& value, const Where& where) {
  if (!CheckType(value, Type::kObject, where, "a test", diagnostics_)) return;
  std::array<KnownKey, 2> keys{{{"name"}, {"calls"}}};
  ReadMembers(value, where, keys, diagnostics_);
  for (const KnownKey& key : keys) Require(key, value, where);
  TestPlan plan;
  ReadString(keys[0].value(), Where(where, "name"), "a test's name", plan.name);
  const Where at(where, "calls");
  if (const JsonValue* v = keys[1].value();
      v != nullptr && CheckType(*v, Type::kArray, at, "calls", diagnostics_)) {
    plan.steps.resize(v->items.size());
    for (std::size_t i = 0; i < v->items.size(); ++i) ReadStep(v->items[i], Where(at, i), i, plan.steps[i]);
  }
  tests.push_back(std::move(plan));
}

void FileReader::ReadStep(const JsonValue& value, const Where& where, std::size_t position, Step& step) {
  if (!CheckType(value, Type::kObject, where, "a call", diagnostics_)) return;
  const auto read_time = [&](const JsonValue* v) {
    const Where at(where, "at");
    std::string text;
    if (!ReadString(v, at, "at", text)) return;
    Timestamp time;
    if (ParseUtcTime(text, time)) {
      step.at = time;
    } else {
      Bad(at, *v, Quoted(text) + " is not a UTC time such as 2026-03-01T10:30:00Z");
    }
  };
  const auto read_outcome = [&](const JsonValue* v, bool open) {
    const Where at(where, "outcome");
    if (!ReadString(v, at, "outcome", step.outcome)) return;
    constexpr std::array<std::string_view, 5> kKnown{"ok", "error", "lost", "not_sent", "open"};
    const std::span<const std::string_view> known = std::span(kKnown).first(open ? 5 : 4);
    if (std::find(known.begin(), known.end(), step.outcome) == known.end()) {
      Bad(at, *v, "unknown outcome " + Quoted(step.outcome));
    }
  };
  if (value.Find("complete") != nullptr) {
    std::array<KnownKey, 3> keys{{{"complete"}, {"outcome"}, {"at"}}};
    ReadMembers(value, where, keys, diagnostics_);
    step.is_call = false;
    const Where at(where, "complete");
    uint64_t completes = 0;
    if (CheckType(*keys[0].value(), Type::kNumber, at, "complete", diagnostics_)) {
      if (!ToUint64(keys[0].value()->number, completes) || completes >= position) {
        Bad(at, *keys[0].value(), "complete must be the position of an earlier call");
      }
    }
    step.completes = completes;
    read_outcome(keys[1].value(), false);
    read_time(keys[2].value());
    return;
  }
  std::array<KnownKey, 12> keys{{{"arguments"},
                                 {"arguments_text"},
                                 {"arguments_base64"},
                                 {"at"},
                                 {"tool"},
                                 {"grant"},
                                 {"session"},
                                 {"context"},
                                 {"grant_attributes"},
                                 {"approved"},
                                 {"outcome"},
                                 {"expect"}}};
  ReadMembers(value, where, keys, diagnostics_);
  Require(keys[4], value, where);
  Require(keys[11], value, where);
  ReadArguments(keys, value, where, step);
  read_time(keys[3].value());
  ReadString(keys[4].value(), Where(where, "tool"), "tool", step.tool);
  ReadString(keys[5].value(), Where(where, "grant"), "grant", step.grant);
  ReadString(keys[6].value(), Where(where, "session"), "session", step.session);
  ReadAttributes(keys[7].value(), Where(where, "context"), step.context);
  ReadAttributes(keys[8].value(), Where(where, "grant_attributes"), step.grant_attributes);
  if (const JsonValue* v = keys[9].value();
      v != nullptr && CheckType(*v, Type::kBoolean, Where(where, "approved"), "approved", diagnostics_)) {
    step.approved = v->boolean;
  }
  read_outcome(keys[10].value(), true);
  if (const JsonValue* v = keys[11].value()) ReadExpectation(*v, Where(where, "expect"), step.expect);
}

void FileReader::ReadArguments(std::span<const KnownKey> keys, const JsonValue& object, const Where& where,
                               Step& step) {
  const auto given =
      std::count_if(keys.begin(), keys.begin() + 3, [](const KnownKey& k) { return k.member != nullptr; });
  if (given > 1) {
    diagnostics_.Error("conflicting_keys", where, object.begin,
                       "a call has at most one of arguments, arguments_text and arguments_base64");
    return;
  }
  if (const JsonValue* v = keys[0].value()) step.arguments = std::string(TextOf(*v));
  if (const JsonValue* v = keys[1].value()) {
    ReadOptional(v, Where(where, "arguments_text"), "arguments_text", step.arguments);
  }
  if (const JsonValue* v = keys[2].value()) {
    const Where at(where, "arguments_base64");
    std::string text;
    std::string bytes;
    if (!ReadString(v, at, "arguments_base64", text)) return;
    if (!DecodeBase64(text, bytes)) Bad(at, *v, "arguments_base64 is not base64");
    step.arguments = std::move(bytes);
  }
}

void FileReader::ReadAttributes(const JsonValue* value, const Where& where,
                                std::vector<Attribute>& attributes) {
  if (value == nullptr || !CheckType(*value, Type::kObject, where, "attributes", diagnostics_)) return;
  for (const JsonMember& member : value->members) {
    const Where at(where, member.name);
    AttributeValue attribute;
    switch (member.value.type) {
      case Type::kString:
        attribute = std::string_view(member.value.string);
        break;
      case Type::kBoolean:
        attribute = member.value.boolean;
        break;
      case Type::kNumber:
        switch (member.value.number.kind) {
          case Number::Kind::kInt64:
            attribute = member.value.number.i;
            break;
          case Number::Kind::kUint64:
            attribute = member.value.number.u;
            break;
          case Number::Kind::kDouble:
            attribute = member.value.number.d;
            break;
        }
        break;
      default:
        Bad(at, member.value, "an attribute must be a string, a number, true or false");
        break;
    }
    attributes.push_back({member.name, attribute});
  }
}

void FileReader::ReadExpectation(const JsonValue& value, const Where& where, Expectation& expect) {
  if (!CheckType(value, Type::kObject, where, "expect", diagnostics_)) return;
  std::array<KnownKey, 6> keys{
      {{"effect"}, {"reason"}, {"rule"}, {"message"}, {"retry_after_ms"}, {"would"}}};
  ReadMembers(value, where, keys, diagnostics_);
  Require(keys[0], value, where);
  const Where effect_at(where, "effect");
  if (ReadString(keys[0].value(), effect_at, "effect", expect.effect)) {
    constexpr std::array<std::string_view, 3> kKnown{"allow", "deny", "require_approval"};
    if (std::find(kKnown.begin(), kKnown.end(), expect.effect) == kKnown.end()) {
      Bad(effect_at, *keys[0].value(), "unknown effect " + Quoted(expect.effect));
    }
  }
  const Where reason_at(where, "reason");
  ReadOptional(keys[1].value(), reason_at, "reason", expect.reason);
  if (expect.reason) {
    bool known = false;
    for (int r = 0; r <= static_cast<int>(Reason::kAllowed); ++r) {
      known |= Name(static_cast<Reason>(r)) == *expect.reason;
    }
    if (!known) Bad(reason_at, *keys[1].value(), "unknown reason " + Quoted(*expect.reason));
  }
  ReadOptional(keys[2].value(), Where(where, "rule"), "rule", expect.rule);
  ReadOptional(keys[3].value(), Where(where, "message"), "message", expect.message);
  if (const JsonValue* v = keys[4].value()) {
    const Where at(where, "retry_after_ms");
    uint64_t ms = 0;
    if (v->Is(Type::kNull)) {
      expect.retry_after_ms.emplace(std::nullopt);
    } else if (CheckType(*v, Type::kNumber, at, "retry_after_ms", diagnostics_)) {
      if (!ToUint64(v->number, ms) || ms > INT64_MAX)
        Bad(at, *v, "retry_after_ms must be an integer of 0 or more");
      expect.retry_after_ms.emplace(static_cast<int64_t>(ms));
    }
  }
  if (const JsonValue* v = keys[5].value()) {
    expect.would.emplace(nullptr);
    if (!v->Is(Type::kNull)) {
      *expect.would = std::make_unique<Expectation>();
      ReadExpectation(*v, Where(where, "would"), **expect.would);
    }
  }
}

void FileReader::ReadExpectedDiagnostics(const JsonValue& value, const Where& where) {
  if (!CheckType(value, Type::kArray, where, "expect_diagnostics", diagnostics_)) return;
  expected_diagnostics.emplace();
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const JsonValue& item = value.items[i];
    const Where at(where, i);
    if (!CheckType(item, Type::kObject, at, "a diagnostic", diagnostics_)) continue;
    std::array<KnownKey, 5> keys{{{"severity"}, {"code"}, {"pointer"}, {"line"}, {"column"}}};
    ReadMembers(item, at, keys, diagnostics_);
    for (std::size_t k = 0; k < 3; ++k) Require(keys[k], item, at);
    ExpectedDiagnostic expected;
    ReadString(keys[0].value(), Where(at, "severity"), "severity", expected.severity);
    ReadString(keys[1].value(), Where(at, "code"), "code", expected.code);
    ReadString(keys[2].value(), Where(at, "pointer"), "pointer", expected.pointer);
    for (std::size_t k = 3; k < 5; ++k) {
      const JsonValue* v = keys[k].value();
      const Where number_at(at, keys[k].name);
      if (v == nullptr || !CheckType(*v, Type::kNumber, number_at, keys[k].name, diagnostics_)) continue;
      uint64_t number = 0;
      if (!ToUint64(v->number, number)) Bad(number_at, *v, "a place is an integer of 1 or more");
      (k == 3 ? expected.line : expected.column) = number;
    }
    expected_diagnostics->push_back(std::move(expected));
  }
}

// Runs tests and says in words what differs.
class Runner {
 public:
  Runner(const CompiledPolicy& policy) : policy_(policy) {}
  PolicyTestCase Run(const TestPlan& plan);

 private:
  void Fail(std::string line) {
    if (!failure_.empty()) failure_ += '\n';
    failure_ += std::move(line);
  }
  void Compare(const std::string& where, std::string_view what, std::string_view expected,
               std::string_view got) {
    if (expected != got) {
      Fail(where + ": expected " + std::string(what) + ' ' + Quoted(expected) + ", got " + Quoted(got));
    }
  }
  void CompareVerdict(const std::string& where, const Expectation& expect, const Verdict& verdict);

  const CompiledPolicy& policy_;
  std::string failure_;
};

void Runner::CompareVerdict(const std::string& where, const Expectation& expect, const Verdict& verdict) {
  Compare(where, "effect", expect.effect, Name(verdict.effect()));
  if (expect.reason) Compare(where, "reason", *expect.reason, Name(verdict.reason()));
  if (expect.rule) Compare(where, "rule", *expect.rule, verdict.rule());
  if (expect.message) Compare(where, "message", *expect.message, verdict.message());
  if (expect.retry_after_ms) {
    const auto text = [](std::optional<int64_t> ms) {
      return ms ? std::to_string(*ms) : std::string("none");
    };
    std::optional<int64_t> got;
    if (verdict.retry_after()) got = verdict.retry_after()->count();
    Compare(where, "retry_after_ms", text(*expect.retry_after_ms), text(got));
  }
}

PolicyTestCase Runner::Run(const TestPlan& plan) {
  PolicyTestCase result;
  result.name = plan.name;
  failure_.clear();
  Timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  ManualClock clock(now);
  MemoryCounterStoreOptions options;
  // Every call can bring as many new keys as limits apply to it.
  options.capacity_keys = std::clamp<std::size_t>(plan.steps.size() * kLimitsPerCallMax * 2, 64, 65536);
  options.clock = &clock;
  MemoryCounterStore counters(options);
  struct Open {
    Decision decision;
    bool in_flight = false;
  };
  std::vector<Open> open(plan.steps.size());
  const auto outcome_of = [](std::string_view name) {
    for (const Outcome o : {Outcome::kError, Outcome::kLost, Outcome::kNotSent}) {
      if (Name(o) == name) return o;
    }
    return Outcome::kOk;
  };
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    const std::string where = "call " + std::to_string(i);
    now = step.at.value_or(now);
    clock.Set(now);
    if (!step.is_call) {
      Open& completed = open[step.completes];
      if (!completed.in_flight) {
        Fail(where + ": call " + std::to_string(step.completes) + " is not in flight");
        continue;
      }
      completed.in_flight = false;
      completed.decision.Complete(outcome_of(step.outcome));
      continue;
    }
    ToolCall call;
    call.tool = step.tool;
    if (step.arguments) call.arguments = *step.arguments;
    call.grant = step.grant;
    call.session = step.session;
    call.grant_attributes = step.grant_attributes;
    call.context = step.context;
    call.approved = step.approved;
    Decision decision = policy_.Decide(call, counters, now);
    CompareVerdict(where, step.expect, decision.verdict());
    if (step.expect.would) {
      const Expectation* expected = step.expect.would->get();
      const Verdict* would = decision.would();
      if (expected == nullptr) {
        if (would != nullptr) Fail(where + ": expected no would, got " + std::string(Name(would->reason())));
      } else if (would == nullptr) {
        Fail(where + ": expected would " + Quoted(expected->effect) + ", got none");
      } else {
        CompareVerdict(where + " would", *expected, *would);
      }
    }
    if (!decision.allowed()) continue;
    if (step.outcome == "open") {
      open[i] = {std::move(decision), true};
    } else {
      decision.Complete(outcome_of(step.outcome));
    }
  }
  result.passed = failure_.empty();
  result.failure = std::move(failure_);
  return result;
}

PolicyTestCase CompareDiagnostics(const std::vector<ExpectedDiagnostic>& expected,
                                  std::span<const Diagnostic> diagnostics) {
  PolicyTestCase result;
  result.name = "diagnostics";
  const auto same = [](const ExpectedDiagnostic& e, const Diagnostic& d) {
    return e.severity == Name(d.severity) && e.code == d.code && e.pointer == d.pointer;
  };
  const auto fail = [&](std::string line) {
    if (!result.failure.empty()) result.failure += '\n';
    result.failure += std::move(line);
  };
  for (const ExpectedDiagnostic& e : expected) {
    const std::string what = e.severity + ' ' + e.code + " at " + Quoted(e.pointer);
    bool found = false;
    bool placed = false;
    std::string places;
    for (const Diagnostic& d : diagnostics) {
      if (!same(e, d)) continue;
      found = true;
      placed |= (!e.line || *e.line == d.line) && (!e.column || *e.column == d.column);
      places += ' ' + std::to_string(d.line) + ':' + std::to_string(d.column);
    }
    if (!found) {
      fail("expected " + what);
    } else if (!placed) {
      fail(what + ": expected at " + (e.line ? std::to_string(*e.line) : "*") + ':' +
           (e.column ? std::to_string(*e.column) : "*") + ", got" + places);
    }
  }
  for (const Diagnostic& d : diagnostics) {
    if (std::none_of(expected.begin(), expected.end(),
                     [&](const ExpectedDiagnostic& e) { return same(e, d); })) {
      fail("unexpected " + std::string(Name(d.severity)) + ' ' + d.code + " at " + Quoted(d.pointer) + ": " +
           d.message);
    }
  }
  result.passed = result.failure.empty();
  return result;
}

}  // namespace
}  // namespace internal

std::size_t PolicyTestReport::passed() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(), [](const PolicyTestCase& c) { return c.passed; }));
}

std::size_t PolicyTestReport::failed() const noexcept {
  return cases.size() - passed() + (error || !policy_diagnostics.empty() ? 1 : 0);
}

PolicyTestReport RunPolicyTests(std::string_view text, const PolicyTestOptions& options) {
  PolicyTestReport report;
  internal::FileReader file(text, options);
  if (!file.Read()) {
    report.error = file.TakeError();
    return report;
  }
  const CompileResult compiled = CompiledPolicy::Compile(file.policy, options.compile);
  if (file.expected_diagnostics) {
    report.cases.push_back(internal::CompareDiagnostics(*file.expected_diagnostics, compiled.diagnostics()));
    return report;
  }
  if (!compiled.ok()) {
    report.policy_diagnostics.assign(compiled.diagnostics().begin(), compiled.diagnostics().end());
    return report;
  }
  internal::Runner runner(*compiled.policy());
  for (const internal::TestPlan& plan : file.tests) report.cases.push_back(runner.Run(plan));
  return report;
}

CALLWARDEN_NAMESPACE_END
