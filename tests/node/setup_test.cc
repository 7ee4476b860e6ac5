// Goal: a node whose disk does not hold together does not start, and says what is wrong.
// Method: the stores of a node, made and then changed by hand.
#include "testamur/node/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch.h"
#include "test_ledger.h"
#include "testamur/encoding/encoding.h"
#include "testamur/node/applier.h"
#include "testamur/node/cosigner.h"

namespace testamur::node {
namespace {

using ::testing::HasSubstr;

class SetupTest : public ::testing::Test {
 protected:
  SetupTest() { config_.data = scratch_.path() + "/data"; }

  Self self() const {
    return {world_.genesis_bytes(), world_.ledger(), world_.consortium(), 0, test::key_named("cosigner"), {}};
  }
  std::unique_ptr<consensus::LogStore> open_log() const {
    const Bytes owner = Writer{}.raw(world_.ledger()).text(self().node().name).bytes();
    auto log = test::value_of(consensus::open_log_store(config_.data / "log", owner));
    test::value_of(log->load(entry_hash));
    return log;
  }

  test::ScratchDirectory scratch_;
  test::World world_;
  Config config_;
};

TEST_F(SetupTest, WhatWasPromisedIsFoundAgain) {
  EXPECT_FALSE(test::value_of(open_stores(config_, self())).promised);
  test::value_of(open_log()->write({}, encode(CosignMemory{7, {}, 9})));
  const Stores again = test::value_of(open_stores(config_, self()));
  ASSERT_TRUE(again.promised);
  EXPECT_EQ(again.promised->size, 7u);
}

TEST_F(SetupTest, ANodeThatCannotReadWhatItPromisedDoesNotStart) {
  test::value_of(open_stores(config_, self()));
  Bytes newer = encode(CosignMemory{7, {}, 9});
  newer[0] = 2;
  test::value_of(open_log()->write({}, newer));
  const auto stores = open_stores(config_, self());
  ASSERT_FALSE(stores);
  EXPECT_EQ(stores.error().code, ErrorCode::corrupt);
  EXPECT_THAT(stores.error().message, HasSubstr("must not sign"));
}

TEST_F(SetupTest, ALogShorterThanWhatTheLedgerAppliedIsRefused) {
  {
    const Stores stores = test::value_of(open_stores(config_, self()));
    test::value_of(stores.ledger->apply(store::LogIndex{1}, Payload{Time{test::kCreated.value + 1}, {}}));
  }
  const auto stores = open_stores(config_, self());
  ASSERT_FALSE(stores);
  EXPECT_THAT(stores.error().message,
              HasSubstr("expected at least the 1 entries that the ledger has applied, found 0"));
}

/// What this node derived at an index was a liar's, and a snapshot of what is certified there has come, of the same height even.
TEST_F(SetupTest, ASnapshotReplacesALedgerThatItsHeadContradicts) {
  test::value_of(open_stores(config_, self()));
  const auto derive = [&](const std::filesystem::path& directory, std::uint64_t time) {
    test::TestLedger ledger(world_, directory.string());
    test::value_of(ledger.ledger().apply(store::LogIndex{1}, Payload{Time{test::kCreated.value + time}, {}}));
    return head_digest(test::value_of(ledger.ledger().block_head(Height{1})).checkpoint);
  };
  const Hash derived = derive(config_.data / "ledger", 1);
  const Hash certified = derive(arriving_directory(config_), 2);
  ASSERT_NE(derived, certified);
  consensus::Write write;
  write.base.emplace();
  write.base->id.index = consensus::Index{1};
  write.begins = true;
  write.claim = consensus::Claim{consensus::Index{1}, 1, certified};
  test::value_of(open_log()->write(std::span(&write, 1), std::nullopt));
  const Stores stores = test::value_of(open_stores(config_, self()));
  EXPECT_EQ(head_digest(test::value_of(stores.ledger->block_head(Height{1})).checkpoint), certified);
}

}  // namespace
}  // namespace testamur::node
