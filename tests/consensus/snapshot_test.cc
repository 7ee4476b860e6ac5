// Goal: a node that goes on from a snapshot says nothing that its disk does not hold, whatever was under way. Method: a core, by hand.
#include "hand.h"

namespace testamur::consensus {
namespace {

bool acknowledges(const Output& output, Index index) {
  return std::any_of(output.messages.begin(), output.messages.end(), [&](const Message& message) {
    const auto* answer = std::get_if<AppendResponse>(&message.body);
    return answer != nullptr && answer->outcome == AppendOutcome::accepted && answer->at.index == index;
  });
}

TEST(Snapshots, WhatGoesWithTheLogIsNotAcknowledged) {
  Hand hand;
  const Entry a = hand.entry(1, {}, payload("a"));
  const Entry b = hand.entry(1, a.id, payload("b"));
  const Entry c = hand.entry(1, b.id, payload("c"));
  hand.from(2, 1, AppendRequest{{}, {a, b, c}});
  const Output appended = hand.take();
  const Configuration members = hand.core->configuration();
  ASSERT_TRUE(hand.core->install({b.id, members, {b.id.index, 2, b.id.hash}}));
  const Output installed = hand.take();
  ASSERT_TRUE(installed.write && installed.write->begins);
  // A disk may have both writes done at once, and then does not hold the last entry any more.
  hand.core->persisted(appended.write->sequence);
  EXPECT_FALSE(acknowledges(hand.take(), c.id.index));
  hand.core->persisted(installed.write->sequence);
  EXPECT_TRUE(acknowledges(hand.take(), b.id.index)) << "the leader goes on from what was installed";
}

TEST(Snapshots, WhatWasAnnouncedOfAChainThatGoesCountsNoMore) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  const Entry b = hand.entry(1, a.id, payload("b"));
  hand.from(2, 1, AppendRequest{a.id, {b}});
  hand.settle();
  hand.from(2, 1, Durable{b.id});
  // The certified story is another, of the same term.
  const Entry other_a = hand.entry(1, {}, payload("other a"));
  ASSERT_TRUE(hand.core->install({other_a.id, hand.core->configuration(), {Index{1}, 1, other_a.id.hash}}));
  const Entry other_b = hand.entry(1, other_a.id, payload("other b"));
  hand.from(2, 1, AppendRequest{other_a.id, {other_b}});
  hand.settle();
  hand.from(3, 1, Durable{other_b.id});
  EXPECT_EQ(hand.core->committed(), Index{1}) << "voter 2 announced an entry that is gone here";
  hand.from(4, 1, Durable{other_b.id});
  EXPECT_EQ(hand.core->committed(), Index{2});
}

/// Node 1 has counted and applied two entries, and claimed a head of each.
class CountedOtherwise : public ::testing::Test {
 protected:
  CountedOtherwise() {
    hand.from(2, 1, AppendRequest{{}, {a, b}});
    hand.settle();
    for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{b.id});
    hand.settle();
    EXPECT_EQ(hand.core->committed(), Index{2});
    hand.core->derived(head(1, 1, "A1"));
    hand.core->derived(head(2, 2, "A2"));
    hand.settle();
  }
  static Claim head(std::uint64_t index, std::uint64_t height, std::string_view name) {
    Claim claim{Index{index}, height, {}};
    std::copy(name.begin(), name.end(), claim.head.begin());
    return claim;
  }
  Snapshot snapshot(const EntryId& last, const Claim& claim) const { return {last, hand.core->configuration(), claim}; }

  Hand hand;
  const Entry a = following({}, Term{1}, payload("a"));
  const Entry b = following(a.id, Term{1}, payload("b"));
  const Entry other_a = following({}, Term{1}, payload("other a"));
  const Entry other_b = following(other_a.id, Term{1}, payload("other b"));
};

TEST_F(CountedOtherwise, IsKeptAsEvidenceAndReplacedInOneWrite) {
  ASSERT_TRUE(hand.core->install(snapshot(other_a.id, head(1, 1, "B1"))));
  const Output output = hand.take();
  ASSERT_EQ(output.evidence.size(), 2u) << "the entries, and the heads";
  EXPECT_EQ(output.evidence[0].mine, a.id);
  EXPECT_EQ(output.evidence[0].theirs, other_a.id);
  EXPECT_EQ(output.evidence[0].from, NodeId{2}) << "who led";
  EXPECT_EQ(output.evidence[1].mine.hash, head(1, 1, "A1").head);
  EXPECT_EQ(output.evidence[1].theirs.hash, head(1, 1, "B1").head);
  ASSERT_TRUE(output.write);
  EXPECT_TRUE(output.write->begins);
  EXPECT_EQ(output.write->base->id, other_a.id);
  EXPECT_EQ(output.write->claim, head(1, 1, "B1"))
      << "the claim moves back with the log, or a restart would stand by it";
  hand.core->persisted(output.write->sequence);
  hand.take();
  EXPECT_EQ(hand.core->committed(), Index{1});
  // And it follows: what comes next is derived as the others derive it, though this node once claimed otherwise.
  hand.from(2, 1, AppendRequest{other_a.id, {other_b}});
  hand.settle();
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{other_b.id});
  EXPECT_EQ(hand.settle().committed.size(), 1u);
  hand.core->derived(head(2, 2, "B2"));
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Derived{head(2, 2, "B2")});
  EXPECT_EQ(hand.settle().agreed, head(2, 2, "B2"));
}

TEST_F(CountedOtherwise, IsKeptAsEvidenceAlsoWhereTheLogDoesNotReach) {
  // Certified at index 5 is a height that this node claimed at index 1 or 2: not of what its log holds.
  const EntryId far{Term{1}, Index{5}, other_b.id.hash};
  ASSERT_TRUE(hand.core->install(snapshot(far, head(5, 1, "B1"))));
  const Output output = hand.settle();
  ASSERT_EQ(output.evidence.size(), 1u);
  EXPECT_EQ(output.evidence[0].mine.hash, head(1, 1, "A1").head);
  const Entry next = following(far, Term{1}, payload("next"));
  hand.from(2, 1, AppendRequest{far, {next}});
  hand.settle();
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{next.id});
  hand.settle();
  hand.core->derived(head(6, 2, "B2"));  // stood it by its claim of this height, it would stop
  const Output claimed = hand.settle();
  ASSERT_TRUE(claimed.write);
  EXPECT_EQ(claimed.write->claim, head(6, 2, "B2"));
}

TEST_F(CountedOtherwise, IsNotForgottenInARestart) {
  // What it derived is not in memory yet, but its claim is.
  Hand again(Restart{{Term{1}, std::nullopt}, {}, {a, b}, head(2, 2, "A2")});
  const EntryId far{Term{1}, Index{5}, other_b.id.hash};
  ASSERT_TRUE(again.core->install(snapshot(far, head(5, 1, "B1"))));
  EXPECT_EQ(again.settle().evidence.size(), 1u);
}

TEST_F(CountedOtherwise, OfTheSameEntriesIsRefused) {
  EXPECT_FALSE(hand.core->install(snapshot(b.id, head(2, 2, "B2"))));
  EXPECT_FALSE(hand.core->install(snapshot(b.id, head(2, 2, "B2"))));
  const Output output = hand.settle();
  ASSERT_EQ(output.evidence.size(), 1u) << "told once";
  EXPECT_EQ(output.evidence[0].mine.hash, head(2, 2, "A2").head);
  EXPECT_EQ(output.write, std::nullopt);
  EXPECT_TRUE(hand.core->log().holds(b.id));
  EXPECT_EQ(hand.core->committed(), Index{2});
}

TEST_F(CountedOtherwise, WhatIsTheSameOrOlderChangesNothing) {
  EXPECT_FALSE(hand.core->install(snapshot(b.id, head(2, 2, "A2"))));
  EXPECT_FALSE(hand.core->install(snapshot(a.id, head(1, 1, "A1"))));
  const Output output = hand.settle();
  EXPECT_TRUE(output.evidence.empty());
  EXPECT_EQ(output.write, std::nullopt);
}

TEST_F(CountedOtherwise, ByVotersOfAnotherThresholdIsNotTaken) {
  Snapshot seized = snapshot({Term{1}, Index{5}, other_b.id.hash}, head(5, 5, "B5"));
  seized.configuration.voters.nodes = {NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}, NodeId{5}};
  seized.configuration.voters.threshold = 3;
  EXPECT_FALSE(hand.core->install(seized)) << "no hash vouches for who the members are";
  seized.configuration.voters.nodes = {NodeId{1}, NodeId{2}};
  seized.configuration.voters.threshold = 2;
  EXPECT_TRUE(hand.core->install(seized)) << "two of two are a quorum";
}

TEST_F(CountedOtherwise, ByVotersThatTheOwnerObjectsToIsNotTaken) {
  Options options = Hand::options();
  options.objects = [](const Configuration& members) { return members.voters.nodes.size() < 3 ? "too few" : ""; };
  Hand again(std::move(options), Restart{{Term{1}, std::nullopt}, {}, {a, b}, head(2, 2, "A2")});
  Snapshot seized = snapshot({Term{1}, Index{5}, other_b.id.hash}, head(5, 5, "B5"));
  seized.configuration.voters = {{NodeId{1}, NodeId{2}}, 2};
  EXPECT_FALSE(again.core->install(seized));
}

TEST_F(CountedOtherwise, OfATermThatNobodyIsInIsNotTaken) {
  EXPECT_FALSE(hand.core->install(snapshot({Term{2}, Index{5}, other_b.id.hash}, head(5, 5, "B5"))));
}

TEST_F(CountedOtherwise, EndsALeadershipThatRestsOnIt) {
  hand.become_leader();
  EXPECT_FALSE(hand.core->install(snapshot({Term{1}, Index{5}, other_b.id.hash}, head(5, 5, "B5"))));
  EXPECT_EQ(hand.core->role(), Role::leader) << "a leader that nothing contradicts has no use for a snapshot";
  ASSERT_TRUE(hand.core->install(snapshot(other_b.id, head(2, 2, "B2"))));
  EXPECT_EQ(hand.core->role(), Role::follower);
  EXPECT_EQ(hand.core->log().last(), other_b.id);
}

}  // namespace
}  // namespace testamur::consensus
