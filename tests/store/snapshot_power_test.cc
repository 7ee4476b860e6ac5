// Goal: a loss of power at any moment costs a snapshot, and the filling in behind it, at most some of their way: never is half of one a
// ledger, and what finish() returned stays.
// Method: on a file system that drops unsynced writes at random (power_loss_env.h) the power goes after a random number of writes,
// again and again, while a snapshot is taken, finished and filled in; in the end the store must hold the very bytes of a replay.
#include <gtest/gtest.h>

#include "power_loss_env.h"
#include "snapshots.h"
#include "testamur/store/fill.h"

namespace testamur::test {
namespace {

using store::HistoryFill;
using store::Ledger;
using store::SnapshotReceiver;
using store::SnapshotSource;

/// Small buffers, so that the power also goes during flushes and compactions.
storage::RocksOptions options_with(const PowerLossEnv& power) {
  storage::RocksOptions options;
  options.env = power.env();
  options.write_buffer_bytes = 64u << 10;
  return options;
}

class SnapshotPower : public ::testing::Test {
 protected:
  SnapshotPower() { apply_up_to(node_, kCertifiedHeight); }

  /// One life of the receiver; says whether it finished before the power went.
  bool receive_until_loss(std::uint64_t operations) {
    const auto source = value_of(SnapshotSource::open(node_.store(), 2000));
    power_.cut_power_after(operations);
    auto opened = SnapshotReceiver::open(directory_, node_.world().genesis_bytes(), source->manifest(), ed25519_verify,
                                         options_with(power_));
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::storage) << opened.error().message;
      return false;
    }
    most_resumed_ = std::max(most_resumed_, (*opened)->after());
    while (!(*opened)->complete()) {
      if (!(*opened)->take(value_of(source->chunk((*opened)->after())))) return false;
    }
    return bool((*opened)->finish());
  }
  /// One life of the store behind the snapshot; says whether the gap was closed.
  bool fill_until_loss(std::uint64_t operations) {
    const auto from = node_.history();
    std::shared_ptr<storage::KeyValueStore> kv = value_of(storage::open_rocks(directory_, false, options_with(power_)));
    const auto ledger = value_of(Ledger::open(kv));
    EXPECT_EQ(ledger->head(), node_.ledger().head());
    power_.cut_power_after(operations);
    const auto fill = HistoryFill::open(kv);
    if (!fill) {
      EXPECT_EQ(fill.error().code, ErrorCode::not_found) << fill.error().message;
      return true;
    }
    while (const auto next = (*fill)->next()) {
      if (!(*fill)->take({value_of(from->block_payload(*next)), value_of(from->block_leaves(*next))})) return false;
    }
    for (bool done = false; !done;) {
      const auto closed = (*fill)->close(50);
      if (!closed) return false;
      done = *closed;
    }
    return bool(ledger->sync());
  }

  TestLedger node_{snapshot_world()};
  ScratchDirectory scratch_;
  PowerLossEnv power_;
  std::string directory_ = scratch_.path() + "/side";
  store::SnapshotPlace most_resumed_;
};

TEST_F(SnapshotPower, IsTakenAndFilledThroughLosses) {
  const auto expected = entries_of(*node_.store());
  std::mt19937_64 random(7);
  int losses = 0;
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::filesystem::remove_all(directory_);
    most_resumed_ = {};
    std::uint64_t patience = 30;  // more from life to life, so that it comes to an end
    while (!receive_until_loss(random() % (patience += 4))) {
      power_.drop_unsynced(random());
      ++losses;
      if (auto kv = storage::open_rocks(directory_, false, options_with(power_))) {
        std::shared_ptr<storage::KeyValueStore> shared = std::move(*kv);
        if (Ledger::open(shared)) break;  // finish() was cut after its last write
      }
    }
    EXPECT_GT(most_resumed_, store::SnapshotPlace{}) << "something was gone on with";
    power_.cut_power();
    power_.drop_unsynced(random());
    patience = 30;
    while (!fill_until_loss(random() % (patience += 4))) {
      power_.drop_unsynced(random());
      ++losses;
    }
    power_.cut_power();
    power_.drop_unsynced(random());
    const auto kv = value_of(storage::open_rocks(directory_, false, options_with(power_)));
    EXPECT_EQ(entries_of(*kv), expected);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(losses, 5);
}

}  // namespace
}  // namespace testamur::test
