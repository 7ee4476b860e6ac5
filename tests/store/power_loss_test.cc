// Goal: after a loss of power the ledger is as it was after some block, no earlier than the last sync, and goes on from there.
// Method: RocksDB on a file system that drops unsynced writes at random (power_loss_env.h). The power goes at a random
// block; the ledger must open, stand no lower than was promised, and hold the very bytes of a ledger that never lost power.
// Each sync of the code is needed: tests/mutants takes them out one by one and sees this test fail.
// TESTAMUR_POWER_LOSSES sets how often (default 60).
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "power_loss_env.h"
#include "random_ledger.h"

namespace testamur::test {
namespace {

constexpr std::uint64_t kSeed = 11;

const World& world() {
  static const World made({.institutions = 2, .registers = 2});
  return made;
}

int losses() {
  const char* asked = std::getenv("TESTAMUR_POWER_LOSSES");
  return asked != nullptr ? std::atoi(asked) : 60;
}

/// Small buffers, so that the power also goes during flushes and compactions.
storage::RocksOptions options_with(const PowerLossEnv& power) {
  storage::RocksOptions options;
  options.env = power.env();
  options.write_buffer_bytes = 64u << 10;
  return options;
}

/// The contents after each block of a ledger that never lost power.
class Undisturbed {
 public:
  const Hash& at(std::uint64_t height) {
    while (test_.ledger().head().height.value < height) {
      apply_seeded_block(test_, kSeed);
      contents_[test_.ledger().head().height.value] = contents_of(*test_.store());
    }
    return contents_.at(height);
  }

 private:
  TestLedger test_{world()};
  std::map<std::uint64_t, Hash> contents_ = {{0, contents_of(*test_.store())}};
};

TEST(PowerLoss, NothingSyncedIsLostAndNothingIsHalfThere) {
  Undisturbed undisturbed;
  std::mt19937_64 random(2);
  ScratchDirectory scratch;
  PowerLossEnv power;
  const std::string directory = scratch.path() + "/ledger";
  std::uint64_t promised = 0;
  for (int loss = 0; loss < losses(); ++loss) {
    SCOPED_TRACE("loss " + std::to_string(loss));
    {
      TestLedger test(world(), directory, options_with(power));
      const std::uint64_t height = test.ledger().head().height.value;
      ASSERT_GE(height, promised);
      ASSERT_EQ(contents_of(*test.store()), undisturbed.at(height)) << "height " << height;
      const std::uint64_t blocks = random() % 12;
      for (std::uint64_t i = 0; i < blocks; ++i) {
        apply_seeded_block(test, kSeed);
        if (random() % 4 == 0) {
          value_of(test.ledger().sync());
          promised = test.ledger().head().height.value;
        }
      }
      power.cut_power();
    }
    power.drop_unsynced(random());
  }
  EXPECT_GT(promised, 5u);
}

TEST(PowerLoss, ACreatedLedgerIsThere) {
  std::mt19937_64 random(3);
  for (int loss = 0; loss < losses(); ++loss) {
    ScratchDirectory scratch;
    PowerLossEnv power;
    const std::string directory = scratch.path() + "/ledger";
    {
      TestLedger test(world(), directory, options_with(power));
      power.cut_power();
    }
    power.drop_unsynced(random());
    auto opened = storage::open_rocks(directory, false, options_with(power));
    ASSERT_TRUE(opened) << opened.error().message;
    std::shared_ptr<storage::KeyValueStore> kv = std::move(*opened);
    const auto ledger = store::Ledger::open(kv);
    ASSERT_TRUE(ledger) << ledger.error().message;
  }
}

TEST(PowerLoss, ARollbackStays) {
  // The log of the consensus goes on with other entries at the indexes taken back; the old blocks must not be there again.
  std::mt19937_64 random(4);
  for (int loss = 0; loss < losses(); ++loss) {
    ScratchDirectory scratch;
    PowerLossEnv power;
    const std::string directory = scratch.path() + "/ledger";
    {
      TestLedger test(world(), directory, options_with(power));
      test.issue(0, "r0", make_class("a", 3, false));
      value_of(test.ledger().sync());
      test.issue(0, "r0", make_class("b", 3, true));
      if (random() % 2 == 0) value_of(test.ledger().sync());
      value_of(test.ledger().rollback(Height{1}));
      power.cut_power();
    }
    power.drop_unsynced(random());
    TestLedger test(world(), directory, options_with(power));
    ASSERT_EQ(test.ledger().head().height, Height{1});
    ASSERT_EQ(test.record(0, "r0").issued, 3u);
  }
}

}  // namespace
}  // namespace testamur::test
