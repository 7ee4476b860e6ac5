#include "testamur/consensus/quorum.h"

#include <algorithm>
#include <functional>

namespace testamur::consensus {
namespace {

std::optional<Index> index_of(const Voters& voters, const std::map<NodeId, Index>& reached) {
  std::vector<Index> indexes;
  for (const auto& [node, index] : reached) {
    if (voters.nodes.contains(node) && index.value > 0) indexes.push_back(index);
  }
  if (voters.threshold == 0 || indexes.size() < voters.threshold) return std::nullopt;
  std::sort(indexes.begin(), indexes.end(), std::greater<>());
  return indexes[voters.threshold - 1];
}

VoteResult votes_of(const Voters& voters, const std::map<NodeId, bool>& votes) {
  std::size_t granted = 0;
  std::size_t refused = 0;
  for (const auto& [node, vote] : votes) {
    if (!voters.nodes.contains(node)) continue;
    (vote ? granted : refused) += 1;
  }
  if (granted >= voters.threshold) return VoteResult::won;
  return voters.nodes.size() - refused < voters.threshold ? VoteResult::lost : VoteResult::pending;
}

}  // namespace

std::optional<Index> quorum_index(const Configuration& configuration, const std::map<NodeId, Index>& reached) {
  const auto incoming = index_of(configuration.voters, reached);
  if (!configuration.is_joint()) return incoming;
  const auto outgoing = index_of(configuration.outgoing, reached);
  if (!incoming || !outgoing) return std::nullopt;
  return std::min(*incoming, *outgoing);
}

VoteResult count_votes(const Configuration& configuration, const std::map<NodeId, bool>& votes) {
  const VoteResult incoming = votes_of(configuration.voters, votes);
  if (!configuration.is_joint()) return incoming;
  const VoteResult outgoing = votes_of(configuration.outgoing, votes);
  if (incoming == VoteResult::lost || outgoing == VoteResult::lost) return VoteResult::lost;
  return incoming == VoteResult::won && outgoing == VoteResult::won ? VoteResult::won : VoteResult::pending;
}

bool is_quorum(const Configuration& configuration, const std::set<NodeId>& nodes) {
  std::map<NodeId, bool> votes;
  for (const NodeId node : nodes) votes.emplace(node, true);
  return count_votes(configuration, votes) == VoteResult::won;
}

}  // namespace testamur::consensus
