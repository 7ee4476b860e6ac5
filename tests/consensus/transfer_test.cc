// Goal: leadership is handed on to one that can take it at once, and not for longer than an election takes; and one that hands it on
// starts nothing new. Method: single steps of a core, by hand, as the one who hands on, as the one who takes, and as a third.
#include "hand.h"

namespace testamur::consensus {
namespace {

/// Node 1 leads four voters, of whom three decide. All heard; 2 and 3 have all of its log, 4 has nothing.
class Handing : public ::testing::Test {
 protected:
  Handing() {
    hand.become_leader();
    hand.all_committed();
    hand.from(4, hand.term(), HeartbeatResponse{});
    hand.take();
  }
  void have(std::uint64_t node, const EntryId& last) {
    hand.from(node, hand.term(), AppendResponse{AppendOutcome::accepted, last});
  }
  /// Ticks through which the others are heard.
  void pass(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      for (const std::uint64_t node : {2u, 3u, 4u}) hand.from(node, hand.term(), HeartbeatResponse{});
      hand.tick();
      hand.settle();
    }
  }
  Hand hand;
};

TEST_F(Handing, ToOneThatIsLevelIsToldAtOnceAndOnce) {
  ASSERT_EQ(hand.core->transfer(NodeId{2}), TransferResult::accepted);
  EXPECT_EQ(hand.core->transferee(), NodeId{2});
  const Output told = hand.take();
  EXPECT_NE(Hand::find<CampaignNow>(told, 2), nullptr);
  EXPECT_EQ(Hand::find<CampaignNow>(told, 3), nullptr);
  have(2, hand.core->log().last());
  EXPECT_EQ(Hand::find<CampaignNow>(hand.settle(), 2), nullptr) << "it need not be told twice";
}

TEST_F(Handing, ToOneThatIsNotLevelWaitsUntilItIs) {
  const EntryId first = hand.core->log().last();
  ASSERT_EQ(hand.core->propose({payload("a"), payload("b")}), ProposeResult::accepted);
  hand.settle();
  ASSERT_EQ(hand.core->transfer(NodeId{4}), TransferResult::accepted);
  EXPECT_EQ(Hand::find<CampaignNow>(hand.settle(), 4), nullptr) << "it would lose the election";
  have(4, first);
  EXPECT_EQ(Hand::find<CampaignNow>(hand.settle(), 4), nullptr);
  have(2, hand.core->log().last());
  EXPECT_EQ(Hand::find<CampaignNow>(hand.settle(), 2), nullptr) << "another that is level was not asked";
  have(4, hand.core->log().last());
  EXPECT_NE(Hand::find<CampaignNow>(hand.settle(), 4), nullptr);
}

TEST_F(Handing, StartsNothingNew) {
  ASSERT_EQ(hand.core->transfer(NodeId{2}), TransferResult::accepted);
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::transferring);
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::transferring);
  EXPECT_EQ(hand.change({{Change::Kind::learner, NodeId{5}}}).result, ChangeResult::transferring);
  EXPECT_EQ(hand.core->log().last().index, Index{1}) << "or the one who takes over would never be level";
}

TEST_F(Handing, IsGivenUpAfterAnElectionTimeout) {
  ASSERT_EQ(hand.core->transfer(NodeId{2}), TransferResult::accepted);
  pass(9);
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::transferring);
  pass(1);
  EXPECT_EQ(hand.core->transferee(), std::nullopt);
  ASSERT_EQ(hand.core->role(), Role::leader);
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::accepted);
  have(2, hand.core->log().last());
  EXPECT_EQ(Hand::find<CampaignNow>(hand.settle(), 2), nullptr) << "it is not told late";
}

TEST_F(Handing, ToWhoCannotTakeItIsRefused) {
  EXPECT_EQ(hand.core->transfer(NodeId{1}), TransferResult::already);
  EXPECT_EQ(hand.core->transfer(NodeId{9}), TransferResult::no_voter) << "nobody knows it";
  ASSERT_EQ(hand.change({{Change::Kind::learner, NodeId{5}}}).result, ChangeResult::accepted);
  hand.all_committed();
  hand.from(5, hand.term(), HeartbeatResponse{});
  EXPECT_EQ(hand.core->transfer(NodeId{5}), TransferResult::no_voter) << "a learner";
  for (int i = 0; i < 2 * 10; ++i) {
    for (const std::uint64_t node : {2u, 3u}) hand.from(node, hand.term(), HeartbeatResponse{});
    hand.tick();
  }
  ASSERT_EQ(hand.core->role(), Role::leader);
  EXPECT_EQ(hand.core->transfer(NodeId{4}), TransferResult::no_voter) << "it is not heard any more";
  EXPECT_EQ(hand.core->transferee(), std::nullopt);
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::accepted);
}

TEST_F(Handing, ToNobodyInParticularGoesToTheLongestLog) {
  ASSERT_EQ(hand.core->propose({payload("a")}), ProposeResult::accepted);
  hand.settle();
  have(3, hand.core->log().last());
  ASSERT_EQ(hand.core->transfer(std::nullopt), TransferResult::accepted);
  EXPECT_EQ(hand.core->transferee(), NodeId{3});
}

TEST_F(Handing, EndsWithTheElectionOfTheOther) {
  ASSERT_EQ(hand.core->transfer(NodeId{2}), TransferResult::accepted);
  hand.settle();
  hand.from(2, hand.term() + 1, VoteRequest{hand.core->log().last(), /*transferred=*/true});
  const Output output = hand.settle();
  EXPECT_EQ(hand.core->role(), Role::follower);
  ASSERT_NE(Hand::find<VoteResponse>(output, 2), nullptr);
  EXPECT_TRUE(Hand::find<VoteResponse>(output, 2)->granted);
  EXPECT_EQ(hand.core->transferee(), std::nullopt);
  EXPECT_EQ(hand.core->transfer(NodeId{3}), TransferResult::not_leader);
}

TEST_F(Handing, DoesNotMakeWayForOneThatNobodyAsked) {
  ASSERT_EQ(hand.core->transfer(NodeId{2}), TransferResult::accepted);
  hand.settle();
  hand.from(3, hand.term() + 1, VoteRequest{hand.core->log().last()});
  EXPECT_EQ(hand.core->role(), Role::leader);
}

/// Node 1 follows node 2, whose first entry it has.
class Taking : public ::testing::Test {
 protected:
  Taking() { hand.receive_first("a"); }
  Hand hand;
};

TEST_F(Taking, StandsForElectionAtOnceAndSaysWhy) {
  hand.from(2, 1, CampaignNow{});
  const Output output = hand.settle();
  EXPECT_EQ(hand.core->role(), Role::candidate);
  EXPECT_EQ(hand.core->term(), Term{2});
  for (const std::uint64_t node : {2u, 3u, 4u}) {
    const auto* request = Hand::find<VoteRequest>(output, node);
    ASSERT_NE(request, nullptr) << "with no pre-vote, which those who hear the leader would refuse";
    EXPECT_TRUE(request->transferred);
  }
}

TEST_F(Taking, TakesItFromTheLeaderOnly) {
  hand.from(3, 1, CampaignNow{});
  EXPECT_EQ(hand.core->role(), Role::follower);
  hand.from(2, 0, CampaignNow{});
  EXPECT_EQ(hand.core->role(), Role::follower) << "of a term that is over";
}

TEST_F(Taking, DoesNotTakeItWithoutAVote) {
  Options options = Hand::options();
  options.life = 7;  // it lost what it had promised
  Hand lost(options, {});
  lost.from(2, 1, Heartbeat{});
  lost.from(2, 1, CampaignNow{});
  EXPECT_EQ(lost.core->role(), Role::follower);
}

TEST_F(Taking, AThirdThatHearsTheLeaderVotesForWhomItMakesWayOnly) {
  const EntryId last = hand.core->log().last();
  hand.from(3, 2, VoteRequest{last});
  EXPECT_EQ(Hand::find<VoteResponse>(hand.settle(), 3), nullptr);
  EXPECT_EQ(hand.core->term(), Term{1});
  hand.from(3, 2, VoteRequest{last, /*transferred=*/true});
  const Output output = hand.settle();
  ASSERT_NE(Hand::find<VoteResponse>(output, 3), nullptr);
  EXPECT_TRUE(Hand::find<VoteResponse>(output, 3)->granted);
}

TEST(Removed, ALeaderHandsOnWhatItLedWhenItsRemovalIsCommittedAndNotBefore) {
  // The change that removes node 1 came to it from the leader before it, and was not committed then.
  Configuration without = Hand::options().configuration;
  without.outgoing = without.voters;
  without.voters = {{NodeId{2}, NodeId{3}, NodeId{4}}, 3};
  without.auto_leave = true;
  const Entry removal = following({}, Term{1}, encode(without), EntryKind::configuration);
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {removal}});
  const auto each_says = [&](const Body& body) {
    for (const std::uint64_t voter : {2u, 3u, 4u}) hand.from(voter, hand.term(), body);
  };
  hand.tick(10);
  const Output asked = hand.settle();
  ASSERT_NE(Hand::find<PreVoteRequest>(asked, 2), nullptr);
  each_says(PreVoteResponse{Hand::find<PreVoteRequest>(asked, 2)->campaign, true});
  hand.settle();
  each_says(VoteResponse{true});
  ASSERT_EQ(hand.core->role(), Role::leader) << "by those before and those after";
  hand.settle();
  each_says(Durable{hand.core->log().last()});
  EXPECT_EQ(to_string(hand.core->configuration()), "voters=(2 3 4)");
  EXPECT_EQ(hand.core->role(), Role::leader) << "it alone may hold the entry that says so";
  EXPECT_EQ(Hand::find<CampaignNow>(hand.settle(), 3), nullptr);
  hand.from(3, hand.term(), AppendResponse{AppendOutcome::accepted, hand.core->log().last()});
  each_says(Durable{hand.core->log().last()});
  EXPECT_EQ(hand.core->role(), Role::follower);
  const Output gone = hand.settle();
  EXPECT_NE(Hand::find<CampaignNow>(gone, 2), nullptr) << "or they wait for an election timeout";
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::not_leader);
  hand.tick(100);
  EXPECT_EQ(hand.core->role(), Role::follower) << "it stands for no election any more";
}

}  // namespace
}  // namespace testamur::consensus
