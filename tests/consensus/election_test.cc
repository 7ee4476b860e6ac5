// Goal: elections in single steps: who may be voted for, when a vote counts, who is drawn in, who steps down.
#include "hand.h"

namespace testamur::consensus {
namespace {

TEST(Election, AVoteIsOnDiskBeforeItIsSaid) {
  Hand hand;
  hand.from(2, 5, VoteRequest{EntryId{Term{4}, Index{9}, {}}});
  const Output output = hand.take();
  EXPECT_EQ(Hand::find<VoteResponse>(output, 2), nullptr);
  ASSERT_TRUE(output.write && output.write->state);
  EXPECT_EQ(*output.write->state, (HardState{Term{5}, NodeId{2}}));
  hand.core->persisted(output.write->sequence);
  const Output after = hand.take();
  ASSERT_NE(Hand::find<VoteResponse>(after, 2), nullptr);
  EXPECT_TRUE(Hand::find<VoteResponse>(after, 2)->granted);
}

TEST(Election, OneVoteATermAlsoAfterSteppingDownWithinIt) {
  Hand hand;
  hand.from(2, 5, VoteRequest{EntryId{Term{4}, Index{9}, {}}});
  hand.settle();
  hand.from(3, 5, VoteRequest{EntryId{Term{4}, Index{9}, {}}});
  EXPECT_FALSE(Hand::find<VoteResponse>(hand.settle(), 3)->granted);
  // A heartbeat of the same term, and the leader's silence after, do not free the vote.
  hand.from(2, 5, Heartbeat{});
  hand.tick(30);
  hand.settle();
  hand.from(3, 5, VoteRequest{EntryId{Term{4}, Index{9}, {}}});
  EXPECT_FALSE(Hand::find<VoteResponse>(hand.settle(), 3)->granted);
  EXPECT_EQ(hand.core->state().vote, NodeId{2});
}

TEST(Election, NoVoteForALogThatLacksSomething) {
  const Entry first = Hand{}.entry(3, {}, payload("a"));
  Hand hand(Restart{{Term{3}, std::nullopt}, {}, {first}, std::nullopt});
  hand.from(2, 4, VoteRequest{EntryId{Term{2}, Index{9}, {}}});
  EXPECT_FALSE(Hand::find<VoteResponse>(hand.settle(), 2)->granted) << "longer, of an older term";
  hand.from(3, 4, VoteRequest{EntryId{}});
  EXPECT_FALSE(Hand::find<VoteResponse>(hand.settle(), 3)->granted);
  hand.from(4, 4, VoteRequest{first.id});
  EXPECT_TRUE(Hand::find<VoteResponse>(hand.settle(), 4)->granted);
}

TEST(Election, PreVotesAskForTheLogAndForSilence) {
  const Entry first = Hand{}.entry(3, {}, payload("a"));
  Hand hand(Restart{{Term{3}, std::nullopt}, {}, {first}, std::nullopt});
  const auto granted = [&](EntryId last, std::uint64_t campaign) {
    hand.from(2, 3, PreVoteRequest{campaign, last});
    const Output output = hand.settle();
    const auto* response = Hand::find<PreVoteResponse>(output, 2);
    EXPECT_EQ(response->campaign, campaign);
    return response->granted;
  };
  EXPECT_TRUE(granted(first.id, 1));
  EXPECT_FALSE(granted(EntryId{}, 2)) << "its log lacks an entry";
  hand.from(3, 3, Heartbeat{});
  EXPECT_FALSE(granted(first.id, 3)) << "we hear a leader";
  hand.tick(10);
  EXPECT_TRUE(granted(first.id, 4));
  EXPECT_EQ(hand.term(), 3u) << "asking changes no term";
}

TEST(Election, AStalePreVoteCountsForNothing) {
  Hand hand;
  hand.tick(10);
  const auto first = Hand::find<PreVoteRequest>(hand.settle(), 2)->campaign;
  hand.tick(10);
  hand.settle();
  hand.from(2, 0, PreVoteResponse{first, true});
  hand.from(3, 0, PreVoteResponse{first, true});
  EXPECT_EQ(hand.core->role(), Role::pre_candidate);
}

// Three of four decide, and the leader that is gone never answers: one refusal leaves it open for ever.
TEST(Election, ARefusalBringsTheNextTryNear) {
  Hand hand;
  hand.tick(10);
  const auto first = Hand::find<PreVoteRequest>(hand.settle(), 2)->campaign;
  hand.from(2, 0, PreVoteResponse{first, false});
  hand.tick();
  const Output second = hand.settle();
  ASSERT_NE(Hand::find<PreVoteRequest>(second, 2), nullptr) << "the shortest draw is a tick";
  const auto campaign = Hand::find<PreVoteRequest>(second, 2)->campaign;
  EXPECT_NE(campaign, first);
  hand.from(2, 0, PreVoteResponse{campaign, true});
  hand.from(3, 0, PreVoteResponse{campaign, true});
  hand.settle();
  ASSERT_EQ(hand.core->role(), Role::candidate);
  hand.from(2, 1, VoteResponse{false});
  hand.tick();
  EXPECT_NE(Hand::find<PreVoteRequest>(hand.settle(), 3), nullptr) << "a rival may have had the vote";
}

TEST(Election, TheOwnVoteCountsWhenItIsOnDisk) {
  Hand hand;
  hand.tick(10);
  const auto campaign = Hand::find<PreVoteRequest>(hand.settle(), 2)->campaign;
  hand.from(2, 0, PreVoteResponse{campaign, true});
  hand.from(3, 0, PreVoteResponse{campaign, true});
  ASSERT_EQ(hand.core->role(), Role::candidate);
  const Output output = hand.take();
  EXPECT_EQ(Hand::find<VoteRequest>(output, 2), nullptr) << "not before the vote for itself is on disk";
  hand.from(2, 1, VoteResponse{true});
  hand.from(3, 1, VoteResponse{true});
  EXPECT_EQ(hand.core->role(), Role::candidate) << "three, but its own is not on disk";
  hand.core->persisted(output.write->sequence);
  EXPECT_EQ(hand.core->role(), Role::leader);
}

TEST(Election, AnEarlierWriteThatEndsDoesNotMakeTheOwnVoteDurable) {
  Hand hand;
  hand.from(2, 1, AppendRequest{{}, {hand.entry(1, {}, payload("a"))}});
  const Output append = hand.take();
  ASSERT_TRUE(append.write) << "and it stays under way";
  hand.tick(10);
  const auto campaign = Hand::find<PreVoteRequest>(hand.take(), 3)->campaign;
  hand.from(3, 1, PreVoteResponse{campaign, true});
  hand.from(4, 1, PreVoteResponse{campaign, true});
  ASSERT_EQ(hand.core->role(), Role::candidate);
  const Output vote = hand.take();
  hand.from(3, 2, VoteResponse{true});
  hand.from(4, 2, VoteResponse{true});
  hand.core->persisted(append.write->sequence);
  EXPECT_EQ(hand.core->role(), Role::candidate);
  hand.core->persisted(vote.write->sequence);
  EXPECT_EQ(hand.core->role(), Role::leader);
}

TEST(Election, ALeaderWithoutItsQuorumStepsDown) {
  Hand hand;
  hand.become_leader();
  hand.from(2, 1, HeartbeatResponse{});
  hand.from(3, 1, HeartbeatResponse{});
  hand.tick(10);
  EXPECT_EQ(hand.core->role(), Role::leader);
  hand.from(2, 1, HeartbeatResponse{});
  hand.tick(10);
  EXPECT_EQ(hand.core->role(), Role::follower) << "two of four are not three";
}

TEST(Election, ALeaderWhoseConnectionEndsIsNotWaitedFor) {
  Hand hand;
  hand.from(2, 1, Heartbeat{});
  hand.settle();
  hand.core->disconnected(NodeId{3});
  EXPECT_EQ(hand.core->leader(), NodeId{2}) << "another's says nothing of the leader";
  hand.core->disconnected(NodeId{2});
  EXPECT_EQ(hand.core->leader(), std::nullopt);
  hand.from(3, 1, PreVoteRequest{7, {}});
  EXPECT_TRUE(Hand::find<PreVoteResponse>(hand.settle(), 3)->granted) << "it hears no leader";
  hand.tick();
  EXPECT_EQ(hand.core->role(), Role::follower) << "one that lives has the time to be heard";
  hand.tick();
  EXPECT_EQ(hand.core->role(), Role::pre_candidate);
  EXPECT_EQ(hand.term(), 1u) << "the others are asked first";
}

TEST(Election, ALeaderThatIsHeardAfterItsConnectionEndedStaysLeader) {
  Hand hand;
  hand.from(2, 1, Heartbeat{});
  hand.core->disconnected(NodeId{2});
  hand.tick();
  hand.from(2, 1, Heartbeat{});
  hand.settle();
  EXPECT_EQ(hand.core->leader(), NodeId{2});
  hand.from(3, 1, PreVoteRequest{7, {}});
  EXPECT_FALSE(Hand::find<PreVoteResponse>(hand.settle(), 3)->granted);
  hand.from(3, 9, VoteRequest{EntryId{Term{8}, Index{99}, {}}});
  EXPECT_EQ(hand.term(), 1u) << "as before, nobody who hears a leader is drawn in";
  hand.tick(9);
  EXPECT_EQ(hand.core->role(), Role::follower) << "a whole timeout again";
}

TEST(Election, AConnectionThatEndsChangesNothingForALeaderOrACandidate) {
  Hand hand;
  hand.become_leader();
  hand.core->disconnected(NodeId{2});
  EXPECT_EQ(hand.core->role(), Role::leader);
  Hand candidate;
  candidate.tick(10);
  candidate.core->disconnected(NodeId{2});
  EXPECT_EQ(candidate.core->role(), Role::pre_candidate);
}

TEST(Election, OneThatIsLostIsTriedAgainSoon) {
  Hand hand;
  hand.tick(10);
  const Output asked = hand.settle();
  const std::uint64_t campaign = Hand::find<PreVoteRequest>(asked, 2)->campaign;
  hand.from(2, 0, PreVoteResponse{campaign, false});
  hand.from(3, 0, PreVoteResponse{campaign, false});
  EXPECT_EQ(hand.core->role(), Role::follower);
  hand.tick();
  EXPECT_EQ(hand.core->role(), Role::pre_candidate);
}

TEST(Election, ALeaderOfAnOldTermIsToldSo) {
  Hand hand(Restart{{Term{7}, std::nullopt}, {}, {}, std::nullopt});
  hand.from(2, 5, Heartbeat{});
  const Output output = hand.settle();
  ASSERT_NE(Hand::find<AppendResponse>(output, 2), nullptr);
  EXPECT_EQ(Hand::find<AppendResponse>(output, 2)->outcome, AppendOutcome::stale);
  EXPECT_EQ(output.messages[0].term, Term{7});
}

TEST(Election, NobodyWhoHearsALeaderIsDrawnIntoAnElection) {
  Hand hand;
  hand.from(2, 1, Heartbeat{});
  hand.settle();
  hand.from(3, 9, VoteRequest{EntryId{Term{8}, Index{99}, {}}});
  EXPECT_EQ(hand.term(), 1u);
  EXPECT_EQ(hand.core->leader(), NodeId{2});
}

TEST(Terms, AreNotUsedUpByOneMessage) {
  Hand hand;
  hand.from(2, UINT64_MAX, HeartbeatResponse{});
  EXPECT_EQ(hand.term(), 0u);
  hand.from(2, 1000, HeartbeatResponse{});
  EXPECT_EQ(hand.term(), 1000u);
}

TEST(Election, AVoterThatALeaderCannotReachDoesNotKeepItLeading) {
  Hand hand;
  hand.become_leader();
  hand.settle();
  for (int i = 0; i < 20; ++i) {
    hand.from(2, 1, HeartbeatResponse{});
    for (const std::uint64_t voter : {3u, 4u}) hand.from(voter, 1, Durable{hand.core->log().last()});
    hand.tick();
  }
  EXPECT_NE(hand.core->role(), Role::leader) << "3 and 4 speak, but answer nothing";
}

TEST(Election, AVoterOfALowerTermAnswersAPreVote) {
  Hand hand(Restart{{Term{7}, std::nullopt}, {}, {}, std::nullopt});
  hand.tick(10);
  const auto campaign = Hand::find<PreVoteRequest>(hand.settle(), 2)->campaign;
  hand.from(2, 5, PreVoteResponse{campaign, true});
  hand.from(3, 6, PreVoteResponse{campaign, true});
  EXPECT_EQ(hand.core->role(), Role::candidate);
}

TEST(Learners, NeverLead) {
  Options options;
  options.self = NodeId{1};
  options.configuration.voters = {{NodeId{1}, NodeId{2}}, 2};
  options.configuration.learners = {NodeId{9}};
  options.hash = some_hash;
  options.random = [] { return 0; };
  Core core(std::move(options), {});
  core.step({NodeId{9}, NodeId{1}, Term{0}, Heartbeat{}});
  EXPECT_EQ(core.leader(), std::nullopt);
}

TEST(Strangers, ChangeNothing) {
  Hand hand;
  const HardState before = hand.core->state();
  for (const std::uint64_t stranger : {0u, 1u, 9u}) {
    hand.from(stranger, 99, Heartbeat{});
    hand.from(stranger, 99, VoteRequest{EntryId{Term{98}, Index{9}, {}}});
    hand.from(stranger, 99, Durable{EntryId{Term{99}, Index{9}, {}}});
    hand.from(stranger, 99, AppendRequest{{}, {hand.entry(99, {}, payload("a"))}});
  }
  EXPECT_EQ(hand.core->state(), before);
  const Output output = hand.take();
  EXPECT_TRUE(output.messages.empty() && !output.write);
}

TEST(Removed, OneIsHeardAgainOnceTheNewestConfigurationNamesIt) {
  Configuration without;
  without.voters = {{NodeId{1}, NodeId{2}, NodeId{3}}, 2};
  Configuration again = without;
  again.learners.insert(NodeId{4});
  const Entry removed = following({}, Term{1}, encode(without), EntryKind::configuration);
  const Entry added = following(removed.id, Term{1}, encode(again), EntryKind::configuration);
  // The removal is committed. What came since may be in nobody's log but the new leader's, who was the one removed.
  Options options = Hand::options();
  options.known = {NodeId{4}};
  Hand evicted(options, Restart{{Term{1}, std::nullopt}, {}, {removed}, Claim{Index{1}, 1, {}}});
  evicted.from(4, 5, Heartbeat{});
  EXPECT_EQ(evicted.term(), 1u);
  Hand hand(options, Restart{{Term{1}, std::nullopt}, {}, {removed, added}, Claim{Index{1}, 1, {}}});
  hand.core->step({NodeId{4}, NodeId{1}, Term{5}, Behind{{Term{4}, Index{9}, {}}}});
  EXPECT_EQ(hand.settle().behind, NodeId{4});
}

// One voter of three may lack the re-adding, in a term without a leader, and be the one whose vote is needed.
TEST(Removed, OneIsVotedForWhileVotersHoldWhatIsMissingHere) {
  Configuration without;
  without.voters = {{NodeId{1}, NodeId{2}, NodeId{3}}, 2};
  const Entry removed = following({}, Term{1}, encode(without), EntryKind::configuration);
  Options options = Hand::options();
  options.known = {NodeId{4}};
  Hand hand(options, Restart{{Term{1}, std::nullopt}, {}, {removed}, Claim{Index{1}, 1, {}}});
  const EntryId further{Term{1}, Index{5}, {}};
  hand.from(4, 2, VoteRequest{further});
  EXPECT_EQ(Hand::find<VoteResponse>(hand.settle(), 4), nullptr) << "it was removed, by all that is known here";
  EXPECT_EQ(hand.term(), 1u);
  hand.from(2, 1, PreVoteRequest{1, further});
  hand.settle();
  hand.from(4, 2, VoteRequest{further});
  const Output output = hand.settle();
  ASSERT_NE(Hand::find<VoteResponse>(output, 4), nullptr);
  EXPECT_TRUE(Hand::find<VoteResponse>(output, 4)->granted);
  hand.from(4, 2, Heartbeat{});
  EXPECT_NE(hand.core->leader(), NodeId{4}) << "nobody known says yet that it follows it";
}

TEST(Removed, OneIsFollowedWhenMoreThanMayLieAreAheadInItsTerm) {
  Configuration without;
  without.voters = {{NodeId{1}, NodeId{2}, NodeId{3}}, 2};
  const Entry removed = following({}, Term{1}, encode(without), EntryKind::configuration);
  Options options = Hand::options();
  for (std::uint64_t node = 1; node <= 7; ++node) options.known.insert(NodeId{node});  // of whom two may lie
  Hand hand(options, Restart{{Term{1}, std::nullopt}, {}, {removed}, Claim{Index{1}, 1, {}}});
  const auto announces = [&](std::uint64_t node, std::uint64_t term) {
    hand.from(node, term, Durable{{Term{term}, Index{9}, {}}});
    hand.from(4, 5, Heartbeat{});
  };
  announces(4, 5);
  announces(5, 5);
  announces(5, 5);   // twice is once
  announces(6, 4);   // of another term
  announces(99, 5);  // nobody knows it
  hand.from(7, 5, Durable{removed.id});
  hand.from(4, 5, Heartbeat{});
  EXPECT_EQ(hand.core->leader(), std::nullopt);
  EXPECT_EQ(hand.term(), 1u);
  announces(6, 5);
  EXPECT_EQ(hand.core->leader(), NodeId{4});
  EXPECT_EQ(hand.term(), 5u);
}

}  // namespace
}  // namespace testamur::consensus
