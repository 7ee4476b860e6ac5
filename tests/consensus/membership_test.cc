// Goal: changes of members in single steps, one for each thing that is easily got wrong: when a change may be, when it holds, how
// it is taken back, and how a configuration stands in the log.
#include "hand.h"

namespace testamur::consensus {
namespace {

constexpr Change make(Change::Kind kind, std::uint64_t node) { return {kind, NodeId{node}}; }

Entry configuration_entry(const EntryId& before, Term term, const Configuration& configuration) {
  return following(before, term, encode(configuration), EntryKind::configuration);
}

TEST(Members, NoChangeBeforeAnEntryOfTheOwnTermIsCommitted) {
  Hand hand;
  EXPECT_EQ(hand.change({make(Change::Kind::learner, 5)}).result, ChangeResult::not_leader);
  hand.become_leader();
  EXPECT_EQ(hand.change({make(Change::Kind::learner, 5)}).result, ChangeResult::not_ready);
  hand.all_committed();
  EXPECT_EQ(hand.change({make(Change::Kind::learner, 5)}).result, ChangeResult::accepted);
  EXPECT_EQ(hand.change({make(Change::Kind::learner, 6)}).result, ChangeResult::under_way);
}

TEST(Members, AChangeOfVotersGoesThroughAJointConfigurationAndLeavesIt) {
  Hand hand;
  hand.become_leader();
  hand.all_committed();
  ASSERT_EQ(hand.change({make(Change::Kind::remove, 4)}).result, ChangeResult::accepted);
  EXPECT_TRUE(hand.core->configuration().is_joint());
  EXPECT_TRUE(hand.core->configuration().is_voter(NodeId{4})) << "of the voters before";
  hand.all_committed();
  EXPECT_EQ(to_string(hand.core->configuration()), "voters=(1 2 3)") << "left as soon as it was committed";
  EXPECT_TRUE(hand.core->is_changing()) << "and that is not committed yet";
  hand.all_committed();
  EXPECT_FALSE(hand.core->is_changing());
}

TEST(Members, TheLastVoterAndTheLeaderStay) {
  Hand hand;
  hand.become_leader();
  hand.all_committed();
  using Kind = Change::Kind;
  EXPECT_EQ(
      hand.change({make(Kind::remove, 1), make(Kind::remove, 2), make(Kind::remove, 3), make(Kind::remove, 4)}).result,
      ChangeResult::invalid);
  EXPECT_EQ(hand.change({make(Kind::remove, 1)}).result, ChangeResult::leader);
  EXPECT_EQ(hand.change({make(Kind::learner, 1)}).result, ChangeResult::leader);
}

TEST(Members, AVoterThatNeverAnsweredIsNotCountedOn) {
  Options options = Hand::options();
  options.configuration.voters = {{NodeId{1}}, 1};
  Hand hand(options, {});
  hand.tick(10);
  hand.settle();
  ASSERT_EQ(hand.core->role(), Role::leader);
  hand.settle();
  ASSERT_EQ(hand.change({make(Change::Kind::learner, 2)}).result, ChangeResult::accepted);
  hand.settle();
  ASSERT_FALSE(hand.core->is_changing());
  // Two voters need both: with one that is not there, nothing would ever be committed again, nor the change taken back.
  EXPECT_EQ(hand.change({make(Change::Kind::voter, 2)}).result, ChangeResult::quorum);
  hand.from(2, 1, AppendResponse{AppendOutcome::accepted, hand.core->log().last()});
  EXPECT_EQ(hand.change({make(Change::Kind::voter, 2)}).result, ChangeResult::accepted);
}

TEST(Members, AQuorumOfAnotherSizeIsAChangeOfVoters) {
  Options options = Hand::options();
  options.quorum = [](std::size_t) { return std::size_t{4}; };
  Hand hand(options, {});
  hand.become_leader();
  hand.all_committed();
  hand.from(4, 1, HeartbeatResponse{});
  const Configuration before = hand.core->configuration();
  ASSERT_EQ(hand.change({make(Change::Kind::learner, 5)}).result, ChangeResult::accepted);
  EXPECT_TRUE(may_follow(before, hand.core->configuration())) << "or every follower refuses it";
}

TEST(Members, ATruncatedConfigurationTakesTheOneBeforeBack) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  Configuration learning = hand.core->configuration();
  learning.learners.insert(NodeId{5});
  const Entry change = configuration_entry(a.id, Term{1}, learning);
  hand.from(2, 1, AppendRequest{a.id, {change}});
  EXPECT_TRUE(hand.core->configuration().is_member(NodeId{5})) << "it holds before it is committed";
  hand.settle();
  hand.from(3, 2, AppendRequest{a.id, {hand.entry(2, a.id, payload("b"))}});
  EXPECT_FALSE(hand.core->configuration().is_member(NodeId{5}));
  EXPECT_EQ(hand.core->configuration_index(), Index{0});
}

TEST(Members, ARestartFindsTheConfigurationInTheLog) {
  Configuration learning = Hand::options().configuration;
  learning.learners.insert(NodeId{5});
  const Entry change = configuration_entry({}, Term{1}, learning);
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {change}});
  EXPECT_EQ(hand.core->configuration(), learning) << "committed or not";
  EXPECT_TRUE(hand.core->is_changing());
}

TEST(Members, AConfigurationThatCannotFollowIsRefused) {
  Hand hand;
  Configuration seized;
  seized.voters = {{NodeId{2}}, 1};
  hand.from(2, 1, AppendRequest{{}, {configuration_entry({}, Term{1}, seized)}});
  const Output output = hand.settle();
  EXPECT_EQ(Hand::find<AppendResponse>(output, 2)->outcome, AppendOutcome::refused);
  EXPECT_EQ(hand.core->log().last().index, Index{0});
}

/// What a leader that lies would have the others take for a change of voters, and what they answer.
AppendOutcome answer_to(const Configuration& proposed, const Options& options) {
  Hand hand(options, {});
  hand.from(2, 1, AppendRequest{{}, {configuration_entry({}, Term{1}, proposed)}});
  const Output output = hand.settle();
  const auto* answer = Hand::find<AppendResponse>(output, 2);
  EXPECT_NE(answer, nullptr);
  const bool is_told = answer->outcome == AppendOutcome::refused;
  EXPECT_EQ(output.evidence.size(), is_told ? 1u : 0u) << "it is counted against the leader";
  EXPECT_EQ(hand.core->configuration(), is_told ? options.configuration : proposed);
  return answer->outcome;
}

TEST(Members, OtherVotersWithAnotherThresholdThanAQuorumAreRefused) {
  const Options options = Hand::options();
  const Change five = make(Change::Kind::voter, 5);
  Configuration joint = enter_joint(options.configuration, true, std::span(&five, 1), byzantine_quorum).configuration;
  ASSERT_EQ(joint.voters.threshold, 4u);
  EXPECT_EQ(answer_to(joint, options), AppendOutcome::accepted);
  joint.voters.threshold = 3;  // a majority of five, and with one liar two of them could decide two things
  EXPECT_EQ(answer_to(joint, options), AppendOutcome::refused);
  joint.voters.threshold = 5;  // then one that is silent stops them for good
  EXPECT_EQ(answer_to(joint, options), AppendOutcome::refused);
}

TEST(Members, VotersThatDoNotSuitTheOwnerAreRefusedWhoeverLeads) {
  Options options = Hand::options();
  options.objects = [](const Configuration& configuration) {
    return configuration.is_member(NodeId{99}) ? "nobody knows node 99" : "";
  };
  const auto with = [&](std::uint64_t node) {
    const Change change = make(Change::Kind::voter, node);
    return enter_joint(options.configuration, true, std::span(&change, 1), byzantine_quorum).configuration;
  };
  EXPECT_EQ(answer_to(with(5), options), AppendOutcome::accepted);
  EXPECT_EQ(answer_to(with(99), options), AppendOutcome::refused) << "it would be there to stay";
}

TEST(Members, ALearnerThatOthersCountAsVoterVotes) {
  Options options = Hand::options();
  options.configuration.voters = {{NodeId{2}, NodeId{3}}, 2};
  options.configuration.learners = {NodeId{1}};
  Hand hand(options, {});
  hand.from(2, 1, VoteRequest{EntryId{Term{1}, Index{4}, {}}});
  EXPECT_TRUE(Hand::find<VoteResponse>(hand.settle(), 2)->granted);
}

TEST(Members, ANodeThatLostItsPromisesHasNoVoteUntilItsLifeIsNamed) {
  Options options = Hand::options();
  options.life = 7;
  Hand silent(options, {});
  silent.from(2, 1, VoteRequest{});
  EXPECT_FALSE(Hand::find<VoteResponse>(silent.settle(), 2)->granted);
  silent.tick(100);
  EXPECT_EQ(silent.core->role(), Role::follower);
  options.configuration.lives[NodeId{1}] = 7;
  Hand named(options, {});
  named.from(2, 1, VoteRequest{});
  EXPECT_TRUE(Hand::find<VoteResponse>(named.settle(), 2)->granted);
}

TEST(Members, WhileTheLogHasAHoleNobodyBehindIsElected) {
  const Entry a = following({}, Term{1}, payload("a"));
  const Entry b = following(a.id, Term{1}, payload("b"));
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {a}, {}, {}, {}, b.id});
  hand.tick(100);
  EXPECT_EQ(hand.core->role(), Role::follower) << "it does not ask either";
  hand.from(2, 2, VoteRequest{a.id});
  EXPECT_FALSE(Hand::find<VoteResponse>(hand.settle(), 2)->granted);
  hand.from(2, 3, VoteRequest{b.id});
  EXPECT_TRUE(Hand::find<VoteResponse>(hand.settle(), 2)->granted);
}

TEST(Members, WhatWasCountedCountsAgainOnceTheHoleIsMended) {
  const Entry a = following({}, Term{1}, payload("a"));
  const Entry b = following(a.id, Term{1}, payload("b"));
  const Entry c = following(b.id, Term{1}, payload("c"));
  const Claim claimed{Index{2}, 2, b.id.hash};
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {a}, claimed, {}, {}, c.id});
  EXPECT_EQ(hand.core->committed(), Index{1}) << "no more than the log has";
  hand.from(2, 1, AppendRequest{a.id, {b}});
  hand.settle();
  EXPECT_EQ(hand.core->committed(), Index{1}) << "it may be any story so far";
  hand.from(2, 1, AppendRequest{b.id, {c}});
  EXPECT_EQ(hand.core->committed(), Index{1}) << "it is not on disk";
  hand.settle();
  EXPECT_EQ(hand.core->committed(), Index{2}) << "the hash says that it is what was there";
  // A leader that lies would have it forget.
  hand.from(3, 2, AppendRequest{a.id, {hand.entry(2, a.id, payload("another b"))}});
  EXPECT_EQ(hand.settle().evidence.size(), 1u);
  EXPECT_TRUE(hand.core->log().holds(c.id));
}

TEST(Members, TheHoleIsNotMendedByALogThatEndsBeforeWhatWasCounted) {
  const Entry a = following({}, Term{1}, payload("a"));
  const Entry b = following(a.id, Term{1}, payload("b"));
  const Claim claimed{Index{2}, 2, b.id.hash};
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {}, claimed, {}, {}, b.id});
  std::vector<Entry> written;
  std::optional<EntryId> floor;
  const auto settle = [&] {
    const Output output = hand.take();
    if (!output.write) return;
    written.insert(written.end(), output.write->entries.begin(), output.write->entries.end());
    if (output.write->floor) floor = output.write->floor;
    hand.core->persisted(output.write->sequence);
  };
  // A leader that lies. With its log, and nothing that says that a part is missing, this node could not start again.
  const Entry other = hand.entry(2, {}, payload("other"));
  hand.from(3, 2, AppendRequest{{}, {other}});
  settle();
  settle();
  EXPECT_EQ(floor, b.id);
  Hand again(Restart{{Term{2}, std::nullopt}, {}, written, claimed, {}, {}, floor});
  EXPECT_EQ(again.core->committed(), Index{1});
  // What others have in its place, counted by this node itself, mends it as well.
  const Entry more = hand.entry(2, other.id, payload("more"));
  hand.from(3, 2, AppendRequest{other.id, {more}});
  settle();
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 2, Durable{more.id});
  EXPECT_EQ(hand.core->committed(), Index{2});
  hand.from(3, 2, AppendRequest{more.id, {hand.entry(2, more.id, payload("still more"))}});
  settle();
  settle();
  EXPECT_EQ(floor, EntryId{});
}

Configuration with_all_parts() {
  Configuration all;
  all.voters = {{NodeId{1}, NodeId{2}, NodeId{5}}, 2};
  all.outgoing = {{NodeId{1}, NodeId{3}}, 2};
  all.learners = {NodeId{4}};
  all.learners_next = {NodeId{3}};
  all.rising = {NodeId{4}};
  all.lives = {{NodeId{3}, 9}, {NodeId{5}, 1}};
  all.auto_leave = true;
  return all;
}

TEST(ConfigurationBytes, ComeBackAndAreTheOnlyOnes) {
  const Payload bytes = encode(with_all_parts());
  EXPECT_EQ(decode_configuration(*bytes), with_all_parts());
  for (std::size_t size = 0; size < bytes->size(); ++size)
    EXPECT_EQ(decode_configuration(std::span(*bytes).first(size)), std::nullopt) << size;
  std::vector<std::uint8_t> changed = *bytes;
  changed.push_back(0);
  EXPECT_EQ(decode_configuration(changed), std::nullopt) << "bytes after it";
  // No byte may be another without being refused or meaning something else.
  for (std::size_t at = 0; at < bytes->size(); ++at) {
    for (int other = 0; other < 256; ++other) {
      changed = *bytes;
      if (changed[at] == other) continue;
      changed[at] = static_cast<std::uint8_t>(other);
      const auto read = decode_configuration(changed);
      if (!read) continue;
      EXPECT_NE(*read, with_all_parts()) << at;
      EXPECT_EQ(*encode(*read), changed) << at;
    }
  }
}

TEST(ConfigurationBytes, WhatIsTooLargeToBeReadIsNoConfiguration) {
  Configuration large = with_all_parts();
  for (std::uint64_t node = 10; large.learners.size() < 1024; ++node) large.learners.insert(NodeId{node});
  EXPECT_EQ(what_is_wrong(large), "");
  EXPECT_EQ(decode_configuration(*encode(large)), large);
  large.learners.insert(NodeId{99999});
  EXPECT_EQ(decode_configuration(*encode(large)), std::nullopt);
  EXPECT_NE(what_is_wrong(large), "") << "or a leader writes what no node, nor itself after a restart, can read";
}

}  // namespace
}  // namespace testamur::consensus
