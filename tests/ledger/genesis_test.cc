// Goal: a genesis is refused when anything in it could make two ledgers of one, or one speak for another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace testamur {
namespace {

using test::World;
using ::testing::HasSubstr;

std::string refusal_of(const std::function<void(World&)>& change, test::WorldOptions options = {}) {
  World world(options);
  change(world);
  const auto decoded = decode_genesis(world.genesis_bytes());
  return decoded ? "accepted" : decoded.error().message;
}

RegisterRecord& first_register(World& world) {
  for (Record& record : world.genesis.records) {
    if (auto* found = std::get_if<RegisterRecord>(&record)) return *found;
  }
  throw std::runtime_error("no register");
}

TEST(Genesis, IsAcceptedWhole) {
  EXPECT_EQ(refusal_of([](World&) {}), "accepted");
  EXPECT_EQ(refusal_of([](World&) {}, {.institutions = 1, .registers = 0}), "accepted");
  EXPECT_EQ(refusal_of([](World&) {}, {.institutions = 31, .registers = 1}), "accepted");
}

TEST(Genesis, TheConsortiumComesFirstAndOnce) {
  EXPECT_THAT(refusal_of([](World& w) { w.genesis.records.clear(); }), HasSubstr("records[0]"));
  EXPECT_THAT(refusal_of([](World& w) { std::swap(w.genesis.records[0], w.genesis.records[1]); }),
              HasSubstr("records[0]"));
  EXPECT_THAT(refusal_of([](World& w) { w.genesis.records.push_back(w.genesis.records[0]); }),
              HasSubstr("one consortium"));
}

TEST(Genesis, RevisionsAreZero) {
  EXPECT_THAT(refusal_of([](World& w) { w.consortium().revision = 1; }), HasSubstr("records[0].revision"));
  EXPECT_THAT(refusal_of([](World& w) { w.institution(0).revision = 1; }), HasSubstr("records[1].revision"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).revision = 1; }), HasSubstr("revision"));
}

TEST(Genesis, RegistersAreEmptyAndTheirInstitutionsThere) {
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).institution = "other.example"; }),
              HasSubstr("an institution of this genesis"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).issued = 1; }), HasSubstr("empty register"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).events = 1; }), HasSubstr("empty register"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).batches = 1; }), HasSubstr("empty register"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).status_root = {}; }), HasSubstr("empty register"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).batches_root = {}; }), HasSubstr("empty register"));
  EXPECT_THAT(refusal_of([](World& w) { first_register(w).events_root = {}; }), HasSubstr("empty register"));
}

TEST(Genesis, ThresholdIsAByzantineQuorumUpToAllVoters) {
  for (const unsigned n : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 10u}) {
    const unsigned f = (n - 1) / 3;
    const unsigned least = (n + f) / 2 + 1;
    for (unsigned threshold = 0; threshold <= n + 1; ++threshold) {
      const auto change = [&](World& w) { w.consortium().threshold = static_cast<std::uint8_t>(threshold); };
      const bool good = threshold >= least && threshold <= n;
      EXPECT_EQ(refusal_of(change, {.institutions = n, .registers = 1}) == "accepted", good)
          << threshold << " of " << n;
    }
  }
  EXPECT_THAT(refusal_of([](World& w) { w.consortium().nodes.clear(); }), HasSubstr("one voter at least"));
}

TEST(Genesis, LearnersDoNotCountAsVoters) {
  const auto learner = [](World& w) {
    Node node = w.consortium().nodes[0];
    node.name = "learner.example";
    node.role = NodeRole::learner;
    node.note_key = test::key_named("l1").public_key();
    node.cosigner_key = test::key_named("l2").public_key();
    node.tls_spki = test::bytes_named("l3");
    w.consortium().nodes.push_back(node);
  };
  EXPECT_EQ(refusal_of(learner), "accepted");
  EXPECT_THAT(refusal_of([&](World& w) {
                learner(w);
                w.consortium().nodes.back().role = NodeRole::voter;
                w.consortium().threshold = 4;
              }),
              HasSubstr("one voter an institution"));
}

TEST(Genesis, NamesAndKeysAreUnique) {
  const auto nodes = [](auto change) {
    return refusal_of([&](World& w) { change(w.consortium().nodes[0], w.consortium().nodes[1]); });
  };
  EXPECT_THAT(nodes([](Node& a, Node& b) { a.name = b.name; }), HasSubstr("each node name once"));
  EXPECT_THAT(nodes([](Node& a, Node& b) { a.note_key = b.note_key; }), HasSubstr("each public key once"));
  EXPECT_THAT(nodes([](Node& a, Node& b) { a.cosigner_key = b.cosigner_key; }), HasSubstr("each public key once"));
  EXPECT_THAT(nodes([](Node& a, Node&) { a.cosigner_key = a.note_key; }), HasSubstr("each public key once"));
  EXPECT_THAT(nodes([](Node& a, Node& b) { a.tls_spki = b.tls_spki; }), HasSubstr("each TLS key once"));
  EXPECT_THAT(refusal_of([](World& w) { w.institution(0).keys[0].public_key = w.institution(1).keys[0].public_key; }),
              HasSubstr("each public key once"));
  EXPECT_THAT(refusal_of([](World& w) { w.institution(0).keys[1] = w.institution(0).keys[0]; }),
              HasSubstr("each public key once"));
  EXPECT_THAT(refusal_of([](World& w) { w.institution(0).keys[0].public_key = w.consortium().nodes[2].cosigner_key; }),
              HasSubstr("each public key once"));
  EXPECT_THAT(refusal_of([](World& w) { w.genesis.records.push_back(w.genesis.records[1]); }), HasSubstr("once"));
  EXPECT_THAT(refusal_of([](World& w) { w.genesis.records.push_back(first_register(w)); }),
              HasSubstr("each register once"));
}

}  // namespace
}  // namespace testamur
