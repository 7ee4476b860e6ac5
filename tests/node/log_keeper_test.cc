// Goal: the log is cut when it is long, to what a node that was away needs, and never beyond what is certified.
#include "testamur/node/log_keeper.h"

#include <gtest/gtest.h>

namespace testamur::node {
namespace {

using consensus::Index;

consensus::Entry entry(std::uint64_t index, std::size_t bytes) {
  return {{{}, Index{index}, {}}, {}, std::make_shared<const std::vector<std::uint8_t>>(bytes), {}};
}

LogKeeper with(std::uint64_t entries, std::size_t bytes_each) {
  LogKeeper keeper({10, 1000});
  for (std::uint64_t index = 1; index <= entries; ++index) keeper.add(entry(index, bytes_each));
  return keeper;
}

TEST(LogKeeper, CutsWhatIsTwiceTooLongToWhatIsKept) {
  EXPECT_EQ(with(20, 1).cut(Index{20}), std::nullopt);
  LogKeeper keeper = with(21, 1);
  EXPECT_EQ(keeper.cut(Index{21}), Index{11}) << "ten stay";
  EXPECT_EQ(keeper.cut(Index{21}), std::nullopt) << "once";
}

TEST(LogKeeper, CountsBytesToo) {
  EXPECT_EQ(with(10, 200).cut(Index{10}), std::nullopt);
  EXPECT_EQ(with(11, 200).cut(Index{11}), Index{6}) << "five of 200 bytes stay";
}

TEST(LogKeeper, WhatIsNotCertifiedStays) {
  EXPECT_EQ(with(30, 1).cut(Index{4}), Index{4});
  EXPECT_EQ(with(30, 1).cut(Index{0}), std::nullopt);
}

TEST(LogKeeper, CountsFromTheLogsBeginning) {
  LogKeeper keeper = with(25, 1);
  keeper.begins_after(Index{15});
  EXPECT_EQ(keeper.cut(Index{25}), std::nullopt);
}

}  // namespace
}  // namespace testamur::node
