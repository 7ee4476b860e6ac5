#include "batch_part.h"

#include <algorithm>

namespace testamur::tool {
namespace {

std::vector<Hash> commitments_of(std::span<const BatchDocument> documents, bool listed) {
  std::vector<Hash> out;
  out.reserve(documents.size());
  for (const BatchDocument& document : documents) out.push_back(commitment_of(document, listed));
  return out;
}

}  // namespace

Result<BatchPart> BatchPart::read(BatchFile& file, std::uint32_t count) {
  BatchPart out(file, count);
  const std::uint32_t pages = (count - 1) / PagedTree::kPage + 1;
  BatchFile::Place next = file.place();
  for (std::uint32_t page = 0; page < pages; ++page) {
    out.pages_.push_back(next);
    if (auto loaded = out.load(page); !loaded) return loaded.error();
    out.tree_.append(out.held_tree());
    out.has_erased_ |= std::any_of(out.held_.begin(), out.held_.end(),
                                   [](const BatchDocument& document) { return document.is_erased(); });
    next = file.place();
  }
  out.root_ = out.tree_.root();
  return out;
}

Result<void> BatchPart::load(std::uint32_t page) {
  if (page_ == page) return {};
  page_.reset();
  held_.clear();
  held_tree_.reset();
  if (auto gone = file_->go_to(pages_[page]); !gone) return gone;
  const std::uint32_t size = std::min(count_ - page * PagedTree::kPage, PagedTree::kPage);
  for (std::uint32_t i = 0; i < size; ++i) {
    auto document = file_->next();
    if (!document) return document.error();
    held_.push_back(std::move(*document));
  }
  page_ = page;
  return {};
}

const BatchTree& BatchPart::held_tree() {
  if (!held_tree_) held_tree_.emplace(commitments_of(held_, file_->head().listed));
  return *held_tree_;
}

Result<const BatchDocument*> BatchPart::document(std::uint32_t index) {
  if (auto loaded = load(index / PagedTree::kPage); !loaded) return loaded.error();
  return &held_[index % PagedTree::kPage];
}

Result<merkle::Path> BatchPart::path(std::uint32_t index) {
  if (auto loaded = load(index / PagedTree::kPage); !loaded) return loaded.error();
  return tree_.path(index, held_tree());
}

Result<std::vector<Hash>> BatchPart::commitments() {
  std::vector<Hash> out;
  out.reserve(count_);
  for (std::uint32_t page = 0; page < pages_.size(); ++page) {
    if (auto loaded = load(page); !loaded) return loaded.error();
    const auto of_page = commitments_of(held_, file_->head().listed);
    out.insert(out.end(), of_page.begin(), of_page.end());
  }
  return out;
}

}  // namespace testamur::tool
