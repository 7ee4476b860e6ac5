// Goal: the core's behaviour in single steps, one for each thing that is easily got wrong. Whole runs are the simulation's.
#include "testamur/consensus/core.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace testamur::consensus {
namespace {

Digest some_hash(Term term, Index index, const Digest& before, const Payload& payload) {
  Digest out{};
  std::uint64_t mixed = term.value * 31 + index.value * 7 + size_of(payload);
  for (const std::uint8_t byte : before) mixed = mixed * 131 + byte;
  if (payload) {
    for (const std::uint8_t byte : *payload) mixed = mixed * 137 + byte + 1;
  }
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(mixed >> (8 * i));
  return out;
}

Payload payload(std::string_view text) {
  return std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end());
}

/// One core, played against by hand. Four voters, threshold 3.
class Hand {
 public:
  explicit Hand(Restart restart = {}, PayloadCheck* check = nullptr) {
    Options options;
    options.self = NodeId{1};
    options.configuration.voters = {NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}};
    options.configuration.threshold = 3;
    options.hash = some_hash;
    options.random = [] { return 0; };
    options.max_uncertified = 4;
    options.max_unapplied = 8;
    options.check = check;
    core.emplace(std::move(options), std::move(restart));
  }

  void from(std::uint64_t node, std::uint64_t term, Body body) {
    core->step({NodeId{node}, NodeId{1}, Term{term}, std::move(body)});
  }
  void tick(int times = 1) {
    for (int i = 0; i < times; ++i) core->tick();
  }
  Output take() { return core->take(); }
  /// Takes what is ready and lets its write be done; gives both outputs together.
  Output settle() {
    Output all = take();
    for (std::optional<Write> write = all.write; write;) {
      core->persisted(write->sequence);
      Output more = take();
      write = more.write;
      for (auto& message : more.messages) all.messages.push_back(message);
      for (auto& entry : more.committed) all.committed.push_back(entry);
      if (more.agreed) all.agreed = more.agreed;
    }
    return all;
  }
  void become_leader() {
    tick(10);
    const Output asked = settle();
    const auto* request = find<PreVoteRequest>(asked, 2);
    ASSERT_NE(request, nullptr);
    from(2, term(), PreVoteResponse{request->campaign, true});
    from(3, term(), PreVoteResponse{request->campaign, true});
    settle();
    from(2, term(), VoteResponse{true});
    from(3, term(), VoteResponse{true});
    ASSERT_EQ(core->role(), Role::leader);
  }
  std::uint64_t term() const { return core->term().value; }
  Entry entry(std::uint64_t term, const EntryId& before, const Payload& bytes) const {
    const Index index = next(before.index);
    return {{Term{term}, index, some_hash(Term{term}, index, before.hash, bytes)}, before.hash, bytes};
  }
  template <class T>
  static const T* find(const Output& output, std::uint64_t to) {
    for (const Message& message : output.messages) {
      if (message.to == NodeId{to} && std::holds_alternative<T>(message.body)) return &std::get<T>(message.body);
    }
    return nullptr;
  }

  std::optional<Core> core;
};

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
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
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
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
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
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
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
    bool accept(Index, const Payload&) override { return willing; }
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
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
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
  const Entry a = hand.entry(1, {}, payload("a"));
  hand.from(2, 1, AppendRequest{{}, {a}});
  hand.settle();
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

TEST(Learners, NeverLead) {
  Options options;
  options.self = NodeId{1};
  options.configuration.voters = {NodeId{1}, NodeId{2}};
  options.configuration.learners = {NodeId{9}};
  options.configuration.threshold = 2;
  options.hash = some_hash;
  options.random = [] { return 0; };
  Core core(std::move(options), {});
  core.step({NodeId{9}, NodeId{1}, Term{0}, Heartbeat{}});
  EXPECT_EQ(core.leader(), std::nullopt);
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

TEST(Alone, ASingleNodeCommitsWhenItsOwnWriteIsDone) {
  Options options;
  options.self = NodeId{1};
  options.configuration.voters = {NodeId{1}};
  options.configuration.threshold = 1;
  options.hash = some_hash;
  options.random = [] { return 0; };
  Core core(std::move(options), {});
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
