// Goal: whatever write() returned for is there after a loss of power, nothing is half there, and the store opens and goes on.
// Method: the log store on a file system that drops unsynced writes at random (../store/power_loss_env.h). A made-up history is
// written; the power goes at a random append or sync; the store must open, and hold the history up to the last write that
// returned, or with the one that was under way. TESTAMUR_POWER_LOSSES sets how often (default 60).
#include <gtest/gtest.h>

#include <cstdlib>

#include "hand.h"
#include "log_history.h"
#include "power_loss_env.h"
#include "scratch.h"

namespace testamur::consensus {
namespace {

const std::vector<std::uint8_t> kOwner = {1, 2, 3};

std::uint64_t losses() {
  const char* asked = std::getenv("TESTAMUR_POWER_LOSSES");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 60;
}

/// Small buffers, so that the power also goes while entries move to table files.
LogStoreOptions options_with(const test::PowerLossEnv& power) {
  LogStoreOptions options;
  options.write_buffer_bytes = 64u << 10;
  options.env = power.env();
  return options;
}

/// Writes steps of the history until one fails or the power should go by itself; returns the one that failed, done.
std::optional<LogHistory> write_until_failure(LogStore& store, LogHistory& history, int steps) {
  for (int i = 0; i < steps; ++i) {
    LogHistory with_next = history;
    const LogHistory::Step step = with_next.next();
    if (!store.write(step.writes, step.owner_record)) return with_next;
    history = std::move(with_next);
  }
  return std::nullopt;
}

TEST(LogPowerLoss, WhatWasWrittenIsThere) {
  std::mt19937_64 random(6);
  test::ScratchDirectory scratch;
  test::PowerLossEnv power;
  const std::string directory = scratch.path() + "/log";
  LogHistory history(8, 3000);
  std::optional<LogHistory> perhaps;
  int failed_openings = 0;
  for (std::uint64_t loss = 0; loss < losses(); ++loss) {
    SCOPED_TRACE("loss " + std::to_string(loss) + ", step " + std::to_string(history.steps()));
    // Sometimes the power goes again while the store is being opened.
    if (random() % 4 == 0) {
      power.cut_power_after(random() % 12);
      if (!open_log_store(directory, kOwner, options_with(power))) ++failed_openings;
      power.cut_power();
      power.drop_unsynced(random());
    }
    {
      const auto store = open_log_store(directory, kOwner, options_with(power));
      ASSERT_TRUE(store) << store.error().message;
      const auto stored = (*store)->load(some_hash);
      ASSERT_TRUE(stored) << stored.error().message;
      if (perhaps && same(*stored, perhaps->stored())) history = *perhaps;
      ASSERT_TRUE(same(*stored, history.stored())) << summary(*stored) << "; expected " << summary(history.stored());
      power.cut_power_after(random() % 150);
      perhaps = write_until_failure(**store, history, 100);
      power.cut_power();
    }
    power.drop_unsynced(random());
  }
  EXPECT_GT(history.steps(), losses());
  EXPECT_GT(failed_openings, 0) << "the power must have gone during an opening";
}

TEST(LogPowerLoss, WhileItIsMade) {
  // Whatever is left of a store half made, it can be opened; and once open it is there.
  for (std::uint64_t operations = 0; operations < 40; ++operations) {
    SCOPED_TRACE("power lost after " + std::to_string(operations));
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      test::ScratchDirectory scratch;
      test::PowerLossEnv power;
      const std::string directory = scratch.path() + "/log";
      power.cut_power_after(operations);
      const bool made = static_cast<bool>(open_log_store(directory, kOwner, options_with(power)));
      power.cut_power();
      power.drop_unsynced(seed);
      if (made) {
        ASSERT_TRUE(std::filesystem::exists(directory + "/CURRENT"));
        const std::vector<std::uint8_t> another = {4};
        const auto refused = open_log_store(directory, another, options_with(power));
        ASSERT_FALSE(refused) << "the owner must be on disk";
        ASSERT_EQ(refused.error().code, ErrorCode::conflict) << refused.error().message;
      }
      const auto store = open_log_store(directory, kOwner, options_with(power));
      ASSERT_TRUE(store) << store.error().message;
    }
  }
}

TEST(LogPowerLoss, AfterAFailedWriteEverythingIsRefused) {
  test::ScratchDirectory scratch;
  test::PowerLossEnv power;
  const auto store = open_log_store(scratch.path() + "/log", kOwner, options_with(power));
  ASSERT_TRUE(store) << store.error().message;
  LogHistory history(1, 100);
  ASSERT_FALSE(write_until_failure(**store, history, 10));
  power.cut_power_after(1);  // written, not synced
  ASSERT_TRUE(write_until_failure(**store, history, 10));
  power.drop_unsynced(1);  // and the disk is as new
  LogHistory with_next = history;
  const LogHistory::Step step = with_next.next();
  const auto written = (*store)->write(step.writes, step.owner_record);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::storage);
  EXPECT_NE(written.error().message.find(scratch.path()), std::string::npos) << written.error().message;
  EXPECT_FALSE((*store)->load(some_hash)) << "what it holds is not known either";
}

}  // namespace
}  // namespace testamur::consensus
