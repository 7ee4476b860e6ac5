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

}  // namespace
}  // namespace testamur::consensus
