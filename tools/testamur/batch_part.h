// The part of a batch that one statement issues, read from disk a page of documents at a time.
//
// Of the tree, what lies above the pages stays in memory: two hashes a page of 1024 documents. What lies below is made again from a
// page's commitments when a path needs it.
#pragma once

#include "batch_file.h"
#include "batch_tree.h"

namespace testamur::tool {

class BatchPart {
 public:
  /// The next `count` documents of the file, one or more; the file then stands behind them. It outlives the part.
  static Result<BatchPart> read(BatchFile& file, std::uint32_t count);

  std::uint32_t size() const { return count_; }
  const Hash& root() const { return root_; }
  bool has_erased() const { return has_erased_; }

  /// Of `index` < size, which had best rise from call to call. The document stays until the next call.
  Result<const BatchDocument*> document(std::uint32_t index);
  Result<merkle::Path> path(std::uint32_t index);
  /// Of all documents, in order.
  Result<std::vector<Hash>> commitments();

 private:
  explicit BatchPart(BatchFile& file, std::uint32_t count) : file_(&file), count_(count) {}
  Result<void> load(std::uint32_t page);
  const BatchTree& held_tree();

  BatchFile* file_;
  std::uint32_t count_;
  bool has_erased_ = false;
  std::vector<BatchFile::Place> pages_;
  PagedTree tree_;
  Hash root_{};
  std::optional<std::uint32_t> page_;  ///< the one held
  std::vector<BatchDocument> held_;
  std::optional<BatchTree> held_tree_;  ///< where it was needed
};

}  // namespace testamur::tool
