#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "callwarden/audit.h"
#include "callwarden/clock.h"
#include "callwarden/memory_counter_store.h"
#include "callwarden/policy.h"

#include "tests/catch.h"
#include "tests/unit/audit_testing.h"

namespace {

using namespace callwarden;
using namespace callwarden::testing;

constexpr std::string_view kPolicy = R"({
  "version": "1", "default": "deny",
  "tools": { "run_code": { "rate_limit": "1/minute",
    "deny_if": [ { "name": "big", "mode": "shadow",
      "conditions": [ { "path": "args.n", "op": "gt", "value": 5 } ] } ] } } })";

JsonlAuditOptions Options(const AuditFolder& folder, const Clock* clock = nullptr) {
  JsonlAuditOptions options;
  options.directory = folder.path();
  options.clock = clock;
  return options;
}

TEST_CASE("A decision's line has its members in one order, and none that are empty") {
  const AuditFolder folder;
  const ManualClock clock(kAuditNow);
  MemoryCounterStore counters({.capacity_keys = 64});
  const auto policy = CompiledPolicy::Compile(kPolicy).policy();
  ToolCall call{.tool = "run_code", .grant = "g1", .session = "s1"};
  {
    JsonlAuditSink sink(Options(folder, &clock));
    const Decision allowed = policy->Decide(call, counters, kAuditNow);
    REQUIRE(allowed.allowed());
    AuditRecord record;
    record.at = kAuditNow + std::chrono::nanoseconds(5);
    record.verdict = &allowed.verdict();
    record.call = &call;
    record.policy_revision = 3;
    record.latency = std::chrono::nanoseconds(812);
    AuditReceipt receipt = sink.Record(record);
    CHECK(receipt.recorded);
    CHECK(receipt.sequence == 1);

    const Decision denied = policy->Decide(call, counters, kAuditNow);
    Verdict would;
    const std::array<AuditLimit, 2> limits = {
        AuditLimit{.rule = "/tools/run_code/rate_limit", .weight = 1, .used = 1, .max = 1, .shadow = false},
        AuditLimit{.rule = "/all_tools/limits/x", .weight = 2, .used = 3, .max = UINT64_MAX, .shadow = true}};
    record.verdict = &denied.verdict();
    record.would = &would;
    record.grant_label = "Team \"A\"";
    record.policy_digest = "d1935ced";
    record.approval_id = "ap_1";
    record.limits = limits;
    call.approved = true;
    receipt = sink.Record(record);
    CHECK(receipt.sequence == 2);
    sink.Complete({.at = kAuditNow + std::chrono::seconds(1),
                   .sequence = 1,
                   .outcome = Outcome::kNotSent,
                   .duration = std::chrono::milliseconds(999)});
    CHECK(sink.Flush());
    CHECK(sink.end().sequence == 3);
    CHECK(sink.stats().written == 3);
  }
  const std::vector<std::string> lines = LinesOf(folder);
  REQUIRE(lines.size() == 4);
  CHECK(Unchained(lines[0]) ==
        R"({"seq":1,"type":"start","time":"2026-03-01T10:30:00.000000000Z","format":1,"chain":"sha256",)"
        R"("digest_key":"random"})");
  CHECK(Unchained(lines[1]).find(
            R"({"seq":1,"type":"decision","time":"2026-03-01T10:30:00.000000005Z","effect":"allow",)"
            R"("reason":"allowed","tool":"run_code","grant":"g1","session":"s1","revision":3,)"
            R"("latency_ns":812,"args_size":0)") == 0);
  CHECK(Unchained(lines[2]).find(
            R"({"seq":2,"type":"decision","time":"2026-03-01T10:30:00.000000005Z","effect":"deny",)"
            R"("reason":"limit_exceeded","rule":"/tools/run_code/rate_limit","message":")") == 0);
  CHECK(lines[2].find(
            R"("retry_after_ms":60000,"would":{"effect":"deny","reason":"internal_error",)"
            R"x("rule":"(internal error)","message":"The call could not be judged"},"tool":"run_code",)x"
            R"("grant":"g1","grant_label":"Team \"A\"","session":"s1","approval":"ap_1","approved":true,)"
            R"("policy":"d1935ced","revision":3,)"
            R"("limits":[{"rule":"/tools/run_code/rate_limit","weight":1,"used":1,"max":1},)"
            R"({"rule":"/all_tools/limits/x","weight":2,"used":3,"max":18446744073709551615,"shadow":true}],)"
            R"("latency_ns":812,"args_size":0)") != std::string::npos);
  CHECK(Unchained(lines[3]) ==
        R"({"seq":3,"type":"completion","time":"2026-03-01T10:30:01.000000000Z","decision":1,)"
        R"("outcome":"not_sent","duration_ns":999000000})");
  const AuditLogSummary summary = Verify(folder);
  CHECK(summary.ok());
  CHECK(summary.records == 3);
  CHECK(summary.from_beginning);
}

TEST_CASE("What callers write cannot break a line") {
  const AuditFolder folder;
  {
    JsonlAuditSink sink(Options(folder));
    const SampleCall quotes("a\"b\\c\n\x01\x7F");
    const SampleCall broken("run\xFF\xC3(\xED\xA0\x80\xC3\xA9");
    const std::string name(2000, 'x');
    const SampleCall large(name);
    const std::string umlauts = "x" + [] {
      std::string text;
      for (int i = 0; i < 600; ++i) text += "\xC3\xA4";
      return text;
    }();
    const SampleCall cut(umlauts);
    for (const SampleCall* sample : {&quotes, &broken, &large, &cut})
      CHECK(sink.Record(sample->record).recorded);
    CHECK(sink.Record(AuditRecord{}).recorded);  // a record of nothing is a denial of nothing
  }
  const std::vector<std::string> lines = LinesOf(folder);
  REQUIRE(lines.size() == 6);
  CHECK(lines[1].find("\"tool\":\"a\\\"b\\\\c\\u000a\\u0001\\u007f\",") != std::string::npos);
  CHECK(lines[2].find(
            "\"tool\":\"run\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA9\",") !=
        std::string::npos);
  CHECK(lines[3].find("x\xE2\x80\xA6\",") != std::string::npos);
  CHECK(lines[3].find(std::string(1024, 'x')) == std::string::npos);
  CHECK(lines[4].find("\xC3\xA4\xE2\x80\xA6\",") != std::string::npos);
  CHECK(lines[5].find("\"effect\":\"deny\",\"reason\":\"internal_error\"") != std::string::npos);
  CHECK(Verify(folder).ok());
}

TEST_CASE("Arguments are written only for hosts that ask, and then exactly") {
  const AuditFolder folder;
  const std::string_view secret = "{\"card\": \"4000 \\u0031\",\n \"n\":1}";
  {
    JsonlAuditSink sink(Options(folder));
    CHECK(sink.Record(SampleCall("t", secret).record).recorded);
  }
  CHECK(LinesOf(folder)[1].find("4000") == std::string::npos);
  const AuditFolder whole;
  {
    JsonlAuditOptions options = Options(whole);
    options.record_arguments = true;
    JsonlAuditSink sink(options);
    SampleCall sample("t", secret);
    const std::array<Attribute, 3> attributes = {Attribute{"role", "a\"b"}, Attribute{"n", uint64_t{1} << 63},
                                                 Attribute{"admin", true}};
    const std::array<Attribute, 2> context = {Attribute{"ratio", 0.25}, Attribute{"low", -7}};
    sample.call.grant_attributes = attributes;
    sample.call.context = context;
    CHECK(sink.Record(sample.record).recorded);
    CHECK(sink.Record(SampleCall("t", "{\"\xFF\"").record).recorded);
  }
  const std::vector<std::string> lines = LinesOf(whole);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].find(R"("arguments_text":"{\"card\": \"4000 \\u0031\",\u000a \"n\":1}",)"
                      R"("grant_attributes":{"role":"a\"b","n":9223372036854775808,"admin":true},)"
                      R"("context":{"ratio":0.25,"low":-7})") != std::string::npos);
  CHECK(lines[2].find(R"("arguments_base64":"eyL/Ig==")") != std::string::npos);
  CHECK(Verify(whole).ok());
}

TEST_CASE("Arguments that do not fit the queue are left out, and the record says so") {
  const AuditFolder folder;
  const std::string large = "{\"n\":\"" + std::string(200000, 'x') + "\"}";
  {
    JsonlAuditOptions options = Options(folder);
    options.queue_size_bytes = 1;  // the least there is: 128 KiB, so 64 KiB a record
    JsonlAuditSink sink(options);
    CHECK(sink.Record(SampleCall("t", large).record).recorded);
    CHECK(sink.Record(SampleCall("t", std::string_view(large).substr(0, 60000)).record).recorded);
  }
  const std::vector<std::string> lines = LinesOf(folder);
  CHECK(lines[1].find("\"args_size\":200008,\"args_left_out\":true") != std::string::npos);
  CHECK(lines[2].find("\"args_size\":60000") != std::string::npos);
  CHECK(lines[2].find("left_out") == std::string::npos);
}

TEST_CASE("A log goes on over restarts: numbers, chain and file") {
  const AuditFolder folder;
  for (uint64_t i = 1; i <= 3; ++i) {
    JsonlAuditSink sink(Options(folder));
    CHECK(sink.Record(SampleCall("t").record).sequence == i);
  }
  CHECK(folder.Files().size() == 1);
  const AuditLogSummary summary = Verify(folder);
  CHECK(summary.ok());
  CHECK(summary.records == 3);
  CHECK(summary.lines == 6);
  CHECK(summary.recoveries == 0);
}

TEST_CASE("A torn last line is cut off, and the log says so") {
  const AuditFolder folder;
  { CHECK(JsonlAuditSink(Options(folder)).Record(SampleCall("t").record).recorded); }
  const std::string file = folder.Files().at(0);
  const std::string whole = ReadAll(file);
  const std::size_t torn = GENERATE(as<std::size_t>(), 1, 100);
  SECTION("within a later line") {
    WriteAll(file, whole + whole.substr(0, torn));
    {
      JsonlAuditSink sink(Options(folder));
      CHECK(sink.Record(SampleCall("t").record).sequence == 2);
    }
    CHECK(ReadAll(file).starts_with(whole));
    CHECK(Verify(folder).recoveries == 1);
    CHECK(LinesOf(folder).at(2).find(",\"cut_bytes\":" + std::to_string(torn)) != std::string::npos);
  }
  SECTION("within the first line") {
    WriteAll(file, whole.substr(0, torn));
    {
      JsonlAuditSink sink(Options(folder));
      CHECK(sink.Record(SampleCall("t").record).sequence == 1);
    }
    CHECK(LinesOf(folder).at(0).find("\"type\":\"recovered\"") != std::string::npos);
  }
  CHECK(Verify(folder).ok());
  CHECK(folder.Files().size() == 1);
}

TEST_CASE("A file that holds no log is left alone") {
  const AuditFolder folder;
  { CHECK(JsonlAuditSink(Options(folder)).Record(SampleCall("t").record).recorded); }
  const std::string first = folder.Files().at(0);
  WriteAll(first, "this was a log\n");
  {
    JsonlAuditSink sink(Options(folder));
    CHECK(sink.Record(SampleCall("t").record).recorded);
  }
  REQUIRE(folder.Files().size() == 2);
  CHECK(ReadAll(first) == "this was a log\n");
  const std::vector<std::string> lines = LinesOf(ReadAll(folder.Files()[1]));
  CHECK(lines[0].find("\"cut_bytes\":0,\"damaged\":true") != std::string::npos);
  CHECK(VerifyTexts({ReadAll(folder.Files()[1])}).ok());
  CHECK_FALSE(Verify(folder).ok());
}

TEST_CASE("Files are ended by size, and the chain goes through them") {
  const AuditFolder folder;
  const ManualClock clock(kAuditNow);
  JsonlAuditOptions options = Options(folder, &clock);
  options.rotate_size_bytes = 400;  // more than a start line, less than one with a record
  // A name that the sink would come to is taken; so is its number, under another stamp.
  WriteAll(folder.path() + "/audit-00000002-20260301T103000Z.jsonl.bak", "other");
  {
    JsonlAuditSink sink(options);
    for (int i = 0; i < 3; ++i) {
      CHECK(sink.Record(SampleCall("t").record).recorded);
      CHECK(sink.Flush());
    }
    CHECK(sink.stats().files == 3);
  }
  {
    JsonlAuditSink sink(options);
    CHECK(sink.Record(SampleCall("t").record).sequence == 4);
  }
  const std::vector<std::string> files = folder.Files();
  REQUIRE(files.size() == 4);
  CHECK(std::filesystem::path(files[0]).filename() == "audit-00000001-20260301T103000Z.jsonl");
  CHECK(std::filesystem::path(files[3]).filename() == "audit-00000004-20260301T103000Z.jsonl");
  for (const std::string& file : files) CHECK(LinesOf(ReadAll(file)).size() == 2);
  CHECK(Verify(folder).ok());
  CHECK(Verify(folder).records == 4);
  SECTION("a file that is missing is missed") {
    std::filesystem::remove(files[1]);
    const AuditLogSummary summary = Verify(folder);
    REQUIRE_FALSE(summary.ok());
    CHECK(summary.error->file == "file2");
    CHECK(summary.error->line == 1);
  }
}

TEST_CASE("Files are ended by age, over restarts too") {
  const AuditFolder folder;
  ManualClock clock(kAuditNow);
  JsonlAuditOptions options = Options(folder, &clock);
  options.rotate_interval = std::chrono::hours(1);
  { CHECK(JsonlAuditSink(options).Record(SampleCall("t").record).recorded); }
  clock.Advance(std::chrono::minutes(59));
  { CHECK(JsonlAuditSink(options).Record(SampleCall("t").record).recorded); }
  CHECK(folder.Files().size() == 1);
  clock.Advance(std::chrono::minutes(1));
  { CHECK(JsonlAuditSink(options).Record(SampleCall("t").record).recorded); }
  REQUIRE(folder.Files().size() == 2);
  CHECK(folder.Files()[1].ends_with("audit-00000002-20260301T113000Z.jsonl"));
  CHECK(Verify(folder).ok());
}

TEST_CASE("A log has one writer at a time") {
  const AuditFolder folder;
  auto first = std::make_unique<JsonlAuditSink>(Options(folder));
  JsonlAuditOptions options = Options(folder);
  options.retry_interval = std::chrono::milliseconds(1);
  JsonlAuditSink second(options);
  CHECK(first->Record(SampleCall("t").record).recorded);
  CHECK_FALSE(second.Record(SampleCall("t").record).recorded);
  CHECK(second.stats().failing);
  CHECK(second.stats().refused == 1);
  first.reset();
  AuditReceipt receipt;
  while (!receipt.recorded) receipt = second.Record(SampleCall("t").record);
  CHECK(receipt.sequence == 2);
  CHECK(second.Flush());
  CHECK(Verify(folder).ok());
  CHECK(Verify(folder).records_missing == second.stats().refused);
}

TEST_CASE("Of values that go wrong nothing is lost unseen") {
  const AuditFolder folder;
  JsonlAuditOptions options = Options(folder);
  options.directory += "/log";
  options.retry_interval = std::chrono::milliseconds(1);
  JsonlAuditSink sink(options);  // no such directory
  CHECK(sink.stats().failing);
  CHECK(sink.stats().last_error == ENOENT);
  CHECK_FALSE(sink.Record(SampleCall("t").record).recorded);
  sink.Complete({});
  std::filesystem::create_directory(options.directory);
  AuditReceipt receipt;
  while (!receipt.recorded) receipt = sink.Record(SampleCall("t").record);
  CHECK(receipt.sequence == 1);
  REQUIRE(sink.Flush());
  const auto verify = [&] {
    std::vector<std::string> texts;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
      if (entry.path().extension() == ".jsonl") texts.push_back(ReadAll(entry.path().string()));
    }
    REQUIRE(texts.size() == 1);
    return VerifyTexts(texts);
  };
  CHECK(verify().ok());
  CHECK(verify().records == 1);
  CHECK(verify().records_missing == sink.stats().refused);

  // It goes again, and comes back.
  std::filesystem::remove_all(options.directory);
  while (sink.Record(SampleCall("t").record).recorded) {
  }
  std::filesystem::create_directory(options.directory);
  while (!sink.Record(SampleCall("t").record).recorded) {
  }
  REQUIRE(sink.Flush());
  const AuditLogSummary after = verify();
  CHECK(after.ok());
  CHECK_FALSE(after.from_beginning);
}

/// The text of a line from one member on, up to the next.
std::string MemberOf(const std::string& line, const std::string& name) {
  const std::size_t at = line.find("\"" + name + "\":");
  return at == std::string::npos ? "" : line.substr(at, line.find(",\"", at) - at);
}

/// Hands over `{"b": 1, "a": "x"}`, or what is no object.
class ParsedArguments final : public ArgumentSource {
 public:
  explicit ParsedArguments(bool object) : object_(object) {}
  void Write(ArgumentWriter& writer) const noexcept override {
    if (!object_) {
      writer.Int64(1);
      return;
    }
    writer.BeginObject();
    writer.Name("b");
    writer.Double(1);
    writer.Name("a");
    writer.String("x");
    writer.EndObject();
  }

 private:
  const bool object_;
};

TEST_CASE("Arguments are told by their names, sorted, and a keyed digest of their canonical form") {
  const AuditFolder folder;
  JsonlAuditOptions options = Options(folder);
  options.digest_key.emplace().fill(7);
  {
    JsonlAuditSink sink(options);
    for (const char* text :
         {"{\"b\":1.0,\"a\":\"\\u0078\"}", "{ \"a\" : \"x\", \"b\" : 1 }", "{}", "{\"a\":2,\"a\":2}",
          "{\"\\\"\":[{\"z\":{}}],\"n\":{\"c\":[1,{\"d\":\"}\"}]}}"}) {
      CHECK(sink.Record(SampleCall("t", text).record).recorded);
    }
    CHECK(sink.Record(SampleCall("t").record).recorded);
    for (const bool object : {true, false}) {
      const ParsedArguments parsed(object);
      SampleCall sample("t");
      sample.call.parsed_arguments = &parsed;
      CHECK(sink.Record(sample.record).recorded);
    }
  }
  std::vector<std::string> lines = LinesOf(folder);
  REQUIRE(lines.size() == 9);
  CHECK(lines[1].find(",\"args_names\":[\"a\",\"b\"],\"args_digest\":\"") != std::string::npos);
  // HMAC-SHA-256 of {"a":"x","b":1} under 32 bytes of 7, by another program.
  CHECK(MemberOf(lines[1], "args_digest") ==
        "\"args_digest\":\"a244308a45f6f0c62dac6a00bcb20d938008142db77b2564a1c7603415a86a39\"");
  CHECK(MemberOf(lines[2], "args_digest") == MemberOf(lines[1], "args_digest"));
  CHECK(MemberOf(lines[7], "args_digest") == MemberOf(lines[1], "args_digest"));
  CHECK(lines[7].find(",\"args_names\":[\"a\",\"b\"]") != std::string::npos);
  CHECK(MemberOf(lines[3], "args_digest") ==
        "\"args_digest\":\"7204813b88da3469d9b37525eab7411cea611dd13401dd13e609fb07d86ac348\"");
  CHECK(MemberOf(lines[6], "args_digest") == MemberOf(lines[3], "args_digest"));
  CHECK(lines[3].find("args_names") == std::string::npos);
  CHECK(lines[4].find("\"args_malformed\":true") != std::string::npos);
  CHECK(MemberOf(lines[4], "args_digest") ==
        "\"args_digest\":\"84974364dfc2b33a5b02d8efcc3cff56132c7446189264a1c339bde139d9c86b\"");
  CHECK(lines[5].find(",\"args_names\":[\"\\\"\",\"n\"],") != std::string::npos);
  CHECK(lines[8].find("\"args_malformed\":true") != std::string::npos);
  CHECK(lines[8].find("args_digest") == std::string::npos);
  CHECK(Verify(folder).ok());

  // Another key, another digest; and without one every process has its own.
  const AuditFolder random;
  { CHECK(JsonlAuditSink(Options(random)).Record(SampleCall("t", "{}").record).recorded); }
  { CHECK(JsonlAuditSink(Options(random)).Record(SampleCall("t", "{}").record).recorded); }
  lines = LinesOf(random);
  CHECK(MemberOf(lines.at(1), "args_digest") != MemberOf(lines.at(3), "args_digest"));
}

TEST_CASE("Values are logged where the host names their path, and nowhere else") {
  const AuditFolder folder;
  JsonlAuditOptions options = Options(folder);
  options.logged_paths = {"args.repo",     "args.target.env", "args.n",   "args.list", "args.gone",
                          "args.secret.x", "args.long",       "args.q\"", "context",   "args",
                          "args..a",       "args.l[0]"};
  {
    JsonlAuditSink sink(options);
    const std::string text =
        R"({"repo":"a/\"b\"","target":{"env":"prod","token":"hush"},"n":1.50,"list":["hush"],"secret":"hush",)"
        R"("q\"":true,"none":null,"long":")" +
        std::string(2000, 'y') + R"("})";
    CHECK(sink.Record(SampleCall("t", text).record).recorded);
    CHECK(sink.Record(SampleCall("t", "{\"repo\":null}").record).recorded);
    CHECK(sink.stats().bad_paths == 4);
  }
  const std::vector<std::string> lines = LinesOf(folder);
  CHECK(lines.at(1).find(R"(,"args":{"args.repo":"a/\"b\"","args.target.env":"prod","args.n":1.5,)"
                         "\"args.long\":\"\xE2\x80\xA6\","
                         R"("args.q\"":true})") != std::string::npos);
  CHECK(lines[1].find("hush") == std::string::npos);
  CHECK(lines[2].find("\"args\":") == std::string::npos);
}

}  // namespace
