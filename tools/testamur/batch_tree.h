// The tree of one batch with all its levels in memory: two hashes an entry, so that every path is a look-up.
#pragma once

#include "testamur/ledger/merkle.h"

namespace testamur::tool {

class BatchTree {
 public:
  /// From one or more commitments, in order.
  explicit BatchTree(std::span<const Hash> commitments);

  std::uint64_t size() const { return levels_.front().size(); }
  Hash root() const { return merkle::root(reader(), size()); }
  /// Of commitment `index` < size.
  merkle::Path path(std::uint64_t index) const { return merkle::inclusion_path(reader(), index, size()); }

 private:
  merkle::NodeReader reader() const {
    return [this](unsigned level, std::uint64_t index) { return levels_[level][index]; };
  }

  std::vector<std::vector<Hash>> levels_;  ///< complete subtrees only, from the leaves up
};

}  // namespace testamur::tool
