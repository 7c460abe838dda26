// The sizes that ARCHITECTURE.md, section 9, tells: who makes one of them larger makes every decision touch
// more.

#include <cstddef>

#include "callwarden/decision.h"

#include "lib/key_cache.h"
#include "lib/program.h"
#include "tests/catch.h"

namespace {

using namespace callwarden::internal;

TEST_CASE("what a decision touches keeps its size") {
  CHECK(sizeof(SlotValue) <= 32);
  CHECK(sizeof(Test) <= 64);
  CHECK(sizeof(Rule) <= 48);
  CHECK(sizeof(Entry) <= 128);
  CHECK(sizeof(Limit) <= 192);
  CHECK(sizeof(Plan) <= 64);
  CHECK(sizeof(PathTrie::Node) <= 64);
  CHECK(sizeof(callwarden::CounterKey) <= 24);
  CHECK(sizeof(callwarden::LimitRequest) <= 24);
  CHECK(sizeof(callwarden::ReservationToken) <= 88);
  CHECK(sizeof(callwarden::Decision) <= 5104);
}

TEST_CASE("what a thread remembers is bounded") { CHECK(sizeof(KeyCache) <= 164 * 1024); }

}  // namespace
