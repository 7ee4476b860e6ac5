// Goal: a node whose disk does not hold together does not start, and says what is wrong.
// Method: the stores of a node, made and then changed by hand.
#include "testamur/node/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch.h"
#include "testamur/encoding/encoding.h"
#include "testamur/node/cosigner.h"
#include "world.h"

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

}  // namespace
}  // namespace testamur::node
