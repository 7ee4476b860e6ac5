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

void PagedTree::append(const BatchTree& page) {
  size_ += page.size();
  if (page.size() < kPage) {
    last_ = page;
    return;
  }
  Hash hash = page.root();
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    levels_[level].push_back(hash);
    const std::vector<Hash>& here = levels_[level];
    if (here.size() % 2 != 0) return;
    hash = merkle::node_hash(here[here.size() - 2], here.back());
  }
}

merkle::NodeReader PagedTree::reader(const BatchTree* page, std::uint64_t page_index) const {
  return [this, page, page_index](unsigned level, std::uint64_t index) {
    if (level >= kPageLevel) return levels_[level - kPageLevel][index];
    // Below the pages a path goes through its own, and through the one at the edge that is not whole.
    const unsigned in_page = kPageLevel - level;
    const std::uint64_t of = index >> in_page;
    const BatchTree& tree = page != nullptr && of == page_index ? *page : *last_;
    return tree.node(level, index - (of << in_page));
  };
}

}  // namespace testamur::tool
