#include "callwarden/grants.h"

#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::CompiledPolicy;
using callwarden::Diagnostic;
using callwarden::Grant;
using callwarden::GrantTable;
using callwarden::GrantTableResult;
using callwarden_unit::CompileEntry;
using callwarden_unit::kNoon;

constexpr std::string_view kHash = "91b175c653e709215353389251066b9324b4eff1c4e0f431fd8263f9f3a63ac4";

// Any name but "missing" is a policy.
GrantTableResult Read(std::string_view text) {
  const auto policy = CompileEntry("{}");
  return GrantTable::Read(text, [&](std::string_view name, std::string& error) {
    if (name != "missing") return policy;
    error = "no such file";
    return decltype(policy)();
  });
}

// `LINE:COLUMN CODE POINTER` of each diagnostic.
std::vector<std::string> Faults(std::string_view text) {
  const GrantTableResult result = Read(text);
  std::vector<std::string> faults;
  for (const Diagnostic& d : result.diagnostics()) {
    CHECK(d.severity == callwarden::Severity::kError);
    CHECK_FALSE(d.message.empty());
    faults.push_back(std::to_string(d.line) + ":" + std::to_string(d.column) + " " + d.code + " " +
                     d.pointer);
  }
  CHECK(result.ok() == faults.empty());
  return faults;
}
using Texts = std::vector<std::string>;

std::string Document(std::string_view grants) {
  return "{\"version\": \"1\", \"grants\": [\n" + std::string(grants) + "\n]}";
}

// Codes and pointers of what Create refuses.
Texts Refused(std::vector<Grant> grants) {
  const GrantTableResult result = GrantTable::Create(std::move(grants));
  Texts faults;
  for (const Diagnostic& d : result.diagnostics()) {
    CHECK(d.line == 0);
    faults.push_back(d.code + " " + d.pointer);
  }
  CHECK(result.ok() == faults.empty());
  return faults;
}

}  // namespace

TEST_CASE("a grants document gives a table") {
  const GrantTableResult result =
      Read(R"({"$schema": "grants.schema.json", "version": "1", "description": "of the tests",
    "grants": [
      {"id": "agent-42", "policy": "policy.json", "label": "Ada's agent",
       "attributes": {"team": "blue", "level": 3, "big": 18446744073709551615, "ratio": 0.5, "admin": true},
       "not_before": "2026-01-01T00:00:00Z", "expires": "2027-01-01T00:00:00.5Z",
       "secret_hash": "sha256:000102030405060708090a0b0c0d0e0f:91b175c653e709215353389251066b9324b4eff1c4e0f431fd8263f9f3a63ac4"},
      {"id_sha256": "91b175c653e709215353389251066b9324b4eff1c4e0f431fd8263f9f3a63ac4", "policy": "policy.json"},
      {"id": "gone", "disabled": true},
      {"id": "here", "policy": "other.json", "disabled": false}]})");
  for (const Diagnostic& d : result.diagnostics()) UNSCOPED_INFO(d.pointer << ": " << d.message);
  // The second grant's hash is that of the first one's id, which is one grant twice.
  REQUIRE_FALSE(result.ok());
  REQUIRE(result.diagnostics().size() == 1);
  CHECK(result.diagnostics()[0].code == "duplicate_name");
  CHECK(result.diagnostics()[0].pointer == "/grants/0/id");

  const GrantTableResult good = Read(R"({"version": "1", "grants": [
      {"id": "ada", "policy": "policy.json", "label": "Ada's agent",
       "attributes": {"team": "blue", "level": 3, "big": 18446744073709551615, "ratio": 0.5, "admin": true},
       "not_before": "2026-01-01T00:00:00Z", "expires": "2027-01-01T00:00:00.5Z",
       "secret_hash": "sha256:000102030405060708090a0b0c0d0e0f:91b175c653e709215353389251066b9324b4eff1c4e0f431fd8263f9f3a63ac4"},
      {"id_sha256": "91b175c653e709215353389251066b9324b4eff1c4e0f431fd8263f9f3a63ac4", "policy": "policy.json"},
      {"id": "gone", "disabled": true}]})");
  REQUIRE(good.ok());
  const GrantTable& table = *good.table();
  REQUIRE(table.grants().size() == 3);
  const Grant* const ada = table.Find("ada");
  REQUIRE(ada == &table.grants()[0]);
  CHECK(ada->label == "Ada's agent");
  REQUIRE(ada->attributes.size() == 5);
  CHECK(std::get<std::string>(ada->attributes[0].value) == "blue");
  CHECK(std::get<int64_t>(ada->attributes[1].value) == 3);
  CHECK(std::get<uint64_t>(ada->attributes[2].value) == 18446744073709551615u);
  CHECK(std::get<double>(ada->attributes[3].value) == 0.5);
  CHECK(std::get<bool>(ada->attributes[4].value));
  CHECK(ada->attributes[4].name == "admin");
  CHECK(ada->not_before == callwarden::Timestamp(std::chrono::seconds(1767225600)));
  CHECK(ada->expires == callwarden::Timestamp(std::chrono::milliseconds(1798761600500)));
  CHECK(ada->policy == table.grants()[1].policy);
  CHECK(table.Find("agent-42") == &table.grants()[1]);
  CHECK(table.Find(kHash) == nullptr);
  CHECK(table.Find("gone")->disabled);
  CHECK(table.Find("gone")->policy == nullptr);
  CHECK(table.Find("") == nullptr);
  CHECK(table.Find("Ada") == nullptr);
}

TEST_CASE("an empty list of grants is a table") {
  CHECK(Faults(R"({"version": "1", "grants": []})").empty());
}

TEST_CASE("mistakes in a grants document are located") {
  CHECK(Faults("") == Texts{"1:1 invalid_json "});
  CHECK(Faults(R"({"version": "1", "grants": [})") == Texts{"1:29 invalid_json "});
  CHECK(Faults("[]") == Texts{"1:1 bad_value "});
  CHECK(Faults("{}") == Texts{"1:1 missing_key ", "1:1 missing_key "});
  CHECK(Faults(R"({"version": "2", "grants": {}, "grnats": []})") ==
        Texts{"1:13 bad_value /version", "1:28 bad_value /grants", "1:32 unknown_key /grnats"});
  CHECK(Faults(Document("7")) == Texts{"2:1 bad_value /grants/0"});
  CHECK(Faults(Document(R"({"policy": "p"})")) == Texts{"2:1 missing_key /grants/0"});
  CHECK(Faults(Document(R"({"id": "a"})")) == Texts{"2:1 missing_key /grants/0"});
  CHECK(Faults(Document(R"({"id": "a", "disabled": false})")) == Texts{"2:1 missing_key /grants/0"});
  CHECK(Faults(Document(R"({"id": "a", "policy": "p", "id": "b"})")) ==
        Texts{"2:28 duplicate_key /grants/0/id"});
  CHECK(Faults(Document(R"({"id": "a", "id_sha256": "00", "policy": "p"})")) ==
        Texts{"2:1 conflicting_keys /grants/0"});
  CHECK(Faults(Document(R"({"id": "", "policy": "p"})")) == Texts{"2:8 bad_value /grants/0/id"});
  CHECK(Faults(Document(R"({"id_sha256": "", "policy": "p"})")) ==
        Texts{"2:15 bad_value /grants/0/id_sha256"});
  CHECK(Faults(Document(R"({"id_sha256": "91B1", "policy": "p"})")) ==
        Texts{"2:15 bad_value /grants/0/id_sha256"});
  CHECK(
      Faults(
          Document(
              R"({"id": 1, "policy": 2, "label": 3, "attributes": 4, "not_before": 5, "expires": 6, "disabled": 7, "secret_hash": 8})"))
          .size() == 8);
  CHECK(
      Faults(Document(
          R"({"id": "a", "policy": "p", "not_before": "2026-01-01", "expires": "2026-02-30T00:00:00Z"})")) ==
      Texts{"2:42 bad_value /grants/0/not_before", "2:67 bad_value /grants/0/expires"});
  CHECK(
      Faults(Document(
          R"({"id": "a", "policy": "p", "not_before": "2026-01-01T00:00:00Z", "expires": "2026-01-01T00:00:00Z"})")) ==
      Texts{"2:77 bad_value /grants/0/expires"});
  CHECK(Faults(Document(R"({"id": "a", "policy": "p", "secret_hash": "hunter2"})")) ==
        Texts{"2:43 bad_value /grants/0/secret_hash"});
  CHECK(Faults(Document(R"({"id": "a", "policy": "p", "secret_hash": ""})")) ==
        Texts{"2:43 bad_value /grants/0/secret_hash"});
  CHECK(
      Faults(Document(
          R"({"id": "a", "policy": "p", "attributes": {"n": null, "l": [], "o": {}, "h": 1e999, "id": 1, "label": "x", "": 2, "t": 1, "t": 2}})")) ==
      Texts{"2:48 bad_value /grants/0/attributes/n", "2:59 bad_value /grants/0/attributes/l",
            "2:68 bad_value /grants/0/attributes/o", "2:77 bad_value /grants/0/attributes/h"});
  CHECK(Faults(Document(
            R"({"id": "a", "policy": "p", "attributes": {"id": 1, "label": "x", "": 2, "t": 1, "t": 2}})")) ==
        Texts{"2:43 misplaced_key /grants/0/attributes/id", "2:52 misplaced_key /grants/0/attributes/label",
              "2:66 bad_value /grants/0/attributes/", "2:81 duplicate_key /grants/0/attributes/t"});
}

TEST_CASE("grants are told apart over the whole document") {
  CHECK(Faults(Document("{\"id\": \"a\", \"policy\": \"p\"},\n{\"id\": \"b\", \"policy\": \"p\"},\n"
                        "{\"id\": \"a\", \"policy\": \"p\"}")) == Texts{"4:8 duplicate_name /grants/2/id"});
  const std::string hashed = R"({"id_sha256": ")" + std::string(kHash) + R"(", "policy": "p"})";
  CHECK(Faults(Document(hashed + ",\n" + hashed)) == Texts{"3:15 duplicate_name /grants/1/id_sha256"});
  CHECK(Faults(Document(hashed + ",\n{\"id\": \"agent-42\", \"policy\": \"p\"}")) ==
        Texts{"3:8 duplicate_name /grants/1/id"});
  // A grant with a mistake of its own stands in nobody's way, and moves nobody's place.
  CHECK(Faults(Document("{\"id\": \"a\", \"policy\": 1},\n{\"id\": \"b\", \"policy\": \"p\"},\n"
                        "{\"id\": \"b\", \"policy\": \"p\"}")) ==
        Texts{"2:23 bad_value /grants/0/policy", "4:8 duplicate_name /grants/2/id"});
}

TEST_CASE("a policy is loaded once, and a missing one told once") {
  int loads = 0;
  const auto policy = CompileEntry("{}");
  const auto load = [&](std::string_view name, std::string& error) {
    ++loads;
    error = "no such file";
    return name == "p" ? policy : nullptr;
  };
  const GrantTableResult good =
      GrantTable::Read(Document(R"({"id": "a", "policy": "p"}, {"id": "b", "policy": "p"})"), load);
  REQUIRE(good.ok());
  CHECK(loads == 1);
  const GrantTableResult bad = GrantTable::Read(
      Document(R"({"id": "a", "policy": "q"}, {"id": "b", "policy": "q"}, {"id": "c", "policy": "p"})"),
      load);
  CHECK_FALSE(bad.ok());
  CHECK(loads == 3);
  REQUIRE(bad.diagnostics().size() == 1);
  CHECK(bad.diagnostics()[0].pointer == "/grants/0/policy");
  CHECK(bad.diagnostics()[0].message == "policy \"q\" cannot be used: no such file");
  const GrantTableResult none = GrantTable::Read(Document(R"({"id": "a", "policy": "p"})"), nullptr);
  CHECK_FALSE(none.ok());
}

TEST_CASE("a misspelt key gets a hint, a secret is never shown") {
  const GrantTableResult misspelt = Read(Document(R"({"id": "a", "polcy": "p", "disabled": true})"));
  REQUIRE(misspelt.diagnostics().size() == 1);
  CHECK(misspelt.diagnostics()[0].hint == "did you mean \"policy\"?");
  const GrantTableResult secret = Read(Document(R"({"id": "a", "policy": "p", "secret_hash": "hunter2"})"));
  REQUIRE(secret.diagnostics().size() == 1);
  CHECK(secret.diagnostics()[0].message.find("hunter2") == std::string::npos);
}

TEST_CASE("too deep values are told once, and keep others from being read wrong") {
  std::string deep(20, '[');
  deep += std::string(20, ']');
  const Texts faults =
      Faults(Document(R"({"id": "a", "policy": "p", "attributes": {"x": )" + deep + R"(, "id": 1}})"));
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].find("bad_value") != std::string::npos);
  CHECK(faults[1].find("too_deep") != std::string::npos);
}

TEST_CASE("grants that the host makes are checked as those of a document") {
  CHECK(Refused({}).empty());
  CHECK(Refused({{.id = "a"}, {.id = "b", .attributes = {{"x", "1"}, {"y", 2.0}}}}).empty());
  CHECK(Refused({{}}) == Texts{"bad_value /grants/0/id"});
  CHECK(Refused({{.id = "a"}, {.id = "a"}}) == Texts{"duplicate_name /grants/1/id"});
  CHECK(Refused({{.id = "a", .id_sha256 = std::string(kHash)}}) == Texts{"conflicting_keys /grants/0/id"});
  CHECK(Refused({{.id = "a"}, {.id_sha256 = "x"}}) == Texts{"bad_value /grants/1/id_sha256"});
  CHECK(Refused({{.id = "a\xFF", .label = "\xC0"}}) ==
        Texts{"bad_value /grants/0/id", "bad_value /grants/0/label"});
  CHECK(Refused({{.id = std::string(1025, 'a')}}) == Texts{"bad_value /grants/0/id"});
  CHECK(Refused({{.id = std::string(1024, 'a'), .label = std::string(1024, 'l')}}).empty());
  CHECK(Refused({{.id = "a", .attributes = {{"x", "1"}, {"x", "1"}}}}) ==
        Texts{"duplicate_key /grants/0/attributes/x"});
  CHECK(Refused({{.id = "a", .attributes = {{"x", "\xFF"}}}}) == Texts{"bad_value /grants/0/attributes/x"});
  CHECK(Refused({{.id = "a", .not_before = kNoon, .expires = kNoon}}) ==
        Texts{"bad_value /grants/0/expires"});
  CHECK(Refused({{.id = "a", .secret_hash = "sha256:00:00"}}) == Texts{"bad_value /grants/0/secret_hash"});
  Grant many{.id = "a"};
  for (int i = 0; i < 64; ++i) many.attributes.push_back({"a" + std::to_string(i), i % 2 == 0});
  CHECK(Refused({many}).empty());
  many.attributes.push_back({"one", true});
  CHECK(Refused({many}) == Texts{"bound_exceeded /grants/0/attributes"});
}

TEST_CASE("secrets are long, random and hashed with a salt") {
  std::set<std::string> secrets;
  for (int i = 0; i < 100; ++i) secrets.insert(callwarden::GenerateSecret());
  CHECK(secrets.size() == 100);
  for (const std::string& secret : secrets) {
    CHECK(secret.size() == 43);
    CHECK(secret.find('.') == std::string::npos);
  }
  const std::string hash = callwarden::HashSecret("s");
  CHECK(hash.size() == 7 + 32 + 1 + 64);
  CHECK(hash.substr(0, 7) == "sha256:");
  CHECK(callwarden::HashSecret("s") != hash);
  CHECK(Refused({{.id = "a", .secret_hash = hash}}).empty());
}
