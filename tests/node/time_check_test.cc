// Goal: no leader can date a block into the future or back, whatever is truncated, refused and asked again.
// Method: a TimeCheck by hand, with a clock that the test moves.
#include "testamur/node/time_check.h"

#include <gtest/gtest.h>

#include "testamur/ledger/payload.h"

namespace testamur::node {
namespace {

using consensus::Index;
using consensus::NodeId;

constexpr Time kNow{1'800'000'000'000};

consensus::Payload at(Time time) { return std::make_shared<const Bytes>(encode(Payload{time, {}})); }
Time after(std::int64_t ms) { return Time{kNow.value + static_cast<std::uint64_t>(ms)}; }

class TimeCheckTest : public ::testing::Test {
 protected:
  TimeCheck::Alarms alarms() {
    return {[this](NodeId leader, const std::string& why) { refused.push_back(std::to_string(leader.value) + why); },
            [this](NodeId, std::uint64_t behind_ms) { behind.push_back(behind_ms); }};
  }
  bool accept(std::uint64_t index, Time time) { return check.accept(Index{index}, at(time), NodeId{2}); }

  Time now = kNow;
  std::vector<std::string> refused;
  std::vector<std::uint64_t> behind;
  TimeCheck check{[this] { return now; }, {}, after(-1000), {}, alarms()};
};

TEST_F(TimeCheckTest, TimesRise) {
  EXPECT_FALSE(accept(1, after(-1000))) << "the last block's own";
  EXPECT_TRUE(accept(1, after(-999)));
  EXPECT_FALSE(accept(2, after(-999)));
  EXPECT_TRUE(accept(2, after(-998)));
}

TEST_F(TimeCheckTest, AMinuteAheadAndNoMore) {
  EXPECT_FALSE(accept(1, after(60'001)));
  EXPECT_TRUE(accept(1, after(60'000)));
  EXPECT_FALSE(accept(2, Time{~std::uint64_t{0}}));
}

TEST_F(TimeCheckTest, WhatWasTooEarlyIsTakenWhenItsTimeHasCome) {
  EXPECT_FALSE(accept(1, after(61'000)));
  now = after(1000);
  EXPECT_TRUE(accept(1, after(61'000)));
}

TEST_F(TimeCheckTest, ARefusedTimeLeavesNoTrace) {
  EXPECT_FALSE(accept(1, after(70'000)));
  EXPECT_TRUE(accept(1, after(0)));
  EXPECT_EQ(check.propose(Index{2}), after(1)) << "above the one accepted, not the one refused";
}

TEST_F(TimeCheckTest, BytesThatAreNoPayloadAreRefused) {
  EXPECT_FALSE(check.accept(Index{1}, std::make_shared<const Bytes>(), NodeId{2}));
  EXPECT_FALSE(check.accept(Index{1}, std::make_shared<const Bytes>(Bytes{9, 9}), NodeId{2}));
  Bytes longer = *at(kNow);
  longer.push_back(0);
  EXPECT_FALSE(check.accept(Index{1}, std::make_shared<const Bytes>(longer), NodeId{2}));
}

TEST_F(TimeCheckTest, ATruncationTakesItsTimesBack) {
  EXPECT_TRUE(accept(1, after(10)));
  EXPECT_TRUE(accept(2, after(20)));
  EXPECT_TRUE(accept(3, after(30)));
  check.truncated(Index{2});
  EXPECT_FALSE(accept(2, after(10)));
  EXPECT_TRUE(accept(2, after(11)));
  check.truncated(Index{1});
  EXPECT_TRUE(accept(1, after(-999)));
}

TEST_F(TimeCheckTest, WhatThisNodeProposedIsTruncatedLikeAnyOther) {
  EXPECT_EQ(check.propose(Index{1}), now);
  EXPECT_EQ(check.propose(Index{2}), after(1)) << "the clock stands still, the times rise";
  check.truncated(Index{1});
  EXPECT_TRUE(accept(1, after(-999)));
}

TEST_F(TimeCheckTest, ItsOwnTimeIsAboveTheLastWhenTheClockIsBehind) {
  EXPECT_TRUE(accept(1, after(50'000)));
  EXPECT_EQ(check.propose(Index{2}), after(50'001));
}

TEST_F(TimeCheckTest, WhatIsCommittedStaysTheFloor) {
  EXPECT_TRUE(accept(1, after(10)));
  EXPECT_TRUE(accept(2, after(20)));
  check.committed(Index{1});
  check.truncated(Index{2});
  EXPECT_FALSE(accept(2, after(10)));
  EXPECT_TRUE(accept(2, after(11)));
}

TEST_F(TimeCheckTest, AfterARestartTheLogsTimesCountAndThoseThatMadeNoBlockDoNot) {
  const auto entry = [](std::uint64_t index, consensus::Payload payload) {
    return consensus::Entry{{{}, Index{index}, {}}, {}, std::move(payload)};
  };
  const std::vector<consensus::Entry> entries = {entry(5, at(after(10))), entry(6, nullptr), entry(7, at(after(5))),
                                                 entry(8, std::make_shared<const Bytes>()), entry(9, at(after(20)))};
  TimeCheck again([this] { return now; }, Index{4}, after(0), entries, alarms());
  EXPECT_FALSE(again.accept(Index{10}, at(after(20)), NodeId{2}));
  EXPECT_TRUE(again.accept(Index{10}, at(after(21)), NodeId{2}));
  again.truncated(Index{9});
  EXPECT_FALSE(again.accept(Index{9}, at(after(10)), NodeId{2}));
  EXPECT_TRUE(again.accept(Index{9}, at(after(11)), NodeId{2}));
}

TEST_F(TimeCheckTest, WhatWasAppliedAlreadyIsTakenAgainWhereTheLogLostIt) {
  TimeCheck again([this] { return now; }, Index{4}, after(0), {}, alarms());
  EXPECT_TRUE(again.accept(Index{3}, at(after(-500)), NodeId{2}));
  EXPECT_FALSE(again.accept(Index{5}, at(after(-400)), NodeId{2})) << "what is new has to rise above what was applied";
  EXPECT_TRUE(again.accept(Index{5}, at(after(1)), NodeId{2}));
}

TEST_F(TimeCheckTest, ARefusalIsToldNowAndThen) {
  for (int i = 0; i < 100; ++i) accept(1, after(100'000));
  EXPECT_EQ(refused.size(), 1u);
  now = after(10'000);
  accept(1, after(100'000));
  EXPECT_EQ(refused.size(), 2u);
}

TEST_F(TimeCheckTest, TimesLongPastAreTakenAndAreAnAlarmOnlyWhenItLasts) {
  TimeCheck old([this] { return now; }, {}, Time{1}, {}, alarms());
  std::uint64_t index = 0;
  const auto follow = [&](std::uint64_t behind_ms) {
    return old.accept(Index{++index}, at(Time{now.value - behind_ms}), NodeId{2});
  };
  EXPECT_TRUE(follow(300'001));
  EXPECT_TRUE(behind.empty()) << "it may be catching up";
  now = after(60'000);
  EXPECT_TRUE(follow(300'001));
  EXPECT_EQ(behind.size(), 1u);
  now = after(120'000);
  EXPECT_TRUE(follow(300'001));
  EXPECT_EQ(behind.size(), 1u) << "told once";
  now = after(180'000);
  EXPECT_TRUE(follow(300'000)) << "not behind";
  now = after(300'000);
  EXPECT_TRUE(follow(300'001));
  EXPECT_EQ(behind.size(), 1u) << "it begins anew";
}

}  // namespace
}  // namespace testamur::node
