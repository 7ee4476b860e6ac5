#include "batch_tree.h"

namespace testamur::tool {

BatchTree::BatchTree(std::span<const Hash> commitments) {
  std::vector<Hash> level;
  level.reserve(commitments.size());
  for (const Hash& commitment : commitments) level.push_back(merkle::leaf_hash(commitment));
  levels_.push_back(std::move(level));
  while (levels_.back().size() > 1) {
    const std::vector<Hash>& below = levels_.back();
    std::vector<Hash> above;
    above.reserve(below.size() / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) above.push_back(merkle::node_hash(below[i], below[i + 1]));
    levels_.push_back(std::move(above));
  }
}

}  // namespace testamur::tool
