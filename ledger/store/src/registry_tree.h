// The registry: a tree of records that change in place and grow at the right, kept by version in tiles of 16 hashes.
#pragma once

#include <map>

#include "append_tree.h"
#include "keys.h"

namespace testamur::store {

class RegistryTree {
 public:
  /// The tree as of block `version`, when it had `size` records.
  RegistryTree(const storage::View& view, Height version, std::uint32_t size)
      : view_(view), version_(version), size_(size) {}

  Hash root();
  merkle::Path inclusion_path(RecordIndex index);

  /// Sets leaf hashes, the new ones at the end, as of block `version`; the tree then is the new one.
  void update(const std::map<RecordIndex, Hash>& leaves, Height version, BlockWrites& writes);

 private:
  using Hashes = std::map<std::uint64_t, Hash>;

  std::vector<Hash>& tile(unsigned band, std::uint64_t index);
  Hash node(unsigned level, std::uint64_t index);
  Hashes set_band(unsigned band, const Hashes& changed, Height version, BlockWrites& writes);

  const storage::View& view_;
  Height version_;
  std::uint32_t size_;
  std::map<std::pair<unsigned, std::uint64_t>, std::vector<Hash>> tiles_;
};

}  // namespace testamur::store
