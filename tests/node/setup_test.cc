// Goal: a node whose disk does not hold together does not start, and says what is wrong; one that is taken back does not forget what it
// has cosigned.
// Method: the stores of a node, made and then changed by hand.
#include "testamur/node/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

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

/// A node that has applied one block, of which nothing is certified but genesis.
class ReturnTest : public SetupTest {
 protected:
  ReturnTest() {
    const Stores stores = test::value_of(open_stores(config_, self()));
    const Payload payload{Time{test::kCreated.value + 1}, {}};
    consensus::Write write;
    write.state = consensus::HardState{consensus::Term{1}, std::nullopt};
    write.entries = {
        {{consensus::Term{1}, consensus::Index{1}, {}}, {}, std::make_shared<const Bytes>(encode(payload))}};
    write.entries[0].id.hash = entry_hash(write.entries[0]);
    test::value_of(stores.ledger->apply(store::LogIndex{1}, payload));
    block_ = test::value_of(stores.ledger->block_head(Height{1})).checkpoint;
    test::value_of(stores.log->write(std::span(&write, 1), encode(CosignMemory{block_.size, block_.root, 9})));
  }
  /// A process that signs the block, and ends as told or not.
  void sign(const std::string& boot, bool ends_as_told) {
    auto cosigned = test::value_of(Cosigned::open(file(), std::nullopt, boot));
    test::value_of(cosigned->note(block_));
    const Bytes killed = read();
    cosigned.reset();
    if (!ends_as_told) std::ofstream(file(), std::ios::binary) << as_text(killed);
  }
  std::filesystem::path file() const { return config_.data / "cosigned"; }
  Bytes read() const {
    std::ifstream stream(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  std::string refusal(bool not_cosigned = false) {
    const auto back = return_to_certified(config_, self(), Height{0}, not_cosigned);
    if (back) return {};
    EXPECT_EQ(back.error().code, ErrorCode::conflict);
    EXPECT_EQ(test::value_of(open_stores(config_, self())).ledger->head().height, Height{1}) << "nothing has changed";
    return back.error().message;
  }

  Checkpoint block_;
};

TEST_F(ReturnTest, WhatWasOnlyPromisedIsTakenBack) {
  EXPECT_EQ(refusal(), "");
  const Stores stores = test::value_of(open_stores(config_, self()));
  EXPECT_EQ(stores.ledger->head().height, Height{0});
  EXPECT_TRUE(stores.stored.entries.empty());
  EXPECT_LT(stores.promised->size, block_.size);
  EXPECT_EQ(stores.promised->seconds, 9u) << "the time of what was signed does not fall";
}

TEST_F(ReturnTest, WhatWasCosignedIsNotTakenBack) {
  for (const bool ends_as_told : {true, false}) {
    sign(boot_of_machine(), ends_as_told);
    EXPECT_THAT(refusal(), HasSubstr("has cosigned block 1."));
    EXPECT_THAT(refusal(/*not_cosigned=*/true), HasSubstr("has cosigned block 1.")) << "nobody knows better";
  }
  sign("another boot", /*ends_as_told=*/true);
  EXPECT_THAT(refusal(), HasSubstr("has cosigned block 1."));
}

TEST_F(ReturnTest, AfterALossOfPowerWhatWasPromisedMayHaveBeenCosigned) {
  sign("another boot", /*ends_as_told=*/false);
  for (int again = 0; again < 2; ++again) EXPECT_THAT(refusal(), HasSubstr("may have cosigned block 1:"));
  EXPECT_EQ(refusal(/*not_cosigned=*/true), "");
}

TEST_F(ReturnTest, WithoutTheFileWhatWasPromisedMayHaveBeenCosigned) {
  std::filesystem::remove(file());
  EXPECT_THAT(refusal(), HasSubstr("may have cosigned block 1:"));
  std::ofstream(file()) << "not what was written";
  EXPECT_THAT(refusal(), HasSubstr("may have cosigned block 1:"));
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
