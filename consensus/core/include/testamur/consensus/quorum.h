// How many it takes. One quorum size, the configuration's threshold, serves elections, commits and check-quorum alike; it is a
// Byzantine quorum of the voters, so that double votes cannot elect two honest leaders of one term. While a configuration is
// joint, it takes both sides.
#pragma once

#include <map>
#include <optional>

#include "testamur/consensus/configuration.h"

namespace testamur::consensus {

/// The largest index that `threshold` of the voters have reached, of both sides while joint; nothing where fewer have reached
/// any.
std::optional<Index> quorum_index(const Configuration& configuration, const std::map<NodeId, Index>& reached);

enum class VoteResult { pending, won, lost };
/// What the votes so far come to: won when `threshold` are granted, lost when so many are refused that it cannot be reached;
/// while joint, won when both sides are, lost when one is.
VoteResult count_votes(const Configuration& configuration, const std::map<NodeId, bool>& votes);

/// Whether these nodes are a quorum.
bool is_quorum(const Configuration& configuration, const std::set<NodeId>& nodes);

}  // namespace testamur::consensus
