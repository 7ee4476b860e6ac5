// Goal: a follower that counts or applies little holds no more than is allowed, says so, and goes on when there is room; and nobody waits
// who could count once it had more. Method: a core, by hand, as follower and as leader.
#include "hand.h"

namespace testamur::consensus {
namespace {

constexpr std::size_t kMostHeld = 4;

class Room : public testing::Test {
 protected:
  Room() {
    Entry last;
    for (int i = 0; i < 12; ++i) {
      last = following(last.id, Term{1}, payload("ten bytes."));
      entries.push_back(last);
    }
  }
  static Options options() {
    Options options = Hand::options();
    options.max_held.entries = kMostHeld;
    return options;
  }
  static Options options_of_six() {
    Options known = options();
    for (std::uint64_t node = 1; node <= 6; ++node) known.known.insert(NodeId{node});
    return known;
  }
  /// From the leader of this term, who is node 2: all entries from this index on that the node lacks.
  AppendResponse append(std::uint64_t term = 1) {
    const std::size_t has = hand.core->log().last().index.value;
    const EntryId before = hand.core->log().last();
    hand.from(2, term, AppendRequest{before, {entries.begin() + static_cast<std::ptrdiff_t>(has), entries.end()}});
    const Output output = hand.settle();
    const auto* answer = Hand::find<AppendResponse>(output, 2);
    return answer != nullptr ? *answer : AppendResponse{AppendOutcome::stale, {}};
  }
  Index last() const { return hand.core->log().last().index; }

  std::vector<Entry> entries;
  Hand hand{options(), {}};
};

TEST_F(Room, AFollowerThatHearsOnlyItsLeaderTakesNoMore) {
  AppendResponse answer = append();
  EXPECT_EQ(answer.outcome, AppendOutcome::full);
  EXPECT_EQ(answer.at, entries[3].id) << "what it took is acknowledged";
  EXPECT_EQ(last(), Index{kMostHeld});
  hand.from(2, 1, Durable{entries[11].id});
  answer = append();
  EXPECT_EQ(answer.outcome, AppendOutcome::full);
  EXPECT_EQ(last(), Index{kMostHeld}) << "one voter, who may lie, does not say that it will be counted";
  EXPECT_EQ(hand.core->committed(), Index{0});
}

TEST_F(Room, WhoeverWillCountTakesMore) {
  append();
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{entries[11].id});
  EXPECT_EQ(append().outcome, AppendOutcome::accepted);
  EXPECT_EQ(hand.core->committed(), Index{12});
}

/// A change of members lies beyond what it may hold, and those who were members before say nothing any more.
TEST_F(Room, WhatMoreThanMayLieHoldIsTakenThoughItMayNeverCount) {
  hand.core.emplace(options_of_six(), Restart{});
  EXPECT_EQ(append().outcome, AppendOutcome::full);
  hand.from(5, 1, Durable{entries[11].id});
  EXPECT_EQ(append().outcome, AppendOutcome::full) << "that one may lie";
  hand.from(6, 1, Durable{entries[9].id});
  append();
  EXPECT_GE(last(), Index{10});
}

TEST_F(Room, WhatMoreThanMayLieHoldHasAnEndToo) {
  Options bounded = options_of_six();
  bounded.max_left_behind.entries = 6;
  hand.core.emplace(std::move(bounded), Restart{});
  for (const std::uint64_t node : {5u, 6u}) hand.from(node, 1, Durable{entries[11].id});
  EXPECT_EQ(append().outcome, AppendOutcome::full);
  EXPECT_EQ(last(), Index{6});
  // Not where it can count it.
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{entries[11].id});
  EXPECT_EQ(append().outcome, AppendOutcome::accepted);
}

TEST_F(Room, WhatIsCountedAndNotAppliedIsBoundedToo) {
  append();
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{entries[3].id});
  ASSERT_EQ(hand.core->committed(), Index{4});
  EXPECT_EQ(append().outcome, AppendOutcome::full);
  EXPECT_EQ(last(), Index{4});
  hand.core->applied(Index{1});
  EXPECT_EQ(append().at, entries[7].id);
  // A head says it as well.
  for (const std::uint64_t voter : {2u, 3u}) hand.from(voter, 1, Durable{entries[7].id});
  hand.core->derived({Index{8}, 8, {}});
  EXPECT_EQ(append().outcome, AppendOutcome::accepted);
}

TEST_F(Room, BytesAreBoundedToo) {
  Options bytes = Hand::options();
  bytes.max_held.bytes = 25;
  hand.core.emplace(std::move(bytes), Restart{});
  EXPECT_EQ(append().at, entries[2].id) << "the third goes beyond, and no more come";
}

TEST_F(Room, ANewLeadersFirstEntryIsTakenOnTopOfWhatOlderTermsLeft) {
  append();
  Entry first = following(entries.back().id, Term{2}, nullptr);
  entries.push_back(first);
  // Two of four: no other announces anything in this term before it has this entry.
  EXPECT_EQ(append(2).outcome, AppendOutcome::accepted);
  EXPECT_EQ(last(), first.id.index);
}

TEST(RoomAtAFollower, IsAskedForWithOneEntryAHeartbeatAndTheLeaderGoesOn) {
  Options few = Hand::options();
  few.max_append_entries = 1;
  Hand hand(few, {});
  hand.become_leader();
  hand.all_committed();
  hand.core->propose({payload("a"), payload("b"), payload("c"), payload("d")});
  hand.all_committed();
  const auto sent_to_4 = [](const Output& output) {
    return std::count_if(output.messages.begin(), output.messages.end(), [](const Message& message) {
      return message.to == NodeId{4} && std::holds_alternative<AppendRequest>(message.body);
    });
  };
  const EntryId has = *hand.core->log().at(Index{1});
  for (int i = 0; i < 30; ++i) {
    hand.from(4, 1, HeartbeatResponse{});
    hand.from(4, 1, AppendResponse{AppendOutcome::full, has});
    hand.from(4, 1, Durable{has});
    hand.from(2, 1, HeartbeatResponse{});
    hand.tick();
    EXPECT_LE(sent_to_4(hand.settle()), 2) << "not the whole window, however often it says what it has";
  }
  EXPECT_EQ(hand.core->role(), Role::leader) << "it refuses nothing";
  for (const PeerProgress& progress : hand.core->progress()) {
    EXPECT_EQ(progress.match == hand.core->log().last().index, progress.peer != NodeId{4}) << "who is level";
  }
  hand.from(4, 1, AppendResponse{AppendOutcome::accepted, *hand.core->log().at(Index{2})});
  EXPECT_EQ(sent_to_4(hand.settle()), 3) << "all the rest";
}

}  // namespace
}  // namespace testamur::consensus
