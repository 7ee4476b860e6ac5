// Goal: one quorum size for everything, and nobody counts who is no voter.
#include "testamur/consensus/quorum.h"

#include <gtest/gtest.h>

namespace testamur::consensus {
namespace {

Configuration of(std::size_t voters, std::size_t threshold) {
  Configuration configuration;
  for (std::size_t i = 1; i <= voters; ++i) configuration.voters.nodes.insert(NodeId{i});
  configuration.voters.threshold = threshold;
  return configuration;
}

std::map<NodeId, Index> reached(std::initializer_list<std::uint64_t> indexes) {
  std::map<NodeId, Index> out;
  for (const std::uint64_t index : indexes) out.emplace(NodeId{out.size() + 1}, Index{index});
  return out;
}

TEST(Quorum, IndexIsTheThresholdThLargest) {
  EXPECT_EQ(quorum_index(of(4, 3), reached({5, 9, 7, 6})), Index{6});
  EXPECT_EQ(quorum_index(of(4, 3), reached({5, 9, 7})), Index{5});
  EXPECT_EQ(quorum_index(of(4, 3), reached({5, 9})), std::nullopt);
  EXPECT_EQ(quorum_index(of(4, 3), reached({5, 9, 0, 0})), std::nullopt) << "0 is nothing reached";
  EXPECT_EQ(quorum_index(of(1, 1), reached({8})), Index{8});
  EXPECT_EQ(quorum_index(of(4, 0), reached({5})), std::nullopt);
}

TEST(Quorum, StrangersAndLearnersDoNotCount) {
  auto indexes = reached({5, 9});
  indexes[NodeId{77}] = Index{9};
  EXPECT_EQ(quorum_index(of(4, 3), indexes), std::nullopt);
  EXPECT_EQ(count_votes(of(4, 3), {{NodeId{1}, true}, {NodeId{2}, true}, {NodeId{77}, true}}), VoteResult::pending);
}

TEST(Quorum, Votes) {
  const auto votes = [](std::initializer_list<bool> given) {
    std::map<NodeId, bool> out;
    for (const bool vote : given) out.emplace(NodeId{out.size() + 1}, vote);
    return out;
  };
  EXPECT_EQ(count_votes(of(4, 3), votes({})), VoteResult::pending);
  EXPECT_EQ(count_votes(of(4, 3), votes({true, true})), VoteResult::pending);
  EXPECT_EQ(count_votes(of(4, 3), votes({true, true, true})), VoteResult::won);
  EXPECT_EQ(count_votes(of(4, 3), votes({true, false})), VoteResult::pending);
  EXPECT_EQ(count_votes(of(4, 3), votes({true, false, false})), VoteResult::lost) << "three cannot be reached any more";
  EXPECT_EQ(count_votes(of(1, 1), votes({true})), VoteResult::won);
}

TEST(Quorum, WhoDecidesCanCertify) {
  const QuorumSize of_seven = certifying_quorum(5);
  EXPECT_EQ(of_seven(7), 5u);
  EXPECT_EQ(of_seven(6), 5u) << "a Byzantine quorum is 4";
  EXPECT_EQ(of_seven(5), 5u);
  EXPECT_EQ(of_seven(4), 4u) << "no more than there are";
  EXPECT_EQ(of_seven(8), byzantine_quorum(8));
  EXPECT_EQ(certifying_quorum(7)(7), 7u) << "more than a Byzantine quorum, where the consortium wants it so";
}

}  // namespace
}  // namespace testamur::consensus
