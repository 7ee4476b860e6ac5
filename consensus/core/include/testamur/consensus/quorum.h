// Who decides, and how many it takes. One quorum size, `threshold`, serves elections, commits and check-quorum alike; it is a
// Byzantine quorum of the voters, so that double votes cannot elect two honest leaders of one term.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "testamur/consensus/types.h"

namespace testamur::consensus {

struct Configuration {
  std::set<NodeId> voters;
  std::set<NodeId> learners;
  std::size_t threshold = 0;

  bool is_voter(NodeId node) const { return voters.contains(node); }
  bool is_member(NodeId node) const { return voters.contains(node) || learners.contains(node); }
};

/// The largest index that `threshold` of the voters have reached; nothing where fewer have reached any.
std::optional<Index> quorum_index(const Configuration& configuration, const std::map<NodeId, Index>& reached);

enum class VoteResult { pending, won, lost };
/// What the votes so far come to: won when `threshold` are granted, lost when so many are refused that it cannot be reached.
VoteResult count_votes(const Configuration& configuration, const std::map<NodeId, bool>& votes);

}  // namespace testamur::consensus
