// Goal: what follows a damage in a log comes back into it once the hole is filled, from whoever has what is missing; and nothing comes
// into it that was not there. Method: a core, by hand, which holds the first of five entries, and beyond the second all others.
#include "hand.h"

namespace testamur::consensus {
namespace {

class Damage : public testing::Test {
 protected:
  Damage() {
    Entry last;
    for (const char* text : {"a", "b", "c", "d", "e"})
      entries.push_back(last = following(last.id, Term{1}, payload(text)));
  }
  Restart damaged() const {
    Restart restart{{Term{1}, std::nullopt}, {}, {entries[0]}, {}, {}, {}, entries[4].id, {}};
    for (std::size_t i = 2; i < entries.size(); ++i) {
      restart.beyond.push_back(entries[i]);
      restart.beyond.back().previous = {};
    }
    return restart;
  }
  /// Settles, and notes what was written.
  Output settle(Hand& hand) {
    Output all;
    for (Output output = hand.take();; output = hand.take()) {
      for (Message& message : output.messages) all.messages.push_back(std::move(message));
      if (!output.write) return all;
      if (output.write->floor) floor = output.write->floor;
      hand.core->persisted(output.write->sequence);
    }
  }

  std::vector<Entry> entries;
  std::optional<EntryId> floor;
};

TEST_F(Damage, ALeaderSendsWhatIsMissingAndTheRestComesBack) {
  Hand hand(damaged());
  settle(hand);
  EXPECT_EQ(floor, entries[4].id);
  hand.from(2, 2, AppendRequest{entries[0].id, {entries[1]}});
  settle(hand);
  EXPECT_EQ(hand.core->log().last(), entries[4].id);
  EXPECT_EQ(hand.core->log().synced(), entries[4].id);
  EXPECT_EQ(floor, EntryId{}) << "it is mended";
}

TEST_F(Damage, WhatComesBackAndWasCertifiedDoesNotWaitForThat) {
  Restart restart = damaged();
  restart.claim = Claim{Index{5}, 5, {5}};
  restart.certified = Index{5};
  Options options = Hand::options();
  options.max_uncertified = 1;
  Hand hand(std::move(options), std::move(restart));
  hand.from(3, 1, Found{entries[0].id, {entries[1]}});
  settle(hand);
  ASSERT_EQ(hand.core->committed(), Index{5});
  hand.become_leader();
  hand.all_committed();
  EXPECT_EQ(hand.core->may_propose(1), ProposeResult::accepted);
}

TEST_F(Damage, WhatFollowsAnotherEntryDoesNotComeBack) {
  Hand hand(damaged());
  const Entry other = following(entries[0].id, Term{1}, payload("x"));
  hand.from(2, 2, AppendRequest{entries[0].id, {other}});
  settle(hand);
  EXPECT_EQ(hand.core->log().last(), other.id);
  EXPECT_EQ(floor, entries[4].id);
}

TEST_F(Damage, WhereNobodyLeadsWhatIsMissingIsAskedOfAllAndTheNodeCanBeElected) {
  Hand hand(damaged());
  settle(hand);
  hand.tick(30);
  const Output asked = settle(hand);
  for (const std::uint64_t member : {2u, 3u, 4u}) {
    const auto* lacking = Hand::find<Lacking>(asked, member);
    ASSERT_NE(lacking, nullptr);
    EXPECT_EQ(lacking->after, entries[0].id);
    EXPECT_EQ(Hand::find<PreVoteRequest>(asked, member), nullptr) << "it is not electable";
  }
  // Whatever term the other one is in.
  hand.from(3, 7, Found{entries[0].id, {entries[1]}});
  EXPECT_EQ(hand.term(), 1u);
  settle(hand);
  EXPECT_EQ(hand.core->log().synced(), entries[4].id);
  EXPECT_EQ(floor, EntryId{});
  hand.tick(30);
  EXPECT_NE(Hand::find<PreVoteRequest>(settle(hand), 3), nullptr);
}

TEST_F(Damage, WhatDoesNotLeadToWhatWasHereIsNotTaken) {
  Hand hand(damaged());
  const Entry other = following(entries[0].id, Term{1}, payload("x"));
  const Entry more = following(other.id, Term{1}, payload("y"));
  hand.from(3, 1, Found{entries[0].id, {other, more}});
  // Nor what is not chained, nor what comes after something else.
  hand.from(3, 1, Found{entries[0].id, {entries[2]}});
  hand.from(3, 1, Found{entries[1].id, {entries[2]}});
  settle(hand);
  EXPECT_EQ(hand.core->log().last(), entries[0].id);
  EXPECT_EQ(floor, entries[4].id);
}

TEST_F(Damage, ASecondHoleIsAskedForOnceTheFirstIsFilled) {
  Restart restart = damaged();
  restart.beyond[1].payload = payload("rotten");
  Hand hand(std::move(restart));
  hand.from(3, 1, Found{entries[0].id, {entries[1]}});
  settle(hand);
  EXPECT_EQ(hand.core->log().last(), entries[2].id) << "up to what is rotten";
  hand.tick(10);
  const Output asked = settle(hand);
  ASSERT_NE(Hand::find<Lacking>(asked, 2), nullptr);
  EXPECT_EQ(Hand::find<Lacking>(asked, 2)->after, entries[2].id);
  hand.from(2, 1, Found{entries[2].id, {entries[3], entries[4]}});
  settle(hand);
  EXPECT_EQ(hand.core->log().last(), entries[4].id);
  EXPECT_EQ(floor, EntryId{});
}

TEST_F(Damage, WhoeverHasWhatIsMissingAnswersThoughItIsDamagedToo) {
  Hand hand(damaged());
  hand.from(3, 5, Lacking{{}});
  const Output output = settle(hand);
  const auto* found = Hand::find<Found>(output, 3);
  ASSERT_NE(found, nullptr);
  ASSERT_EQ(found->entries.size(), 1u);
  EXPECT_EQ(found->entries[0].id, entries[0].id);
  EXPECT_EQ(hand.term(), 1u) << "it changes nothing here";
  hand.from(3, 1, Lacking{entries[0].id});
  EXPECT_EQ(Hand::find<Found>(settle(hand), 3), nullptr) << "it has no more";
  hand.from(2, 1, Heartbeat{});
  hand.from(3, 1, Lacking{{}});
  EXPECT_EQ(Hand::find<Found>(settle(hand), 3), nullptr) << "that is the leader's to do";
}

TEST_F(Damage, AskingEndsWhenALeaderIsHeard) {
  Hand hand(damaged());
  settle(hand);
  for (int i = 0; i < 30; ++i) {
    hand.from(2, 1, Heartbeat{});
    hand.tick();
    EXPECT_EQ(Hand::find<Lacking>(settle(hand), 3), nullptr);
  }
}

}  // namespace
}  // namespace testamur::consensus
