// Goal: a read sees all that anybody saw committed before it was asked for, or is told that nobody can say; and is answered once.
// Method: a core, by hand: a leader whose rounds of heartbeats are answered one by one, and a follower that asks it.
#include <gmock/gmock.h>

#include "hand.h"

namespace testamur::consensus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> answers(const Output& output) {
  std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> all;
  for (const Read& read : output.reads)
    all.emplace_back(read.id, read.index ? std::optional(read.index->value) : std::nullopt);
  return all;
}
auto is_answer(std::uint64_t id, std::optional<std::uint64_t> index) { return std::pair(id, index); }

/// Node 1 leads four voters, of whom three decide, and has committed its first entry.
class LeadersReads : public ::testing::Test {
 protected:
  LeadersReads() {
    hand.become_leader();
    hand.all_committed();
  }
  /// The round of the heartbeats that ask for this read.
  static std::uint64_t round(const Output& output) {
    const auto* heartbeat = Hand::find<Heartbeat>(output, 2);
    EXPECT_NE(heartbeat, nullptr);
    return heartbeat == nullptr ? 0 : heartbeat->round;
  }
  void echo(std::uint64_t node, std::uint64_t round) { hand.from(node, hand.term(), HeartbeatResponse{round}); }

  Hand hand;
};

TEST_F(LeadersReads, AreAnsweredWhenAQuorumAnsweredARoundThatBeganAfterThem) {
  ASSERT_EQ(hand.core->propose({payload("a")}), ProposeResult::accepted);
  hand.core->read(7);
  const Output asked = hand.settle();
  EXPECT_THAT(answers(asked), IsEmpty());
  echo(2, round(asked));
  EXPECT_THAT(answers(hand.take()), IsEmpty()) << "two of four: another may lead by the word of the rest";
  echo(2, round(asked));
  EXPECT_THAT(answers(hand.take()), IsEmpty()) << "one that says it twice is one";
  echo(3, round(asked));
  // Others may have counted the entry that is on its way, and told their clients.
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(7, 2)));
  echo(4, round(asked));
  EXPECT_THAT(answers(hand.take()), IsEmpty()) << "once";
}

TEST_F(LeadersReads, AreNotAnsweredByWhatWasSaidBefore) {
  hand.core->read(7);
  const std::uint64_t first = round(hand.settle());
  echo(2, first);
  echo(3, first);
  ASSERT_THAT(answers(hand.take()), ElementsAre(is_answer(7, 1)));
  hand.core->read(8);
  const std::uint64_t second = round(hand.settle());
  EXPECT_GT(second, first);
  for (const std::uint64_t node : {2u, 3u, 4u}) echo(node, first);
  EXPECT_THAT(answers(hand.take()), IsEmpty());
  for (const std::uint64_t node : {2u, 3u}) echo(node, second + 100);  // of a round that nobody began
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(8, 1)));
  hand.core->read(9);
  EXPECT_THAT(answers(hand.settle()), IsEmpty())
      << "a number too high counts for the round that there was, and for no later one";
}

TEST_F(LeadersReads, ThatComeDuringARoundShareTheNext) {
  hand.core->read(7);
  const std::uint64_t first = round(hand.settle());
  hand.core->read(8);
  hand.core->read(9);
  EXPECT_EQ(Hand::find<Heartbeat>(hand.settle(), 2), nullptr) << "no round for each";
  echo(2, first);
  echo(3, first);
  const Output next = hand.settle();
  EXPECT_THAT(answers(next), ElementsAre(is_answer(7, 1)));
  echo(2, round(next));
  echo(3, round(next));
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(8, 1), is_answer(9, 1)));
}

TEST_F(LeadersReads, AreAskedAgainWithEachHeartbeat) {
  hand.core->read(7);
  hand.settle();  // and it is lost
  hand.core->read(8);
  hand.tick();
  const std::uint64_t again = round(hand.settle());
  echo(2, again);
  echo(3, again);
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(7, 1), is_answer(8, 1))) << "with those that came since";
}

TEST_F(LeadersReads, AreNotAnsweredByTheWordOfALearner) {
  ASSERT_EQ(hand.change({{Change::Kind::learner, NodeId{5}}}).result, ChangeResult::accepted);
  hand.all_committed();
  hand.core->read(7);
  const std::uint64_t asked = round(hand.settle());
  echo(2, asked);
  echo(5, asked);
  EXPECT_THAT(answers(hand.take()), IsEmpty());
}

TEST_F(LeadersReads, AreRefusedBeyondABound) {
  Options options = Hand::options();
  options.max_reads = 2;
  Hand few(options, {});
  few.become_leader();
  few.all_committed();
  for (const std::uint64_t id : {1u, 2u, 3u}) few.core->read(id);
  EXPECT_THAT(answers(few.take()), ElementsAre(is_answer(3, std::nullopt)));
}

TEST_F(LeadersReads, OfAFollowerAreAnsweredToIt) {
  hand.from(4, hand.term(), ReadRequest{70});
  hand.from(4, hand.term(), ReadRequest{70});  // doubled on its way
  const std::uint64_t first = round(hand.settle());
  echo(2, first);
  echo(3, first);
  const Output answered = hand.settle();
  ASSERT_NE(Hand::find<ReadResponse>(answered, 4), nullptr);
  EXPECT_EQ(Hand::find<ReadResponse>(answered, 4)->id, 70u);
  EXPECT_EQ(Hand::find<ReadResponse>(answered, 4)->index, Index{1});
  EXPECT_THAT(answers(answered), IsEmpty()) << "it is not this node's";
}

TEST_F(LeadersReads, AreDroppedWithAnAnswerWhenTheyCanNotBeAnsweredAnyMore) {
  hand.core->read(7);
  hand.from(4, hand.term(), ReadRequest{70});
  hand.settle();
  hand.from(3, hand.term() + 1, Heartbeat{});
  const Output dropped = hand.settle();
  EXPECT_THAT(answers(dropped), ElementsAre(is_answer(7, std::nullopt)));
  ASSERT_NE(Hand::find<ReadResponse>(dropped, 4), nullptr);
  EXPECT_EQ(Hand::find<ReadResponse>(dropped, 4)->index, std::nullopt);
}

TEST_F(LeadersReads, AreDroppedWhenAQuorumIsSilent) {
  hand.core->read(7);
  hand.settle();
  for (int i = 0; i < 25 && hand.core->role() == Role::leader; ++i) hand.tick();
  ASSERT_EQ(hand.core->role(), Role::follower);
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(7, std::nullopt)));
}

TEST(Reads, AreNotAnsweredBeforeAnEntryOfTheOwnTermIsCommitted) {
  Hand hand;
  hand.become_leader();
  hand.settle();
  hand.core->read(7);
  hand.from(4, hand.term(), ReadRequest{70});
  const Output refused = hand.settle();
  EXPECT_THAT(answers(refused), ElementsAre(is_answer(7, std::nullopt)));
  ASSERT_NE(Hand::find<ReadResponse>(refused, 4), nullptr);
  EXPECT_EQ(Hand::find<ReadResponse>(refused, 4)->index, std::nullopt) << "elected is not caught up";
}

/// Node 1 follows node 2.
class FollowersReads : public ::testing::Test {
 protected:
  FollowersReads() {
    hand.from(2, 1, Heartbeat{});
    hand.settle();
  }
  Hand hand;
};

TEST_F(FollowersReads, AreForwardedToTheLeaderAndAnsweredByItAlone) {
  hand.core->read(7);
  const Output asked = hand.settle();
  ASSERT_NE(Hand::find<ReadRequest>(asked, 2), nullptr);
  EXPECT_EQ(Hand::find<ReadRequest>(asked, 2)->id, 7u);
  EXPECT_EQ(Hand::find<ReadRequest>(asked, 3), nullptr);
  hand.from(3, 1, ReadResponse{7, Index{1}});
  EXPECT_THAT(answers(hand.take()), IsEmpty()) << "who does not lead does not know";
  hand.from(2, 1, ReadResponse{8, Index{9}});
  EXPECT_THAT(answers(hand.take()), IsEmpty()) << "that was not asked";
  hand.from(2, 1, ReadResponse{7, Index{9}});
  hand.from(2, 1, ReadResponse{7, Index{9}});
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(7, 9))) << "once, though the answer came twice";
}

TEST_F(FollowersReads, AreNotAnsweredByALeaderThatWas) {
  hand.core->read(7);
  hand.settle();
  hand.from(3, 2, Heartbeat{});
  hand.from(2, 1, ReadResponse{7, Index{1}});
  hand.from(2, 2, ReadResponse{7, Index{1}});
  EXPECT_THAT(answers(hand.settle()), IsEmpty()) << "another may have committed more since";
  hand.tick(10);
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(7, std::nullopt))) << "whose answer is lost is told so";
}

TEST_F(FollowersReads, OfWhichNothingIsHeardAreGivenUp) {
  hand.core->read(7);
  hand.tick(9);
  EXPECT_THAT(answers(hand.settle()), IsEmpty());
  hand.tick();
  EXPECT_THAT(answers(hand.settle()), ElementsAre(is_answer(7, std::nullopt)));
  hand.from(2, hand.term(), ReadResponse{7, Index{1}});
  EXPECT_THAT(answers(hand.take()), IsEmpty()) << "it was answered";
}

TEST(Reads, WithoutALeaderAreRefusedAtOnce) {
  Hand hand;
  hand.core->read(7);
  EXPECT_THAT(answers(hand.take()), ElementsAre(is_answer(7, std::nullopt)));
}

TEST(Reads, OfWhoDoesNotTakePartAreNotHeard) {
  Hand hand;
  hand.become_leader();
  hand.all_committed();
  hand.from(9, hand.term(), ReadRequest{70});
  const Output output = hand.settle();
  EXPECT_EQ(Hand::find<Heartbeat>(output, 2), nullptr);
  EXPECT_EQ(Hand::find<ReadResponse>(output, 9), nullptr);
}

}  // namespace
}  // namespace testamur::consensus
