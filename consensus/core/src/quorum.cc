#include "testamur/consensus/quorum.h"

#include <algorithm>
#include <functional>

namespace testamur::consensus {

std::optional<Index> quorum_index(const Configuration& configuration, const std::map<NodeId, Index>& reached) {
  std::vector<Index> indexes;
  for (const auto& [node, index] : reached) {
    if (configuration.is_voter(node) && index.value > 0) indexes.push_back(index);
  }
  if (configuration.threshold == 0 || indexes.size() < configuration.threshold) return std::nullopt;
  std::sort(indexes.begin(), indexes.end(), std::greater<>());
  return indexes[configuration.threshold - 1];
}

VoteResult count_votes(const Configuration& configuration, const std::map<NodeId, bool>& votes) {
  std::size_t granted = 0;
  std::size_t refused = 0;
  for (const auto& [node, vote] : votes) {
    if (!configuration.is_voter(node)) continue;
    (vote ? granted : refused) += 1;
  }
  if (granted >= configuration.threshold) return VoteResult::won;
  return configuration.voters.size() - refused < configuration.threshold ? VoteResult::lost : VoteResult::pending;
}

}  // namespace testamur::consensus
