// Goal: the core's behaviour in single steps, one for each thing that is easily got wrong: appends, commits, claims, what a leader
// does. Whole runs are the simulation's.
#include "hand.h"

namespace testamur::consensus {
namespace {

TEST(Commit, TakesTheThresholdThisNodeAmongThem) {
  Hand hand;
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.from(2, 1, Durable{a.id});
  hand.from(3, 1, Durable{a.id});
  hand.from(4, 1, Durable{a.id});
  EXPECT_TRUE(hand.take().committed.empty()) << "three voters have it, and this one has not yet";
  hand.core->persisted(1);
  const Output output = hand.settle();
  ASSERT_EQ(output.committed.size(), 1u);
  EXPECT_EQ(output.committed[0].id, a.id);
  ASSERT_NE(Hand::find<Durable>(output, 4), nullptr);
  EXPECT_EQ(Hand::find<Durable>(output, 4)->last, a.id);
}

TEST(Commit, TwoOfFourAreNotEnough) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  hand.from(2, 1, Durable{a.id});
  EXPECT_TRUE(hand.settle().committed.empty());
  hand.from(2, 1, Durable{a.id});
  EXPECT_TRUE(hand.settle().committed.empty()) << "the same one twice is one";
  hand.from(3, 1, Durable{a.id});
  EXPECT_EQ(hand.settle().committed.size(), 1u);
}

TEST(Commit, AnEntryOfAnOldTermIsNotCommittedByCounting) {
  // Raft figure 8: everybody has the entry of term 1, and the term is 3. Only an entry of term 3 commits it.
  const Entry a = Hand{}.entry(1, {}, payload("a"));
  Hand hand(Restart{{Term{3}, std::nullopt}, {}, {a}, std::nullopt});
  for (const std::uint64_t voter : {2u, 3u, 4u}) hand.from(voter, 3, Durable{a.id});
  EXPECT_TRUE(hand.settle().committed.empty());
  const Entry b = hand.entry(3, a.id, nullptr);
  hand.from(2, 3, AppendRequest{a.id, {b}});
  hand.settle();
  hand.from(2, 3, Durable{b.id});
  hand.from(3, 3, Durable{b.id});
  EXPECT_EQ(hand.settle().committed.size(), 2u);
}

TEST(Commit, AnnouncementsOfDifferentTermsAreNeverAdded) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  hand.from(2, 1, Durable{a.id});
  hand.from(3, 2, Durable{EntryId{Term{2}, Index{1}, {}}});
  EXPECT_TRUE(hand.settle().committed.empty());
  EXPECT_EQ(hand.term(), 2u);
  hand.from(4, 1, Durable{a.id});
  EXPECT_TRUE(hand.settle().committed.empty()) << "term 1 is over here";
}

TEST(Commit, AnAnnouncementAheadCountsOnceWeAreThere) {
  Hand hand;
  const Entry a = hand.entry(1, {}, payload("a"));
  const Entry b = hand.entry(1, a.id, payload("b"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
  hand.from(2, 1, Durable{b.id});
  hand.from(3, 1, Durable{b.id});
  EXPECT_TRUE(hand.settle().committed.empty()) << "whether b follows our a is not known yet";
  hand.from(2, 1, AppendRequest{a.id, {b}});
  EXPECT_EQ(hand.settle().committed.size(), 2u);
}

TEST(Append, AnswersRestOnTheWrite) {
  Hand hand;
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  const Output output = hand.take();
  EXPECT_EQ(Hand::find<AppendResponse>(output, 2), nullptr);
  ASSERT_TRUE(output.write);
  hand.from(2, 1, AppendRequest{{}, {a}});
  EXPECT_EQ(Hand::find<AppendResponse>(hand.take(), 2), nullptr) << "nor when it is sent again meanwhile";
  hand.core->persisted(output.write->sequence);
  const Output after = hand.take();
  ASSERT_NE(Hand::find<AppendResponse>(after, 2), nullptr);
  EXPECT_EQ(Hand::find<AppendResponse>(after, 2)->at, a.id);
}

TEST(Append, HeartbeatsAreAnsweredWhileTheDiskStalls) {
  Hand hand;
  hand.from(2, 1, Heartbeat{});
  hand.settle();
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.take();  // the write is under way and does not end
  hand.from(2, 1, Heartbeat{});
  EXPECT_NE(Hand::find<HeartbeatResponse>(hand.take(), 2), nullptr);
}

TEST(Append, TwoEntriesOfOneIndexAndTermAreEvidence) {
  Hand hand;
  const Entry a = hand.entry(1, {}, payload("a"));
  const Entry other = hand.entry(1, {}, payload("x"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
  hand.from(2, 1, AppendRequest{{}, {other}});
  const Output output = hand.settle();
  ASSERT_EQ(output.evidence.size(), 1u);
  EXPECT_EQ(output.evidence[0].from, NodeId{2});
  EXPECT_EQ(hand.core->log().at(Index{1}), a.id) << "the first is kept";
  // A later leader may replace it, where it is not counted.
  const Entry later = hand.entry(2, {}, payload("y"));
  hand.from(3, 2, AppendRequest{{}, {later}});
  EXPECT_TRUE(hand.settle().evidence.empty());
  EXPECT_EQ(hand.core->log().at(Index{1}), later.id);
}

TEST(Append, WhatWasCommittedIsNeverTruncated) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  hand.from(2, 1, Durable{a.id});
  hand.from(3, 1, Durable{a.id});
  ASSERT_EQ(hand.settle().committed.size(), 1u);
  hand.from(4, 2, AppendRequest{{}, {hand.entry(2, {}, payload("y"))}});
  const Output output = hand.settle();
  EXPECT_EQ(output.evidence.size(), 1u);
  EXPECT_EQ(hand.core->log().at(Index{1}), a.id);
}

TEST(Append, AnOldAppendDoesNotShortenALongerLog) {
  Hand hand;
  const Entry a = hand.entry(1, {}, payload("a"));
  const Entry b = hand.entry(1, a.id, payload("b"));
  hand.from(2, 1, AppendRequest{{}, {a, b}});
  hand.settle();
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.from(2, 1, AppendRequest{{}, {}});
  hand.settle();
  EXPECT_EQ(hand.core->log().last(), b.id);
}

TEST(Append, AnEntryWithAWrongHashOrChainIsNotTaken) {
  Hand hand;
  Entry wrong = hand.entry(1, {}, payload("a"));
  wrong.payload = payload("b");
  hand.from(2, 1, AppendRequest{{}, {wrong}});
  Entry unchained = hand.entry(1, {}, payload("a"));
  unchained.previous[0] ^= 1;
  hand.from(2, 1, AppendRequest{{}, {unchained}});
  hand.from(2, 1, AppendRequest{{}, {hand.entry(2, {}, payload("a"))}});
  hand.settle();
  EXPECT_EQ(hand.core->log().last().index, Index{0}) << "nor one of a term to come";
}

TEST(Append, ARefusedPayloadIsAskedAgain) {
  class Refuse final : public PayloadCheck {
   public:
    bool accept(Index, const Payload&, NodeId) override { return willing; }
    void truncated(Index) override {}
    bool willing = false;
  };
  Refuse refuse;
  Hand hand({}, &refuse);
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  EXPECT_EQ(Hand::find<AppendResponse>(hand.settle(), 2)->outcome, AppendOutcome::refused);
  EXPECT_EQ(hand.core->log().last().index, Index{0});
  refuse.willing = true;
  hand.from(2, 1, AppendRequest{{}, {a}});
  EXPECT_EQ(Hand::find<AppendResponse>(hand.settle(), 2)->outcome, AppendOutcome::accepted);
}

TEST(Leader, StepsDownWhenAQuorumRefusesItsEntries) {
  Hand hand;
  hand.become_leader();
  hand.settle();
  for (int i = 0; i < 12 && hand.core->role() == Role::leader; ++i) {
    for (const std::uint64_t voter : {2u, 3u}) {
      hand.from(voter, 1, HeartbeatResponse{});
      hand.from(voter, 1, AppendResponse{AppendOutcome::refused, hand.core->log().last()});
    }
    hand.tick();
    hand.take();
  }
  EXPECT_EQ(hand.core->role(), Role::follower);
  hand.tick(30);
  EXPECT_EQ(hand.core->role(), Role::follower) << "and does not campaign for a while";
  hand.tick(60);
  EXPECT_NE(hand.core->role(), Role::follower);
}

TEST(Leader, StepsDownWhenThoseWhoAreHeardAndWillingAreTooFew) {
  Hand hand;
  hand.become_leader();
  hand.settle();
  // 2 is willing, 3 refuses, 4 is silent: two of four, and it takes three.
  for (int i = 0; i < 22 && hand.core->role() == Role::leader; ++i) {
    hand.from(2, 1, HeartbeatResponse{});
    hand.from(3, 1, HeartbeatResponse{});
    hand.from(3, 1, AppendResponse{AppendOutcome::refused, hand.core->log().last()});
    hand.tick();
    hand.take();
  }
  EXPECT_EQ(hand.core->role(), Role::follower) << "nothing can be committed, and another's entries may be taken";
}

TEST(Leader, SendsOnceMoreWhatIsNotAnsweredButGivesALargeRequestTimeToArrive) {
  for (const auto& [bytes, ticks] : {std::pair<std::size_t, int>{1, 10}, {4u << 20, 50}}) {
    Hand hand;
    hand.become_leader();
    hand.all_committed();
    ASSERT_EQ(hand.core->propose({payload(std::string(bytes, 'a'))}), ProposeResult::accepted);
    ASSERT_NE(Hand::find<AppendRequest>(hand.settle(), 2), nullptr);
    const auto is_sent_again = [&] {
      for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, hand.term(), HeartbeatResponse{});
      hand.tick();
      return Hand::find<AppendRequest>(hand.settle(), 2) != nullptr;
    };
    int after = 1;
    while (!is_sent_again() && after < 100) ++after;
    EXPECT_EQ(after, ticks) << bytes << " bytes";
  }
}

TEST(Leader, ProposesOnlyWhenAnEntryOfItsTermIsCommitted) {
  Hand hand;
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::not_leader);
  hand.become_leader();
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::not_ready);
  hand.settle();
  const EntryId first = hand.core->log().last();
  hand.from(2, 1, Durable{first});
  hand.from(3, 1, Durable{first});
  hand.settle();
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::accepted);
  const Output output = hand.take();
  ASSERT_NE(Hand::find<AppendRequest>(output, 2), nullptr) << "to the followers while its own write is under way";
  EXPECT_TRUE(output.write);
  std::vector<Payload> many(9, payload("b"));
  EXPECT_EQ(hand.core->propose(many), ProposeResult::too_many);
}

TEST(Follower, TakesATermFarAheadOnceMoreThanMayLieAreThere) {
  constexpr std::uint64_t far = std::uint64_t{1} << 40;
  constexpr std::uint64_t last = ~std::uint64_t{0};
  constexpr std::uint64_t near = std::uint64_t{1} << 20;
  Hand hand;
  hand.from(2, near, Heartbeat{});
  EXPECT_EQ(hand.term(), near) << "so many elections it may have missed";
  for (const std::uint64_t term : {near + 1, 2 * near, last}) hand.from(2, term, Heartbeat{});
  EXPECT_EQ(hand.term(), near) << "one, who may lie, in a leap or step by step";
  hand.from(3, far, Heartbeat{});
  EXPECT_EQ(hand.term(), far) << "and one who is honest if the other is not";
  EXPECT_EQ(hand.core->leader(), NodeId{3});
  hand.from(2, last, Heartbeat{});
  EXPECT_EQ(hand.term(), far);
}

TEST(Leader, RefusesProposalsWhileTooMuchIsUncertified) {
  Hand hand;
  hand.become_leader();
  const auto commit_all = [&] {
    hand.settle();
    hand.from(2, 1, Durable{hand.core->log().last()});
    hand.from(3, 1, Durable{hand.core->log().last()});
    hand.settle();
  };
  commit_all();
  int accepted = 0;
  ProposeResult result = ProposeResult::accepted;
  while ((result = hand.core->propose({payload("a")})) == ProposeResult::accepted) {
    ++accepted;
    commit_all();
    ASSERT_LT(accepted, 20);
  }
  EXPECT_EQ(result, ProposeResult::too_uncertified);
  hand.core->certified(hand.core->committed());
  EXPECT_EQ(hand.core->propose({payload("a")}), ProposeResult::accepted);
}

TEST(Leader, RefusesProposalsWhileTheirPayloadsAreTooLarge) {
  Options few = Hand::options();
  few.max_unfinished_bytes = 15;
  Hand hand(few, {});
  hand.become_leader();
  hand.all_committed();
  EXPECT_EQ(hand.core->propose({payload("ten bytes."), payload("ten bytes.")}), ProposeResult::accepted);
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::too_many) << "not committed";
  hand.all_committed();
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::too_uncertified) << "not applied";
  hand.core->derived({Index{2}, 1, {}});
  hand.core->applied(Index{3});
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::too_uncertified) << "not certified";
  hand.core->certified(Index{2});
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::accepted) << "what made no head is done with";
}

TEST(Leader, TellsHowFarTheOthersAre) {
  Hand hand;
  EXPECT_TRUE(hand.core->progress().empty()) << "a follower knows nothing of the others";
  hand.become_leader();
  hand.settle();
  const auto of = [&](std::uint64_t node) {
    for (const PeerProgress& peer : hand.core->progress()) {
      if (peer.peer == NodeId{node}) return peer;
    }
    return PeerProgress{};
  };
  ASSERT_EQ(hand.core->progress().size(), 3u);
  EXPECT_EQ(of(2).state, PeerProgress::State::probe);
  EXPECT_EQ(of(2).match, Index{0});
  EXPECT_EQ(of(2).next, Index{1});
  hand.from(2, 1, AppendResponse{AppendOutcome::accepted, hand.core->log().last()});
  EXPECT_EQ(of(2).state, PeerProgress::State::replicate);
  EXPECT_EQ(of(2).match, Index{1});
  EXPECT_EQ(of(2).next, Index{2});
  EXPECT_EQ(of(3).match, Index{0}) << "each by itself";
  hand.from(3, 1, AppendResponse{AppendOutcome::refused, hand.core->log().last()});
  EXPECT_TRUE(of(3).refused);
  EXPECT_FALSE(of(2).refused);
}

TEST(Leader, AWindowThatWasLostIsSentAgain) {
  Hand hand;
  hand.become_leader();
  hand.settle();
  const auto is_sent = [&] { return Hand::find<AppendRequest>(hand.take(), 4) != nullptr; };
  bool again = false;
  for (int i = 0; i < 25; ++i) {
    hand.from(2, 1, HeartbeatResponse{});
    hand.from(3, 1, HeartbeatResponse{});
    hand.tick();
    again = again || is_sent();
  }
  EXPECT_TRUE(again);
}

TEST(Claims, AreOnDiskBeforeTheyAreSaidAndCountWithTheQuorum) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  hand.from(2, 1, Durable{a.id});
  hand.from(3, 1, Durable{a.id});
  ASSERT_EQ(hand.settle().committed.size(), 1u);
  const Claim claim{Index{1}, 1, a.id.hash};
  hand.core->derived(claim);
  const Output output = hand.take();
  ASSERT_TRUE(output.write && output.write->claim);
  EXPECT_EQ(Hand::find<Derived>(output, 2), nullptr);
  hand.from(2, 1, Derived{claim});
  hand.from(3, 1, Derived{claim});
  EXPECT_FALSE(hand.take().agreed) << "our own is not on disk";
  hand.core->persisted(output.write->sequence);
  const Output after = hand.take();
  EXPECT_NE(Hand::find<Derived>(after, 2), nullptr);
  ASSERT_TRUE(after.agreed);
  EXPECT_EQ(*after.agreed, claim);
}

TEST(Claims, OtherHeadsDoNotCountAndTwoAreEvidence) {
  Hand hand;
  const Entry a = hand.receive_first("a");
  hand.from(2, 1, Durable{a.id});
  hand.from(3, 1, Durable{a.id});
  hand.settle();
  hand.core->derived({Index{1}, 1, a.id.hash});
  hand.from(2, 1, Derived{{Index{1}, 1, a.id.hash}});
  hand.from(3, 1, Derived{{Index{1}, 1, Digest{9}}});
  EXPECT_FALSE(hand.settle().agreed);
  hand.from(3, 1, Derived{{Index{1}, 1, Digest{8}}});
  const Output output = hand.settle();
  EXPECT_EQ(output.evidence.size(), 1u);
  EXPECT_FALSE(output.agreed);
}

TEST(Evidence, AgainstOneIsBoundedAndLeavesRoomForThatAgainstAnother) {
  Hand hand;
  const auto two_heads = [&](std::uint64_t liar, std::uint64_t height) {
    hand.from(liar, 0, Derived{{Index{height}, height, {1}}});
    hand.from(liar, 0, Derived{{Index{height}, height, {2}}});
    return hand.take().evidence.size();
  };
  std::size_t told = 0;
  for (std::uint64_t height = 1; height <= 1000; ++height) told += two_heads(4, height);
  EXPECT_GE(told, 100u);
  EXPECT_LT(told, 1000u);
  EXPECT_EQ(two_heads(4, 1001), 0u) << "it has used up its own";
  EXPECT_EQ(two_heads(3, 1), 1u);
}

TEST(Claims, NeverMoveBackOnDisk) {
  // After a restart the owner derives again from the start; a claim on disk that fell would let a liar change what was claimed.
  const Entry a = Hand{}.entry(1, {}, payload("a"));
  const Entry b = Hand{}.entry(1, a.id, payload("b"));
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {a, b}, Claim{Index{2}, 2, b.id.hash}});
  EXPECT_EQ(hand.settle().committed.size(), 2u);
  hand.core->derived({Index{1}, 1, a.id.hash});
  EXPECT_FALSE(hand.take().write);
  hand.core->derived({Index{2}, 2, b.id.hash});
  EXPECT_FALSE(hand.take().write);
}

TEST(Claims, SpeakForTheHeadsBelowThem) {
  // Under load nodes claim at different heights; what all of them passed is agreed all the same.
  Hand hand;
  std::vector<Entry> entries;
  EntryId last;
  for (int i = 0; i < 3; ++i) {
    entries.push_back(hand.entry(1, last, payload("a")));
    last = entries.back().id;
  }
  hand.from(2, 1, AppendRequest{{}, entries});
  hand.settle();
  hand.from(2, 1, Durable{last});
  hand.from(3, 1, Durable{last});
  ASSERT_EQ(hand.settle().committed.size(), 3u);
  for (std::uint64_t h = 1; h <= 3; ++h) hand.core->derived({Index{h}, h, entries[h - 1].id.hash});
  hand.settle();
  hand.from(2, 1, Derived{{Index{2}, 2, entries[1].id.hash}});
  hand.from(3, 1, Derived{{Index{1}, 1, entries[0].id.hash}});
  const Output output = hand.settle();
  ASSERT_TRUE(output.agreed);
  EXPECT_EQ(output.agreed->height, 1u) << "three voters have passed height 1";
}

TEST(Append, WhatWasAnnouncedInATermStaysInIt) {
  // A liar that never leads sends, in the leader's term, entries of older terms against ours: were they taken, what we announced
  // would be gone and our announcement still counted.
  const Entry a = Hand{}.entry(1, {}, payload("a"));
  Hand hand(Restart{{Term{5}, std::nullopt}, {}, {a}, std::nullopt});
  const Entry b = hand.entry(5, a.id, payload("b"));
  hand.from(2, 5, AppendRequest{a.id, {b}});
  hand.settle();
  const Entry x = hand.entry(2, {}, payload("x"));
  const Entry y = hand.entry(5, x.id, payload("y"));
  hand.from(4, 5, AppendRequest{{}, {x, y}});
  const Output output = hand.settle();
  EXPECT_EQ(output.evidence.size(), 1u);
  EXPECT_EQ(hand.core->log().last(), b.id);
}

TEST(Leader, DoesNotAnswerAnswersWithoutEnd) {
  Hand hand;
  hand.become_leader();
  hand.settle();
  std::size_t requests = 0;
  for (int i = 0; i < 100; ++i) {
    hand.from(4, 1, AppendResponse{AppendOutcome::conflict, {}});
    for (const Message& message : hand.take().messages) {
      if (message.to == NodeId{4} && std::holds_alternative<AppendRequest>(message.body)) ++requests;
    }
  }
  EXPECT_LE(requests, 2u);
}

TEST(Leader, DoesNotAnswerWithoutEndOneThatAcceptsAndRefusesByTurns) {
  Hand hand;
  hand.become_leader();
  hand.all_committed();
  std::size_t requests = 0;
  for (int i = 0; i < 100; ++i) {
    hand.from(4, hand.term(), AppendResponse{AppendOutcome::accepted, hand.core->log().last()});
    hand.core->propose({payload("more")});
    hand.all_committed();
    hand.core->certified(hand.core->committed());
    hand.from(4, hand.term(), AppendResponse{AppendOutcome::conflict, {}});
    const Output output = hand.settle();
    requests += static_cast<std::size_t>(
        std::count_if(output.messages.begin(), output.messages.end(), [](const Message& message) {
          const auto* request = std::get_if<AppendRequest>(&message.body);
          return request != nullptr && message.to == NodeId{4} && request->previous.index == Index{};
        }));
  }
  EXPECT_GT(requests, 0u);
  EXPECT_LT(requests, 20u) << "from the beginning, between two heartbeats";
}

TEST(Leader, AStalledDiskMakesWayForAnother) {
  Hand hand;
  hand.become_leader();
  hand.take();  // its first write is under way, and never ends
  for (int i = 0; i < 60 && hand.core->role() == Role::leader; ++i) {
    for (const std::uint64_t voter : {2u, 3u, 4u}) hand.from(voter, 1, HeartbeatResponse{});
    hand.tick();
    hand.take();
  }
  EXPECT_NE(hand.core->role(), Role::leader);
}

TEST(Restart, EverythingUpToTheClaimIsCommitted) {
  const Entry a = Hand{}.entry(1, {}, payload("a"));
  const Entry b = Hand{}.entry(1, a.id, payload("b"));
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {a, b}, Claim{Index{1}, 1, {}}});
  EXPECT_EQ(hand.core->committed(), Index{1});
  EXPECT_EQ(hand.settle().committed.size(), 1u);
  hand.from(3, 2, AppendRequest{{}, {hand.entry(2, {}, payload("y"))}});
  EXPECT_EQ(hand.core->log().at(Index{1}), a.id);
}

TEST(Restart, WhatWasAppliedIsCommittedThoughItsClaimWasLost) {
  const Entry a = Hand{}.entry(1, {}, payload("a"));
  const Entry b = Hand{}.entry(1, a.id, payload("b"));
  const Entry c = Hand{}.entry(1, b.id, payload("c"));
  Hand hand(Restart{{Term{1}, std::nullopt}, {}, {a, b, c}, Claim{Index{1}, 1, {}}, Index{2}});
  EXPECT_EQ(hand.settle().committed.size(), 2u);
  hand.core->derived({Index{2}, 2, b.id.hash});
  EXPECT_EQ(hand.take().write->claim->height, 2u) << "claimed at once: it may go on from there";
  // Its state holds what came of it; a leader of a later term does not get it replaced.
  hand.from(3, 2, AppendRequest{a.id, {hand.entry(2, a.id, payload("y"))}});
  EXPECT_EQ(hand.core->log().at(Index{2}), b.id);
}

Options alone() {
  Options options;
  options.self = NodeId{1};
  options.configuration.voters = {{NodeId{1}}, 1};
  options.hash = some_hash;
  options.random = [] { return 0; };
  return options;
}

TEST(Alone, WhatWasClaimedBeforeARestartIsAgreedOnAfterIt) {
  const Entry a = Hand{}.entry(1, {}, payload("a"));
  const Claim claim{Index{1}, 1, a.id.hash};
  Core core(alone(), Restart{{Term{1}, std::nullopt}, {}, {a}, claim});
  ASSERT_EQ(core.take().committed.size(), 1u);
  core.derived(claim);
  EXPECT_EQ(core.take().agreed, claim) << "or its head is never certified, and in the end nothing may be proposed";
}

TEST(Alone, ASingleNodeCommitsWhenItsOwnWriteIsDone) {
  Core core(alone(), {});
  for (int i = 0; i < 10; ++i) core.tick();
  Output output = core.take();
  core.persisted(output.write->sequence);
  EXPECT_EQ(core.role(), Role::leader);
  output = core.take();
  EXPECT_TRUE(output.committed.empty()) << "not before its own sync";
  core.persisted(output.write->sequence);
  EXPECT_EQ(core.take().committed.size(), 1u);
}

}  // namespace
}  // namespace testamur::consensus
