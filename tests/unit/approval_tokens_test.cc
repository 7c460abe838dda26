#include <chrono>
#include <set>
#include <string>
#include <string_view>

#include "callwarden/approvals.h"

#include "tests/catch.h"
#include "tests/unit/unit.h"

namespace {

using callwarden::ApprovalTokenClaims;
using callwarden::ApprovalTokens;
using callwarden_unit::kNoon;
using std::chrono::minutes;
using std::chrono::nanoseconds;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

ApprovalTokenClaims Claims() {
  ApprovalTokenClaims claims;
  claims.approval_id = "0123456789abcdef01234567";
  claims.grant = "agent-7";
  claims.expires_at = kNoon + minutes(15);
  claims.policy_revision = 0xFEDCBA9876543210;
  for (std::size_t i = 0; i < claims.digest.size(); ++i) claims.digest[i] = static_cast<uint8_t>(200 + i);
  return claims;
}

ApprovalTokens::Key KeyOf(uint8_t first) {
  ApprovalTokens::Key key{};
  key[0] = first;
  return key;
}

TEST_CASE("A token says what it was made to say, until it expires") {
  const ApprovalTokens tokens(KeyOf(1), 7);
  const std::string token = tokens.Make(Claims());
  CHECK(token.substr(0, 4) == "cw1.");
  CHECK(token.find_first_not_of(std::string(kBase64) + ".") == std::string::npos);
  const auto claims = tokens.Check(token, kNoon + minutes(15) - nanoseconds(1));
  REQUIRE(claims.has_value());
  CHECK(claims->approval_id == "0123456789abcdef01234567");
  CHECK(claims->grant == "agent-7");
  CHECK(claims->expires_at == kNoon + minutes(15));
  CHECK(claims->policy_revision == 0xFEDCBA9876543210);
  CHECK(claims->digest == Claims().digest);
  CHECK_FALSE(tokens.Check(token, kNoon + minutes(15)).has_value());
  CHECK(tokens.Make(Claims()) != token);  // each has a nonce

  ApprovalTokenClaims empty;
  empty.expires_at = kNoon;
  const auto read = tokens.Check(tokens.Make(empty), kNoon - nanoseconds(1));
  REQUIRE(read.has_value());
  CHECK(read->approval_id.empty());
  CHECK(read->grant.empty());
}

TEST_CASE("A token of another key, key id or process is refused") {
  const std::string token = ApprovalTokens(KeyOf(1), 7).Make(Claims());
  CHECK(ApprovalTokens(KeyOf(1), 7).Check(token, kNoon).has_value());
  CHECK_FALSE(ApprovalTokens(KeyOf(2), 7).Check(token, kNoon).has_value());
  CHECK_FALSE(ApprovalTokens(KeyOf(1), 8).Check(token, kNoon).has_value());
  const ApprovalTokens one;
  const ApprovalTokens two;
  CHECK(one.Check(one.Make(Claims()), kNoon).has_value());
  CHECK_FALSE(two.Check(one.Make(Claims()), kNoon).has_value());
}

TEST_CASE("A token has one spelling: any other character anywhere is refused") {
  const ApprovalTokens tokens(KeyOf(1));
  const std::string token = tokens.Make(Claims());
  REQUIRE(tokens.Check(token, kNoon).has_value());
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (const char other : std::string(kBase64) + ".=+/ \n" + '\0' + '\xFF') {
      if (other == token[at]) continue;
      std::string changed = token;
      changed[at] = other;
      CAPTURE(at, static_cast<int>(other));
      REQUIRE_FALSE(tokens.Check(changed, kNoon).has_value());
    }
    REQUIRE_FALSE(tokens.Check(token.substr(0, at), kNoon).has_value());
    REQUIRE_FALSE(tokens.Check(token.substr(at + 1), kNoon).has_value());
    REQUIRE_FALSE(tokens.Check(token.substr(0, at) + token.substr(at + 1), kNoon).has_value());
  }
  for (const std::string_view end : {"A", "=", ".", ".A", " ", "\n"}) {
    CHECK_FALSE(tokens.Check(token + std::string(end), kNoon).has_value());
  }
  CHECK_FALSE(tokens.Check("", kNoon).has_value());
  CHECK_FALSE(tokens.Check("cw1.", kNoon).has_value());
  CHECK_FALSE(tokens.Check("cw1..", kNoon).has_value());
  CHECK_FALSE(tokens.Check("cw1." + std::string(100'000, 'A') + ".AAAA", kNoon).has_value());
  CHECK_FALSE(tokens.Check("cw2" + token.substr(3), kNoon).has_value());
}

TEST_CASE("A token holds at most 4 KiB of id and grant") {
  const ApprovalTokens tokens(KeyOf(1));
  ApprovalTokenClaims claims = Claims();
  claims.approval_id = std::string(24, 'i');
  claims.grant = std::string(4096 - 24, 'g');
  const auto read = tokens.Check(tokens.Make(claims), kNoon);
  REQUIRE(read.has_value());
  CHECK(read->grant == claims.grant);
  claims.grant += 'g';
  CHECK(tokens.Make(claims).empty());
}

}  // namespace
