// Goal: what counts as synced is what would be there after a loss of power, whatever was truncated since.
#include "testamur/consensus/log.h"

#include <gtest/gtest.h>

#include <random>

namespace testamur::consensus {
namespace {

Entry entry(std::uint64_t term, std::uint64_t index) {
  Digest hash{};
  hash[0] = static_cast<std::uint8_t>(term);
  hash[1] = static_cast<std::uint8_t>(index);
  return {{Term{term}, Index{index}, hash}, {}, nullptr};
}

TEST(Log, SyncedFollowsTheWrites) {
  Log log({}, {});
  log.append(entry(1, 1));
  log.append(entry(1, 2));
  auto write = log.take_unwritten();
  EXPECT_EQ(write.entries.size(), 2u);
  log.writing(1, write);
  EXPECT_EQ(log.synced().index, Index{0});
  log.append(entry(1, 3));
  write = log.take_unwritten();
  EXPECT_EQ(write.entries.size(), 1u);
  log.writing(2, write);
  log.written(1);
  EXPECT_EQ(log.synced().index, Index{2});
  log.written(2);
  EXPECT_EQ(log.synced().index, Index{3});
  EXPECT_TRUE(log.take_unwritten().empty());
}

TEST(Log, AnOverwrittenAppendDoesNotMakeItsReplacementSynced) {
  // The acknowledgement of the append of term 1 comes after term 2 has taken its place (mistake 16, ABA).
  Log log({}, {});
  log.append(entry(1, 1));
  log.append(entry(1, 2));
  log.writing(1, log.take_unwritten());
  log.truncate_from(Index{2});
  log.append(entry(2, 2));
  log.append(entry(2, 3));
  EXPECT_EQ(log.synced().index, Index{0});
  log.written(1);
  EXPECT_EQ(log.synced().index, Index{1}) << "entry 2 of term 2 is not on disk";
  const auto write = log.take_unwritten();
  EXPECT_EQ(write.truncate_from, Index{2});
  log.writing(2, write);
  EXPECT_EQ(log.synced().index, Index{1});
  log.written(2);
  EXPECT_EQ(log.synced(), entry(2, 3).id);
}

TEST(Log, KnowsHowManyBytesItHolds) {
  const auto of_bytes = [](std::uint64_t term, std::uint64_t index, std::size_t bytes) {
    Entry made = entry(term, index);
    made.payload = std::make_shared<const std::vector<std::uint8_t>>(bytes);
    return made;
  };
  Log log({}, {of_bytes(1, 1, 10), of_bytes(1, 2, 20)});
  log.append(of_bytes(2, 3, 40));
  log.append(of_bytes(3, 4, 80));
  EXPECT_EQ(log.bytes_between(Index{0}, Index{4}), 150u);
  EXPECT_EQ(log.bytes_between(Index{2}, Index{3}), 40u);
  log.drop_to(Index{2});
  EXPECT_EQ(log.bytes_between(Index{2}, Index{4}), 120u);
  log.truncate_from(Index{4});
  log.append(of_bytes(4, 4, 1));
  EXPECT_EQ(log.bytes_between(Index{2}, Index{4}), 41u);
  EXPECT_EQ(log.last_before(Term{4}), Index{3});
  EXPECT_EQ(log.last_before(Term{5}), Index{4});
  EXPECT_EQ(log.last_before(Term{2}), Index{2}) << "the base";
  log.begin_after({Term{5}, Index{9}, {}});
  log.append(of_bytes(5, 10, 7));
  EXPECT_EQ(log.bytes_between(Index{9}, Index{10}), 7u);
}

TEST(Log, WhatNoWriteHasTakenNeedsNoTruncationOnDisk) {
  Log log({}, {entry(1, 1)});
  log.append(entry(1, 2));
  log.truncate_from(Index{2});
  EXPECT_TRUE(log.take_unwritten().empty());
  EXPECT_EQ(log.synced().index, Index{1});
  log.truncate_from(Index{1});
  EXPECT_EQ(log.synced().index, Index{0});
  EXPECT_EQ(log.take_unwritten().truncate_from, Index{1});
}

TEST(Log, BeginsAfterItsBase) {
  const EntryId base{Term{3}, Index{10}, {}};
  Log log(base, {entry(3, 11)});
  EXPECT_EQ(log.at(Index{10}), base);
  EXPECT_EQ(log.at(Index{9}), std::nullopt);
  EXPECT_EQ(log.at(Index{12}), std::nullopt);
  EXPECT_EQ(log.last().index, Index{11});
  EXPECT_EQ(log.synced().index, Index{11});
  log.truncate_from(Index{11});
  EXPECT_EQ(log.last(), base) << "an emptied log still knows its last term";
}

TEST(Log, SyncedIsWhatAPlainDiskWouldHold) {
  // Method: a disk that does the writes in order, and a power loss imagined after each step.
  std::mt19937_64 random(7);
  for (int run = 0; run < 300; ++run) {
    Log log({}, {});
    std::deque<std::pair<std::uint64_t, Log::Write>> under_way;
    std::vector<EntryId> disk;
    std::uint64_t sequence = 0;
    std::uint64_t term = 1;
    for (int step = 0; step < 60; ++step) {
      switch (random() % 4) {
        case 0: log.append(entry(term, log.last().index.value + 1)); break;
        case 1:
          if (log.last().index.value > 0 && random() % 3 == 0) {
            log.truncate_from(Index{1 + random() % log.last().index.value});
            ++term;
          }
          break;
        case 2: {
          const auto write = log.take_unwritten();
          if (write.empty()) break;
          log.writing(++sequence, write);
          under_way.emplace_back(sequence, write);
          break;
        }
        default:
          if (under_way.empty()) break;
          if (under_way.front().second.truncate_from) disk.resize(under_way.front().second.truncate_from->value - 1);
          for (const Entry& e : under_way.front().second.entries) disk.push_back(e.id);
          log.written(under_way.front().first);
          under_way.pop_front();
      }
      // Synced entries are on the disk now, and stay there whatever part of what is under way gets done.
      const EntryId synced = log.synced();
      ASSERT_LE(synced.index.value, disk.size());
      for (std::uint64_t i = 1; i <= synced.index.value; ++i) ASSERT_EQ(log.at(Index{i}), disk[i - 1]);
      for (const auto& [number, write] : under_way) {
        ASSERT_LT(synced.index, write.truncate_from.value_or(Index{UINT64_MAX}));
      }
    }
  }
}

}  // namespace
}  // namespace testamur::consensus
