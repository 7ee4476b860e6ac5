// The tree over one batch: whole in memory, or but what lies above pages of commitments that are kept elsewhere.
#pragma once

#include "testamur/ledger/merkle.h"

namespace testamur::tool {

/// With all its levels in memory: two hashes an entry, so that every path is a look-up.
class BatchTree {
 public:
  /// From one or more commitments, in order.
  explicit BatchTree(std::span<const Hash> commitments);

  std::uint64_t size() const { return levels_.front().size(); }
  Hash root() const { return merkle::root(reader(), size()); }
  /// Of commitment `index` < size.
  merkle::Path path(std::uint64_t index) const { return merkle::inclusion_path(reader(), index, size()); }
  /// As merkle::NodeReader's.
  const Hash& node(unsigned level, std::uint64_t index) const { return levels_[level][index]; }

 private:
  merkle::NodeReader reader() const {
    return [this](unsigned level, std::uint64_t index) { return node(level, index); };
  }

  std::vector<std::vector<Hash>> levels_;  ///< complete subtrees only, from the leaves up
};

/// Two hashes a page. Each page is a tree by itself, given again for the paths within it.
class PagedTree {
 public:
  static constexpr unsigned kPageLevel = 10;
  static constexpr std::uint32_t kPage = 1u << kPageLevel;  ///< commitments; the last page may have fewer

  void append(const BatchTree& page);
  std::uint64_t size() const { return size_; }
  Hash root() const { return merkle::root(reader(nullptr, 0), size_); }
  /// Of commitment `index` < size, which `page` holds.
  merkle::Path path(std::uint64_t index, const BatchTree& page) const {
    return merkle::inclusion_path(reader(&page, index / kPage), index, size_);
  }

 private:
  merkle::NodeReader reader(const BatchTree* page, std::uint64_t page_index) const;

  std::uint64_t size_ = 0;
  std::vector<std::vector<Hash>> levels_;  ///< complete subtrees of whole pages
  std::optional<BatchTree> last_;          ///< the page that is not whole
};

}  // namespace testamur::tool
